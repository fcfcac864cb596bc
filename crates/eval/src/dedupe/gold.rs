//! The gold column: what the scoring half alone may read.

use serde::Deserialize;
use serde_json::Value;

use super::Format;

/// Header of the gold column in tables.
const COLUMN: &str = "unique_id";

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    key: Value,
}

/// The gold label of each record, in the order of the file; `None` where there is none.
pub fn gold(text: &str, format: Format) -> Vec<Option<String>> {
    let text = text.trim_start_matches('\u{FEFF}');
    match format {
        Format::Jsonl => text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| label(&serde_json::from_str::<Line>(line).map(|line| line.key).unwrap_or_default()))
            .collect(),
        Format::Csv => table(text),
    }
}

fn label(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn table(text: &str) -> Vec<Option<String>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let column = reader.headers().ok().and_then(|header| header.iter().position(|name| name.trim() == COLUMN));
    let field = |record: csv::StringRecord| {
        let value = record.get(column?)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    reader.records().map(|record| record.ok().and_then(field)).collect()
}
