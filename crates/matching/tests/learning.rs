//! Whether learning from decisions helps, measured on simulated people and real postings.
//!
//! A simulated person approves postings of one trade that also carry one of a few words, and errs now and then; their
//! profile tells only half of that. The area under the curve is taken over the postings they did not judge.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use aerie_matching::learning::{Decision, Learner, ScoreSpread, exploration};
use aerie_matching::{
    CorpusStatistics, Extras, MatchProfile, PostingFeatures, PreparedProfile, SkillVocabulary, rescore,
};
use aerie_postings::{Posting, RemoteKind, TextExtent};
use chrono::DateTime;
use serde_json::Value;

fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("AERIE_SHARED_DATA").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared/data"));
    let found = named.into_iter().chain(above).find(|folder| folder.join("postings").is_dir());
    if found.is_none() {
        println!("skipped: no postings in AERIE_SHARED_DATA or a shared/data folder");
    }
    found
}

fn posting(title: &str, text: &str) -> Posting {
    Posting {
        source: "measure".to_owned(),
        source_id: None,
        title: title.to_owned(),
        company: String::new(),
        url: String::new(),
        apply_url: None,
        places: Vec::new(),
        remote: RemoteKind::Unknown,
        remote_scope: None,
        employment: Vec::new(),
        seniority: None,
        salary: None,
        description_html: String::new(),
        description_text: text.to_owned(),
        extent: TextExtent::FullText,
        department: None,
        tags: Vec::new(),
        language: None,
        posted_at: None,
        updated_at: None,
        expires_at: None,
        closed: false,
    }
}

/// Title and text of every posting of the three files.
fn postings(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for name in ["cyber_jobs_full", "weworkremotely_normalised", "remotejobsorg"] {
        let Ok(text) = std::fs::read_to_string(folder.join(format!("postings/{name}.json"))) else { continue };
        let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
        let field = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        all.extend(rows.iter().map(|row| (field(row, "title"), field(row, "description"))));
    }
    all
}

/// What a simulated person's profile says, and what they like in truth.
struct Person {
    profile: MatchProfile,
    likes: fn(&str, &str) -> bool,
}

fn has(text: &str, words: &[&str]) -> bool {
    let lower = text.to_lowercase();
    words.iter().any(|word| lower.contains(word))
}

fn people() -> Vec<Person> {
    let profile = |resume: &str, title: &str| MatchProfile {
        resume_text: resume.to_owned(),
        titles: vec![title.to_owned()],
        ..MatchProfile::default()
    };
    vec![
        Person {
            profile: profile(
                "Software engineer: Python, APIs, PostgreSQL, web services and testing",
                "Software Engineer",
            ),
            likes: |title, text| has(title, &["engineer", "developer"]) && has(text, &["kubernetes", "aws", "cloud"]),
        },
        Person {
            profile: profile(
                "Information security analyst: SIEM, incident response, compliance audits",
                "Security Analyst",
            ),
            likes: |title, _| has(title, &["security"]) && !has(title, &["manager", "director", "sales", "head"]),
        },
        Person {
            profile: profile(
                "Marketing and communication, social media campaigns, content and brand",
                "Marketing Manager",
            ),
            likes: |title, text| {
                has(title, &["market", "content", "growth", "social", "seo", "brand"]) || has(text, &["copywriting"])
            },
        },
        Person {
            profile: profile("Customer support and sales operations, CRM, account management", "Account Manager"),
            likes: |title, _| has(title, &["sales", "account", "customer", "success", "support"]),
        },
        Person {
            profile: profile(
                "Data analysis with SQL and Python, dashboards, machine learning models",
                "Data Scientist",
            ),
            likes: |title, text| has(title, &["data", "analyst", "machine", "ai "]) && has(text, &["python", "sql"]),
        },
    ]
}

fn area(scored: &[(f32, bool)]) -> f64 {
    let (mut right, mut pairs) = (0.0, 0.0);
    for (good, _) in scored.iter().filter(|(_, liked)| *liked) {
        for (bad, _) in scored.iter().filter(|(_, liked)| !*liked) {
            pairs += 1.0;
            right += if good > bad {
                1.0
            } else if good == bad {
                0.5
            } else {
                0.0
            };
        }
    }
    right / pairs
}

/// A small generator of its own, so that the measure is the same everywhere.
fn random(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as f64 / f64::from(1_u32 << 31)
}

#[derive(Clone, Copy)]
enum Judged {
    Random,
    Top,
    TopWithExploration,
}

