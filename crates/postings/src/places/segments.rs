//! Splitting a place text into the places it names.

use super::{countries, lookup_key, regions};
use crate::text::single_line;

/// Words that join two places.
const CONJUNCTIONS: [&str; 6] = [" or ", " and ", " & ", " oder ", " und ", " ou "];

/// Parts between separators that stand between places, trimmed, without empty ones.
pub(super) fn segments(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> =
        text.split([';', '|', '•', '·', '/', '+', '\n']).map(single_line).filter(|piece| !piece.is_empty()).collect();
    for conjunction in CONJUNCTIONS {
        pieces = pieces.into_iter().flat_map(|piece| split_words(&piece, conjunction)).collect();
    }
    pieces
}

/// Splits at a conjunction, whatever its case, unless the whole is a name ("Bosnia and Herzegovina").
fn split_words(piece: &str, conjunction: &str) -> Vec<String> {
    let lower = piece.to_ascii_lowercase();
    let Some(at) = lower.find(conjunction) else { return vec![piece.to_owned()] };
    let has_name = piece.split([',', '(']).any(|part| {
        part.to_ascii_lowercase().contains(conjunction) && {
            let key = lookup_key(part);
            countries::by_name(&key).is_some() || regions::by_name(&key).is_some()
        }
    });
    if has_name {
        return vec![piece.to_owned()];
    }
    let (left, right) = (piece.get(..at).unwrap_or(""), piece.get(at + conjunction.len()..).unwrap_or(""));
    let mut parts = Vec::new();
    if !left.trim().is_empty() {
        parts.push(left.trim().to_owned());
    }
    if !right.trim().is_empty() {
        parts.extend(split_words(right.trim(), conjunction));
    }
    parts
}

/// Whether the segment is the name of a country and nothing else.
pub(super) fn is_country(segment: &str) -> bool {
    let key = lookup_key(segment);
    countries::by_name(&key).is_some() && regions::by_name(&key).is_none()
}

/// Parts of one segment in order: between commas, brackets, dashes with spaces and colons; the short form
/// `US-CA-San Jose` at its dashes.
pub(super) fn parts(segment: &str) -> (Vec<String>, bool) {
    if let Some(coded) = coded_parts(segment) {
        return (coded, true);
    }
    let mut parts = Vec::new();
    for piece in segment.split([',', '(', ')', '[', ']', ':', '–', '—', '>']) {
        for part in piece.split(" - ") {
            let part = part.trim().trim_matches(['-', '.', '"', '*']).trim();
            push_with_codes(&mut parts, part);
        }
    }
    (parts, false)
}

/// `DE-Berlin`, `US-CA-San Jose`, `USA-Remote`: a country code, then dashes without spaces.
fn coded_parts(segment: &str) -> Option<Vec<String>> {
    let (code, rest) = segment.split_once('-')?;
    let is_code = matches!(code.len(), 2 | 3) && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_code || rest.starts_with(' ') || rest.is_empty() {
        return None;
    }
    countries::by_code(code).or_else(|| countries::by_name(&lookup_key(code)))?;
    let mut parts = vec![code.to_owned()];
    match rest.split_once('-') {
        Some((region, city)) if region.len() <= 3 && !city.is_empty() => {
            parts.push(region.to_owned());
            parts.extend(self::parts(city).0);
        }
        _ => parts.extend(self::parts(rest).0),
    }
    Some(parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect())
}

/// Adds a part; codes that stand in it without a comma become parts of their own: "Boston MA", "Austin USA", and "GA
/// Chicago" out of "Atlanta, GA Chicago, IL".
fn push_with_codes(parts: &mut Vec<String>, part: &str) {
    if part.is_empty() {
        return;
    }
    let key = lookup_key(part);
    let is_name = || {
        super::cities::by_name(&key).is_some() || countries::by_name(&key).is_some() || regions::by_name(&key).is_some()
    };
    if !part.contains(' ') || is_name() {
        parts.push(part.to_owned());
        return;
    }
    if let Some((code, rest)) = part.split_once(' ')
        && !parts.is_empty()
        && is_state_code(code)
    {
        parts.push(code.to_owned());
        push_with_codes(parts, rest.trim());
        return;
    }
    match part.rsplit_once(' ') {
        Some((name, code)) if is_state_code(code) || matches!(code, "US" | "USA" | "UK" | "U.S." | "UAE") => {
            parts.push(name.trim().trim_end_matches('.').to_owned());
            parts.push(code.to_owned());
        }
        _ => parts.push(part.to_owned()),
    }
}

/// A postal code of an American state or a Canadian province, in capitals.
fn is_state_code(text: &str) -> bool {
    text.len() == 2
        && text.bytes().all(|byte| byte.is_ascii_uppercase())
        && ["US", "CA"].iter().any(|country| regions::by_code(text, country).is_some())
}
