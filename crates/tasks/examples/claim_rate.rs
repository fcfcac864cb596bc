//! Claims and completes tasks as fast as it can on both engines, as a server does, beside pgbench's simple update on the same server in
//! the same run: `cargo run --release -p aerie-tasks --example claim_rate [TASKS]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aerie_events::LocalBus;
use aerie_store::{Database, Stores, StoresConfig};
use aerie_tasks::{
    KindPolicy, NewTask, Outcome, Queue, Registry, Runner, RunnerOptions, SystemClock, TaskContext, TaskError,
    TaskHandler,
};
use aerie_testkit::postgres::PostgresServer;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Clients of pgbench, and workers of the runner it is compared with.
const CLIENTS: usize = 8;

/// Does nothing but count down what is left, and stops the runner after the last.
struct Nothing {
    left: AtomicU64,
    stop: CancellationToken,
}

impl TaskHandler for Nothing {
    const KIND: &'static str = "bench.nothing";
    type Payload = u64;
    type Output = u64;

    fn policy() -> KindPolicy {
        KindPolicy { queue_depth: 10_000_000, ..KindPolicy::default() }
    }

    async fn run(&self, _: TaskContext, number: u64) -> Result<Outcome<u64>, TaskError> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.stop.cancel();
        }
        Ok(Outcome::Done(number))
    }
}

/// Tasks per second from claim to completion, events included.
async fn rate(databases: &[Database], workers: usize, tasks: u64) -> f64 {
    let share = tasks / databases.len() as u64;
    let stop = CancellationToken::new();
    let handler = Nothing { left: AtomicU64::new(share * databases.len() as u64), stop: stop.clone() };
    let queue = Queue::new(Registry::new().with(handler), Arc::new(SystemClock), Arc::new(LocalBus::default()));
    for database in databases {
        for start in (0..share).step_by(1_000) {
            let mut tx = database.begin().await.unwrap();
            let new =
                (start..share.min(start + 1_000)).map(|number| NewTask::new::<Nothing>(&number).unwrap()).collect();
            queue.submit_all(&mut tx, new).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
    let options = RunnerOptions { workers, poll: Duration::from_millis(200), ..RunnerOptions::default() };
    let runner = Runner::new(queue.clone(), options);
    for database in databases {
        runner.add(database.clone()).unwrap();
    }
    let started = Instant::now();
    // As a server does; it returns when the last ends are written.
    runner.run(stop).await;
    let took = started.elapsed();
    for database in databases {
        assert!(queue.counts(database).await.unwrap().is_empty());
    }
    (share * databases.len() as u64) as f64 / took.as_secs_f64()
}

async fn people(config: StoresConfig, count: usize) -> (Stores, Vec<Database>) {
    let stores = Stores::open(config).await.unwrap();
    let mut databases = Vec::new();
    for _ in 0..count {
        databases.push(stores.person(Uuid::now_v7()).await.unwrap());
    }
    (stores, databases)
}

/// pgbench's own simple update (`-N`): one update, one select and one insert in a transaction; transactions a second.
fn pgbench(server: &PostgresServer) -> f64 {
    let run = |arguments: &[&str]| {
        let output = Command::new(server.programs().join("pgbench"))
            .arg("-h")
            .arg(server.socket_folder())
            .args(["-U", "postgres"])
            .args(arguments)
            .arg("postgres")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["-i", "-q", "-s", "10"]);
    let clients = CLIENTS.to_string();
    let told = run(&["-N", "-n", "-M", "prepared", "-c", &clients, "-j", "2", "-T", "8"]);
    let line = told.lines().find(|line| line.starts_with("tps = ")).expect("pgbench tells a rate");
    line.split_whitespace().nth(2).unwrap().parse().unwrap()
}

fn set(server: &PostgresServer, setting: &str, value: &str) {
    server.administer(&format!("alter system set {setting} = {value}")).unwrap();
}

async fn compare(server: &PostgresServer, data: &Path, tasks: u64, durable: bool) {
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        set(server, setting, if durable { "on" } else { "off" });
    }
    server.administer("select pg_reload_conf()").unwrap();
    let database = format!("bench_{durable}");
    server.create_database(&database).unwrap();
    let peer = pgbench(server);
    let words = if durable { "every commit flushed" } else { "commits not flushed" };
    println!("PostgreSQL, {words}: pgbench simple update {peer:.0}/s with {CLIENTS} clients");
    let config = StoresConfig { url: server.url(&database), data: data.to_owned(), migrate: true, connections: 16 };
    for (count, workers) in [(1, 1), (1, 2), (1, 4), (1, CLIENTS), (CLIENTS, CLIENTS), (1, 64)] {
        let (stores, databases) = people(config.clone(), count).await;
        let rate = rate(&databases, workers, tasks).await;
        println!(
            "  claim + complete {rate:>6.0}/s, {workers:>2} workers, {count} people: {:.2} x pgbench",
            rate / peer
        );
        stores.close().await;
    }
    let peer_name = if durable { "flushed" } else { "unflushed" };
    for (count, workers) in [(1, CLIENTS), (1, 64)] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_owned();
        let config = StoresConfig { url: "embedded".to_owned(), data, migrate: true, connections: 4 };
        let (stores, databases) = people(config, count).await;
        let rate = rate(&databases, workers, tasks).await;
        println!(
            "SQLite: claim + complete {rate:>6.0}/s, {workers:>2} workers: {:.2} x {peer_name} pgbench",
            rate / peer
        );
        stores.close().await;
    }
}

#[tokio::main]
async fn main() {
    let tasks = std::env::args().nth(1).and_then(|tasks| tasks.parse().ok()).unwrap_or(20_000);
    let server = PostgresServer::start().expect("a PostgreSQL server");
    let folder = tempfile::tempdir().unwrap();
    compare(&server, folder.path(), tasks, true).await;
    compare(&server, folder.path(), tasks, false).await;
}
