//! From what a source said to a posting.

use chrono::{DateTime, Utc};

use crate::text::{clean_field, truncate_bytes};
use crate::{EmploymentType, Posting, RawPosting, RemoteKind, Salary, Seniority, TextExtent};
use crate::{company, dates, employment, html, identity, places, salary, seniority};

/// Most characters of a title.
pub const MAX_TITLE_CHARACTERS: usize = 300;
/// Most bytes of a description, for its text and for its HTML each.
pub const MAX_DESCRIPTION_BYTES: usize = 200_000;
/// Most tags that are kept, and most characters of each.
pub const MAX_TAGS: usize = 50;
const MAX_TAG_CHARACTERS: usize = 80;
/// Most characters of a source's id, a department, a scope.
const MAX_ID_CHARACTERS: usize = 200;
const MAX_LABEL_CHARACTERS: usize = 120;
/// A description of fewer characters is a snippet.
const MIN_FULL_TEXT: usize = 400;

/// Why a raw posting is not a posting. The row is dropped and counted; the board goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No title, or an empty one.
    #[error("posting has no title")]
    NoTitle,
    /// No absolute http(s) address.
    #[error("posting has no usable address (found {0:?}; it must start with http:// or https://)")]
    NoUrl(Option<String>),
}

/// Normalises one posting as seen at `now` (relative dates count back from it).
///
/// Typed fields win over words: the remote kind comes from the typed field, then from the places, the title and the
/// description; pay from its field, then from the text; the level from its field, then from the title. Every field is
/// bounded.
pub fn normalise(raw: RawPosting, now: DateTime<Utc>) -> Result<Posting, Rejection> {
    let title = raw.title.as_deref().map(clean_title).filter(|title| !title.is_empty()).ok_or(Rejection::NoTitle)?;
    let url = raw.url.as_deref().and_then(identity::canonical_url);
    let apply_url = raw.apply_url.as_deref().and_then(identity::canonical_url);
    let Some(url) = url.or_else(|| apply_url.clone()) else {
        return Err(Rejection::NoUrl(raw.url.map(|url| clean_field(&url, MAX_ID_CHARACTERS))));
    };
    let (description_html, description_text) = description(&raw);
    let extent = extent(&description_text, raw.snippet);
    let places = places::read_places(&raw.places);
    let remote = remote_kind(&raw, &places, &title, &description_text);
    let stated_scope = raw.remote_scope.as_deref().and_then(|scope| label(scope, MAX_LABEL_CHARACTERS));
    let scope = stated_scope.or(places.scope).filter(|_| remote != RemoteKind::OnSite);
    Ok(Posting {
        source_id: raw.source_id.as_deref().and_then(|id| label(id, MAX_ID_CHARACTERS)),
        company: raw.company.as_deref().map(company::display_name).unwrap_or_default(),
        apply_url: apply_url.filter(|apply_url| *apply_url != url),
        remote,
        remote_scope: scope,
        employment: employment_types(&raw, &title),
        seniority: level(&raw, &title),
        salary: pay(&raw, &description_text),
        department: raw.department.as_deref().and_then(|name| label(name, MAX_LABEL_CHARACTERS)),
        tags: tags(&raw.tags),
        language: raw.language.as_deref().and_then(language_code),
        posted_at: raw.posted.as_ref().and_then(|date| dates::resolve_past(date, now)),
        updated_at: raw.updated.as_ref().and_then(|date| dates::resolve_past(date, now)),
        expires_at: raw.expires.as_ref().and_then(|date| dates::resolve(date, now)),
        closed: raw.closed,
        places: places.places,
        source: raw.source,
        title,
        url,
        description_html,
        description_text,
        extent,
    })
}

/// The title on one line, without tags that some feeds leave in it.
fn clean_title(title: &str) -> String {
    let cleaned = clean_field(title, MAX_TITLE_CHARACTERS);
    if cleaned.contains("</") || cleaned.contains("<br") {
        return clean_field(&html::html_to_line(&cleaned), MAX_TITLE_CHARACTERS);
    }
    cleaned
}

/// A short text, or nothing when it is empty.
fn label(text: &str, limit: usize) -> Option<String> {
    Some(clean_field(text, limit)).filter(|text| !text.is_empty())
}

/// The description as safe HTML and as text, each from what the source gave. A source that gives plain text gets
/// paragraphs; HTML in the plain-text field is recognised.
fn description(raw: &RawPosting) -> (String, String) {
    let given =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let bounded = |text: String| {
        if text.len() <= MAX_DESCRIPTION_BYTES {
            text
        } else {
            truncate_bytes(&text, MAX_DESCRIPTION_BYTES).trim_end().to_owned()
        }
    };
    if let Some(source) = given(&raw.description_html) {
        let source = crate::text::repair_mojibake(&source);
        let text = bounded(html::html_to_text(&source));
        return (bounded_html(html::safe_html(&source), &text), text);
    }
    let Some(source) = given(&raw.description_text) else { return (String::new(), String::new()) };
    let text = bounded(html::html_to_text(&crate::text::repair_mojibake(&source)));
    let shown = html::text_to_html(&text);
    (bounded_html(shown, &text), text)
}

