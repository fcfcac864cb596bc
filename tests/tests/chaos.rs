//! An installation of many processes under load, broken again and again.
//!
//! Processes of every kind are killed, paused past their lease and given a wrong clock, NATS is cut, the database crashes and its
//! disk is full, at moments that are the same for the same seed. What must hold all the same: no task is lost, none is completed twice, every event is told once and
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

use aerie_testkit::{boards::BoardServer, issuer::TestIssuer};
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
const USUAL_SECONDS: u64 = 30;
/// Shorter than usual, so that pauses outlast it.
const LEASE_SECONDS: u64 = 4;
/// How far a worker's clock is wrong; it must not matter at all.
const WRONG_CLOCK: i64 = 3_600;
/// How far any other's is: within what signed identities bear.
const INEXACT_CLOCK: i64 = 20;
/// How long a fault lasts that is not over by itself.
const LASTING: Duration = Duration::from_secs(3);
/// Room for an empty database with its log, and for what is written in a second, in megabytes.
const DISK: (u64, u64) = (500, 2);
/// How long everything may take to be well again at the end.
const RECOVERY: Duration = Duration::from_secs(120);
const LIST_JOBS: &str = "aerie.pipeline.v1.JobsService/ListJobs";
const GENERATE: &str = "aerie.pipeline.v1.LettersService/GenerateLetter";
const AUDIENCE: &str = "aerie";
const SUBSCRIBE: &str = "aerie.pipeline.v1.EventsService/Subscribe";

/// Somebody with an account, and what they saw.
#[derive(Debug)]
struct Person {
    name: &'static str,
    /// The value of the `authorization` header.
    authorization: String,
    /// Their jobs, which nobody else has.
    jobs: Vec<String>,
    /// Tasks whose submission was answered.
    submitted: Mutex<BTreeSet<String>>,
    /// Sequence numbers in the order in which a browser saw them, for each gateway.
    events: [Mutex<Vec<u64>>; 2],
    /// The event after which browsers need no more.
    last: AtomicU64,
}

/// Calls that change nothing.
#[derive(Debug, Default)]
struct Calls {
    made: AtomicUsize,
    failed: AtomicUsize,
    over: AtomicBool,
}

