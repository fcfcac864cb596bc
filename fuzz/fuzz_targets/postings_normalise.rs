//! Whole raw postings as JSON: every field stays within its bound.
#![no_main]

use aerie_postings::RawPosting;
use chrono::DateTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let now = DateTime::from_timestamp(1_786_000_000, 0).unwrap_or_default();
    let Ok(raw) = serde_json::from_str::<RawPosting>(data) else { return };
    if let Ok(posting) = aerie_postings::normalise(raw, now) {
        assert!(posting.title.chars().count() <= aerie_postings::normalise::MAX_TITLE_CHARACTERS);
        assert!(posting.description_html.len() <= aerie_postings::normalise::MAX_DESCRIPTION_BYTES);
        assert!(posting.description_text.len() <= aerie_postings::normalise::MAX_DESCRIPTION_BYTES);
    }
});
