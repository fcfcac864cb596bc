//! Any two postings compared: no panic, the same answer both ways, and a merge that keeps the bounds.
#![no_main]

use aerie_matching::dedupe::{Decisions, Features, blocking_keys, cluster, compare, merge};
use aerie_postings::{Posting, RawPlace, RawPosting, normalise};
use chrono::DateTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let (left, right) = data.split_once('\u{0}').unwrap_or((data, data));
    let (Some(left), Some(right)) = (posting(left, 1), posting(right, 2)) else { return };
    let records = [Features::from_posting(&left), Features::from_posting(&right)];
    let _ = compare(&records[0], &records[1]);
    let _ = compare(&records[1], &records[0]);
    assert_eq!(blocking_keys(&records[0]), blocking_keys(&Features::from_posting(&left)));
    let _ = cluster(&records, &Decisions::none());
    let merged = merge(&left, &right);
    assert!(!merged.title.is_empty() && !merged.url.is_empty());
});

fn posting(text: &str, number: u8) -> Option<Posting> {
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default().to_owned();
    let raw = RawPosting {
        title: Some(line()),
        company: Some(line()),
        places: vec![RawPlace::text(line())],
        description_text: Some(line()),
        url: Some(format!("https://fuzz.example/jobs/{number}")),
        source: "fuzz".to_owned(),
        ..RawPosting::default()
    };
    normalise(raw, DateTime::from_timestamp(1_786_000_000, 0).unwrap_or_default()).ok()
}
