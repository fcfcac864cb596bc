//! Stored features: any bytes are either refused or read, kept and scored without a panic.
#![no_main]

use std::sync::LazyLock;

use aerie_matching::{CorpusStatistics, MatchProfile, PostingFeatures, PreparedProfile, SkillVocabulary, score};
use chrono::DateTime;
use libfuzzer_sys::fuzz_target;

static PROFILE: LazyLock<PreparedProfile> = LazyLock::new(|| {
    let profile = MatchProfile {
        summary: "Backend engineer, Rust and PostgreSQL. Not interested in blockchain.".to_owned(),
        skills: vec!["Rust".to_owned(), "Kubernetes".to_owned()],
        titles: vec!["Backend Engineer".to_owned()],
        ..MatchProfile::default()
    };
    PreparedProfile::prepare(&profile, SkillVocabulary::built_in(), &CorpusStatistics::from_postings([]))
});

fuzz_target!(|data: &[u8]| {
    let Ok(features) = PostingFeatures::from_bytes(data) else { return };
    let stored = features.to_bytes();
    let again = PostingFeatures::from_bytes(&stored).map(|again| again.to_bytes());
    assert_eq!(again.ok().as_ref(), Some(&stored), "features change by being stored");
    let now = DateTime::from_timestamp(1_786_000_000, 0).unwrap_or_default();
    let points = score(&PROFILE, &features, now).total;
    assert!((0.0..=100.0).contains(&points), "{points} points");
});
