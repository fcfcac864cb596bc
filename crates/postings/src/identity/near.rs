//! The key of a posting when there is no address to go by: company, title and place.

use crate::Posting;
use crate::company::company_key;
use crate::places::place_key;
use crate::text::{fold, words};

/// Words in a title that do not say which role it is.
const FILLER: [&str; 16] =
    ["m", "w", "f", "d", "x", "h", "mwd", "mfd", "the", "a", "an", "of", "and", "for", "in", "gn"];

/// The title for comparison: folded, words in their order without gender marks ("(m/w/d)") and articles; common
/// abbreviations written out. Idempotent. Level, season and year words stay: they tell postings apart.
pub fn title_key(title: &str) -> String {
    let folded = fold(title);
    let mut key = String::with_capacity(folded.len());
    for word in words(&folded).map(|word| word.trim_start_matches('.')) {
        if FILLER.contains(&word) {
            continue;
        }
        if !key.is_empty() {
            key.push(' ');
        }
        key.push_str(written_out(word));
    }
    key
}

fn written_out(word: &str) -> &str {
    match word {
        "sr" => "senior",
        "jr" => "junior",
        "eng" | "engr" => "engineer",
        "dev" => "developer",
        "mgr" => "manager",
        "swe" => "software engineer",
        "internship" | "interns" => "intern",
        "vp" => "vice president",
        other => other,
    }
}

/// `company|title|place` for postings that may be the same although their addresses differ, with the first place in
/// the order of keys. `None` when company or title say nothing. It finds candidates; it is no proof: real lists hold
/// different requisitions of one company under one title and place.
pub fn near_key(posting: &Posting) -> Option<String> {
    let company = company_key(&posting.company);
    let title = title_key(&posting.title);
    if company.is_empty() || title.is_empty() {
        return None;
    }
    let place = posting.places.iter().map(place_key).min().unwrap_or_default();
    Some(format!("{company}|{title}|{place}"))
}
