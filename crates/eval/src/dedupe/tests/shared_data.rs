//! Measures on labelled data of others, where it is present.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::dedupe::{Report, evaluate_dedupe};

fn data(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("AERIE_SHARED_DATA").map(PathBuf::from).or_else(|| {
        let start = Path::new(env!("CARGO_MANIFEST_DIR"));
        start.ancestors().map(|folder| folder.join("shared/data")).find(|folder| folder.is_dir())
    });
    folder.map(|folder| folder.join(path)).filter(|file| file.is_file())
}

fn report(path: &str, hide_url: bool) -> Option<Report> {
    let Some(file) = data(path) else {
        println!("skipped: no labelled data at {path}");
        return None;
    };
    let report = evaluate_dedupe(File::open(file).unwrap(), hide_url).unwrap().report;
    println!("{report}");
    Some(report)
}

#[test]
fn lists_with_addresses() {
    let Some(report) = report("postings/dedupe_lists.jsonl", false) else { return };
    assert!(report.merge.f1 >= 0.995 && report.merge.precision >= 0.999);
}

#[test]
fn lists_without_addresses() {
    let Some(report) = report("postings/dedupe_lists.jsonl", true) else { return };
    assert!(report.merge.precision >= 0.97 && report.merge.recall >= 0.65);
    assert!(report.best_f1 >= 0.80 && report.possible.f1 >= 0.80);
    assert!(report.possible.recall > report.merge.recall);
}

#[test]
fn listings_in_general() {
    let Some(report) = report("entity/fodors_zagats.csv", false) else { return };
    assert!(report.merge.f1 >= 0.95);
}
