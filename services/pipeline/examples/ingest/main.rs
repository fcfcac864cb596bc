//! How fast postings are taken in and scored, how much memory that takes, and how long the same work takes in Python.
//!
//! `cargo run --release -p aerie-pipeline --example ingest -- [SIZE]... [--million] [--python PROGRAM]`, or
//! `cargo xtask bench discovery`. For each catalogue size (10,000 and 100,000 unless named) a process of its own fills a
//! catalogue with invented postings and then takes in 10,000 more; at 100,000 it also scores everything anew for one
//! person. With a Python that has scikit-learn and rapidfuzz the same work is done there and here at one smaller size.
//! Everything is written to temporary folders and removed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod peer;
mod rescore;
mod synthetic;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use aerie_pipeline::ingest;
use aerie_postings::{Posting, normalise};
use aerie_store::{Stores, StoresConfig};
use chrono::Utc;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Postings taken in while the clock runs, unless named.
const NEW: u64 = 10_000;
/// Postings taken in at a time while the catalogue is filled.
const FILL: u64 = 5_000;
/// The size at which everything is scored anew.
const RESCORED: u64 = 100_000;

/// What one process measured. Times in seconds, memory in bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Measured {
    size: u64,
    new: u64,
    fill: f64,
    normalise: f64,
    ingest: f64,
    /// Of all cores together.
    processor: f64,
    recognised: u64,
    resident: u64,
    peak: u64,
    rescore: Option<rescore::Rescored>,
    together: Option<Together>,
}

/// Ingest, queue and scoring in a row. Seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Together {
    ingest: f64,
    queue: f64,
    score: f64,
}

impl Together {
    fn whole(&self) -> f64 {
        self.ingest + self.queue + self.score
    }
}

/// What one process is to measure.
struct Task {
    size: u64,
    new: u64,
    /// Whether a person has the whole catalogue as jobs, gets the new postings too, and everything is scored.
    together: bool,
}

impl Task {
    fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let size = arguments.next().and_then(|size| size.parse().ok()).expect("--one SIZE");
        let mut task = Self { size, new: NEW, together: false };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--new" => task.new = arguments.next().and_then(|new| new.parse().ok()).expect("--new COUNT"),
                "--together" => task.together = true,
                other => panic!("{other} is no argument of --one"),
            }
        }
        task
    }
}

#[tokio::main]
async fn main() {
    let mut sizes = Vec::new();
    let mut python = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--one" => {
                let measured = measure(Task::read(arguments)).await;
                println!("{}", serde_json::to_string(&measured).unwrap());
                return;
            }
            "--rescore" => {
                let folder = arguments.next().map(PathBuf::from).expect("--rescore FOLDER");
                let rescored = rescore::measure(&folder).await;
                println!("{}", serde_json::to_string(&rescored).unwrap());
                return;
            }
            "--million" => sizes.extend([10_000, 100_000, 1_000_000]),
            "--python" => python = arguments.next().map(PathBuf::from),
            size => sizes.push(size.parse().expect("a catalogue size, --million or --python PROGRAM")),
        }
    }
    if sizes.is_empty() {
        sizes = vec![10_000, RESCORED];
    }
    let measured: Vec<Measured> = sizes.iter().map(|size| in_own_process(&["--one", &size.to_string()])).collect();
    report(&measured);
    match python {
        Some(python) => peer::compare(&python),
        None => println!("\nno comparison with Python: name one that has scikit-learn and rapidfuzz with --python"),
    }
}

/// A process for each measurement, so that its memory is its own.
fn in_own_process<Figures: DeserializeOwned>(arguments: &[&str]) -> Figures {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .expect("this program can be started again");
    assert!(output.status.success(), "measuring {arguments:?} failed");
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).expect("a line of figures")
}

async fn open(data: &Path) -> Arc<Stores> {
    let config = StoresConfig { url: "embedded".into(), data: data.to_owned(), migrate: true, connections: 4 };
    Arc::new(Stores::open(config).await.unwrap())
}

