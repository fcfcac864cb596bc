//! schema.org `JobPosting` in any page: JSON-LD scripts and microdata.
//!
//! Field names: <https://schema.org/JobPosting>. Pages break the JSON and the vocabulary in many ways; what can be
//! understood is taken, the rest is left out.

use aerie_postings::RawPosting;
use scraper::{ElementRef, Html};
use serde_json::Value;
use url::Url;

use crate::html_select::{absolute_url, all};
use crate::lenient::{Lenient, MOST_ROWS};

mod fields;
mod microdata;
pub(crate) mod repair;

pub use fields::posting_of;

/// Everything that the structured data of a page says about postings.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The postings, in the order of the page.
    pub postings: Vec<RawPosting>,
    /// Addresses in an `ItemList`, as on an index page.
    pub listed: Vec<String>,
    /// How many `JobPosting` marks the page has, readable or not.
    pub markers: usize,
}

/// Reads the `JobPosting` objects of a page. `base` makes addresses absolute and stands in for a missing one.
pub fn postings_in_page(html: &str, source: &str, base: Option<&Url>) -> Found {
    let document = crate::html_select::parse_document(html);
    postings_in_document(&document, source, base)
}

/// The same for a page that is parsed already.
pub(crate) fn postings_in_document(document: &Html, source: &str, base: Option<&Url>) -> Found {
    let mut found = Found::default();
    for value in script_values(document.root_element()) {
        collect(&value, source, base, &mut found);
    }
    if found.postings.is_empty() {
        for value in microdata::job_postings(document.root_element()) {
            collect(&value, source, base, &mut found);
        }
    }
    found.markers += all(document.root_element(), r#"[itemtype*="/JobPosting"], [typeof*="JobPosting"]"#).len();
    give_single_posting_the_address(&mut found.postings, base);
    found
}

/// Reads the `JobPosting` objects in a JSON value (for formats that embed them, such as JSON feeds).
pub fn postings_in_value(value: &Value, source: &str, base: Option<&Url>) -> Found {
    let mut found = Found::default();
    collect(value, source, base, &mut found);
    give_single_posting_the_address(&mut found.postings, base);
    found
}

/// One posting on a page without an address of its own is the page.
fn give_single_posting_the_address(postings: &mut [RawPosting], base: Option<&Url>) {
    if let ([posting], Some(base)) = (postings, base) {
        posting.url.get_or_insert_with(|| base.to_string());
    }
}

/// The JSON of every `ld+json` script. The type may carry parameters and any case.
fn script_values(root: ElementRef<'_>) -> Vec<Value> {
    let mut values = Vec::new();
    for script in all(root, "script[type]") {
        let kind = script.value().attr("type").unwrap_or_default().to_ascii_lowercase();
        if !kind.trim().starts_with("application/ld+json") {
            continue;
        }
        let text: String = script.text().collect();
        values.extend(repair::read_values(&text));
    }
    values
}

/// Walks through graphs, lists, `mainEntity` and whatever else nests. Depth is bounded by the JSON reader.
fn collect(value: &Value, source: &str, base: Option<&Url>, found: &mut Found) {
    if found.postings.len() >= MOST_ROWS {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, source, base, found)),
        Value::Object(_) if has_type(value, "JobPosting") => {
            found.markers += 1;
            let posting = posting_of(value, source, base);
            if posting.title.is_some() && !is_repeated(&posting, &found.postings) {
                found.postings.push(posting);
            }
        }
        Value::Object(fields) => {
            let lists_address =
                has_type(value, "ListItem") && !value.at("item").is_some_and(|i| has_type(i, "JobPosting"));
            if lists_address {
                let address = value.first_text(&["url", "item", "item.url", "item.@id"]);
                found.listed.extend(address.and_then(|address| absolute_url(base, &address)));
            }
            fields.values().for_each(|nested| collect(nested, source, base, found));
        }
        _ => {}
    }
}

/// Pages often carry the same posting twice (once per script).
fn is_repeated(posting: &RawPosting, earlier: &[RawPosting]) -> bool {
    earlier.iter().rev().take(50).any(|other| {
        other.title == posting.title
            && other.url == posting.url
            && other.source_id == posting.source_id
            && other.places == posting.places
    })
}

/// Whether `@type` (text or list, with or without a namespace) names this type.
fn has_type(value: &Value, name: &str) -> bool {
    let of = |key: &str| value.texts(key).iter().any(|kind| kind.rsplit(['/', ':', '#']).next() == Some(name));
    of("@type") || of("type")
}

#[cfg(test)]
mod tests;
