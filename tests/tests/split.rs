//! The whole flow over services that are processes of their own: the same that `python_client.rs` and `buf_curl.rs` drive
//! over one process with embedded stores.

use std::process::Command;

use aerie_testkit::boards::BoardServer;
use aerie_tests::{
    cluster::{Cluster, Size},
    http::{self, Event, EventStream},
    program::Program,
    python, tools,
};
use anyhow::{Context, ensure};
use chrono::Utc;
use serde_json::{Value, json};

const SUBSCRIBE: &str = "aerie.pipeline.v1.EventsService/Subscribe";
const LIST_JOBS: &str = "aerie.pipeline.v1.JobsService/ListJobs";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generated_python_client_drives_the_whole_flow_over_split_services() -> anyhow::Result<()> {
    let (Some(program), Some(python)) = (Program::find()?, tools::python()?) else { return Ok(()) };
    let modules = tempfile::tempdir()?;
    python::generate(&python, modules.path(), &["aerie/pipeline/v1"])?;
    let boards = BoardServer::start(Utc::now()).await?;
    let Some(cluster) = Cluster::with_boards(&program, Size::ONE, &boards, &[])? else { return Ok(()) };
    let run: Value = serde_json::from_str(&cluster.aerie(&["discover", "--json"])?)?;
    ensure!(run["newPostings"].as_u64().is_some_and(|count| count > 300), "{run}");
    let output = Command::new(python)
        .arg(tools::root().join("tests/python/flow.py"))
        .arg(cluster.gateway(0)?.trim_start_matches("http://"))
        .arg(modules.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .context("flow.py")?;
    python::check("flow.py", &output)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_comes_back_to_another_gateway_misses_nothing_and_sees_nothing_twice() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let boards = BoardServer::start(Utc::now()).await?;
    let Some(mut cluster) = Cluster::with_boards(&program, Size::TWO, &boards, &[])? else { return Ok(()) };
    let authorities = [cluster.gateway(0)?, cluster.gateway(1)?].map(|url| url.replace("http://", ""));
    cluster.aerie(&["discover", "--json"])?;
    let jobs = http::call(&authorities[0], LIST_JOBS, &json!({"pageSize": 2}))?.json()?;
    let id = |index: usize| jobs["jobs"][index]["id"].as_str().map(str::to_owned).context("a job");
    let (first, second) = (id(0)?, id(1)?);
    approve(&authorities[0], &first)?;

    // Everything in one go, as the truth to compare with: up to what was done last.
    let everything = numbers(&authorities[0], 0, |event| event.data["subjectId"] == first.as_str())?;
    let last = *everything.last().context("events")?;
    ensure!(everything.len() > 100 && everything.iter().copied().eq(1..=last), "{everything:?}");

    // The same in pieces, from one gateway and the other in turn; one of them dies meanwhile.
    let mut seen: Vec<u64> = Vec::new();
    let mut turn = 0;
    while seen.len() < everything.len() {
        let until = (seen.len() as u64 + last / 7 + 1).min(last);
        let after = seen.last().copied().unwrap_or_default();
        seen.extend(numbers(&authorities[turn % 2], after, |event| number(event) == Some(until))?);
        turn += 1;
        if turn == 3 {
            cluster.signal("gateway-1", "KILL")?;
            cluster.spawn("gateway-1")?;
            cluster.wait_ready("gateway-1")?;
        }
    }
    ensure!(seen == everything, "in pieces {} events, at once {}", seen.len(), everything.len());

    // What happens through one gateway is told at the other.
    let mut stream = EventStream::open(&authorities[1], SUBSCRIBE, &json!({}), Some(&last.to_string()))?;
    approve(&authorities[0], &second)?;
    let event = stream.next_event()?.context("the stream ended")?;
    ensure!(event.data["subjectId"] == second.as_str() && number(&event) == Some(last + 1), "{event:?}");
    Ok(())
}

fn approve(authority: &str, job: &str) -> anyhow::Result<()> {
    let request = json!({"jobId": job, "decision": "REVIEW_DECISION_APPROVE"});
    let answer = http::call(authority, "aerie.pipeline.v1.JobsService/ReviewJob", &request)?;
    ensure!(answer.status == 200, "{}", answer.body);
    Ok(())
}

fn number(event: &Event) -> Option<u64> {
    event.id.as_deref()?.parse().ok()
}

/// The numbers of the events after one, up to the first that is the last one wanted.
fn numbers(authority: &str, after: u64, is_last: impl Fn(&Event) -> bool) -> anyhow::Result<Vec<u64>> {
    let mut stream = EventStream::open(authority, SUBSCRIBE, &json!({}), Some(&after.to_string()))?;
    let mut numbers = Vec::new();
    loop {
        let event = stream.next_event()?.context("the stream ended")?;
        numbers.extend(number(&event));
        if is_last(&event) {
            return Ok(numbers);
        }
    }
}
