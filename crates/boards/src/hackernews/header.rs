//! The header line: `Company | Role(s) | Location | REMOTE/ONSITE | salary | url`, in any order and with gaps.

use super::segment::{clean_segment, is_small, split_places, strip_side_words, without_scope};
use super::words::{
    COMPANY_IN_TEXT, EMPLOYMENT, LEGAL_FORM, LINK, MONEY, NAMED_ROLE, PLACE, Pattern, ROLE_FIELD, ROLE_IN_TEXT,
    ROLE_NOUN, SEVERAL, VISA, WORKPLACE,
};
use crate::html_select::fold_space;

/// What a header says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Header {
    /// The employer.
    pub company: Option<String>,
    /// Roles, each with the places that follow it directly (empty: the header's places).
    pub roles: Vec<(String, Vec<String>)>,
    /// Places.
    pub places: Vec<String>,
    /// Segments about where the work is done.
    pub workplace: Vec<String>,
    /// Segments about pay that hold an amount.
    pub pay: Option<String>,
    /// Segments about the kind of employment.
    pub employment: Vec<String>,
}

/// What one segment is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Link,
    Workplace,
    Employment,
    Visa,
    Money,
    Role,
    Place,
    /// Fields or technologies, "multiple positions": a role if nothing better comes.
    VagueRole,
    Other,
}

/// Longest segment that is still a segment and not the beginning of the text.
const LONGEST_SEGMENT: usize = 160;

/// Finds the header among the first lines and reads it. `None` when the text has none.
pub(super) fn read(lines: &[String]) -> Option<Header> {
    let line = lines.iter().take(4).find(|line| separator_count(line) >= 2);
    let line = line.or_else(|| lines.first().filter(|line| separator_count(line) >= 1 && line.len() <= 300))?;
    Some(read_line(line))
}

fn separator_count(line: &str) -> usize {
    let pipes = line.matches(['|', '¦', '•', '｜']).count();
    if pipes > 0 { pipes } else { dashes(line).len().saturating_sub(1) }
}

fn dashes(line: &str) -> Vec<&str> {
    if line.len() > 250 {
        return vec![line];
    }
    let mut parts = vec![line];
    for separator in [" - ", " – ", " — ", " -- ", " // ", " · ", "\t"] {
        parts = parts.into_iter().flat_map(|part| part.split(separator)).collect();
    }
    parts
}

fn segments(line: &str) -> Vec<String> {
    let parts: Vec<&str> = if line.contains(['|', '¦', '•', '｜']) {
        line.split(['|', '¦', '•', '｜']).collect()
    } else {
        dashes(line)
    };
    parts.into_iter().map(fold_space).filter(|part| part.chars().any(char::is_alphanumeric)).take(20).collect()
}

fn read_line(line: &str) -> Header {
    let segments = segments(line);
    let kinds: Vec<Kind> = segments.iter().enumerate().map(|(at, segment)| kind_of(segment, at == 0)).collect();
    let mut header = Header::default();
    let company_at = company_position(&segments, &kinds);
    header.company = company_at.and_then(|at| segments.get(at)).and_then(|segment| company_name(segment));

    let mut vague: Option<String> = None;
    let mut last_role_open = false;
    for (at, (segment, kind)) in segments.iter().zip(&kinds).enumerate() {
        if Some(at) == company_at {
            // "Acme -- Berlin", "Acme (Berlin, Germany)".
            header.places.extend(places_beside_company(segment));
            continue;
        }
        note_side_words(segment, &mut header);
        match kind {
            Kind::Role => {
                let (role, place) = role_and_place(segment);
                header.roles.push((role, place.into_iter().collect()));
                last_role_open = true;
                continue;
            }
            Kind::Place => {
                let places = split_places(segment);
                if last_role_open && let Some((_, own)) = header.roles.last_mut() {
                    own.extend(places.clone());
                }
                header.places.extend(places);
            }
            Kind::VagueRole => vague = vague.or_else(|| Some(segment.clone())),
            Kind::Workplace => {
                // What stands in brackets behind "remote" is its scope, not a place of work.
                let rest = clean_segment(&WORKPLACE.remove(&without_scope(segment)));
                if PLACE.matches(&rest) && !ROLE_NOUN.matches(&rest) {
                    header.places.extend(split_places(&rest));
                } else if ROLE_NOUN.matches(&rest) && rest.len() <= 120 {
                    header.roles.push((rest, Vec::new()));
                }
            }
            // After the company, an unknown segment is more often a place than a role.
            Kind::Other
                if vague.is_none()
                    && segment.len() <= 80
                    && company_at.is_some_and(|company| company < at)
                    && header.places.is_empty()
                    && looks_like_name(segment) =>
            {
                header.places.extend(split_places(segment));
            }
            _ => {}
        }
        last_role_open = false;
    }
    // Places belong to single roles only when every role has its own.
    if header.roles.len() < 2 || header.roles.iter().any(|(_, own)| own.is_empty()) {
        header.roles.iter_mut().for_each(|(_, own)| own.clear());
    }
    header.roles = header
        .roles
        .into_iter()
        .flat_map(|(role, own)| split_roles(&role).into_iter().map(move |r| (r, own.clone())))
        .collect();
    if header.roles.is_empty() {
        header.roles.extend(vague.map(|role| (trim_role(&role), Vec::new())).filter(|(role, _)| role.len() >= 2));
    }
    header.places.dedup();
    header
}

