//! An installation of many processes under load, broken again and again.
//!
//! Processes of every kind are killed and paused past their lease, and the database crashes, at moments that are the same
//! for the same seed. What must hold all the same: no task is lost, none is completed twice, every event is told once and
//! in order, and calls that change nothing succeed again as soon as what they need is back. The figures are printed.
//! `cargo xtask chaos` runs it for longer.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    env,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use aerie_testkit::boards::BoardServer;
use aerie_tests::{
    cluster::{Cluster, Size},
    http::{self, EventStream},
    moments::Moments,
    program::Program,
};
use anyhow::{Context, ensure};
use chrono::Utc;
use serde_json::{Value, json};

/// How long is broken, unless `AERIE_CHAOS_SECONDS` says otherwise.
const USUAL_SECONDS: u64 = 25;
/// Shorter than usual, so that pauses outlast it.
const LEASE_SECONDS: u64 = 4;
/// How long everything may take to be well again at the end.
const RECOVERY: Duration = Duration::from_secs(120);
const LIST_JOBS: &str = "aerie.pipeline.v1.JobsService/ListJobs";
const GENERATE: &str = "aerie.pipeline.v1.LettersService/GenerateLetter";
const SUBSCRIBE: &str = "aerie.pipeline.v1.EventsService/Subscribe";

/// What callers saw.
#[derive(Debug, Default)]
struct Seen {
    calls: AtomicUsize,
    failed: AtomicUsize,
    /// Tasks whose submission was answered.
    submitted: Mutex<BTreeSet<String>>,
    /// Sequence numbers in the order in which a browser saw them, for each gateway.
    events: [Mutex<Vec<u64>>; 2],
    over: AtomicBool,
    /// The event after which browsers need no more.
    last: AtomicU64,
}

impl Seen {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_loses_no_task_and_no_event() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let seconds: u64 = setting("AERIE_CHAOS_SECONDS")?.unwrap_or(USUAL_SECONDS);
    let seed: u64 = setting("AERIE_CHAOS_SEED")?.unwrap_or(7);
    let boards = BoardServer::start(Utc::now()).await?;
    let lease = LEASE_SECONDS.to_string();
    let settings = [("AERIE__TASKS__LEASE_SECONDS", lease.as_str()), ("AERIE__TASKS__ATTEMPTS", "1000")];
    let Some(mut cluster) = Cluster::with_boards(&program, Size::TWO, &boards, &settings)? else { return Ok(()) };
    cluster.postgres.make_durable()?;
    cluster.aerie(&["discover", "--json"])?;
    let authorities = [cluster.gateway(0)?, cluster.gateway(1)?].map(|url| url.replace("http://", ""));
    let jobs = job_ids(&authorities[0])?;
    ensure!(jobs.len() > 50, "{} jobs", jobs.len());

    let seen = Arc::new(Seen { last: AtomicU64::new(u64::MAX), ..Seen::default() });
    let mut threads = Vec::new();
    for (index, authority) in authorities.iter().enumerate() {
        let (seen, authority) = (seen.clone(), authority.clone());
        threads.push(thread::spawn(move || watch(&seen, index, &authority)));
    }
    for number in 0..3 {
        let (seen, authorities) = (seen.clone(), authorities.clone());
        threads.push(thread::spawn(move || read(&seen, &authorities, number)));
    }
    let (submitting, addresses) = (seen.clone(), authorities.clone());
    let asked = jobs.clone();
    threads.push(thread::spawn(move || submit(&submitting, &addresses, &asked)));

