//! Every recorded answer at hand, read without knowing where it came from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aerie_boards::{Parsed, parse_recorded};
use aerie_postings::RawPosting;
use serde_json::Value;

/// The folder of real recordings, when this machine has one.
fn recordings() -> Option<PathBuf> {
    if let Ok(folder) = std::env::var("AERIE_SHARED_DATA") {
        return Some(PathBuf::from(folder)).filter(|folder| folder.is_dir());
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|folder| folder.join("shared/data")).find(|folder| folder.is_dir())
}

/// How many postings have each field.
fn filled(postings: &[RawPosting]) -> BTreeMap<String, usize> {
    let mut fields = BTreeMap::new();
    for posting in postings {
        let Value::Object(row) = serde_json::to_value(posting).unwrap() else { panic!("a struct is an object") };
        for (name, value) in row {
            let empty = match &value {
                Value::Null | Value::Bool(false) => true,
                Value::Array(items) => items.is_empty(),
                Value::String(text) => text.is_empty(),
                _ => false,
            };
            if !empty && name != "source" {
                *fields.entry(name).or_default() += 1;
            }
        }
    }
    fields
}

/// Rows in a JSON answer that have something like a title and an address, found without any parser of ours.
fn rows_in(value: &Value) -> usize {
    let lists = ["jobs", "content", "offers", "items", "result", "results", "jobPostings", "data", "positions"];
    let rows = match value {
        Value::Array(rows) => rows.as_slice(),
        Value::Object(fields) => {
            let list = lists.iter().find_map(|name| fields.get(*name).and_then(Value::as_array));
            match list {
                Some(rows) => rows.as_slice(),
                None => return 0,
            }
        }
        _ => return 0,
    };
    let titled = |row: &&Value| {
        ["title", "text", "name", "position", "jobTitle", "jobOpeningName", "Title"]
            .iter()
            .any(|name| row.get(*name).is_some_and(Value::is_string))
    };
    let mut ids: Vec<String> = rows
        .iter()
        .filter(titled)
        .map(|row| row.get("uuid").or(row.get("id")).or(row.get("url")).unwrap_or(row).to_string())
        .collect();
    ids.sort();
    ids.dedup();
    ids.len()
}

#[test]
fn every_recorded_answer_gives_its_postings() {
    let Some(folder) = recordings() else {
        println!("skipped: no folder of recordings");
        return;
    };
    let mut files: Vec<PathBuf> = ["api", "html"]
        .iter()
        .filter_map(|part| std::fs::read_dir(folder.join(part)).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut wrong = Vec::new();
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let body = std::fs::read(file).unwrap();
        let (source, parsed): (&str, Parsed) = match parse_recorded(&name, &body) {
            Ok(read) => read,
            Err(error) => {
                println!("{name:34} {error}");
                wrong.push(name);
                continue;
            }
        };
        let fields = filled(&parsed.postings);
        let words: Vec<String> = fields.iter().map(|(field, count)| format!("{field}={count}")).collect();
        println!(
            "{name:34} {source:16} {:4} postings {:2} left out  {}",
            parsed.postings.len(),
            parsed.dropped.len(),
            words.join(" ")
        );
        let expected = serde_json::from_slice(&body).map_or(1, |value| rows_in(&value).max(1));
        if parsed.postings.len() + parsed.dropped.len() < expected || parsed.postings.is_empty() {
            wrong.push(format!("{name}: {} of {expected}", parsed.postings.len()));
        }
    }
    assert!(wrong.is_empty(), "read wrongly: {wrong:?}");
}
