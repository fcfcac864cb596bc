//! Eight worker processes, killed with SIGKILL and paused past their leases at random: no task is lost, none is
//! completed twice, and no effect of a step is repeated.
//!
//! `AERIE_TEST_TASKS` sets the number of tasks (2,000 on SQLite and 1,000 on PostgreSQL by default).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::{HashMap, HashSet},
    env,
    io::Read,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use aerie_events::LocalBus;
use aerie_store::{Database, Engine, Stores, StoresConfig};
use aerie_tasks::{
    FanOut, KindPolicy, NewTask, Outcome, Queue, Registry, Runner, RunnerOptions, SystemClock, TaskContext, TaskError,
    TaskHandler,
};
use aerie_testkit::postgres::TestPostgres;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const WORKERS: usize = 8;
const LEASE: Duration = Duration::from_secs(1);
const CHILDREN: u64 = 4;
/// One task in so many has children.
const ONE_PARENT_IN: u64 = 50;

/// Books two lines in a ledger, each in a step of its own.
struct Book;

/// Waits for four tasks that book.
struct Family;

fn policy() -> KindPolicy {
    KindPolicy { max_attempts: Some(1_000), queue_depth: 1_000_000, lease: LEASE, ..KindPolicy::default() }
}

async fn book(context: &TaskContext, line: &'static str) -> Result<(), TaskError> {
    let (id, attempt) = (context.id(), context.attempt());
    context
        .step_in_tx(line, |tx| {
            Box::pin(async move {
                let values = vec![id.into(), line.into(), attempt.into()];
                tx.execute("insert into ledger (task_id, line, attempt) values ($1, $2, $3)", values).await?;
                Ok(())
            })
        })
        .await
}

impl TaskHandler for Book {
    const KIND: &'static str = "killed.book";
    type Payload = u64;
    type Output = u64;

    fn policy() -> KindPolicy {
        policy()
    }

    async fn run(&self, context: TaskContext, number: u64) -> Result<Outcome<u64>, TaskError> {
        book(&context, "debit").await?;
        // Time in which to be hit between the steps, as a slow server would take it.
        sleep(Duration::from_millis(random(20))).await;
        book(&context, "credit").await?;
        Ok(Outcome::Done(number * 2))
    }
}

impl TaskHandler for Family {
    const KIND: &'static str = "killed.family";
    type Payload = u64;
    type Output = u64;

    fn policy() -> KindPolicy {
        policy()
    }

    async fn run(&self, context: TaskContext, number: u64) -> Result<Outcome<u64>, TaskError> {
        book(&context, "debit").await?;
        let children = (0..CHILDREN).map(|_| NewTask::new::<Book>(&number)).collect::<Result<_, _>>()?;
        let FanOut::Ended(children) = context.fan_out("children", children).await? else { return Ok(Outcome::Wait) };
        book(&context, "credit").await?;
        let mut sum = 0;
        for child in children {
            sum += child.output::<u64>()?.unwrap();
        }
        Ok(Outcome::Done(sum))
    }
}

fn random(below: u64) -> u64 {
    Uuid::new_v4().as_u64_pair().0 % below.max(1)
}

fn queue() -> Queue {
    let registry = Registry::new().with(Book).with(Family);
    Queue::new(registry, Arc::new(SystemClock), Arc::new(LocalBus::default()))
}

/// The body of a worker process; does nothing in an ordinary test run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker() {
    let Ok(url) = env::var("AERIE_KILLED_URL") else { return };
    // The pipe closes when the test ends, however it ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let data = env::var("AERIE_KILLED_DATA").unwrap().into();
    let people = env::var("AERIE_KILLED_PEOPLE").unwrap();
    let stores = Arc::new(Stores::open(StoresConfig { url, data, migrate: false, connections: 4 }).await.unwrap());
    let options = RunnerOptions { workers: 4, poll: Duration::from_millis(200), ..RunnerOptions::default() };
    let runner = Runner::new(queue(), options);
    if stores.worker().is_some() {
        runner.add_everybody(stores);
    } else {
        for person in people.split(' ') {
            runner.add(stores.person(person.parse().unwrap()).await.unwrap()).unwrap();
        }
    }
    runner.run(CancellationToken::new()).await;
}

struct Worker {
    process: Child,
    paused_until: Option<Instant>,
}

impl Worker {
    fn start(config: &StoresConfig, people: &str) -> Self {
        let process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "worker", "--nocapture", "--quiet"])
            .env("AERIE_KILLED_URL", &config.url)
            .env("AERIE_KILLED_DATA", &config.data)
            .env("AERIE_KILLED_PEOPLE", people)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self { process, paused_until: None }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Debug, Default)]
struct Hits {
    killed: usize,
    paused: usize,
}

/// Hits a random worker.
fn hit(workers: &mut [Worker], config: &StoresConfig, people: &str, hits: &mut Hits) {
    let now = Instant::now();
    for worker in workers.iter_mut() {
        assert!(worker.process.try_wait().unwrap().is_none(), "a worker ended by itself");
        if worker.paused_until.is_some_and(|until| until <= now) {
            worker.signal("CONT");
            worker.paused_until = None;
        }
    }
    let paused = workers.iter().filter(|worker| worker.paused_until.is_some()).count();
    let worker = &mut workers[usize::try_from(random(WORKERS as u64)).unwrap()];
    if worker.paused_until.is_none() && paused < 3 && random(2) == 0 {
        worker.signal("STOP");
        worker.paused_until = Some(now + LEASE + Duration::from_millis(200 + random(1_500)));
        hits.paused += 1;
    } else {
        *worker = Worker::start(config, people);
        hits.killed += 1;
    }
}

