//! What the score promises, through the public interface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aerie_matching::explain::PostingText;
use aerie_matching::filters::ExcludeFilter;
use aerie_matching::{
    Blocker, CorpusStatistics, Extras, MatchProfile, PartKind, PostingFeatures, PreparedProfile, RemotePreference,
    SalaryWish, Score, SkillVocabulary, explain, rescore, score,
};
use aerie_postings::{PayPeriod, Place, Posting, RemoteKind, Salary, Seniority, TextExtent};
use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn place(city: &str, country: &str) -> Place {
    Place { city: Some(city.to_owned()), region: None, country: Some(country.to_owned()) }
}

fn posting(title: &str, text: &str) -> Posting {
    Posting {
        source: "test".to_owned(),
        source_id: None,
        title: title.to_owned(),
        company: "Birch & Loom".to_owned(),
        url: "https://jobs.example.com/1".to_owned(),
        apply_url: None,
        places: Vec::new(),
        remote: RemoteKind::Unknown,
        remote_scope: None,
        employment: Vec::new(),
        seniority: None,
        salary: None,
        description_html: String::new(),
        description_text: text.to_owned(),
        extent: if text.len() >= 400 { TextExtent::FullText } else { TextExtent::Snippet },
        department: None,
        tags: Vec::new(),
        language: None,
        posted_at: None,
        updated_at: None,
        expires_at: None,
        closed: false,
    }
}

fn prepared(profile: &MatchProfile) -> PreparedProfile {
    PreparedProfile::prepare(profile, SkillVocabulary::built_in(), &CorpusStatistics::default())
}

fn scored(profile: &MatchProfile, posting: &Posting) -> Score {
    score(&prepared(profile), &PostingFeatures::prepare(posting, &SkillVocabulary::built_in()), now())
}

fn engineer() -> MatchProfile {
    MatchProfile {
        summary: "Backend engineer who builds payment services".to_owned(),
        resume_text: "Five years of Rust and PostgreSQL, Kubernetes on AWS, payment services".to_owned(),
        skills: vec!["Rust".to_owned(), "PostgreSQL".to_owned(), "k8s".to_owned()],
        titles: vec!["Backend Engineer".to_owned()],
        ..MatchProfile::default()
    }
}

fn value(score: &Score, kind: PartKind) -> (f32, bool) {
    let part = score.parts.iter().find(|part| part.kind == kind).unwrap();
    (part.value, part.known)
}

#[test]
fn a_fitting_posting_beats_a_foreign_one() {
    let fitting =
        scored(&engineer(), &posting("Backend Engineer", "Rust, PostgreSQL and Kubernetes for payment services"));
    let foreign = scored(&engineer(), &posting("Pastry Chef", "Baking bread, cakes and menu planning for guests"));
    assert!(fitting.total > foreign.total + 30.0, "{} {}", fitting.total, foreign.total);
}

#[test]
fn an_empty_description_is_neither_perfect_nor_certain() {
    let bare = scored(&engineer(), &posting("Backend Engineer", ""));
    assert_eq!(bare.basis, TextExtent::TitleOnly);
    assert!(bare.total < 75.0 && bare.total > 30.0, "{}", bare.total);
    let text = "Rust and PostgreSQL services for payments. ".repeat(12);
    let full = scored(&engineer(), &posting("Backend Engineer", &text));
    assert_eq!(full.basis, TextExtent::FullText);
    assert!(bare.uncertainty > full.uncertainty + 10.0);
    assert_eq!(value(&bare, PartKind::Skills), (0.5, false));
}

#[test]
fn what_is_not_wanted_earns_nothing() {
    let job = posting("Database Administrator", "You run databases all day: backups of every database.");
    let indifferent =
        MatchProfile { resume_text: "Administrator of Linux servers".to_owned(), ..MatchProfile::default() };
    let unwilling = |text: &str| MatchProfile { summary: text.to_owned(), ..indifferent.clone() };
    let willing = scored(&unwilling("Interested in databases"), &job).total;
    let neutral = scored(&indifferent, &job).total;
    assert!(willing > neutral + 3.0);
    for summary in ["Not interested in databases.", "I don't want to work with databases"] {
        let score = scored(&unwilling(summary), &job);
        assert!(score.total <= neutral + 0.5, "{summary}: {} against {neutral}", score.total);
    }
    let listed = MatchProfile {
        resume_text: "Linux servers, databases".to_owned(),
        negative_statements: vec!["databases".to_owned()],
        ..MatchProfile::default()
    };
    let explanation = explain(&prepared(&listed), &job, now());
    assert!(explanation.evidence.iter().all(|evidence| !evidence.supports || !evidence.statement.contains("atabase")));
}

