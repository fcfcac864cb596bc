//! The same work in Python, on fewer postings, in the same run.

use std::{fs, path::Path, process::Command};

use chrono::Utc;
use serde::Deserialize;
use serde_json::json;

use super::{Measured, NEW, synthetic};

/// Postings that Python finds in its catalogue, and new ones. The size of a block, which decides the cost of one, is the
/// same as in the large catalogues.
const KNOWN: u64 = 5_000;
const ADDED: u64 = 500;

/// What the script prints: seconds for one posting.
#[derive(Debug, Deserialize)]
struct Peer {
    versions: String,
    /// Candidates' titles and texts compared.
    ingest_plain: f64,
    /// Texts compared only where titles are alike.
    ingest_careful: f64,
    recognised_plain: u64,
    recognised_careful: u64,
    /// Vectorising the texts and scoring them.
    score: f64,
    /// Scoring alone, the matrix kept in memory.
    score_kept: f64,
}

/// Runs the script and prints the ratios.
pub fn compare(python: &Path, measured: &[Measured]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("postings.jsonl");
    let now = Utc::now();
    let universe = KNOWN + ADDED;
    let lines: Vec<String> = synthetic::postings(0..universe, universe, now)
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
        return;
    }
    let peer: Peer = serde_json::from_slice(&output.stdout).expect("one line of figures");
    println!("\nthe same work in Python ({}), {ADDED} new postings into {KNOWN}, for one posting:", peer.versions);
    let added = ADDED as f64;
    println!(
        "  ingest, titles and texts of a block compared: {:.0} us ({:.0} % recognised); texts only of like titles: {:.0} us ({:.0} %)",
        peer.ingest_plain * 1e6,
        peer.recognised_plain as f64 / added * 100.0,
        peer.ingest_careful * 1e6,
        peer.recognised_careful as f64 / added * 100.0,
    );
    println!(
        "  re-score, texts vectorised: {:.0} us; matrix kept in memory: {:.2} us",
        peer.score * 1e6,
        peer.score_kept * 1e6
    );
    for one in measured {
        let own = one.ingest / NEW as f64;
        println!(
            "  ingest at {}: {:.0} us ({:.0} % recognised), {:.1} x and {:.1} x faster",
            one.size,
            own * 1e6,
            one.recognised as f64 / NEW as f64 * 100.0,
            peer.ingest_plain / own,
            peer.ingest_careful / own
        );
        if let Some(rescore) = &one.rescore {
            let postings = (one.size + NEW) as f64;
            let (own, score) = (rescore.whole / postings, rescore.score / postings);
            println!(
                "  re-score at {}: {:.1} us, {:.1} x faster than with vectorising; scoring alone {:.2} us, {:.2} x the kept matrix",
                one.size,
                own * 1e6,
                peer.score / own,
                score * 1e6,
                peer.score_kept / score
            );
            let both = (one.ingest / NEW as f64) + own;
            println!(
                "  ingest and score together: {:.1} x and {:.1} x faster",
                (peer.ingest_plain + peer.score) / both,
                (peer.ingest_careful + peer.score) / both
            );
        }
    }
}
