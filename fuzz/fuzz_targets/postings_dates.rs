//! Date texts: no panic, ends in order, nothing from the future.
#![no_main]

use aerie_postings::RawDate;
use chrono::{DateTime, Duration};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let now = DateTime::from_timestamp(1_786_000_000, 0).unwrap_or_default();
    let raw = RawDate::Text(data.to_owned());
    if let Some(moment) = aerie_postings::dates::resolve_past(&raw, now) {
        assert!(moment <= now + Duration::days(2));
    }
    let found = aerie_postings::dates::parse_fuzzy(data, now.date_naive());
    assert_eq!(found.start.is_some(), found.end.is_some());
    assert!(found.start <= found.end);
});