async fn measure(task: Task) -> Measured {
    let Task { size, new, together } = task;
    let folder = tempfile::tempdir().unwrap();
    let stores = open(folder.path()).await;
    let now = Utc::now();
    let universe = size + new;
    let mut fill = Duration::ZERO;
    for start in (0..size).step_by(FILL as usize) {
        let postings = synthetic::postings(start..(start + FILL).min(size), universe, now);
        let begun = Instant::now();
        ingest(stores.platform(), postings, None, now).await.unwrap();
        fill += begun.elapsed();
    }
    stores.close().await;
    let stores = open(folder.path()).await;

    let reader = if together { Some(rescore::Reader::start(Arc::clone(&stores), folder.path()).await) } else { None };
    if let Some(reader) = &reader {
        reader.fill_queue().await;
        reader.rescore().await;
    }
    let raw: Vec<_> = (size..size + new).map(|number| synthetic::raw_posting(number, universe, now)).collect();
    forget_peak();
    let begun = Instant::now();
    let postings: Vec<Posting> = raw.into_iter().filter_map(|raw| normalise(raw, now).ok()).collect();
    let normalised = begun.elapsed();
    let (begun, processor) = (Instant::now(), processor_seconds());
    let ingested = ingest(stores.platform(), postings, None, now).await.unwrap();
    let took = begun.elapsed();
    let mut measured = Measured {
        size,
        new,
        fill: fill.as_secs_f64(),
        normalise: normalised.as_secs_f64(),
        ingest: took.as_secs_f64(),
        processor: processor_seconds() - processor,
        recognised: new - ingested.new as u64,
        resident: memory("VmRSS"),
        peak: memory("VmHWM"),
        rescore: None,
        together: None,
    };
    if let Some(reader) = reader {
        let begun = Instant::now();
        reader.queue(&ingested.ids).await;
        let queue = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        reader.rescore().await;
        measured.together = Some(Together { ingest: measured.ingest, queue, score: begun.elapsed().as_secs_f64() });
        reader.stop().await;
    } else if size == RESCORED {
        let reader = rescore::Reader::start(Arc::clone(&stores), folder.path()).await;
        reader.fill_queue().await;
        reader.stop().await;
    }
    stores.close().await;
    if size == RESCORED && !together {
        measured.rescore = Some(in_own_process(&["--rescore", &folder.path().to_string_lossy()]));
    }
    measured
}

/// Resident memory now (`VmRSS`) or at its highest (`VmHWM`), in bytes, as Linux tells it; 0 elsewhere.
pub fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes: Option<u64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kilobytes.unwrap_or_default() * 1024
}

/// What this process has used of all cores, in seconds, as Linux tells it in hundredths; 0 elsewhere.
pub fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold spaces; user and system time are the 12th and 13th field after it.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Lets the highest resident memory be counted from now on.
pub fn forget_peak() {
    // Only a hint: where it cannot be written, the peak is that of the whole process.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn report(measured: &[Measured]) {
    println!("\n{NEW} new postings into a catalogue of");
    for one in measured {
        println!(
            "  {:>9}: {:6.2} s, {:.2} s processor time ({:.0} us each; normalised before in {:.2} s), {} recognised, {} MB resident, {} MB at most; filled in {:.1} s",
            one.size,
            one.ingest,
            one.processor,
            one.processor / one.new as f64 * 1e6,
            one.normalise,
            one.recognised,
            one.resident / 1_000_000,
            one.peak / 1_000_000,
            one.fill,
        );
    }
    if let [first, .., last] = measured {
        println!(
            "  cost of a posting at {} : at {} = {:.2}, in processor time {:.2}",
            last.size,
            first.size,
            last.ingest / first.ingest,
            last.processor / first.processor
        );
    }
    for (size, rescore) in measured.iter().filter_map(|one| Some((one.size, one.rescore.as_ref()?))) {
        rescore.report(size + NEW);
    }
}