fn kind_of(segment: &str, first: bool) -> Kind {
    let without_links = LINK.remove(segment);
    let bare = clean_segment(&without_links);
    let has_link = without_links != segment;
    if bare.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
        return Kind::Link;
    }
    if segment.len() > LONGEST_SEGMENT && !first {
        // A role may come before the text that follows it without a break.
        return if has_link { Kind::Link } else { Kind::Other };
    }
    let is_role = ROLE_NOUN.matches(&bare) && !is_only(&super::words::INTERN, &bare);
    let rest = clean_segment(&strip_side_words(&bare));
    if is_role && !is_small(&rest) {
        return Kind::Role;
    }
    if is_small(&rest) {
        if WORKPLACE.matches(&bare) {
            return Kind::Workplace;
        }
        if EMPLOYMENT.matches(&bare) {
            return Kind::Employment;
        }
        if VISA.matches(&bare) {
            return Kind::Visa;
        }
        if MONEY.matches(&bare) {
            return Kind::Money;
        }
    }
    if MONEY.matches(&bare) && !PLACE.matches(&rest) {
        return Kind::Money;
    }
    if WORKPLACE.matches(&bare) {
        return Kind::Workplace;
    }
    if PLACE.matches(&bare) {
        return Kind::Place;
    }
    if SEVERAL.matches(&bare) || ROLE_FIELD.matches(&bare) {
        return Kind::VagueRole;
    }
    if EMPLOYMENT.matches(&bare) {
        return Kind::Employment;
    }
    if VISA.matches(&bare) {
        return Kind::Visa;
    }
    Kind::Other
}

fn is_only(pattern: &Pattern, text: &str) -> bool {
    pattern.matches(text) && is_small(&clean_segment(&strip_side_words(&pattern.remove(text))))
}

/// Which segment names the company: the first that is about nothing else.
fn company_position(segments: &[String], kinds: &[Kind]) -> Option<usize> {
    let legal = |at: usize| segments.get(at).is_some_and(|segment| LEGAL_FORM.matches(segment));
    let first = *kinds.first()?;
    // By convention the first segment, unless it is plainly something else and a later one can be it.
    let plainly_else =
        matches!(first, Kind::Role | Kind::Place | Kind::Workplace | Kind::Employment | Kind::Money | Kind::Visa);
    if !plainly_else || legal(0) {
        return Some(0);
    }
    let later = kinds.iter().enumerate().skip(1).take(4);
    let candidate = later
        .clone()
        .find(|(at, kind)| **kind == Kind::Other || (legal(*at) && !matches!(kind, Kind::Role | Kind::Link)))
        .or_else(|| later.clone().find(|(at, kind)| **kind == Kind::Link && has_name_beside_link(segments.get(*at))));
    match candidate {
        // "Acme Design | Software Engineer | Berlin": a first segment with a role word is still the company when a
        // role follows and nothing else could be the company.
        None if first == Kind::Role && kinds.iter().skip(1).any(|kind| *kind == Kind::Role) => Some(0),
        None if first == Kind::Place && kinds.iter().skip(1).any(|kind| *kind == Kind::Place) => Some(0),
        other => other.map(|(at, _)| at),
    }
}

