//! Aggregators, pages, feeds and files: exact readings of our own fixtures, and hostile variations of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod hostile;
mod json;
mod pages;
mod threads;

use std::path::{Path, PathBuf};

use aerie_boards::{Page, ParseError, Parsed, by_name};
use aerie_postings::{RawDate, RawPlace, RawPosting};
use chrono::{TimeZone, Utc};

pub fn fixture(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)).unwrap()
}

pub fn try_parse(source: &str, url: &str, body: &str) -> Result<Parsed, ParseError> {
    by_name(source).unwrap().parse(&Page::new(url.parse().unwrap(), body.to_owned()))
}

/// Reads a fixture as an answer from `url`.
pub fn parse(source: &str, url: &str, path: &str) -> Parsed {
    try_parse(source, url, &fixture(path)).unwrap()
}

pub fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub fn place(text: &str) -> RawPlace {
    RawPlace::text(text)
}

pub fn day(y: i32, m: u32, d: u32) -> Option<RawDate> {
    chrono::NaiveDate::from_ymd_opt(y, m, d).map(RawDate::Day)
}

pub fn at(y: i32, mo: u32, d: u32, h: u32, mi: u32, s: u32) -> Option<RawDate> {
    Utc.with_ymd_and_hms(y, mo, d, h, mi, s).single().map(RawDate::At)
}

pub fn titles(rows: &[RawPosting]) -> Vec<&str> {
    rows.iter().map(|row| row.title.as_deref().unwrap()).collect()
}

/// The folder of real recordings, when this machine has one.
pub fn recordings() -> Option<PathBuf> {
    if let Ok(folder) = std::env::var("AERIE_SHARED_DATA") {
        return Some(PathBuf::from(folder)).filter(|folder| folder.is_dir());
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|f| f.join("shared/data")).find(|f| f.is_dir())
}
