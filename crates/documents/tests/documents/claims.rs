//! How many invented sentences the checker finds, and how many true ones it leaves alone; the figures are printed. A
//! part of the sentences was written before the rules and never looked at while they were made.

use aerie_documents::{
    claims::{Checker, Target, TextKind},
    resume::{YearMonth, from_json_resume},
};
use aerie_matching::SkillVocabulary;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    part: String,
    profile: Value,
    posting: Posting,
    #[serde(rename = "true")]
    supported: Vec<String>,
    invented: Vec<String>,
}

#[derive(Deserialize)]
struct Posting {
    company: String,
    title: String,
    description: String,
}

#[derive(Default)]
struct Count {
    found: usize,
    invented: usize,
    wrong: usize,
    supported: usize,
}

impl Count {
    fn recall(&self) -> f64 {
        self.found as f64 / self.invented as f64
    }

    fn precision(&self) -> f64 {
        self.found as f64 / (self.found + self.wrong) as f64
    }
}

#[test]
fn invented_sentences_are_found_and_true_ones_left_alone() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../fixtures/claims.json")).unwrap();
    let (mut tuning, mut held_out) = (Count::default(), Count::default());
    for case in &cases {
        let is_tuning = case.part == "tuning";
        let count = if is_tuning { &mut tuning } else { &mut held_out };
        let checker = checker(case);
        let marks = |sentence: &str| {
            let marked = checker.unsupported(sentence, TextKind::Letter);
            marked.into_iter().flat_map(|sentence| sentence.unsupported).collect::<Vec<_>>()
        };
        for sentence in &case.supported {
            let marked = marks(sentence);
            count.supported += 1;
            if !marked.is_empty() {
                count.wrong += 1;
                if is_tuning {
                    println!("  marked, but true: {sentence} {marked:?}");
                }
            }
        }
        for sentence in &case.invented {
            count.invented += 1;
            if !marks(sentence).is_empty() {
                count.found += 1;
            } else if is_tuning {
                println!("  not marked, but invented: {sentence}");
            }
        }
    }
    for (name, count) in [("tuning", &tuning), ("held out", &held_out)] {
        println!(
            "{name}: {} of {} invented sentences found, {} of {} true ones marked: recall {:.3}, precision {:.3}",
            count.found,
            count.invented,
            count.wrong,
            count.supported,
            count.recall(),
            count.precision()
        );
    }
    let all = Count {
        found: tuning.found + held_out.found,
        invented: tuning.invented + held_out.invented,
        wrong: tuning.wrong + held_out.wrong,
        supported: tuning.supported + held_out.supported,
    };
    println!("all: recall {:.3}, precision {:.3}", all.recall(), all.precision());
    assert!(cases.len() >= 10 && all.invented >= 60 && all.supported >= 60);
    assert!(all.recall() >= 0.95 && all.precision() >= 0.9);
}

fn checker(case: &Case) -> Checker {
    let profile = from_json_resume(&case.profile.to_string()).unwrap();
    let Posting { company, title, description } = &case.posting;
    let today = YearMonth::new(2026, Some(11)).unwrap();
    Checker::new(&profile, Target { company, title, description }, SkillVocabulary::built_in(), today)
}
