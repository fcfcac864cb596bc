//! How fast the store takes in postings, lists jobs and searches them, on the embedded engine.
//!
//! `cargo run --release -p aerie-store --example store_ingest -- [postings already there]...` (default 10000 100000; try
//! 1000000). For each size it fills a catalogue, then takes in 10,000 new postings the way discovery does: look up their keys,
//! fetch the candidates of their blocks, insert. Everything is written to a temporary folder and removed.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use aerie_postings::{Posting, RemoteKind, TextExtent};
use aerie_store::{
    Stores, StoresConfig,
    catalogue::{self, Blocks, DedupeForm, NewPosting},
    jobs::{self, JobFilter, JobOrder, JobScore, JobSnapshot, NewJob},
};
use chrono::Utc;
use uuid::Uuid;

const BATCH: u64 = 500;
const NEW: u64 = 10_000;
const JOBS: u64 = 10_000;

const WORDS: [&str; 16] = [
    "engineer", "platform", "data", "rust", "nurse", "remote", "customer", "design", "systems", "lead", "analyst",
    "cloud", "sales", "robotics", "backend", "finance",
];

#[tokio::main]
async fn main() {
    let sizes: Vec<u64> = std::env::args().skip(1).map(|size| size.parse().unwrap()).collect();
    for size in if sizes.is_empty() { vec![10_000, 100_000] } else { sizes } {
        Box::pin(measure(size)).await;
    }
}

async fn measure(size: u64) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();
    let config = StoresConfig { url: "embedded".into(), data, migrate: true, connections: 4 };
    let begun = Instant::now();
    let stores = Stores::open(config.clone()).await.unwrap();
    println!("new store opened in {:?}", begun.elapsed());

    let begun = Instant::now();
    ingest(&stores, 0, size).await;
    let filled = begun.elapsed();
    stores.close().await;
    let begun = Instant::now();
    let stores = Stores::open(config).await.unwrap();
    catalogue::keys_lookup(&mut stores.platform().read().await.unwrap(), &["none".to_owned()]).await.unwrap();
    println!("opened again, first read in {:?}", begun.elapsed());

    let (begun, processor) = (Instant::now(), processor_seconds());
    let found = ingest(&stores, size, NEW).await;
    let took = begun.elapsed();
    println!(
        "catalogue {size}: filled in {filled:.2?}; {NEW} more in {took:.2?}, {:.2} s of processor time \
         ({:.0}/s, {found} candidates), memory {}",
        processor_seconds() - processor,
        NEW as f64 / took.as_secs_f64(),
        resident_memory()
    );
    let begun = Instant::now();
    let mut bytes = 0;
    let mut tx = stores.platform().read().await.unwrap();
    catalogue::for_each_match_features(&mut tx, |_, features| {
        bytes += features.len();
        Ok(())
    })
    .await
    .unwrap();
    println!("streamed {} MB of features in {:.2?}", bytes / 1_000_000, begun.elapsed());
    drop(tx);
    if size <= 10_000 {
        measure_jobs(&stores).await;
    }
    stores.close().await;
}

/// Takes in `count` postings from number `first`; returns how many candidates came back.
async fn ingest(stores: &Stores, first: u64, count: u64) -> usize {
    let mut candidates = 0;
    for start in (first..first + count).step_by(BATCH as usize) {
        let batch: Vec<NewPosting> = (start..(start + BATCH).min(first + count)).map(new_posting).collect();
        let keys: Vec<String> = batch.iter().flat_map(|posting| posting.keys.clone()).collect();
        let blocks: Vec<i64> = batch.iter().flat_map(|posting| posting.dedupe.blocks.blocks.clone()).collect();
        let bands: Vec<i64> = batch.iter().flat_map(|posting| posting.dedupe.blocks.bands.clone()).collect();
        let mut tx = stores.platform().begin().await.unwrap();
        assert!(catalogue::keys_lookup(&mut tx, &keys).await.unwrap().is_empty());
        let members = catalogue::members(&mut tx, &blocks, &bands, 20).await.unwrap();
        candidates += members.features.len();
        catalogue::insert_batch(&mut tx, batch, Utc::now()).await.unwrap();
        tx.commit().await.unwrap();
    }
    candidates
}