fn has_name_beside_link(segment: Option<&String>) -> bool {
    segment.is_some_and(|segment| LINK.remove(segment).chars().filter(|c| c.is_alphabetic()).count() >= 2)
}

/// `Acme Inc. (YC W12) (https://acme.example)` is Acme Inc.; a bare address is its site's name.
fn company_name(segment: &str) -> Option<String> {
    let mut name = LINK.remove(segment);
    while let (Some(open), Some(close)) = (name.find('('), name.rfind(')')) {
        if open == 0 || close < open {
            break;
        }
        name.replace_range(open..=close, " ");
    }
    for separator in [" -- ", " – ", " — ", " - ", ": "] {
        if let Some((head, _)) = name.split_once(separator).filter(|(head, _)| head.trim().len() >= 2) {
            name = head.to_owned();
        }
    }
    let lower = name.to_lowercase();
    for prefix in ["hiring:", "company:", "company name:", "we are ", "about "] {
        if lower.trim_start().starts_with(prefix) {
            name = name.trim_start().chars().skip(prefix.chars().count()).collect();
            break;
        }
    }
    let name = clean_segment(&name);
    if name.chars().filter(|c| c.is_alphanumeric()).count() >= 2 || name.len() == 1 {
        return (name.chars().count() <= 80).then_some(name);
    }
    // Only an address: its site.
    let link = LINK.find(segment)?.as_str();
    let host = link.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
    let host = host.split(['/', '?']).next()?.rsplit('@').next()?;
    Some(host.to_owned()).filter(|host| host.contains('.'))
}

fn places_beside_company(segment: &str) -> Vec<String> {
    let inside = segment.find('(').and_then(|open| {
        let close = segment.get(open..)?.find(')')?;
        segment.get(open + 1..open + close)
    });
    let after =
        [" -- ", " – ", " — ", " - "].iter().find_map(|separator| segment.split_once(separator)).map(|(_, rest)| rest);
    let text = inside.into_iter().chain(after).map(|text| LINK.remove(text)).find(|text| PLACE.matches(text));
    text.map(|text| split_places(&clean_segment(&WORKPLACE.remove(&text)))).unwrap_or_default()
}

fn note_side_words(segment: &str, header: &mut Header) {
    if segment.len() > LONGEST_SEGMENT {
        return;
    }
    if WORKPLACE.matches(segment) {
        header.workplace.push(segment.to_owned());
    }
    if super::words::AMOUNT.matches(segment) && header.pay.is_none() {
        header.pay = Some(clean_segment(&LINK.remove(segment)));
    }
    let mut rest = segment;
    while let Some(found) = EMPLOYMENT.find(rest) {
        header.employment.push(found.as_str().to_owned());
        rest = rest.get(found.end()..).unwrap_or("");
    }
}

/// `Senior Engineer in Berlin`, `Engineer (Berlin)`: the role without its place.
fn role_and_place(segment: &str) -> (String, Option<String>) {
    let role = trim_role(segment);
    if let Some((head, tail)) = role.rsplit_once(" in ")
        && PLACE.matches(tail)
        && ROLE_NOUN.matches(head)
        && tail.len() <= 40
    {
        return (head.trim().to_owned(), Some(tail.trim().to_owned()));
    }
    (role, None)
}

