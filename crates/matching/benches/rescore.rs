//! Full re-score of 100,000 synthetic postings for one profile. The goal is well under two seconds on two cores.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::hint::black_box;

use aerie_matching::{
    CorpusStatistics, Extras, MatchProfile, PostingFeatures, PreparedProfile, SkillVocabulary, rescore,
};
use aerie_postings::{Place, Posting, RemoteKind, TextExtent};
use chrono::{DateTime, Duration, Utc};
use criterion::{Criterion, criterion_group, criterion_main};

const POSTINGS: usize = 100_000;
/// Different texts; the others repeat their features.
const DISTINCT: usize = 2_000;

const WORDS: [&str; 40] = [
    "rust",
    "python",
    "kubernetes",
    "postgresql",
    "customers",
    "platform",
    "design",
    "nurse",
    "hospital",
    "ward",
    "sales",
    "accounts",
    "excel",
    "warehouse",
    "forklift",
    "teaching",
    "curriculum",
    "marketing",
    "seo",
    "budget",
    "reports",
    "engineer",
    "build",
    "maintain",
    "teams",
    "deploy",
    "cloud",
    "aws",
    "docker",
    "linux",
    "quality",
    "audit",
    "payroll",
    "recruiting",
    "kitchen",
    "menu",
    "welding",
    "autocad",
    "research",
    "analysis",
];

fn posting(number: usize, now: DateTime<Utc>) -> Posting {
    let word = |index: usize| WORDS[(number * 7 + index * index * 13 + index * number) % WORDS.len()];
    let unusual = |index: usize| format!("topic{}", (number * 31 + index * 17) % 20_000);
    let text: Vec<String> =
        (0..250).map(|index| if index % 2 == 0 { word(index).to_owned() } else { unusual(index) }).collect();
    Posting {
        source: "bench".to_owned(),
        source_id: Some(number.to_string()),
        title: format!("{} {}", word(1), word(2)),
        company: "Example Works".to_owned(),
        url: format!("https://jobs.example.com/{number}"),
        apply_url: None,
        places: vec![Place { city: Some("Berlin".to_owned()), region: None, country: Some("DE".to_owned()) }],
        remote: if number.is_multiple_of(3) { RemoteKind::Remote } else { RemoteKind::OnSite },
        remote_scope: None,
        employment: Vec::new(),
        seniority: None,
        salary: None,
        description_html: String::new(),
        description_text: text.join(" "),
        extent: TextExtent::FullText,
        department: None,
        tags: Vec::new(),
        language: None,
        posted_at: Some(now - Duration::days((number % 60) as i64)),
        updated_at: None,
        expires_at: None,
        closed: false,
    }
}

fn bench(criterion: &mut Criterion) {
    let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let vocabulary = SkillVocabulary::built_in();
    let distinct: Vec<PostingFeatures> =
        (0..DISTINCT).map(|number| PostingFeatures::prepare(&posting(number, now), &vocabulary)).collect();
    let postings: Vec<PostingFeatures> = distinct.iter().cycle().take(POSTINGS).cloned().collect();
    let bytes: usize = distinct.iter().map(|features| features.to_bytes().len()).sum();
    println!("one posting: {} bytes stored", bytes / DISTINCT);
    let profile = MatchProfile {
        resume_text: WORDS.join(" ").repeat(3),
        titles: vec!["Rust Engineer".to_owned(), "Platform Engineer".to_owned()],
        ..MatchProfile::default()
    };
    let mut group = criterion.benchmark_group("rescore");
    group.sample_size(10);
    group.bench_function("statistics of 100,000 postings", |bencher| {
        bencher.iter(|| CorpusStatistics::from_postings(black_box(&postings)));
    });
    let statistics = CorpusStatistics::from_postings(&postings);
    group.bench_function("100,000 postings", |bencher| {
        bencher.iter(|| {
            let prepared = PreparedProfile::prepare(&profile, vocabulary.clone(), &statistics);
            rescore(&prepared, black_box(&postings), |_| Extras::default(), now)
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
