//! The state that pages embed in scripts, and the postings in it.

use aerie_postings::RawPosting;
use scraper::ElementRef;
use serde_json::Value;
use url::Url;

use crate::html_select::all;
use crate::jsonld::repair::{read_prefix, read_values};
use crate::loose;

/// Where frameworks and job sites assign their state.
const ASSIGNMENTS: [&str; 12] = [
    "phApp.ddo",
    "window._initialData",
    "window.SEEK_REDUX_DATA",
    "window.__INITIAL_STATE__",
    "window.__PRELOADED_STATE__",
    "window.__APOLLO_STATE__",
    "window.__INITIAL_DATA__",
    "window.__DATA__",
    "window.__APP_DATA__",
    "window.__appData",
    "window.pageData",
    "window.mosaic.providerData[\"mosaic-provider-jobcards\"]",
];

/// Most scripts read.
const MAX_SCRIPTS: usize = 200;
/// Most postings taken from one page's state.
const MAX_POSTINGS: usize = 2_000;

/// Every JSON state of the page: `__NEXT_DATA__` and other JSON scripts, then the known assignments.
pub(crate) fn states(root: ElementRef<'_>) -> Vec<Value> {
    let mut found = Vec::new();
    for script in all(root, "script").into_iter().take(MAX_SCRIPTS) {
        let kind = script.value().attr("type").unwrap_or_default().trim().to_ascii_lowercase();
        let text: String = script.text().collect();
        if kind == "application/json" || script.value().attr("id") == Some("__NEXT_DATA__") {
            found.extend(read_values(&text));
        } else if kind.is_empty() || kind.contains("javascript") || kind == "module" {
            found.extend(ASSIGNMENTS.iter().filter_map(|name| assigned(&text, name)));
        }
    }
    found
}

/// The JSON value assigned to `name` in a script: `name = {…}`, also with `JSON.parse("…")`.
pub(crate) fn assigned(script: &str, name: &str) -> Option<Value> {
    for (at, _) in script.match_indices(name).take(5) {
        let after = script.get(at + name.len()..)?.trim_start();
        let Some(after) = after.strip_prefix('=').filter(|rest| !rest.starts_with('=')) else { continue };
        let after = after.trim_start();
        if let Some(quoted) = after.strip_prefix("JSON.parse(") {
            let text = read_prefix(quoted)?;
            return serde_json::from_str(text.as_str()?).ok();
        }
        if after.starts_with(['{', '[']) {
            return read_prefix(after);
        }
    }
    None
}

/// The value assigned to `name` in any script of the page.
pub(crate) fn assigned_in_page(root: ElementRef<'_>, name: &str) -> Option<Value> {
    all(root, "script").into_iter().find_map(|script| {
        let text: String = script.text().collect();
        assigned(&text, name)
    })
}

/// Every object in the states that resembles a posting and has a title. Addresses may be missing.
pub(crate) fn postings(root: ElementRef<'_>, source: &str, base: Option<&Url>) -> Vec<RawPosting> {
    let mut found = Vec::new();
    for state in states(root) {
        collect(&state, source, base, &mut found);
    }
    found
}

/// Walks a JSON value; its depth is bounded by the reader.
pub(crate) fn collect(value: &Value, source: &str, base: Option<&Url>, found: &mut Vec<RawPosting>) {
    if found.len() >= MAX_POSTINGS {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, source, base, found)),
        Value::Object(_) if loose::resembles_posting(value) => {
            let row = loose::posting_of(value, source, base);
            let repeated = found.iter().any(|other: &RawPosting| {
                other.title == row.title && other.source_id == row.source_id && other.url == row.url
            });
            if !repeated {
                found.push(row);
            }
        }
        Value::Object(fields) => fields.values().for_each(|nested| collect(nested, source, base, found)),
        _ => {}
    }
}
