#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

const FILE: &str = r#"{
  "jds": {"j1": ["rust", "postgresql"], "j2": ["nursing"]},
  "resumes": [{"id": "a", "text": "Rust and PostgreSQL engineer"}, {"id": "b", "text": "Hospital nurse"}],
  "labels": [{"jd": "j1", "resume": "a", "hr": "1", "score": 6}, {"jd": "j1", "resume": "b", "hr": "1", "score": 2},
             {"jd": "j2", "resume": "a", "score": 1}, {"jd": "j2", "resume": "b", "score": 7}, {"jd": "j9"}, 7],
  "chosen": []
}"#;

#[test]
fn clear_cases_are_ordered() {
    let report = evaluate_relevance(FILE.as_bytes(), None).unwrap();
    assert_eq!((report.jobs, report.pairs), (2, 4));
    assert_eq!((report.mean_spearman, report.pair_accuracy), (Some(1.0), Some(1.0)));
    assert!(report.to_string().contains("1.000"));
}

#[test]
fn predictions_do_not_depend_on_the_gold_scores() {
    let with = evaluate_relevance(FILE.as_bytes(), None).unwrap();
    let mut file: Value = serde_json::from_str(FILE).unwrap();
    for label in file["labels"].as_array_mut().unwrap() {
        if let Some(label) = label.as_object_mut() {
            label.remove("score");
        }
    }
    let without = evaluate_relevance(file.to_string().as_bytes(), None).unwrap();
    assert_eq!(with.predictions, without.predictions);
    assert_eq!(without.mean_spearman, None);
    file["labels"] = Value::Array(Vec::new());
    let mut all = evaluate_relevance(file.to_string().as_bytes(), None).unwrap().predictions;
    all.sort_by(|left, right| (&left.jd, &left.resume).cmp(&(&right.jd, &right.resume)));
    assert_eq!(all, with.predictions);
}

#[test]
fn the_goals_are_met_on_recruiters_scores() {
    let Some(path) = crate::testdata::file("relevance/ferr_third.json") else { return };
    let report = evaluate_relevance(std::fs::File::open(&path).unwrap(), None).unwrap();
    println!("{report}");
    assert!(report.mean_spearman.unwrap() >= 0.24 && report.pair_accuracy.unwrap() >= 0.60, "{report}");
}

#[test]
fn the_goals_are_met_with_a_sentence_model() {
    let Some(path) = crate::testdata::file("relevance/ferr_third.json") else { return };
    let Some(embedder) = crate::testdata::embedder() else { return };
    let report = evaluate_relevance(std::fs::File::open(&path).unwrap(), Some(&embedder)).unwrap();
    println!("{report}");
    assert!(report.mean_spearman.unwrap() >= 0.31 && report.pair_accuracy.unwrap() >= 0.645, "{report}");
}
