//! The same work in Python and here, at the same size and in the same run.

use std::{fs, path::Path, process::Command};

use chrono::Utc;
use serde::Deserialize;
use serde_json::json;

use super::{Measured, in_own_process, synthetic};

/// Postings in the catalogue, and new ones.
const KNOWN: u64 = 100_000;
const ADDED: u64 = 10_000;

/// What the script prints.
#[derive(Debug, Deserialize)]
struct Peer {
    versions: String,
    /// Terms of one word.
    words: Steps,
    /// Terms of one word and of two.
    pairs: Steps,
}

/// Seconds.
#[derive(Debug, Deserialize)]
struct Steps {
    whole: f64,
    vectorise: f64,
    compare: f64,
    store: f64,
    score: f64,
    recognised: u64,
}

/// Runs both and prints the ratios.
pub fn compare(python: &Path) {
    let Some(peer) = run_script(python) else { return };
    let own: Measured = in_own_process(&["--one", &KNOWN.to_string(), "--new", &ADDED.to_string(), "--together"]);
    let Some(together) = own.together else { return };
    println!("\n{ADDED} new postings into {KNOWN}, deduplicated, stored with full text, and every posting scored:");
    let share = |recognised: u64| recognised as f64 / ADDED as f64 * 100.0;
    println!(
        "  here: {:.2} s ({:.2} s ingest, {:.2} s queue with full text, {:.2} s scoring all {}; {:.0} % recognised)",
        together.whole(),
        own.ingest,
        together.queue,
        together.score,
        KNOWN + ADDED,
        share(own.recognised),
    );
    println!("  Python ({}):", peer.versions);
    for (terms, steps) in [("single words", &peer.words), ("words and pairs", &peer.pairs)] {
        println!(
            "    {terms}: {:.1} s (vectorise {:.1} s, compare {:.1} s, store {:.1} s, score {:.2} s; {:.0} % recognised): {:.0} x",
            steps.whole,
            steps.vectorise,
            steps.compare,
            steps.store,
            steps.score,
            share(steps.recognised),
            steps.whole / together.whole(),
        );
    }
}

fn run_script(python: &Path) -> Option<Peer> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("postings.jsonl");
    let universe = KNOWN + ADDED;
    let lines: Vec<String> = synthetic::postings(0..universe, universe, Utc::now())
        .iter()
        .map(|posting| {
            json!({"url": posting.url, "title": posting.title, "company": posting.company,
                   "text": posting.description_text, "place": posting.places.first().and_then(|place| place.city.clone())})
            .to_string()
        })
        .collect();
    fs::write(&path, lines.join("\n")).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/python/ingest.py");
    let output =
        Command::new(python).arg(&script).arg(&path).arg(KNOWN.to_string()).output().expect("Python can be started");
    if !output.status.success() {
        println!("\nno comparison with Python: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(serde_json::from_slice(&output.stdout).expect("one line of figures"))
}