async fn measure_jobs(stores: &Stores) {
    let database = stores.person(Uuid::now_v7()).await.unwrap();
    let begun = Instant::now();
    for start in (0..JOBS).step_by(BATCH as usize) {
        let added: Vec<NewJob> = (start..start + BATCH).map(new_job).collect();
        let mut tx = database.begin().await.unwrap();
        jobs::insert_many_if_new(&mut tx, added, Utc::now()).await.unwrap();
        tx.commit().await.unwrap();
    }
    println!("{JOBS} jobs added in {:.2?}", begun.elapsed());
    let begun = Instant::now();
    let mut scores = Vec::new();
    let mut tx = database.begin().await.unwrap();
    jobs::for_scoring(&mut tx, None, |_, job| {
        scores.push((job, score(mixed(job.id.as_u128() as u64))));
        Ok(())
    })
    .await
    .unwrap();
    jobs::set_scores(&mut tx, scores).await.unwrap();
    tx.commit().await.unwrap();
    println!("{JOBS} scores set in {:.2?}", begun.elapsed());

    let pending = || JobFilter { statuses: vec!["pending".into()], ..JobFilter::default() };
    let text = |text: &str| JobFilter { text: Some(text.into()), min_score: Some(30.0), ..pending() };
    let filters = [
        ("first page of all", pending()),
        ("a common word", text("engineer")),
        ("two words and a beginning", text("rust platform eng")),
        ("a one-letter beginning", text("s")),
        ("nothing found", text("zeppelin")),
    ];
    for (what, filter) in filters {
        let processor = processor_seconds();
        let mut times = Vec::new();
        let mut total = 0;
        for _ in 0..200 {
            let begun = Instant::now();
            let mut tx = database.read().await.unwrap();
            total = jobs::list(&mut tx, &filter, JobOrder::Score, None, 50).await.unwrap().total;
            tx.rollback().await.unwrap();
            times.push(begun.elapsed());
        }
        let each = (processor_seconds() - processor) / times.len() as f64 * 1000.0;
        println!("list, {what}: {total} found, {}, {each:.1} ms of processor time", percentiles(times));
    }
    println!("memory {}", resident_memory());
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    format!("p50 {:.2?}, p99 {:.2?}", at(0.5), at(0.99))
}

/// Processor time of this process so far, in all threads, in seconds: on a busy machine it says more than the clock.
fn processor_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15; the name in field 2 ends with the last bracket.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// Resident memory now and at its highest, as Linux tells it.
fn resident_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}

/// A well-mixed number (the finaliser of MurmurHash3), so that every run has the same postings.
fn mixed(mut number: u64) -> u64 {
    number ^= number >> 33;
    number = number.wrapping_mul(0xff51_afd7_ed55_8ccd);
    number ^= number >> 33;
    number = number.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ (number >> 33)
}

fn words(seed: u64, count: u64) -> String {
    (0..count).map(|index| WORDS[(mixed(seed * 1000 + index) % 16) as usize]).collect::<Vec<_>>().join(" ")
}

fn posting(number: u64) -> Posting {
    let text = words(number, 350);
    Posting {
        source: "greenhouse".into(),
        source_id: Some(number.to_string()),
        title: words(number, 3),
        company: format!("Company {}", number / 40),
        url: format!("https://boards.example.com/company{}/jobs/{number}", number / 40),
        apply_url: None,
        places: vec![],
        remote: RemoteKind::Unknown,
        remote_scope: None,
        employment: vec![],
        seniority: None,
        salary: None,
        description_html: format!("<p>{text}</p>"),
        description_text: text,
        extent: TextExtent::FullText,
        department: None,
        tags: vec![],
        language: None,
        posted_at: None,
        updated_at: None,
        expires_at: None,
        closed: false,
    }
}

fn new_posting(number: u64) -> NewPosting {
    let home = i64::from(mixed(number / 40) as i32);
    let block = |kind: u64, value: u64| (home << 32) | (mixed(kind << 56 | value) & 0xFFFF_FFFF).cast_signed();
    let fingerprint = mixed(number ^ 0xF1F1);
    NewPosting {
        id: Uuid::now_v7(),
        posting: posting(number),
        board: Some(format!("company{}", number / 40)),
        keys: vec![format!("greenhouse:{number}"), format!("boards.example.com/company/jobs/{number}")],
        // The employer's postings, five blocks of words that a few of them share, and four bands of the text.
        dedupe: DedupeForm {
            blocks: Blocks {
                home,
                blocks: (0..6)
                    .map(|kind| block(kind, if kind == 0 { 0 } else { mixed(number * 7 + kind) % 20 }))
                    .collect(),
                bands: (0..4).map(|band| (band << 16) | (fingerprint >> (16 * band) & 0xFFFF).cast_signed()).collect(),
                fingerprint: fingerprint.cast_signed(),
            },
            features: vec![7; 300],
        },
        match_features: vec![7; 1200],
        embedding: None,
    }
}

fn new_job(number: u64) -> NewJob {
    NewJob {
        id: Uuid::now_v7(),
        posting_id: Uuid::now_v7(),
        status: if number.is_multiple_of(10) { "approved" } else { "pending" }.into(),
        snapshot: JobSnapshot { posting: posting(number), links: vec![] },
        surfaced_by: None,
        search_profile_id: None,
        score: None,
    }
}

fn score(number: u64) -> JobScore {
    let document = Some(vec![7; 250]);
    JobScore { score: (number % 1000) as f64 / 10.0, classic: None, basis: None, document, profile_version: 1 }
}