async fn submit(database: &Database, tasks: u64) {
    let queue = queue();
    let id = if database.engine() == Engine::Sqlite { "text" } else { "uuid" };
    let ledger = format!(
        "create table if not exists ledger (task_id {id} not null, line text not null, attempt bigint not null)"
    );
    let mut tx = database.begin().await.unwrap();
    tx.execute(ledger, vec![]).await.unwrap();
    tx.commit().await.unwrap();
    for chunk in (0..tasks).collect::<Vec<_>>().chunks(500) {
        let new = |number: &u64| {
            if number.is_multiple_of(ONE_PARENT_IN) {
                NewTask::new::<Family>(number)
            } else {
                NewTask::new::<Book>(number)
            }
        };
        let mut tx = database.begin().await.unwrap();
        queue.submit_all(&mut tx, chunk.iter().map(|number| new(number).unwrap()).collect()).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn torment(config: StoresConfig, people: usize, default_tasks: u64, name: &str) {
    let tasks = env::var("AERIE_TEST_TASKS").ok().and_then(|tasks| tasks.parse().ok()).unwrap_or(default_tasks);
    let each = tasks / people as u64;
    let stores = Stores::open(config.clone()).await.unwrap();
    let people: Vec<Uuid> = (0..people).map(|_| Uuid::now_v7()).collect();
    let mut databases = Vec::new();
    for person in &people {
        let database = stores.person(*person).await.unwrap();
        submit(&database, each).await;
        databases.push(database);
    }
    let people = people.iter().map(Uuid::to_string).collect::<Vec<_>>().join(" ");

    let started = Instant::now();
    let mut hits = Hits::default();
    let mut workers: Vec<Worker> = (0..WORKERS).map(|_| Worker::start(&config, &people)).collect();
    for database in &databases {
        while !queue().counts(database).await.unwrap().is_empty() {
            assert!(started.elapsed() < Duration::from_secs(30 * 60), "still unfinished after half an hour");
            sleep(Duration::from_millis(50 + random(200))).await;
            hit(&mut workers, &config, &people, &mut hits);
        }
    }
    let took = started.elapsed();
    drop(workers);

    let all = each + each.div_ceil(ONE_PARENT_IN) * CHILDREN;
    let mut again = 0;
    for database in &databases {
        check_rows(database, all).await;
        check_events(database, all).await;
        let mut tx = database.read().await.unwrap();
        let row = tx.fetch_one("select count(*) as n from task where attempt > 1", vec![]).await.unwrap();
        again += row.int("n").unwrap();
    }
    println!(
        "{name}: {} tasks in {:.1} s under {} kills and {} pauses; {again} tasks were started more than once",
        all * databases.len() as u64,
        took.as_secs_f64(),
        hits.killed,
        hits.paused,
    );
    assert!(hits.killed > 0 && hits.paused > 0);
}

/// None lost, every result right, every effect there once.
async fn check_rows(database: &Database, all: u64) {
    let mut tx = database.read().await.unwrap();
    let mut completed = HashSet::new();
    let sql = "select id, kind, state, payload, result, pending_children from task";
    for row in tx.fetch_all(sql, vec![]).await.unwrap() {
        assert_eq!(row.text("state").unwrap(), "completed");
        let number: u64 = row.private("task.payload").unwrap().parse().unwrap();
        let result: u64 = row.private("task.result").unwrap().parse().unwrap();
        let factor = if row.text("kind").unwrap() == Family::KIND { 2 * CHILDREN } else { 2 };
        assert_eq!(result, number * factor);
        assert_eq!(row.int("pending_children").unwrap(), 0);
        completed.insert(row.id("id").unwrap());
    }
    assert_eq!(completed.len() as u64, all, "tasks were lost or made twice");
    let mut lines: HashMap<(Uuid, String), usize> = HashMap::new();
    for row in tx.fetch_all("select task_id, line from ledger", vec![]).await.unwrap() {
        let id = row.id("task_id").unwrap();
        // On PostgreSQL everybody's lines are in one table.
        if completed.contains(&id) {
            *lines.entry((id, row.text("line").unwrap())).or_default() += 1;
        }
    }
    assert_eq!(lines.len() as u64, all * 2, "effects are missing");
    let repeated = lines.values().filter(|count| **count > 1).count();
    assert_eq!(repeated, 0, "effects were repeated");
}

/// Every task completed once, and the log has no gap.
async fn check_events(database: &Database, all: u64) {
    let mut tx = database.read().await.unwrap();
    let mut completions: HashMap<Uuid, usize> = HashMap::new();
    let mut position = 0;
    loop {
        let (_, events) = aerie_events::read_after(&mut tx, position, &[], 5_000).await.unwrap();
        if events.is_empty() {
            break;
        }
        for event in events {
            position += 1;
            assert_eq!(event.sequence, position);
            if event.kind == aerie_tasks::notice::COMPLETED {
                *completions.entry(event.subject_id.unwrap()).or_default() += 1;
            }
        }
    }
    assert_eq!(completions.len() as u64, all);
    assert!(completions.values().all(|count| *count == 1), "a task completed twice");
}

fn embedded(data: &Path) -> StoresConfig {
    StoresConfig { url: "embedded".to_owned(), data: data.to_owned(), migrate: true, connections: 4 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_paused_workers_lose_and_repeat_nothing_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    torment(embedded(folder.path()), 2, 2_000, "sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_paused_workers_lose_and_repeat_nothing_on_postgres() {
    let Some(postgres) = TestPostgres::start().await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    torment(postgres.stores_config(folder.path()), 4, 1_000, "postgres").await;
}