impl Calls {
    fn are_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

/// An installation with accounts for two people, each with jobs of their own.
async fn installation(
    program: &Program,
    boards: &BoardServer,
    size: Size,
) -> anyhow::Result<Option<(TestIssuer, Cluster, Vec<Arc<Person>>)>> {
    let issuer = TestIssuer::start().await?;
    let lease = LEASE_SECONDS.to_string();
    let issuers = json!([{"issuer": issuer.url(), "audience": AUDIENCE, "jwks_url": issuer.jwks_url()}]).to_string();
    let settings = [
        ("AERIE__TASKS__LEASE_SECONDS", lease.as_str()),
        ("AERIE__TASKS__ATTEMPTS", "100"),
        ("AERIE__ACCOUNTS__MODE", "tokens"),
        ("AERIE__ACCOUNTS__ISSUERS", issuers.as_str()),
    ];
    let Some(cluster) = Cluster::with_boards(program, size, boards, &settings)? else { return Ok(None) };
    cluster.postgres.make_durable()?;
    cluster.postgres.administer("alter system set max_wal_size = '160MB'")?;
    cluster.postgres.administer("select pg_reload_conf()")?;
    let mut people = Vec::new();
    for name in ["ada", "ben"] {
        let mut claims = issuer.claims(name, AUDIENCE);
        claims["exp"] = json!(Utc::now().timestamp() + 24 * 3_600);
        let token = issuer.mint("EdDSA", &claims)?;
        cluster.load_profile(boards, Some(&token))?;
        cluster.aerie_as(Some(&token), &["discover", "--json"])?;
        let authorization = format!("Bearer {token}");
        let authority = cluster.gateway(0)?.replace("http://", "");
        let answer = http::call_as(Some(&authorization), &authority, LIST_JOBS, &json!({"pageSize": 200}))?.json()?;
        let jobs: Vec<String> = ids(&answer);
        ensure!(jobs.len() > 50, "{} jobs", jobs.len());
        people.push(Arc::new(Person {
            name,
            authorization,
            jobs,
            submitted: Mutex::default(),
            events: Default::default(),
            last: AtomicU64::new(u64::MAX),
        }));
    }
    let (ada, ben): (BTreeSet<&String>, BTreeSet<&String>) =
        (people[0].jobs.iter().collect(), people[1].jobs.iter().collect());
    ensure!(ada.is_disjoint(&ben), "two people have the same jobs");
    Ok(Some((issuer, cluster, people)))
}

fn ids(answer: &Value) -> Vec<String> {
    let jobs = answer["jobs"].as_array().into_iter().flatten();
    jobs.filter_map(|job| job["id"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_loses_no_task_and_no_event() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let seconds: u64 = setting("AERIE_CHAOS_SECONDS")?.unwrap_or(USUAL_SECONDS);
    let seed: u64 = setting("AERIE_CHAOS_SEED")?.unwrap_or(7);
    let boards = BoardServer::start(Utc::now()).await?;
    // The issuer is asked for its keys by every gateway that starts.
    let size = Size { disk: Some(DISK.0 + DISK.1 * seconds), ..Size::TWO };
    let Some((_issuer, mut cluster, people)) = installation(&program, &boards, size).await? else { return Ok(()) };
    let authorities = [cluster.gateway(0)?, cluster.gateway(1)?].map(|url| url.replace("http://", ""));
    let calls = Arc::new(Calls::default());
    let mut threads = Vec::new();
    for person in &people {
        for (index, authority) in authorities.iter().enumerate() {
            let (person, authority) = (person.clone(), authority.clone());
            threads.push(thread::spawn(move || watch(&person, index, &authority)));
        }
        for number in 0..2 {
            let (calls, person, authorities) = (calls.clone(), person.clone(), authorities.clone());
            threads.push(thread::spawn(move || read(&calls, &person, &authorities, number)));
        }
        let (calls, person, authorities) = (calls.clone(), person.clone(), authorities.clone());
        threads.push(thread::spawn(move || submit(&calls, &person, &authorities)));
    }

    let faults = break_things(&mut cluster, Duration::from_secs(seconds), seed)?;
    calls.over.store(true, Ordering::SeqCst);
    let began = Instant::now();
    recover(&cluster, &people, &authorities, began)?;
    let well_after = began.elapsed();
    for person in &people {
        // One thing more happens, so that browsers know when they have seen everything.
        let last = format!(
            "select last from event_counter where tenant_id = (select tenant_id from job where id = '{}')",
            person.jobs[0]
        );
        person.last.store(cluster.sql(&last)?.parse::<u64>()? + 1, Ordering::SeqCst);
        let request = json!({"jobId": person.jobs[0], "decision": "REVIEW_DECISION_APPROVE"});
        let review = "aerie.pipeline.v1.JobsService/ReviewJob";
        let answer = http::call_as(Some(&person.authorization), &authorities[0], review, &request)?;
        ensure!(answer.status == 200, "{}", answer.body);
    }
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a caller panicked"))??;
    }

    let letters = "from task where kind = 'letter.write'";
    let states = cluster.sql(&format!("select state, count(*) {letters} group by state order by 1"))?;
    let known = cluster.sql(&format!("select id {letters}"))?;
    let known: BTreeSet<String> = known.lines().map(str::to_owned).collect();
    let submitted: BTreeSet<String> =
        people.iter().flat_map(|person| person.submitted.lock().unwrap().clone()).collect();
    let lost: Vec<&String> = submitted.difference(&known).collect();
    let twice = cluster.sql(
        "select count(*) from (select 1 from event where kind = 'task.completed' group by subject_id having count(*) > 1) as twice",
    )?;
    let completed: usize = cluster.sql(&format!("select count(*) {letters} and state = 'completed'"))?.parse()?;
    let versions: usize = cluster.sql("select count(*) from material_version")?.parse()?;
    let attempts = cluster.sql(&format!("select max(attempt), sum(attempt - 1) {letters}"))?;
    let (made, failed) = (calls.made.load(Ordering::SeqCst), calls.failed.load(Ordering::SeqCst));
    println!("chaos: {seconds} s, seed {seed}: {}", faults.join(", "));
    println!("processes that found no database at their start, and were started again: {}", cluster.restarts());
    println!(
        "tasks: {} submitted, {} lost, {twice} completed twice; by state {states:?}; most attempts|repeated {attempts}",
        submitted.len(),
        lost.len()
    );
    println!("letters written: {versions} for {completed} completed tasks");
    let share = 100.0 * failed as f64 / made.max(1) as f64;
    println!(
        "calls that change nothing: {made}, failed {failed} ({share:.2} %), none with rows of somebody else; all well {:.1} s after the last fault",
        well_after.as_secs_f64()
    );

    ensure!(lost.is_empty(), "lost: {lost:?}");
    ensure!(twice == "0", "{twice} tasks were completed twice");
    ensure!(completed > 0 && states.lines().count() == 1 && states.starts_with("completed"), "{states}");
    ensure!(versions == completed, "{versions} letters for {completed} tasks");
    for person in &people {
        let last = person.last.load(Ordering::SeqCst);
        for (gateway, events) in person.events.iter().enumerate() {
            let events = events.lock().unwrap();
            println!("events of {} at gateway {gateway}: {}, each once and in order", person.name, events.len());
            let is_whole = events.last() >= Some(&last) && events.iter().copied().eq(1..=events.len() as u64);
            ensure!(is_whole, "{}: {:?} to {:?}, gap {:?}", person.name, events.first(), events.last(), gap(&events));
        }
    }
    ensure!(made > 0 && failed * 4 < made, "{failed} of {made} calls failed");
    Ok(())
}

/// A new version is rolled out: every process is stopped in order and started again while calls go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_fails_no_call() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let boards = BoardServer::start(Utc::now()).await?;
    // The issuer is asked for its keys by every gateway that starts.
    let Some((_issuer, mut cluster, people)) = installation(&program, &boards, Size::TWO).await? else { return Ok(()) };
    let authorities = [cluster.gateway(0)?, cluster.gateway(1)?].map(|url| url.replace("http://", ""));
    let calls = Arc::new(Calls::default());
    let readers = people.iter().enumerate().map(|(number, person)| {
        let (calls, person, authorities) = (calls.clone(), person.clone(), authorities.clone());
        thread::spawn(move || read(&calls, &person, &authorities, number))
    });
    let readers: Vec<_> = readers.collect();
    for name in cluster.names("") {
        cluster.signal(&name, "TERM")?;
        cluster.spawn(&name)?;
        cluster.wait_ready(&name)?;
    }
    calls.over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.join().map_err(|_| anyhow::anyhow!("a caller panicked"))??;
    }
    let (made, failed) = (calls.made.load(Ordering::SeqCst), calls.failed.load(Ordering::SeqCst));
    println!("rolling restart of {} processes: {made} calls, {failed} failed", cluster.names("").len());
    ensure!(made > 50 && failed == 0, "{failed} of {made} calls failed");
    Ok(())
}