    let faults = break_things(&mut cluster, Duration::from_secs(seconds), seed)?;
    seen.over.store(true, Ordering::SeqCst);
    let began = Instant::now();
    let outcome = recover(&cluster, &authorities, began);
    let well_after = began.elapsed();
    outcome?;
    // One thing more happens, so that browsers know when they have seen everything.
    let last = cluster.sql("select last from event_counter")?.parse::<u64>()? + 1;
    seen.last.store(last, Ordering::SeqCst);
    let request = json!({"jobId": jobs[0], "decision": "REVIEW_DECISION_APPROVE"});
    let answer = http::call(&authorities[0], "aerie.pipeline.v1.JobsService/ReviewJob", &request)?;
    ensure!(answer.status == 200, "{}", answer.body);
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a caller panicked"))?;
    }

    let submitted = seen.submitted.lock().unwrap().clone();
    let states =
        cluster.sql("select state, count(*) from task where kind = 'letter.write' group by state order by 1")?;
    let known: BTreeSet<String> =
        cluster.sql("select id from task where kind = 'letter.write'")?.lines().map(str::to_owned).collect();
    let lost: Vec<&String> = submitted.difference(&known).collect();
    let twice = cluster.sql(
        "select count(*) from (select subject_id from event where kind = 'task.completed' group by subject_id having count(*) > 1) as twice",
    )?;
    let completed: usize =
        cluster.sql("select count(*) from task where kind = 'letter.write' and state = 'completed'")?.parse()?;
    let versions: usize = cluster.sql("select count(*) from material_version")?.parse()?;
    let attempts = cluster.sql("select max(attempt), sum(attempt - 1) from task where kind = 'letter.write'")?;
    let (calls, failed) = (seen.calls.load(Ordering::SeqCst), seen.failed.load(Ordering::SeqCst));
    println!("chaos: {seconds} s, seed {seed}: {}", faults.join(", "));
    println!(
        "tasks: {} submitted, {} lost, {twice} completed twice; by state {states:?}; most attempts|repeated {attempts}",
        submitted.len(),
        lost.len()
    );
    println!("letters written {versions} for {completed} completed tasks");
    println!("events: {last}, each once and in order at both gateways");
    println!(
        "calls that change nothing: {calls}, failed {failed} ({:.2} %); all well {:.1} s after the last fault",
        100.0 * failed as f64 / calls.max(1) as f64,
        well_after.as_secs_f64()
    );

    ensure!(lost.is_empty(), "lost: {lost:?}");
    ensure!(twice == "0", "{twice} tasks were completed twice");
    ensure!(completed > 0 && states.lines().count() == 1 && states.starts_with("completed"), "{states}");
    ensure!(versions == completed, "{versions} letters for {completed} tasks");
    for events in &seen.events {
        let events = events.lock().unwrap();
        let is_whole = events.last() >= Some(&last) && events.iter().copied().eq(1..=events.len() as u64);
        ensure!(is_whole, "events up to {last}: {:?} to {:?}, gap {:?}", events.first(), events.last(), gap(&events));
    }
    ensure!(calls > 0 && failed * 2 < calls, "{failed} of {calls} calls failed");
    Ok(())
}

/// A new version is rolled out: every process is stopped in order and started again while calls go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_fails_no_call() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let boards = BoardServer::start(Utc::now()).await?;
    let Some(mut cluster) = Cluster::with_boards(&program, Size::TWO, &boards, &[])? else { return Ok(()) };
    let authorities = [cluster.gateway(0)?, cluster.gateway(1)?].map(|url| url.replace("http://", ""));
    let seen = Arc::new(Seen::default());
    let readers = (0..3).map(|number| {
        let (seen, authorities) = (seen.clone(), authorities.clone());
        thread::spawn(move || read(&seen, &authorities, number))
    });
    let readers: Vec<_> = readers.collect();
    for name in cluster.names("") {
        cluster.signal(&name, "TERM")?;
        cluster.spawn(&name)?;
        cluster.wait_ready(&name)?;
    }
    seen.over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.join().map_err(|_| anyhow::anyhow!("a caller panicked"))?;
    }
    let (calls, failed) = (seen.calls.load(Ordering::SeqCst), seen.failed.load(Ordering::SeqCst));
    println!("rolling restart of {} processes: {calls} calls, {failed} failed", cluster.names("").len());
    ensure!(calls > 100 && failed == 0, "{failed} of {calls} calls failed");
    Ok(())
}

/// The first place where the numbers do not follow each other.
fn gap(numbers: &[u64]) -> Option<(u64, u64)> {
    numbers.windows(2).map(|pair| (pair[0], pair[1])).find(|(first, second)| first + 1 != *second)
}

fn setting(name: &str) -> anyhow::Result<Option<u64>> {
    env::var(name).ok().map(|text| text.parse().with_context(|| format!("{name}: {text}"))).transpose()
}

fn job_ids(authority: &str) -> anyhow::Result<Vec<String>> {
    let answer = http::call(authority, LIST_JOBS, &json!({"pageSize": 120}))?.json()?;
    let jobs = answer["jobs"].as_array().context("jobs")?;
    Ok(jobs.iter().filter_map(|job| job["id"].as_str().map(str::to_owned)).collect())
}

