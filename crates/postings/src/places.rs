//! Places: city, region, country, several in one string.

use crate::text::{fold, truncate_characters};
use crate::{Place, RawPlace, RemoteKind};

mod builder;
mod cities;
mod countries;
mod part;
mod regions;
mod segments;

use builder::Segment;
pub use countries::{country_code, country_name};

/// Most places that one posting keeps.
pub const MAX_PLACES: usize = 50;

/// Most characters of a place text that are read; what lies behind names nothing that a person would look for.
const MAX_PLACE_CHARACTERS: usize = 2000;

/// Most characters of a scope.
const MAX_SCOPE_CHARACTERS: usize = 120;

/// What a place text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedPlaces {
    /// Places in the order named, without repetition, at most [`MAX_PLACES`].
    pub places: Vec<Place>,
    /// Where the work is done, when the text has a word for it.
    pub remote: RemoteKind,
    /// Where a remote worker may live, as written ("US", "Europe").
    pub scope: Option<String>,
}

/// Reads a place text: one or several places, words for remote and hybrid work, the scope of remote work. Words that
/// name no place ("3 Locations", "TBD") give none. A name that is in no table is taken as a city.
pub fn parse_places(text: &str) -> ParsedPlaces {
    let text = truncate_characters(text, MAX_PLACE_CHARACTERS);
    // A line break in the markup stands between two places.
    let text = if text.contains(['<', '&']) { crate::html::html_to_text(text) } else { text.to_owned() };
    let segments = segments::segments(&crate::text::repair_mojibake(&text));
    let countries_around = segments.len() > 1 && segments.iter().any(|segment| segments::is_country(segment));
    let found: Vec<Segment> = segments.iter().map(|segment| builder::read_segment(segment, countries_around)).collect();
    let mut parsed = ParsedPlaces::default();
    for place in found.iter().flat_map(|segment| &segment.places) {
        push_place(&mut parsed.places, place.clone());
    }
    parsed.remote = found.iter().fold(RemoteKind::Unknown, |kind, segment| stronger(kind, segment.remote));
    parsed.scope = scope(&found, &parsed);
    parsed
}

/// The scope of remote work: what stands beside a word for it, or every wider place when no city is named at all.
fn scope(segments: &[Segment], parsed: &ParsedPlaces) -> Option<String> {
    let names_city = |places: &[Place]| places.iter().any(|place| place.city.is_some());
    let all_wide = !names_city(&parsed.places);
    let mut words: Vec<&str> = Vec::new();
    for segment in segments {
        let wide = !names_city(&segment.places);
        let says = segment.remote == RemoteKind::Remote || segment.names_area;
        if wide && (says || (all_wide && parsed.remote == RemoteKind::Remote)) {
            words.extend(
                segment.scope_words.iter().map(String::as_str).filter(|word| !words.contains(word)).collect::<Vec<_>>(),
            );
        }
    }
    if words.is_empty() {
        return segments.iter().any(|segment| segment.worldwide).then(|| "Worldwide".to_owned());
    }
    Some(truncate_characters(&words.join(", "), MAX_SCOPE_CHARACTERS).to_owned())
}

/// Reads the places of a posting's fields; see [`parse_places`]. Typed parts win over words in the text.
pub fn read_places(raw: &[RawPlace]) -> ParsedPlaces {
    let mut all = ParsedPlaces::default();
    for place in raw.iter().take(MAX_PLACES * 2) {
        let found = read_place(place);
        all.remote = stronger(all.remote, found.remote);
        if all.scope.is_none() {
            all.scope = found.scope;
        }
        for place in found.places {
            push_place(&mut all.places, place);
        }
    }
    all
}

fn read_place(raw: &RawPlace) -> ParsedPlaces {
    let from_text = raw.text.as_deref().map(parse_places).unwrap_or_default();
    let typed = [&raw.city, &raw.region, &raw.country];
    if typed.iter().all(|part| part.as_deref().is_none_or(|part| part.trim().is_empty())) {
        return from_text;
    }
    let from_parts = builder::read_parts(raw);
    ParsedPlaces {
        remote: stronger(from_parts.remote, from_text.remote),
        scope: from_parts.scope.or(from_text.scope),
        places: more_precise(from_parts.places, from_text.places),
    }
}

/// Of two readings of one place, the one that names a city; the typed parts when both or neither do.
fn more_precise(parts: Vec<Place>, text: Vec<Place>) -> Vec<Place> {
    let has_city = |places: &[Place]| places.iter().any(|place| place.city.is_some());
    let same_country = || {
        let wanted = parts.iter().find_map(|place| place.country.as_deref());
        wanted.is_none() || text.iter().any(|place| place.country.as_deref() == wanted)
    };
    if parts.is_empty() || (!has_city(&parts) && has_city(&text) && same_country()) { text } else { parts }
}

/// Hybrid is the more specific word: "Remote / Hybrid" is not fully remote. Remote outweighs an office beside it.
fn stronger(left: RemoteKind, right: RemoteKind) -> RemoteKind {
    let rank = |kind: RemoteKind| match kind {
        RemoteKind::Unknown => 0,
        RemoteKind::OnSite => 1,
        RemoteKind::Remote => 2,
        RemoteKind::Hybrid => 3,
    };
    if rank(right) > rank(left) { right } else { left }
}

/// Adds a place unless it is empty, known already, or only a wider form of one that is there.
fn push_place(places: &mut Vec<Place>, place: Place) {
    if place == Place::default() || places.len() >= MAX_PLACES {
        return;
    }
    let key = place_key(&place);
    if places.iter().any(|known| place_key(known) == key || is_wider(&place, known)) {
        return;
    }
    // "Germany; Berlin": the wider form that came first gives way.
    if let Some(wider) = places.iter_mut().find(|known| known.city.is_none() && is_wider(known, &place)) {
        *wider = place;
        return;
    }
    places.push(place);
}

/// Whether `wide` has no city and `narrow` lies within it.
fn is_wider(wide: &Place, narrow: &Place) -> bool {
    wide.city.is_none()
        && narrow.city.is_some()
        && wide.country == narrow.country
        && (wide.region.is_none() || wide.region == narrow.region)
}

/// A place for comparison: `city,region,country`, folded; the region only where it is a postal code (elsewhere
/// sources name it or not at will).
pub fn place_key(place: &Place) -> String {
    let city = place.city.as_deref().map(lookup_key).unwrap_or_default();
    let country = place.country.as_deref().unwrap_or("").to_lowercase();
    let has_codes = regions::WITH_CODES.iter().any(|code| code.eq_ignore_ascii_case(&country));
    let region = place.region.as_deref().filter(|_| has_codes || city.is_empty()).map(lookup_key).unwrap_or_default();
    format!("{city},{region},{country}")
}

/// Folded words joined by single spaces: the form in which the tables are written.
fn lookup_key(text: &str) -> String {
    let folded = fold(text);
    let mut key = String::with_capacity(folded.len());
    for word in folded.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if !key.is_empty() {
            key.push(' ');
        }
        key.push_str(word);
    }
    key
}

#[cfg(test)]
mod tests;