#[test]
fn a_skill_that_is_not_asked_for_is_no_gap() {
    let job = posting("Backend Engineer", "Requirements:\n• Kotlin\nNo Java required.\nNice to have:\n• Terraform");
    let explanation = explain(&prepared(&engineer()), &job, now());
    let gaps: Vec<(&str, bool)> = explanation.gaps.iter().map(|gap| (gap.skill.as_str(), gap.required)).collect();
    assert_eq!(gaps, vec![("Kotlin", true), ("Terraform", false)]);
}

#[test]
fn explanations_quote_the_posting() {
    let mut job =
        posting("Senior Backend Engineer – Zürich", "Wir bauen Zahlungen: Rust, PostgreSQL. Pay: CHF 120,000 a year.");
    job.seniority = Some(Seniority::Senior);
    job.places = vec![place("Zürich", "CH")];
    job.remote = RemoteKind::OnSite;
    job.salary = Some(Salary {
        min: Some(120_000.0),
        max: Some(120_000.0),
        currency: Some("CHF".to_owned()),
        period: PayPeriod::Year,
        predicted: false,
    });
    let profile = MatchProfile {
        places: vec![place("Zurich", "CH")],
        seniority: Some(Seniority::Senior),
        salary: Some(SalaryWish { yearly_minimum: 100_000.0, currency: "CHF".to_owned() }),
        ..engineer()
    };
    let explanation = explain(&prepared(&profile), &job, now());
    for part in [PartKind::Skills, PartKind::Title, PartKind::Seniority, PartKind::Place, PartKind::Pay] {
        let found = explanation.evidence.iter().find(|evidence| evidence.part == part).expect("evidence for the part");
        assert!(found.supports && found.quote.is_some(), "{found:?}");
    }
    let quotes = |part| {
        let of_part = explanation.evidence.iter().filter(move |evidence| evidence.part == part);
        of_part.filter_map(|evidence| evidence.quote.as_ref()).map(|quote| quote.words.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(quotes(PartKind::Place), ["Zürich"]);
    assert_eq!(quotes(PartKind::Seniority), ["Senior"]);
    assert!(quotes(PartKind::Pay)[0].contains("120,000"));
}

#[test]
fn blockers_stand_apart_from_the_score() {
    type Change = fn(&mut MatchProfile, &mut Posting);
    let table: [(Change, &[Blocker]); 8] = [
        (|_, job| job.remote = RemoteKind::OnSite, &[]),
        (
            |profile, job| (profile.remote, job.remote) = (RemotePreference::Remote, RemoteKind::OnSite),
            &[Blocker::OnSite],
        ),
        (|_, job| (job.places, job.remote) = (vec![place("Munich", "DE")], RemoteKind::OnSite), &[Blocker::Place]),
        (|_, job| (job.places, job.remote) = (vec![place("Berlin", "DE")], RemoteKind::OnSite), &[]),
        (
            |_, job| (job.remote, job.remote_scope) = (RemoteKind::Remote, Some("US only".to_owned())),
            &[Blocker::RemoteScope],
        ),
        (
            |profile, job| {
                profile.needs_sponsorship = true;
                job.description_text.push_str(" We are unable to provide visa sponsorship.");
            },
            &[Blocker::Permit],
        ),
        (
            |profile, job| (profile.seniority, job.seniority) = (Some(Seniority::Junior), Some(Seniority::Senior)),
            &[Blocker::Seniority],
        ),
        (|profile, job| (profile.seniority, job.seniority) = (Some(Seniority::Senior), Some(Seniority::Lead)), &[]),
    ];
    for (index, (change, expected)) in table.into_iter().enumerate() {
        let mut profile = MatchProfile { places: vec![place("Berlin", "DE")], ..engineer() };
        let mut job = posting("Backend Engineer", "Rust and PostgreSQL.");
        change(&mut profile, &mut job);
        assert_eq!(scored(&profile, &job).blockers, expected, "row {index}");
    }
}

#[test]
fn fresh_and_well_paid_postings_come_first() {
    let profile = MatchProfile {
        salary: Some(SalaryWish { yearly_minimum: 80_000.0, currency: "EUR".to_owned() }),
        ..engineer()
    };
    let total = |age: i64, amount: f64| {
        let mut job = posting("Backend Engineer", "Rust");
        job.posted_at = Some(now() - Duration::days(age));
        job.salary = Some(Salary {
            min: Some(amount),
            max: None,
            currency: Some("EUR".to_owned()),
            period: PayPeriod::Hour,
            predicted: false,
        });
        scored(&profile, &job).total
    };
    assert!(total(1, 45.0) > total(40, 45.0));
    assert!(total(1, 45.0) > total(1, 15.0));
}

#[test]
fn exclude_words_are_whole_words() {
    let filter = ExcludeFilter::new(&["sales".to_owned(), "intern".to_owned()], &["Acme".to_owned()]);
    for (title, company, kept) in [
        ("Salesforce Developer", "Birch", true),
        ("Sales Manager", "Birch", false),
        ("International Buyer", "Birch", true),
        ("Buyer", "Acme GmbH", false),
        ("Buyer", "Acmeon", true),
    ] {
        let job = Posting { company: company.to_owned(), ..posting(title, "") };
        assert_eq!(filter.excludes(&job).is_none(), kept, "{title} at {company}");
    }
}

#[test]
fn features_survive_storage_and_stay_small() {
    let mut job = posting("Lead Engineer", &(0..600).map(|index| format!("word{index} ")).collect::<String>());
    job.places = vec![place("Berlin", "DE"); 3];
    job.seniority = Some(Seniority::Lead);
    let features = PostingFeatures::prepare(&job, &SkillVocabulary::built_in());
    let bytes = features.to_bytes();
    assert!(bytes.len() <= 1_024, "{} bytes", bytes.len());
    assert_eq!(PostingFeatures::from_bytes(&bytes).unwrap(), features);
    assert!(PostingFeatures::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(PostingFeatures::from_bytes(&[]).is_err());
    assert!(PostingFeatures::from_bytes(&[99]).unwrap_err().to_string().contains("version 99"));
}

#[test]
fn vectors_join_the_score() {
    let profile = prepared(&engineer()).with_vectors(vec![vec![1.0, 0.0], vec![0.8, 0.6]]);
    let features = [PostingFeatures::prepare(&posting("Backend Engineer", "Rust"), &SkillVocabulary::built_in())];
    let total = |vector: Option<&[f32]>| {
        rescore(&profile, &features, |_| Extras { vector, learned: None }, now()).remove(0).total
    };
    assert!(total(Some(&[1.0, 0.0])) > total(Some(&[0.0, 1.0])));
    assert!(total(None).is_finite() && total(Some(&[1.0])).is_finite());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_texts_give_a_sound_score_and_explanation(
        title in ".{0,60}", text in "(.{0,30}|Rust|not|no|C\\+\\+|k8s|\n|required|Zürich|€90k| ){0,30}",
        resume in "(.{0,30}|Rust|not interested in|databases|\n| ){0,20}", level in any::<bool>(), age in -400_i64..4_000,
    ) {
        let mut job = posting(&title, &text);
        job.posted_at = Some(now() - Duration::days(age));
        job.seniority = level.then_some(Seniority::Director);
        job.tags = vec![title.clone()];
        let profile = MatchProfile {
            resume_text: resume.clone(), summary: resume, titles: vec![title], places: vec![place("Zürich", "CH")],
            seniority: Some(Seniority::Junior), ..MatchProfile::default()
        };
        let explanation = explain(&prepared(&profile), &job, now());
        let score = &explanation.score;
        prop_assert!((0.0..=100.0).contains(&score.total));
        let sum: f32 = score.parts.iter().map(|part| part.points()).sum();
        prop_assert!((sum - score.total).abs() < 0.01);
        prop_assert!((score.parts.iter().map(|part| part.weight).sum::<f32>() - 1.0).abs() < 1e-4);
        let quotes = explanation.evidence.iter().map(|evidence| &evidence.quote).chain(explanation.gaps.iter().map(|gap| &gap.quote));
        for quote in quotes.flatten() {
            let source = match quote.text { PostingText::Title => &job.title, PostingText::Description => &job.description_text };
            prop_assert_eq!(source.get(quote.span.clone()), Some(quote.words.as_str()));
        }
        let features = PostingFeatures::prepare(&job, &SkillVocabulary::built_in());
        prop_assert_eq!(PostingFeatures::from_bytes(&features.to_bytes()).unwrap(), features);
    }

    #[test]
    fn damaged_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = PostingFeatures::from_bytes(&bytes);
        let mut versioned = vec![1];
        versioned.extend(bytes);
        let _ = PostingFeatures::from_bytes(&versioned);
    }
}
