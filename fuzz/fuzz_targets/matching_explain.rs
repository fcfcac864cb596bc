//! Any posting and any profile: the score stays in its range, and every quote is what stands at its place.
#![no_main]

use aerie_matching::{
    CorpusStatistics, MatchProfile, PreparedProfile, SkillVocabulary, classic_score,
    explain::{self, PostingText, Quote},
};
use aerie_postings::{Posting, RawDate, RawPosting, normalise};
use chrono::DateTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let now = DateTime::from_timestamp(1_786_000_000, 0).unwrap_or_default();
    let mut pieces = data.splitn(4, '\n');
    let mut piece = || pieces.next().unwrap_or_default().to_owned();
    let (title, wish, skill, text) = (piece(), piece(), piece(), piece());
    let raw = RawPosting {
        title: Some(title),
        url: Some("https://fuzz.example/jobs/1".to_owned()),
        description_text: Some(text.clone()),
        posted: Some(RawDate::Text(wish.clone())),
        source: "fuzz".to_owned(),
        ..RawPosting::default()
    };
    let Ok(posting) = normalise(raw, now) else { return };
    let profile = MatchProfile {
        summary: wish.clone(),
        resume_text: text,
        titles: vec![wish.clone()],
        skills: vec![skill],
        negative_statements: vec![wish],
        ..MatchProfile::default()
    };
    let prepared = PreparedProfile::prepare(&profile, SkillVocabulary::built_in(), &CorpusStatistics::from_postings([]));
    let explanation = explain::explain(&prepared, &posting, now);
    assert!((0.0..=100.0).contains(&explanation.score.total), "{} points", explanation.score.total);
    let quotes = explanation.evidence.iter().filter_map(|evidence| evidence.quote.as_ref());
    for quote in quotes.chain(explanation.gaps.iter().filter_map(|gap| gap.quote.as_ref())) {
        assert_eq!(text_of(&posting, quote), Some(quote.words.as_str()));
    }
    let _ = classic_score(&profile.resume_text, &posting.description_text);
});

fn text_of<'posting>(posting: &'posting Posting, quote: &Quote) -> Option<&'posting str> {
    match quote.text {
        PostingText::Title => posting.title.get(quote.span.clone()),
        PostingText::Description => posting.description_text.get(quote.span.clone()),
    }
}
