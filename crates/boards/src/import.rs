//! Files that a person brings: CSV, JSON, JSON Lines, lists of addresses, saved pages.
//!
//! Column and field names are understood in many spellings (see [`crate::loose`]). A row that cannot be used is named
//! with its line and does not stop the others.

use aerie_postings::RawPosting;
use serde::Serialize;
use serde_json::Value;

use crate::html_select::truncate;
use crate::loose;
use crate::source::ParseError;

mod table;

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
/// Most rows read from one file.
pub const MAX_ROWS: usize = 100_000;
/// Most row errors that are kept; the rest are counted.
const MAX_ERRORS: usize = 1_000;

/// What a file was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma, semicolon, tab or pipe separated values.
    Table,
    /// One JSON value: a list of objects, or an object that holds one.
    Json,
    /// One JSON object a line.
    JsonLines,
    /// One address a line.
    UrlList,
    /// A web page.
    Page,
    /// An RSS, Atom or JSON feed.
    Feed,
}

/// A row that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RowError {
    /// Line in the file, from 1.
    pub line: u64,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// What a file held.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Postings with a title and an address.
    pub postings: Vec<RawPosting>,
    /// Addresses without anything else: pages to be fetched and read.
    pub urls: Vec<String>,
    /// Rows that could not be used.
    pub errors: Vec<RowError>,
    /// How many rows could not be used, also when not all of them are listed.
    pub rejected: usize,
    /// Why rows after some point were not read.
    pub truncated: Option<String>,
}

impl Imported {
    fn reject(&mut self, line: u64, reason: impl Into<String>) {
        self.rejected += 1;
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(RowError { line, reason: reason.into() });
        }
    }

    /// Takes a row: a posting when it has a title, otherwise its address alone.
    fn take(&mut self, line: u64, row: RawPosting) {
        let title = row.title.as_deref().is_some_and(|title| !title.trim().is_empty());
        let address = row.url.clone().or_else(|| row.apply_url.clone());
        match (title, address) {
            (true, Some(_)) => self.postings.push(row),
            (false, Some(address)) => self.urls.push(address),
            (true, None) => self.reject(line, "no address; add a column `url` that begins with http:// or https://"),
            (false, None) => self.reject(line, "neither a title nor an address"),
        }
    }

    fn is_full(&mut self) -> bool {
        let full = self.postings.len() + self.urls.len() + self.rejected >= MAX_ROWS;
        if full {
            self.truncated = Some(format!("only the first {MAX_ROWS} rows were read"));
        }
        full
    }
}

/// Reads a file. `name` is its name or path, whose ending helps to tell formats apart.
///
/// # Errors
/// [`ParseError`] when the file as a whole is in no format that is read here; its message says which are.
pub fn read(name: &str, bytes: &[u8]) -> Result<(Format, Imported), ParseError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ParseError::not_this(format!(
            "the file has {} MB; split it into parts of at most {} MB",
            bytes.len() >> 20,
            MAX_FILE_BYTES >> 20
        )));
    }
    let text = decoded(bytes);
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(ParseError::not_this("the file is empty"));
    }
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    if crate::feed::is_feed(trimmed) {
        let rows = crate::feed::read(trimmed, "import", None)?;
        return Ok((Format::Feed, collected(rows.into_iter().map(|(row, _)| row))));
    }
    if trimmed.starts_with('<') && ending != "csv" {
        let parsed = crate::page::extract(trimmed, None)?;
        return Ok((Format::Page, collected(parsed.postings.into_iter())));
    }
    if trimmed.starts_with(['{', '[']) {
        return json(trimmed);
    }
    if let Some(list) = url_list(&text) {
        return Ok((Format::UrlList, list));
    }
    table::read(&text).map(|imported| (Format::Table, imported))
}

/// UTF-8 and UTF-16 by their marks, otherwise UTF-8, otherwise Windows-1252 as spreadsheets write it.
fn decoded(bytes: &[u8]) -> String {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        let rest = bytes.get(mark..).unwrap_or_default();
        return encoding.decode_without_bom_handling(rest).0.into_owned();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    }
}

fn collected(rows: impl Iterator<Item = RawPosting>) -> Imported {
    let mut imported = Imported::default();
    for (number, row) in rows.enumerate() {
        if imported.is_full() {
            break;
        }
        imported.take(number as u64 + 1, row);
    }
    imported
}