/// Mean area without and with learning over all people and several draws.
fn measure(judged: Judged, count: usize) -> (f64, f64, f64) {
    let folder = folder().unwrap();
    let vocabulary = SkillVocabulary::built_in();
    let texts = postings(&folder);
    let features: Vec<PostingFeatures> =
        texts.iter().map(|(title, text)| PostingFeatures::prepare(&posting(title, text), &vocabulary)).collect();
    let statistics = CorpusStatistics::from_postings(&features);
    let now = DateTime::UNIX_EPOCH;
    let (mut without, mut with, mut worst, mut runs) = (0.0, 0.0, f64::MAX, 0.0);
    for person in people() {
        let prepared = PreparedProfile::prepare(&person.profile, vocabulary.clone(), &statistics);
        let base: Vec<f32> =
            rescore(&prepared, &features, |_| Extras::default(), now).iter().map(|score| score.total).collect();
        let mut state = 7;
        let likes: Vec<bool> = texts
            .iter()
            .map(
                |(title, text)| {
                    if random(&mut state) < 0.05 { random(&mut state) < 0.5 } else { (person.likes)(title, text) }
                },
            )
            .collect();
        // The top of the list is the same in every draw.
        let draws = if matches!(judged, Judged::Random) { 2 } else { 1 };
        for draw in 0..draws {
            let mut ranked: Vec<usize> = (0..features.len()).collect();
            ranked.sort_by(|left, right| base[*right].total_cmp(&base[*left]));
            let chosen: Vec<usize> = match judged {
                Judged::Random => exploration_of_all(features.len(), count, draw),
                Judged::Top => ranked.iter().copied().take(count).collect(),
                Judged::TopWithExploration => exploration(ranked.len(), 0.2, draw)
                    .into_iter()
                    .take(count)
                    .map(|(index, _)| ranked[index])
                    .collect(),
            };
            let decisions: Vec<Decision<'_>> = chosen
                .iter()
                .map(|&index| Decision { posting: &features[index], approved: likes[index], base_score: base[index] })
                .collect();
            let learner = Learner::train(&decisions, ScoreSpread::of(base.iter().copied()), &statistics);
            let extras = |index: usize| Extras { vector: None, learned: learner.opinion(&features[index]) };
            let learned = rescore(&prepared, &features, extras, now);
            let rest = || (0..features.len()).filter(|index| !chosen.contains(index));
            let before = area(&rest().map(|index| (base[index], likes[index])).collect::<Vec<_>>());
            let after = area(&rest().map(|index| (learned[index].total, likes[index])).collect::<Vec<_>>());
            without += before;
            with += after;
            worst = f64::min(worst, after - before);
            runs += 1.0;
        }
    }
    (without / runs, with / runs, worst)
}

fn exploration_of_all(all: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut state = seed + 99;
    let mut order: Vec<(f64, usize)> = (0..all).map(|index| (random(&mut state), index)).collect();
    order.sort_by(|left, right| left.0.total_cmp(&right.0));
    order.into_iter().take(count).map(|(_, index)| index).collect()
}

#[test]
fn a_hundred_random_decisions_lift_the_ranking() {
    if folder().is_none() {
        return;
    }
    let (without, with, worst) = measure(Judged::Random, 100);
    println!("100 random decisions: AUC {without:.3} without, {with:.3} with learning, worst change {worst:+.3}");
    assert!(with >= without + 0.04, "{without:.3} {with:.3}");
}

#[test]
fn judging_only_the_top_does_no_harm() {
    if folder().is_none() {
        return;
    }
    for (judged, name) in [(Judged::Top, "top"), (Judged::TopWithExploration, "top with exploration")] {
        for count in [30, 100, 200] {
            let (without, with, worst) = measure(judged, count);
            println!(
                "{count} decisions on the {name}: AUC {without:.3} without, {with:.3} with, worst change {worst:+.3}"
            );
            assert!(with >= without, "{name} {count}: {without:.3} {with:.3}");
        }
    }
}

#[test]
fn few_or_one_sided_decisions_teach_nothing() {
    let vocabulary = SkillVocabulary::built_in();
    let features = PostingFeatures::prepare(&posting("Rust Engineer", "Rust"), &vocabulary);
    let decision = Decision { posting: &features, approved: true, base_score: 50.0 };
    let spread = ScoreSpread { mean: 50.0, deviation: 10.0 };
    for decisions in [vec![], vec![decision; 50]] {
        assert_eq!(Learner::train(&decisions, spread, &CorpusStatistics::default()).opinion(&features), None);
    }
}

#[test]
fn reasons_name_what_was_approved() {
    let vocabulary = SkillVocabulary::built_in();
    let make = |title: &str, text: &str| PostingFeatures::prepare(&posting(title, text), &vocabulary);
    let (liked, disliked) = (make("Backend Engineer", "Rust programming"), make("Cashier", "Cash handling and retail"));
    let mut decisions = vec![Decision { posting: &liked, approved: true, base_score: 50.0 }; 8];
    decisions.extend(vec![Decision { posting: &disliked, approved: false, base_score: 50.0 }; 5]);
    let spread = ScoreSpread { mean: 50.0, deviation: 10.0 };
    let learner = Learner::train(&decisions, spread, &CorpusStatistics::default());
    assert!(learner.opinion(&liked).unwrap().value > learner.opinion(&disliked).unwrap().value);
    let reasons = learner.reasons(&liked, "Backend Engineer", &vocabulary);
    assert!(reasons.iter().any(|reason| reason.to_string() == "you approved 8 postings with Rust"), "{reasons:?}");
}

#[test]
fn exploration_shows_every_card_once_and_repeats_itself() {
    for share in [0.0, 0.2, 9.0, f64::NAN] {
        let order = exploration(500, share, 42);
        assert_eq!(order, exploration(500, share, 42));
        let mut seen: Vec<usize> = order.iter().map(|(index, _)| *index).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
        if share == 0.2 {
            let exploratory = order.iter().take(200).filter(|(_, exploratory)| *exploratory).count();
            assert!((20..=60).contains(&exploratory), "{exploratory}");
        }
    }
    assert!(exploration(0, 0.2, 1).is_empty());
}