/// HTML cannot be cut anywhere; one that is too long is made anew from the start of its text.
fn bounded_html(html: String, text: &str) -> String {
    if html.len() <= MAX_DESCRIPTION_BYTES {
        return html;
    }
    let mut limit = MAX_DESCRIPTION_BYTES * 3 / 4;
    loop {
        let shorter = html::text_to_html(truncate_bytes(text, limit));
        if shorter.len() <= MAX_DESCRIPTION_BYTES {
            return shorter;
        }
        limit /= 2;
    }
}

fn extent(text: &str, snippet: bool) -> TextExtent {
    if text.is_empty() {
        TextExtent::TitleOnly
    } else if snippet || text.chars().take(MIN_FULL_TEXT).count() < MIN_FULL_TEXT {
        TextExtent::Snippet
    } else {
        TextExtent::FullText
    }
}

fn remote_kind(raw: &RawPosting, places: &places::ParsedPlaces, title: &str, description: &str) -> RemoteKind {
    let typed = raw.remote.filter(|kind| *kind != RemoteKind::Unknown);
    let from_places = Some(places.remote).filter(|kind| *kind != RemoteKind::Unknown);
    let from_title = || Some(employment::remote_kind_of_title(title)).filter(|kind| *kind != RemoteKind::Unknown);
    typed.or(from_places).or_else(from_title).unwrap_or_else(|| employment::remote_kind_of_description(description))
}

fn employment_types(raw: &RawPosting, title: &str) -> Vec<EmploymentType> {
    let mut types = raw.employment.clone();
    types.extend(raw.employment_text.iter().take(MAX_TAGS).flat_map(|field| employment::employment_types(field)));
    types.sort();
    types.dedup();
    if types.iter().any(|kind| *kind != EmploymentType::Other) {
        types.retain(|kind| *kind != EmploymentType::Other);
        return types;
    }
    let from_title = employment::employment_types_of_title(title);
    if from_title.is_empty() { types } else { from_title }
}

/// The level by the source's field; a field that spans two levels gives way to a word of the title.
fn level(raw: &RawPosting, title: &str) -> Option<Seniority> {
    let field = truncate_bytes(raw.seniority_text.as_deref().unwrap_or(""), MAX_ID_CHARACTERS);
    let from_field = seniority::seniority_of_field(field);
    if from_field.is_some() && !seniority::spans_levels(field) {
        return from_field;
    }
    seniority::seniority_of_title(title).or(from_field)
}

fn pay(raw: &RawPosting, description: &str) -> Option<Salary> {
    let from_field = raw.salary.as_ref().and_then(salary::read_salary);
    from_field.or_else(|| salary::find_in_text(description).map(|(salary, _)| salary))
}

fn tags(raw: &[String]) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in raw.iter().take(MAX_TAGS * 4).filter_map(|tag| label(tag, MAX_TAG_CHARACTERS)) {
        if !tags.iter().any(|known| known.eq_ignore_ascii_case(&tag)) && tags.len() < MAX_TAGS {
            tags.push(tag);
        }
    }
    tags
}

/// ISO 639-1 code out of a code with or without a country ("en-US") or a language's name.
fn language_code(text: &str) -> Option<String> {
    let folded = crate::text::fold(truncate_bytes(text, MAX_LABEL_CHARACTERS));
    let first = folded.split(['-', '_', ' ', ',']).next().unwrap_or("");
    if first.len() == 2 && first.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Some(first.to_owned());
    }
    let code = match first {
        "english" | "englisch" | "eng" => "en",
        "german" | "deutsch" | "deu" | "ger" => "de",
        "french" | "francais" | "fra" | "fre" => "fr",
        "spanish" | "espanol" | "spa" => "es",
        "italian" | "italiano" | "ita" => "it",
        "portuguese" | "portugues" | "por" => "pt",
        "dutch" | "nederlands" | "nld" | "dut" => "nl",
        "polish" | "polski" | "pol" => "pl",
        "swedish" | "svenska" | "swe" => "sv",
        "danish" | "dansk" | "dan" => "da",
        "norwegian" | "norsk" | "nor" => "no",
        "finnish" | "suomi" | "fin" => "fi",
        "czech" | "cestina" | "ces" => "cs",
        "hungarian" | "magyar" | "hun" => "hu",
        "japanese" | "jpn" => "ja",
        "chinese" | "mandarin" | "zho" => "zh",
        "korean" | "kor" => "ko",
        "turkish" | "turkce" | "tur" => "tr",
        "russian" | "rus" => "ru",
        "ukrainian" | "ukr" => "uk",
        _ => return None,
    };
    Some(code.to_owned())
}

#[cfg(test)]
mod tests;