/// A list when every line with something in it is an address (`#` begins a remark).
fn url_list(text: &str) -> Option<Imported> {
    let mut imported = Imported::default();
    let mut seen = std::collections::HashSet::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim().trim_matches(['"', '<', '>']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if imported.is_full() {
            break;
        }
        if line.starts_with("http") && line.contains([',', ';', '\t']) && !line.contains("://") {
            return None;
        }
        match crate::html_select::absolute_url(None, line).filter(|_| !line.contains(char::is_whitespace)) {
            Some(url) if line.starts_with("http") => {
                if seen.insert(url.clone()) {
                    imported.urls.push(url);
                }
            }
            _ if imported.urls.is_empty() => return None,
            _ => imported.reject(number as u64 + 1, format!("not an address: {:?}", truncate(line, 80))),
        }
    }
    // More lines that are none than are: this is something else.
    (imported.urls.len() > imported.rejected).then_some(imported)
}

fn json(text: &str) -> Result<(Format, Imported), ParseError> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => json_value(&value).map(|imported| (Format::Json, imported)),
        Err(error) => match json_lines(text) {
            Some(imported) => Ok((Format::JsonLines, imported)),
            None => Err(ParseError::not_this(format!("broken JSON: {error}"))),
        },
    }
}

/// A list of objects, of addresses or of both, wherever it stands in the value; or one object.
fn json_value(value: &Value) -> Result<Imported, ParseError> {
    let rows = match value {
        Value::Array(rows) => rows.as_slice(),
        Value::Object(fields) => {
            let named =
                ["jobs", "postings", "results", "data", "items", "rows"].iter().find_map(|name| fields.get(*name));
            let list = named.and_then(Value::as_array);
            let list = list.or_else(|| fields.values().filter_map(Value::as_array).max_by_key(|list| list.len()));
            match list {
                Some(rows) if !loose::resembles_posting(value) => rows.as_slice(),
                _ => std::slice::from_ref(value),
            }
        }
        _ => return Err(ParseError::not_this("a list of objects was expected")),
    };
    let mut imported = Imported::default();
    for (number, row) in rows.iter().enumerate() {
        if imported.is_full() {
            break;
        }
        take_json(&mut imported, number as u64 + 1, row);
    }
    if imported.postings.is_empty() && imported.urls.is_empty() {
        return Err(ParseError::not_this(
            "no row has a title and an address; name the fields `title`, `company` and `url`",
        ));
    }
    Ok(imported)
}

fn take_json(imported: &mut Imported, line: u64, row: &Value) {
    if let Value::String(text) = row {
        return match crate::html_select::absolute_url(None, text) {
            Some(url) => imported.urls.push(url),
            None => imported.reject(line, format!("not an address: {:?}", truncate(text, 80))),
        };
    }
    if !row.is_object() {
        return imported.reject(line, "not an object");
    }
    let posting = crate::jsonld::postings_in_value(row, "import", None).postings.into_iter().next();
    imported
        .take(line, posting.unwrap_or_else(|| exported(row).unwrap_or_else(|| loose::posting_of(row, "import", None))));
}

/// A row of our own export: a normalised posting, alone or under `posting`.
fn exported(row: &Value) -> Option<RawPosting> {
    let inner = row.get("posting").unwrap_or(row);
    let is_raw =
        inner.get("places").is_some() && inner.get("source").is_some() && inner.get("employment_text").is_some();
    if is_raw {
        return serde_json::from_value(inner.clone()).ok();
    }
    let is_posting = inner.get("description_text").is_some() && inner.get("places").is_some();
    let mut posting = is_posting.then(|| loose::posting_of(inner, "import", None))?;
    if let Some(source) = inner.get("source").and_then(Value::as_str) {
        posting.source = truncate(source, 100).to_owned();
    }
    Some(posting)
}

fn json_lines(text: &str) -> Option<Imported> {
    let mut imported = Imported::default();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim().trim_end_matches(',');
        if line.is_empty() {
            continue;
        }
        if imported.is_full() {
            break;
        }
        match serde_json::from_str::<Value>(line) {
            Ok(row) => take_json(&mut imported, number as u64 + 1, &row),
            // A file whose very first line is broken is not of this format.
            Err(_) if number == 0 => return None,
            Err(error) => imported.reject(number as u64 + 1, format!("broken JSON: {error}")),
        }
    }
    (!imported.postings.is_empty() || !imported.urls.is_empty()).then_some(imported)
}
