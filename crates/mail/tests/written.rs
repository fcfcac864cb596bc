//! The nine labels on mails that were written for this test, before the rules were. A third of them was kept aside.
#![allow(clippy::unwrap_used, clippy::panic)]

use aerie_mail::classify::{guess_company, guess_title};
use aerie_mail::linking::{KnownJob, link};
use aerie_mail::{Label, Mail, classify};
use aerie_postings::company::company_key;
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Written {
    from: String,
    subject: String,
    body: String,
    company: Option<String>,
    label: String,
    part: String,
}

fn written() -> Vec<Written> {
    include_str!("fixtures/written.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Mean over the labels of the harmonic mean of precision and recall.
fn macro_f1(pairs: &[(Label, Label)]) -> f64 {
    let f1 = |label: Label| {
        let both = pairs.iter().filter(|(gold, found)| *gold == label && *found == label).count();
        let either = pairs.iter().filter(|(gold, _)| *gold == label).count()
            + pairs.iter().filter(|(_, found)| *found == label).count();
        2.0 * both as f64 / either.max(1) as f64
    };
    Label::ALL.into_iter().map(f1).sum::<f64>() / Label::ALL.len() as f64
}

#[test]
fn nine_labels_are_told_apart() {
    let mails = written();
    assert!(mails.len() >= 150);
    for label in Label::ALL {
        assert!(mails.iter().filter(|mail| mail.label == label.name()).count() >= 15, "{}", label.name());
    }
    for part in ["tuning", "final", ""] {
        let (mut pairs, mut certain, mut certain_right, mut named, mut companies) = (Vec::new(), 0, 0, 0, 0);
        for mail in mails.iter().filter(|mail| part.is_empty() || mail.part == part) {
            let read = Mail::from_fields(&mail.from, &mail.subject, &mail.body);
            let (gold, found) = (Label::of_name(&mail.label).unwrap(), classify(&read));
            certain += usize::from(found.certain);
            certain_right += usize::from(found.certain && found.label == gold);
            pairs.push((gold, found.label));
            if let Some(company) = &mail.company {
                companies += 1;
                let guess = guess_company(&read).map(|name| company_key(&name)).unwrap_or_default();
                named += usize::from(guess == company_key(company));
            }
        }
        let score = macro_f1(&pairs);
        let name = if part.is_empty() { "all" } else { part };
        println!(
            "{name}: {} mails, macro F1 {score:.4}, certain {certain} ({certain_right} right), company {named} of {companies}",
            pairs.len()
        );
        assert!(score >= 0.85, "{name}: {score}");
        assert!(certain_right as f64 >= 0.995 * certain as f64, "{name}: {certain_right} of {certain}");
    }
}

/// A recruiter's mail is never put aside for an "unsubscribe" or an unknown sender.
#[test]
fn unsubscribing_does_not_make_a_recruiter_unrelated() {
    let footer = "\n\nUnsubscribe | Manage preferences | You receive this mail because you are in our talent network.";
    for mail in written().iter().filter(|mail| mail.label == "positive_response" || mail.label == "interview_scheduled")
    {
        let with = Mail::from_fields("stranger@unknown.example", &mail.subject, &format!("{}{footer}", mail.body));
        let label = classify(&with).label;
        assert!(label != Label::Unrelated && label != Label::Digest, "{}: {}", mail.subject, label.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_mail_gets_a_label(from in ".{0,60}", subject in ".{0,200}", body in "(.|\n|if |not |position |interview |we have decided |to move forward with ){0,120}") {
        let mail = Mail::from_fields(&from, &subject, &body);
        let found = classify(&mail);
        prop_assert!((0.0..=1.0).contains(&found.confidence));
        let job = KnownJob { id: "1".into(), company: guess_company(&mail).unwrap_or_default(), title: guess_title(&mail).unwrap_or_default(), ..KnownJob::default() };
        let _ = link(&mail, &[job]);
    }
}
