//! What splitting costs, and how far one gateway carries: a list through gateway and pipeline as two processes beside the same
//! in one process, and one event told to thousands of browsers. `cargo xtask bench cluster [CLIENTS]`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs,
    time::{Duration, Instant},
};

use aerie_testkit::boards::BoardServer;
use aerie_tests::{
    cluster::{Cluster, Size},
    http,
    program::Program,
};
use anyhow::{Context, ensure};
use chrono::Utc;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
};

const LIST_JOBS: &str = "aerie.pipeline.v1.JobsService/ListJobs";
/// Lists measured of each kind, in turn.
const LISTS: usize = 400;
/// Browsers that follow the events, unless the first argument says otherwise.
const CLIENTS: usize = 5_000;
/// Events told to all of them.
const EVENTS: usize = 5;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let clients = std::env::args().nth(1).map_or(Ok(CLIENTS), |text| text.parse())?;
    // A socket for each browser here and in the gateway, which inherits this.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })?;
    let program = Program::find()?.context("the binary aerie")?;
    let boards = BoardServer::start(Utc::now()).await?;
    let settings = [
        ("AERIE__SERVER__CONNECTIONS", "20000"),
        ("AERIE__LIMITS__CONCURRENCY", "20000"),
        ("AERIE__LIMITS__PERSON_CONCURRENCY", "20000"),
        ("AERIE__LIMITS__REQUESTS_PER_SECOND", "100000"),
    ];
    let mut cluster = Cluster::with_boards(&program, Size::ONE, &boards, &settings)?.context("PostgreSQL")?;
    cluster.aerie(&["discover", "--json"])?;
    let whole = cluster.start_whole()?;
    let split = cluster.gateway(0)?.replace("http://", "");
    added_latency(&split, &whole.replace("http://", ""))?;
    cluster.signal("whole", "TERM")?;
    fan_out(&cluster, &split, clients).await
}

/// The same list, asked of two processes and of one, in turn.
fn added_latency(split: &str, whole: &str) -> anyhow::Result<()> {
    let mut times = [Vec::new(), Vec::new()];
    for turn in 0..LISTS * 2 + 40 {
        let began = Instant::now();
        let answer = http::call([split, whole][turn % 2], LIST_JOBS, &json!({"pageSize": 50}))?;
        ensure!(answer.status == 200, "{}", answer.body);
        // The first ones open connections and fill caches.
        if turn >= 40 {
            times[turn % 2].push(began.elapsed());
        }
    }
    let [mut split, mut whole] = times;
    for (share, name) in [(0.5, "p50"), (0.99, "p99")] {
        let (split, whole) = (percentile(&mut split, share), percentile(&mut whole, share));
        let added = split.as_secs_f64() - whole.as_secs_f64();
        println!(
            "list of 50 jobs, {name}: one process {:.2} ms, gateway and pipeline apart {:.2} ms: {:+.2} ms, {:.2} x",
            millis(whole),
            millis(split),
            added * 1e3,
            split.as_secs_f64() / whole.as_secs_f64()
        );
    }
    Ok(())
}

/// One person's events, followed by many browsers at one gateway.
async fn fan_out(cluster: &Cluster, authority: &str, clients: usize) -> anyhow::Result<()> {
    let memory = |name: &str| -> anyhow::Result<u64> { resident(cluster.process(name)?) };
    let before = (memory("gateway-0")?, memory("pipeline-api-0")?);
    // As a browser that comes back: from the last event on.
    let after: u64 = cluster.sql("select max(last) from event_counter")?.parse()?;
    let (sender, mut arrivals) = mpsc::unbounded_channel::<Option<Instant>>();
    // They end with this function, before the gateway does.
    let mut browsers = JoinSet::new();
    for _ in 0..clients {
        let (authority, sender) = (authority.to_owned(), sender.clone());
        browsers.spawn(async move {
            if let Err(error) = follow(&authority, after, &sender).await {
                eprintln!("a browser was cut off: {error}");
            }
        });
    }
    drop(sender);
    for _ in 0..clients {
        ensure!(arrivals.recv().await == Some(None), "a browser could not open its stream");
    }
    let after = (memory("gateway-0")?, memory("pipeline-api-0")?);
    let each = |before: u64, after: u64| after.saturating_sub(before) as f64 / clients as f64 / 1024.0;
    println!(
        "{clients} browsers at one gateway: {:.1} kB each in the gateway, {:.1} kB in the pipeline",
        each(before.0, after.0),
        each(before.1, after.1)
    );
    let jobs = http::call(authority, LIST_JOBS, &json!({"pageSize": EVENTS}))?.json()?;
    let mut delays = Vec::new();
    for job in jobs["jobs"].as_array().context("jobs")? {
        let request = json!({"jobId": job["id"], "decision": "REVIEW_DECISION_ARCHIVE"});
        let began = Instant::now();
        let answer = http::call(authority, "aerie.pipeline.v1.JobsService/ReviewJob", &request)?;
        ensure!(answer.status == 200, "{}", answer.body);
        for _ in 0..clients {
            let came = arrivals.recv().await.flatten().context("a browser was cut off")?;
            delays.push(came.saturating_duration_since(began));
        }
    }
    let (half, late) = (percentile(&mut delays, 0.5), percentile(&mut delays, 0.99));
    println!(
        "an event reaches {clients} browsers: p50 {:.0} ms, p99 {:.0} ms after it was asked for",
        millis(half),
        millis(late)
    );
    Ok(())
}

/// Opens a stream, says so, and then tells of each event when it comes.
async fn follow(authority: &str, after: u64, sender: &mpsc::UnboundedSender<Option<Instant>>) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(authority).await?;
    let body = json!({"afterSequence": after.to_string()}).to_string();
    let request = format!(
        "POST /aerie.pipeline.v1.EventsService/Subscribe HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\n\
         accept: text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let (mut seen, mut buffer, mut is_open) = (String::new(), [0; 4_096], false);
    loop {
        let length = stream.read(&mut buffer).await?;
        ensure!(length > 0, "the stream ended: {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
        if !is_open && seen.contains("retry: 2000") {
            is_open = true;
            sender.send(None)?;
            seen.clear();
        }
        while let Some(end) = seen.find("\n\n") {
            // A decision may tell of more than the move.
            if seen.get(..end).is_some_and(|event| event.contains("\"kind\":\"job.moved\"")) {
                sender.send(Some(Instant::now()))?;
            }
            seen.drain(..end + 2);
        }
    }
}

fn percentile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let index = (times.len() as f64 * share) as usize;
    times.get(index.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Memory of a process that is in use now, in bytes.
fn resident(process: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().next().context("VmRSS")?.parse()?;
    Ok(kilobytes * 1024)
}
