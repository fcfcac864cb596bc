//! The pieces of a header: cleaning a segment and telling the places in it.

use super::words::{EMPLOYMENT, LINK, PLACE, REMOTE, VISA, WORKPLACE};
use crate::html_select::fold_space;

/// Several places in one segment.
pub(super) fn split_places(segment: &str) -> Vec<String> {
    let text = clean_segment(&without_remarks(&LINK.remove(&strip_side_words(segment))));
    let mut parts = vec![text.as_str()];
    for separator in ["/", ";", " or ", " and ", " & ", " + ", " OR ", " AND "] {
        parts = parts.into_iter().flat_map(|part| part.split(separator)).collect();
    }
    let mut places = Vec::new();
    for part in parts {
        let commas: Vec<&str> = part.split(',').map(str::trim).collect();
        // "Boston, LA, Toronto" are three places; "Austin, TX, USA" is one.
        let ends_wide = commas.last().is_some_and(|last| WIDE.contains(&last.to_lowercase().trim_matches('.')));
        let all_known = commas.len() > 2 && !ends_wide && commas.iter().all(|one| PLACE.matches(one));
        match all_known {
            true => places.extend(commas.into_iter().map(clean_segment)),
            false => places.push(clean_segment(part)),
        }
    }
    for place in &mut places {
        *place = without_joining_words(place);
    }
    places.retain(|place| {
        place.chars().filter(|c| c.is_alphabetic()).count() >= 2 && place.len() <= 100 && !is_small(place)
    });
    places
}

/// Countries and larger: a list of places that ends so is one place in parts.
const WIDE: [&str; 24] = [
    "us",
    "usa",
    "u.s.a",
    "u.s",
    "uk",
    "eu",
    "united states",
    "united kingdom",
    "england",
    "scotland",
    "ireland",
    "germany",
    "france",
    "canada",
    "netherlands",
    "the netherlands",
    "spain",
    "switzerland",
    "australia",
    "india",
    "israel",
    "poland",
    "europe",
    "sweden",
];

/// Without remarks in brackets: `London (some weeks)` is London; `(Seattle, WA)` is Seattle.
pub(super) fn without_remarks(text: &str) -> String {
    let text = text.trim();
    if let Some(inside) =
        text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).filter(|rest| !rest.contains(')'))
    {
        return inside.to_owned();
    }
    let mut kept = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('(') {
        let Some(close) = rest.get(open..).and_then(|after| after.find(')')) else { break };
        let inside = rest.get(open..=open + close).unwrap_or("");
        kept.push_str(rest.get(..open).unwrap_or(""));
        if PLACE.matches(inside) && inside.len() <= 30 {
            kept.push_str(inside);
        }
        rest = rest.get(open + close + 1..).unwrap_or("");
    }
    kept.push_str(rest);
    kept
}

/// `Paris or Remote (EU)` without the bracket behind "remote".
pub(super) fn without_scope(segment: &str) -> String {
    let Some(remote) = REMOTE.find(segment) else { return segment.to_owned() };
    let (head, tail) = segment.split_at_checked(remote.end()).unwrap_or((segment, ""));
    match tail.trim_start().strip_prefix('(').and_then(|inside| inside.split_once(')')) {
        Some((_, rest)) => format!("{head}{rest}"),
        None => segment.to_owned(),
    }
}

/// Without "in", "or", "and" at the ends.
pub(super) fn without_joining_words(text: &str) -> String {
    const JOINING: [&str; 13] =
        ["in", "or", "and", "at", "from", "fully", "either", "based", "our", "offices", "office", "downtown", "only"];
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let joins = |word: &&str| JOINING.contains(&word.to_lowercase().trim_matches([',', ':', '.']));
    while words.first().is_some_and(joins) {
        words.remove(0);
    }
    while words.last().is_some_and(joins) {
        words.pop();
    }
    clean_segment(&words.join(" "))
}

/// Without white space, commas, dashes and unpaired brackets at the ends.
pub(super) fn clean_segment(text: &str) -> String {
    let mut text = fold_space(text).replace("( )", "").replace("()", "").replace("[]", "");
    loop {
        let before = text.len();
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || ",;:-–—/*_·>&+=~#".contains(c)).to_owned();
        text = trimmed;
        let opens = text.matches('(').count();
        let closes = text.matches(')').count();
        if closes > opens && text.ends_with(')') {
            text.pop();
        }
        if opens > closes {
            if let Some(rest) = text.strip_prefix('(') {
                text = rest.to_owned();
            } else if let Some(head) = text.strip_suffix('(') {
                text = head.to_owned();
            }
        }
        if text.len() == before {
            return text;
        }
    }
}

/// The segment without words about workplace, employment, permit.
pub(super) fn strip_side_words(text: &str) -> String {
    VISA.remove(&EMPLOYMENT.remove(&WORKPLACE.remove(text)))
}

/// Whether next to nothing is left: "and", "/", "possible", "only".
pub(super) fn is_small(text: &str) -> bool {
    const FILLERS: [&str; 26] = [
        "and",
        "or",
        "ok",
        "only",
        "possible",
        "available",
        "in",
        "friendly",
        "first",
        "assistance",
        "preferred",
        "yes",
        "no",
        "welcome",
        "considered",
        "the",
        "fully",
        "position",
        "positions",
        "role",
        "roles",
        "for",
        "optional",
        "100",
        "is",
        "a",
    ];
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).all(|word| {
        let word = word.to_lowercase();
        FILLERS.contains(&word.as_str())
    })
}