/// Breaks something every second or two.
fn break_things(cluster: &mut Cluster, time: Duration, seed: u64) -> anyhow::Result<Vec<String>> {
    let kinds = ["gateway", "pipeline-api", "pipeline-worker", "llm-router"];
    let mut moments = Moments(seed);
    let (began, mut counts) = (Instant::now(), std::collections::BTreeMap::<String, usize>::new());
    let mut round = 0;
    while began.elapsed() < time {
        thread::sleep(moments.next(Duration::from_millis(1_500)));
        let kind = kinds[round % kinds.len()];
        let names = cluster.names(kind);
        let name = names[moments.below(names.len())].clone();
        // Each kind is killed and paused in turn; now and then the database goes.
        let fault = match round % 9 {
            8 => {
                cluster.postgres.crash()?;
                "database crashed".to_owned()
            }
            3 | 5 => {
                cluster.signal(&name, "STOP")?;
                thread::sleep(Duration::from_secs(LEASE_SECONDS + 2));
                cluster.signal(&name, "CONT")?;
                format!("{kind} paused")
            }
            _ => {
                cluster.signal(&name, "KILL")?;
                thread::sleep(moments.next(Duration::from_millis(500)));
                cluster.spawn(&name)?;
                format!("{kind} killed")
            }
        };
        *counts.entry(fault).or_default() += 1;
        round += 1;
    }
    for name in cluster.names("") {
        cluster.wait_ready(&name)?;
    }
    Ok(counts.into_iter().map(|(fault, count)| format!("{fault} {count} x")).collect())
}

/// Waits until every task has ended, and calls succeed again, many in a row.
fn recover(cluster: &Cluster, authorities: &[String; 2], began: Instant) -> anyhow::Result<()> {
    let mut in_a_row = 0;
    while in_a_row < 50 {
        let answer = http::call(&authorities[in_a_row % 2], LIST_JOBS, &json!({"pageSize": 1}));
        in_a_row = if answer.is_ok_and(|answer| answer.status == 200) { in_a_row + 1 } else { 0 };
        ensure!(began.elapsed() < RECOVERY, "calls still fail");
    }
    loop {
        let open = cluster.sql("select count(*) from task where finished_at is null")?;
        if open == "0" {
            return Ok(());
        }
        ensure!(began.elapsed() < RECOVERY, "{open} tasks have not ended");
        thread::sleep(Duration::from_millis(200));
    }
}

/// Lists jobs again and again, through both gateways.
fn read(seen: &Seen, authorities: &[String; 2], number: usize) {
    let mut turn = number;
    while !seen.is_over() {
        let authority = &authorities[turn % 2];
        // Whoever balances over gateways sends a call that reached none of them to the next.
        let answer = http::call(authority, LIST_JOBS, &json!({"pageSize": 5}))
            .or_else(|_| http::call(&authorities[(turn + 1) % 2], LIST_JOBS, &json!({"pageSize": 5})));
        seen.calls.fetch_add(1, Ordering::SeqCst);
        if !answer.is_ok_and(|answer| answer.status == 200) {
            seen.failed.fetch_add(1, Ordering::SeqCst);
        }
        turn += 1;
        thread::sleep(Duration::from_millis(20));
    }
}

/// Asks for letters, one after the other.
fn submit(seen: &Seen, authorities: &[String; 2], jobs: &[String]) {
    let mut turn = 0;
    while !seen.is_over() {
        let request = json!({"jobId": jobs[turn % jobs.len()], "templateOnly": true});
        let answer = http::call(&authorities[turn % 2], GENERATE, &request);
        let body = answer.ok().filter(|answer| answer.status == 200).and_then(|answer| answer.json().ok());
        if let Some(id) = body.as_ref().and_then(|body: &Value| body["taskId"].as_str()) {
            seen.submitted.lock().unwrap().insert(id.to_owned());
        }
        turn += 1;
        thread::sleep(Duration::from_millis(50));
    }
}

/// Reads events as a browser does: when the stream breaks, again from the last one seen.
fn watch(seen: &Seen, index: usize, authority: &str) {
    let deadline = Instant::now() + Duration::from_secs(3_600);
    while !follow(seen, index, authority).unwrap_or_default() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(50));
    }
}

/// Follows one stream until it breaks; true when the last event wanted has come.
fn follow(seen: &Seen, index: usize, authority: &str) -> anyhow::Result<bool> {
    let after = seen.events[index].lock().unwrap().last().copied().unwrap_or_default();
    let mut stream = EventStream::open(authority, SUBSCRIBE, &json!({}), Some(&after.to_string()))?;
    while let Some(event) = stream.next_event()? {
        let Some(number) = event.id.as_deref().and_then(|id| id.parse().ok()) else { continue };
        seen.events[index].lock().unwrap().push(number);
        if number >= seen.last.load(Ordering::SeqCst) {
            return Ok(true);
        }
    }
    Ok(false)
}
