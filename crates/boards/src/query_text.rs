//! Addresses and search words that are built from a query.

use url::Url;

use crate::source::{Query, SourceError};

/// An address that is written in the code.
///
/// # Errors
/// `BadQuery` when it is no address, which a test of its source would show.
pub(crate) fn address(text: &str) -> Result<Url, SourceError> {
    Url::parse(text).map_err(|error| SourceError::BadQuery {
        name: text.to_owned(),
        reason: format!("the address cannot be built: {error}"),
    })
}

/// An address with query parameters; values are encoded.
///
/// # Errors
/// As [`address`].
pub(crate) fn address_with(text: &str, parameters: &[(&str, &str)]) -> Result<Url, SourceError> {
    let mut url = address(text)?;
    url.query_pairs_mut().extend_pairs(parameters);
    Ok(url)
}

/// A slug in words: `acme-robotics` becomes `Acme Robotics`.
pub(crate) fn words_of_slug(slug: &str) -> String {
    let words = slug.split(['-', '_']).filter(|word| !word.is_empty()).map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        first + letters.as_str()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The titles to search for, one request (or more) each: the query's, at most `most`; one empty title when it has none.
pub(crate) fn titles(query: &Query, most: usize) -> Vec<String> {
    let mut titles: Vec<String> =
        query.titles.iter().map(|title| title.trim().to_owned()).filter(|title| !title.is_empty()).take(most).collect();
    if titles.is_empty() {
        titles.push(String::new());
    }
    titles
}

/// Whether a place as typed by a person means "from anywhere" rather than a place.
pub(crate) fn means_remote(place: &str) -> bool {
    let place = place.trim().to_ascii_lowercase();
    place.starts_with("remote") || matches!(place.as_str(), "anywhere" | "worldwide" | "home office" | "homeoffice")
}

/// The places to search in that are places, at most `most`.
pub(crate) fn real_places(query: &Query, most: usize) -> Vec<String> {
    let places =
        query.places.iter().map(|place| place.trim()).filter(|place| !place.is_empty() && !means_remote(place));
    places.take(most).map(str::to_owned).collect()
}

/// Whether the query wants remote work, by its mark or by a "place" called remote.
pub(crate) fn wants_remote(query: &Query) -> bool {
    query.remote || query.places.iter().any(|place| means_remote(place))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn remote_is_no_place() {
        let query = Query { places: vec!["Remote (US)".into(), " Lyon ".into(), String::new()], ..Query::default() };
        assert_eq!(real_places(&query, 9), ["Lyon"]);
        assert!(wants_remote(&query));
        assert_eq!(titles(&query, 5), [""]);
    }

    #[test]
    fn values_are_encoded() {
        let url = address_with("https://x.example/s", &[("q", "c++ & go")]).unwrap();
        assert_eq!(url.as_str(), "https://x.example/s?q=c%2B%2B+%26+go");
        assert_eq!(words_of_slug("acme-robotics"), "Acme Robotics");
    }
}
