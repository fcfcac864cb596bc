//! Tables as spreadsheets export them.

use serde_json::{Map, Value};

use super::Imported;
use crate::html_select::{absolute_url, truncate};
use crate::loose;
use crate::source::ParseError;

/// Most columns read.
const MAX_COLUMNS: usize = 200;

/// Reads a table; the separator is found by trying. Without a row of known names, the first cell of each row that
/// begins with `http` is the address.
pub(super) fn read(text: &str) -> Result<Imported, ParseError> {
    let separator = separator_of(text);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut imported = Imported::default();
    let mut header: Option<Vec<String>> = None;
    let mut first = true;
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                imported.reject(line, format!("unreadable: {error}"));
                if imported.is_full() || reader.is_done() {
                    break;
                }
                continue;
            }
        }
        let line = record.position().map_or(line, csv::Position::line);
        if record.iter().all(str::is_empty) {
            continue;
        }
        if first {
            first = false;
            if is_header(&record) {
                header = Some(record.iter().take(MAX_COLUMNS).map(str::to_owned).collect());
                continue;
            }
        }
        if imported.is_full() {
            break;
        }
        match &header {
            Some(names) => take_named(&mut imported, line, names, &record),
            None => take_unnamed(&mut imported, line, &record),
        }
    }
    if imported.postings.is_empty() && imported.urls.is_empty() {
        return Err(ParseError::not_this(
            "no row has an address; a table needs a column `url` (and best `title` and `company`), or addresses in its cells",
        ));
    }
    Ok(imported)
}

/// A first row is a header when it holds no address and at least one known name.
fn is_header(record: &csv::StringRecord) -> bool {
    let has_address = record.iter().any(|cell| cell.starts_with("http"));
    !has_address && record.iter().any(loose::is_known)
}

fn take_named(imported: &mut Imported, line: u64, names: &[String], record: &csv::StringRecord) {
    let mut fields = Map::new();
    for (name, cell) in names.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty()) {
        fields.entry(name.clone()).or_insert_with(|| Value::String(cell.to_owned()));
    }
    let mut row = loose::posting_of(&Value::Object(fields), "import", None);
    if row.url.is_none() {
        row.url = first_address(record);
    }
    imported.take(line, row);
}

fn take_unnamed(imported: &mut Imported, line: u64, record: &csv::StringRecord) {
    match first_address(record) {
        Some(address) => imported.urls.push(address),
        None => {
            let seen = record.iter().find(|cell| !cell.is_empty()).unwrap_or_default();
            imported.reject(line, format!("no cell begins with http (found {:?})", truncate(seen, 60)));
        }
    }
}

fn first_address(record: &csv::StringRecord) -> Option<String> {
    record.iter().filter(|cell| cell.starts_with("http")).find_map(|cell| absolute_url(None, cell))
}

/// The separator that splits the first lines most evenly.
fn separator_of(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(20).collect();
    let score = |separator: char| {
        // Separators inside quotes do not count.
        let counts: Vec<usize> = lines
            .iter()
            .map(|line| line.split('"').step_by(2).map(|part| part.matches(separator).count()).sum())
            .collect();
        let first = counts.first().copied().unwrap_or(0);
        let even = counts.iter().filter(|count| **count == first).count();
        if first == 0 { 0 } else { even * 10 + first.min(9) }
    };
    let candidates = [(b',', ','), (b';', ';'), (b'\t', '\t'), (b'|', '|')];
    let best = candidates.iter().rev().max_by_key(|(_, separator)| score(*separator));
    best.map_or(b',', |(byte, _)| *byte)
}