/// The first place where the numbers do not follow each other.
fn gap(numbers: &[u64]) -> Option<(u64, u64)> {
    numbers.windows(2).map(|pair| (pair[0], pair[1])).find(|(first, second)| first + 1 != *second)
}

fn setting(name: &str) -> anyhow::Result<Option<u64>> {
    env::var(name).ok().map(|text| text.parse().with_context(|| format!("{name}: {text}"))).transpose()
}

/// What can go wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// A process of this kind dies and is started again.
    Killed(&'static str),
    /// One stands still for longer than its lease.
    Paused(&'static str),
    /// One is started anew with a clock that is wrong, first ahead and then behind.
    WrongClock(&'static str),
    /// Wake-ups are lost.
    NatsCut,
    /// The database dies and is started again.
    DatabaseCrashed,
    /// The database cannot write.
    DiskFull,
}

/// One of each in the first half minute, each of every kind in some minutes.
const FAULTS: [Fault; 16] = [
    Fault::Killed("pipeline-worker"),
    Fault::WrongClock("pipeline-worker"),
    Fault::DiskFull,
    Fault::Killed("pipeline-api"),
    Fault::DatabaseCrashed,
    Fault::Killed("gateway"),
    Fault::Paused("pipeline-worker"),
    Fault::NatsCut,
    Fault::Killed("llm-router"),
    Fault::Paused("pipeline-api"),
    Fault::WrongClock("gateway"),
    Fault::Paused("gateway"),
    Fault::DatabaseCrashed,
    Fault::WrongClock("pipeline-api"),
    Fault::Paused("llm-router"),
    Fault::WrongClock("llm-router"),
];

/// Breaks something every second or two.
fn break_things(cluster: &mut Cluster, time: Duration, seed: u64) -> anyhow::Result<Vec<String>> {
    let mut moments = Moments(seed);
    let (began, mut counts) = (Instant::now(), std::collections::BTreeMap::<String, usize>::new());
    for (round, fault) in FAULTS.iter().cycle().enumerate() {
        if began.elapsed() >= time {
            break;
        }
        thread::sleep(moments.next(Duration::from_millis(1_500)));
        let is_ahead = (round / FAULTS.len()).is_multiple_of(2);
        let happened = inflict(*fault, cluster, &mut moments, is_ahead)?;
        *counts.entry(happened).or_default() += 1;
    }
    for name in cluster.names("") {
        cluster.wait_ready(&name)?;
    }
    Ok(counts.into_iter().map(|(fault, count)| format!("{fault} {count} x")).collect())
}

/// Makes one fault happen, from its beginning to its end, and says what it was.
fn inflict(fault: Fault, cluster: &mut Cluster, moments: &mut Moments, is_ahead: bool) -> anyhow::Result<String> {
    let mut one_of = |cluster: &Cluster, kind: &str| {
        let names = cluster.names(kind);
        names[moments.below(names.len())].clone()
    };
    match fault {
        Fault::Killed(kind) => {
            let name = one_of(cluster, kind);
            cluster.signal(&name, "KILL")?;
            thread::sleep(moments.next(Duration::from_millis(500)));
            cluster.spawn(&name)?;
            Ok(format!("{kind} killed"))
        }
        Fault::Paused(kind) => {
            let name = one_of(cluster, kind);
            cluster.signal(&name, "STOP")?;
            thread::sleep(Duration::from_secs(LEASE_SECONDS + 2));
            cluster.signal(&name, "CONT")?;
            Ok(format!("{kind} paused"))
        }
        Fault::WrongClock(kind) => {
            let name = one_of(cluster, kind);
            let size = if kind == "pipeline-worker" { WRONG_CLOCK } else { INEXACT_CLOCK };
            let ahead = if is_ahead { size } else { -size };
            cluster.signal(&name, "KILL")?;
            if cluster.spawn_with_clock(&name, ahead)? {
                cluster.wait_ready(&name)?;
                thread::sleep(LASTING);
                // The router knows no other clock to compare with.
                if kind != "llm-router" {
                    let metrics = cluster.metrics(&name)?;
                    let told = metrics.lines().find_map(|line| line.strip_prefix("aerie_clock_ahead_seconds "));
                    let told: f64 = told.with_context(|| format!("{name} tells nothing of its clock"))?.parse()?;
                    ensure!((told - ahead as f64).abs() < 2.0, "{name} is {told} s ahead instead of {ahead}");
                }
                cluster.signal(&name, "KILL")?;
            }
            cluster.spawn(&name)?;
            Ok(format!("{kind} with a clock wrong by {size} s"))
        }
        Fault::NatsCut => {
            let Some(nats) = &mut cluster.nats else { return Ok("no NATS to cut".to_owned()) };
            nats.stop();
            thread::sleep(LASTING);
            nats.start_again()?;
            Ok("NATS cut".to_owned())
        }
        Fault::DatabaseCrashed => {
            cluster.postgres.crash()?;
            Ok("database crashed".to_owned())
        }
        Fault::DiskFull => {
            let Some(disk) = &cluster.disk else { return Ok("no disk to fill".to_owned()) };
            disk.fill()?;
            let much = "create table much as select repeat('x', 1000) from generate_series(1, 100000)";
            ensure!(cluster.sql(much).is_err(), "there is still room on the full disk");
            thread::sleep(LASTING);
            disk.make_room()?;
            cluster.postgres.wait_until_ready()?;
            Ok("disk full".to_owned())
        }
    }
}

/// Waits until every task has ended, and calls succeed again, many in a row.
fn recover(cluster: &Cluster, people: &[Arc<Person>], authorities: &[String; 2], began: Instant) -> anyhow::Result<()> {
    let mut in_a_row = 0;
    while in_a_row < 50 {
        let token = Some(people[in_a_row % people.len()].authorization.as_str());
        let answer = http::call_as(token, &authorities[in_a_row / 2 % 2], LIST_JOBS, &json!({"pageSize": 1}));
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

/// Lists a person's jobs again and again, through both gateways. Never is a job of somebody else among them.
fn read(calls: &Calls, person: &Person, authorities: &[String; 2], number: usize) -> anyhow::Result<()> {
    let own: BTreeSet<&String> = person.jobs.iter().collect();
    let list =
        |authority: &str| http::call_as(Some(&person.authorization), authority, LIST_JOBS, &json!({"pageSize": 5}));
    let mut turn = number;
    while !calls.are_over() {
        // Whoever balances over gateways sends a call that reached none of them to the next.
        let answer = list(&authorities[turn % 2]).or_else(|_| list(&authorities[(turn + 1) % 2]));
        calls.made.fetch_add(1, Ordering::SeqCst);
        match answer {
            Ok(answer) if answer.status == 200 => {
                let stranger = ids(&answer.json()?).into_iter().find(|id| !own.contains(id));
                ensure!(stranger.is_none(), "{} was shown a job that is not theirs: {stranger:?}", person.name);
            }
            _ => {
                calls.failed.fetch_add(1, Ordering::SeqCst);
            }
        }
        turn += 1;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Asks for letters, one after the other.
fn submit(calls: &Calls, person: &Person, authorities: &[String; 2]) -> anyhow::Result<()> {
    let mut turn = 0;
    while !calls.are_over() {
        let request = json!({"jobId": person.jobs[turn % person.jobs.len()], "templateOnly": true});
        let answer = http::call_as(Some(&person.authorization), &authorities[turn % 2], GENERATE, &request);
        let body = answer.ok().filter(|answer| answer.status == 200).and_then(|answer| answer.json().ok());
        if let Some(id) = body.as_ref().and_then(|body| body["taskId"].as_str()) {
            person.submitted.lock().unwrap().insert(id.to_owned());
        }
        turn += 1;
        thread::sleep(Duration::from_millis(80));
    }
    Ok(())
}

/// Reads events as a browser does: when the stream breaks, again from the last one seen.
fn watch(person: &Person, index: usize, authority: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(7_200);
    while !follow(person, index, authority).unwrap_or_default() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Follows one stream until it breaks; true when the last event wanted has come.
fn follow(person: &Person, index: usize, authority: &str) -> anyhow::Result<bool> {
    let after = person.events[index].lock().unwrap().last().copied().unwrap_or_default().to_string();
    let token = Some(person.authorization.as_str());
    let mut stream = EventStream::open_as(token, authority, SUBSCRIBE, &json!({}), Some(&after))?;
    while let Some(event) = stream.next_event()? {
        let Some(number) = event.id.as_deref().and_then(|id| id.parse().ok()) else { continue };
        person.events[index].lock().unwrap().push(number);
        if number >= person.last.load(Ordering::SeqCst) {
            return Ok(true);
        }
    }
    Ok(false)
}