/// A role without addresses, side words in brackets, and marks around it.
pub(super) fn trim_role(segment: &str) -> String {
    let mut role = LINK.remove(segment);
    if let (Some(open), Some(close)) = (role.rfind('('), role.rfind(')'))
        && open < close
    {
        let inside = role.get(open + 1..close).unwrap_or("");
        if WORKPLACE.matches(inside) || EMPLOYMENT.matches(inside) || VISA.matches(inside) || inside.trim().is_empty() {
            role.replace_range(open..=close, " ");
        }
    }
    let lower = role.to_lowercase();
    for prefix in [
        "we're hiring",
        "we are hiring",
        "now hiring",
        "hiring:",
        "hiring",
        "looking for a",
        "looking for",
        "seeking",
        "role:",
        "roles:",
        "position:",
        "title:",
    ] {
        if lower.trim_start().starts_with(prefix) {
            role = role.trim_start().chars().skip(prefix.chars().count()).collect();
            break;
        }
    }
    clean_segment(&role)
}

/// Several roles in one segment, when every part is a role by itself; otherwise the segment as it is.
pub(super) fn split_roles(segment: &str) -> Vec<String> {
    let mut parts = vec![segment];
    for separator in [", and ", ",", ";", " & ", " + ", " and ", " or ", "&amp;"] {
        parts = parts.into_iter().flat_map(|part| part.split(separator)).collect();
    }
    let parts: Vec<String> =
        parts.into_iter().map(trim_role).filter(|part| !part.is_empty() && !is_and_more(part)).collect();
    let all_roles =
        parts.len() > 1 && parts.len() <= 12 && parts.iter().all(|part| ROLE_NOUN.matches(part) && part.len() >= 3);
    // "Lead and Senior Engineer" is one role with two levels.
    let level_only = |part: &String| {
        part.split_whitespace().all(|word| {
            matches!(
                word.to_lowercase().trim_matches('.'),
                "lead" | "leads" | "senior" | "sr" | "junior" | "principal" | "staff" | "intern" | "interns"
            )
        })
    };
    if all_roles && !parts.iter().any(level_only) { parts } else { vec![trim_role(segment)] }
}

/// "… and more!", "etc."
fn is_and_more(part: &str) -> bool {
    let word = part.to_lowercase();
    matches!(word.trim_matches(['!', '.', ' ', '…']), "more" | "and more" | "many more" | "others" | "other" | "etc")
}

/// One to four capitalised words.
fn looks_like_name(segment: &str) -> bool {
    let words: Vec<&str> = segment.split_whitespace().collect();
    (1..=4).contains(&words.len()) && words.iter().all(|word| word.starts_with(|c: char| c.is_uppercase()))
}

/// A company that the running text names.
pub(super) fn company_in_text(text: &str) -> Option<String> {
    let name = COMPANY_IN_TEXT.group(text, 1)?.trim();
    const NOT_NAMES: [&str; 34] = [
        "we",
        "our",
        "you",
        "your",
        "this",
        "that",
        "it",
        "i",
        "there",
        "the",
        "they",
        "he",
        "she",
        "as",
        "if",
        "when",
        "what",
        "who",
        "here",
        "in",
        "the company",
        "our team",
        "our company",
        "the team",
        "the role",
        "the position",
        "everyone",
        "work",
        "compensation",
        "salary",
        "location",
        "these",
        "applicants",
        "candidates",
    ];
    let lower = name.to_lowercase();
    (!NOT_NAMES.contains(&lower.as_str()) && !ROLE_NOUN.matches(name) && name.len() >= 2).then(|| name.to_owned())
}

/// Any role that the running text names with capitals ("… our Backend Engineers …").
pub(super) fn role_named_in_text(text: &str) -> Option<String> {
    let role = clean_segment(NAMED_ROLE.find(text)?.as_str());
    (role.len() >= 4).then_some(role)
}

/// A role that the running text asks for.
pub(super) fn role_in_text(text: &str) -> Option<String> {
    let role = ROLE_IN_TEXT.group(text, 1)?;
    let role = clean_segment(role);
    let mut words: Vec<&str> = role.split_whitespace().collect();
    while words.len() > 1
        && words.first().is_some_and(|word| {
            matches!(
                word.to_lowercase().as_str(),
                "a" | "an" | "and" | "the" | "for" | "to" | "our" | "of" | "with" | "who" | "more" | "in"
            )
        })
    {
        words.remove(0);
    }
    let role = words.join(" ");
    (role.len() >= 2).then_some(role)
}
