//! `buf curl` over reflection, with no schema at hand, and the JSON form with an HTTP client written by hand.
#![allow(clippy::unwrap_used)]

use std::{
    io::BufReader,
    path::PathBuf,
    process::{Command, Stdio},
};

use aerie_tests::{
    http::{self, EventStream},
    program::Program,
    server::Server,
    tools,
};
use anyhow::{Context, ensure};
use serde_json::{Deserializer, Value, json};

const PACKAGE: &str = "aerie.pipeline.v1";
/// Seconds after which `timeout` ends a call that does not end.
const LIMIT_SECONDS: &str = "60";

/// `buf curl` against one server.
struct Curl<'a> {
    buf: PathBuf,
    server: &'a Server,
}

impl Curl<'_> {
    /// A call that is ended after a while.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.arg(LIMIT_SECONDS).arg(&self.buf);
        self.with_arguments(command, arguments)
    }

    fn with_arguments(&self, mut command: Command, arguments: &[&str]) -> Command {
        command.args(["curl", "--protocol", "grpc", "--http2-prior-knowledge"]).args(arguments);
        // Its cache and settings are not the machine's.
        command.env("HOME", self.server.home()).stdin(Stdio::null());
        command
    }

    fn lines(&self, arguments: &[&str]) -> anyhow::Result<Vec<String>> {
        let output = self.command(arguments).output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(|line| line.trim().to_owned()).collect())
    }

    fn url(&self, method: &str) -> String {
        format!("{}/{PACKAGE}.{method}", self.server.url())
    }

    /// Every message of an answer.
    fn call(&self, method: &str, request: &Value) -> anyhow::Result<Vec<Value>> {
        let text = self.lines(&["--data", &request.to_string(), &self.url(method)])?.join("\n");
        Deserializer::from_str(&text).into_iter().collect::<Result<_, _>>().with_context(|| text.clone())
    }

    /// The one message of an answer.
    fn unary(&self, method: &str, request: &Value) -> anyhow::Result<Value> {
        let mut messages = self.call(method, request)?;
        ensure!(messages.len() == 1, "{method} was answered with {} messages", messages.len());
        Ok(messages.remove(0))
    }

    /// What `buf` says about a refused call.
    fn refusal(&self, method: &str, request: &Value) -> anyhow::Result<Value> {
        let output = self.command(&["--data", &request.to_string(), &self.url(method)]).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success(), "{method} was not refused");
        serde_json::from_str(&said).with_context(|| said.into_owned())
    }

    /// The first messages of a stream without an end, up to the first that `is_last` accepts.
    fn until(&self, method: &str, request: &Value, is_last: impl Fn(&Value) -> bool) -> anyhow::Result<Vec<Value>> {
        // Started without anything around it, so that ending it ends the call.
        let arguments = ["--data", &request.to_string(), &self.url(method)];
        let mut command = self.with_arguments(Command::new(&self.buf), &arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let stdout = child.stdout.take().context("standard output")?;
        let mut messages = Vec::new();
        for message in Deserializer::from_reader(BufReader::new(stdout)).into_iter() {
            let message: Value = message?;
            let last = is_last(&message);
            messages.push(message);
            if last {
                child.kill()?;
                child.wait()?;
                return Ok(messages);
            }
        }
        child.wait()?;
        anyhow::bail!("{method} ended after {} messages", messages.len())
    }
}

#[test]
fn buf_curl_drives_the_flow_without_a_schema() -> anyhow::Result<()> {
    let (Some(program), Some(buf)) = (Program::find()?, tools::buf()?) else { return Ok(()) };
    let server = Server::demo(&program)?;
    let curl = Curl { buf, server: &server };

    let services = curl.lines(&["--list-services", server.url()])?;
    for name in ["Discovery", "Events", "Jobs", "Match", "Profile", "Tasks"] {
        assert!(services.contains(&format!("{PACKAGE}.{name}Service")), "{services:?}");
    }
    let methods = curl.lines(&["--list-methods", server.url()])?;
    for method in ["DiscoveryService/WatchRun", "JobsService/ReviewJob", "EventsService/Subscribe"] {
        assert!(methods.contains(&format!("{PACKAGE}.{method}")), "{methods:?}");
    }

    let started = curl.unary("DiscoveryService/StartRun", &json!({}))?;
    assert_eq!(started["created"], true);
    let run_id = &started["run"]["id"];
    let updates = curl.call("DiscoveryService/WatchRun", &json!({ "runId": run_id }))?;
    let last = &updates.last().unwrap()["run"];
    assert_eq!((&last["id"], &last["state"]), (run_id, &json!("RUN_STATE_COMPLETED")));
    assert!(last["sources"].as_array().unwrap().len() >= 12, "{last}");

    let listed = curl.unary("JobsService/ListJobs", &json!({ "pageSize": 2, "statuses": ["JOB_STATUS_PENDING"] }))?;
    assert!(listed["totalSize"].as_i64().unwrap() > 100 && listed["nextPageToken"].is_string(), "{listed}");
    let scores: Vec<f64> = (0..2).map(|at| listed["jobs"][at]["score"]["total"].as_f64().unwrap()).collect();
    assert!(scores[0] >= scores[1], "{scores:?}");
    let id = &listed["jobs"][0]["id"];

    let job = curl.unary("JobsService/GetJob", &json!({ "jobId": id }))?;
    let explained = curl.unary("MatchService/ExplainJob", &json!({ "jobId": id }))?;
    let description = job["job"]["posting"]["descriptionText"].as_str().unwrap();
    let quotes = explained["evidence"].as_array().unwrap().iter().filter(|one| one["field"] == "description");
    let mut count = 0;
    for evidence in quotes.filter(|one| one["quote"].is_string()) {
        let place = |name: &str| evidence[name].as_u64().unwrap_or_default() as usize;
        assert_eq!(description.get(place("start")..place("end")), evidence["quote"].as_str());
        count += 1;
    }
    assert!(count > 3, "{explained}");

    let approved =
        curl.unary("JobsService/ReviewJob", &json!({ "jobId": id, "decision": "REVIEW_DECISION_APPROVE" }))?;
    assert_eq!(approved["job"]["status"], "JOB_STATUS_APPROVED");
    let refused = curl.refusal("JobsService/MoveJob", &json!({ "jobId": id, "status": "JOB_STATUS_HIRED" }))?;
    assert_eq!(refused["code"], "failed_precondition", "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("applied"), "{refused}");
    let reverted = curl.unary("JobsService/RevertJob", &json!({ "jobId": id }))?;
    assert_eq!(reverted["job"]["status"], "JOB_STATUS_PENDING");

    let is_back = |event: &Value| event["subjectId"] == *id && event["data"]["reverted"] == true;
    let events = curl.until("EventsService/Subscribe", &json!({ "afterSequence": 0 }), is_back)?;
    let sequences: Vec<i64> = events.iter().map(|event| event["sequence"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(sequences, (1..=events.len() as i64).collect::<Vec<_>>());
    let moves: Vec<_> =
        events.iter().filter(|event| event["kind"] == "job.moved").map(|event| &event["data"]["to"]).collect();
    assert_eq!(moves, [&json!("approved"), &json!("pending")]);
    let after = sequences[events.len() / 2];
    let rest = curl.until("EventsService/Subscribe", &json!({ "afterSequence": after }), is_back)?;
    assert_eq!(rest, events[events.len() / 2 + 1..], "nothing missed and nothing twice");
    Ok(())
}

#[test]
fn json_and_events_need_nothing_but_http() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let server = Server::demo(&program)?;
    let address = server.authority();
    let call = |method: &str, request: Value| http::call(address, &format!("{PACKAGE}.{method}"), &request);

    let answer = call("JobsService/ListJobs", json!({ "pageSize": 3, "orderBy": "score desc" }))?;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let listed = answer.json()?;
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 3);
    let id = listed["jobs"][0]["id"].clone();
    let next = call("JobsService/ListJobs", json!({ "pageSize": 3, "pageToken": listed["nextPageToken"] }))?.json()?;
    assert!(next["jobs"][0]["score"]["total"].as_f64() <= listed["jobs"][2]["score"]["total"].as_f64());

    let approve = json!({ "jobId": id, "decision": "REVIEW_DECISION_APPROVE" });
    assert_eq!(call("JobsService/ReviewJob", approve)?.json()?["job"]["status"], "JOB_STATUS_APPROVED");
    let illegal = call("JobsService/MoveJob", json!({ "jobId": id, "status": "JOB_STATUS_OFFER" }))?;
    let error = illegal.json()?;
    assert_eq!((illegal.status, &error["code"]), (400, &json!("failed_precondition")), "{error}");
    assert_eq!(error["details"][0]["debug"]["reason"], "ILLEGAL_MOVE");
    let missing = call("JobsService/GetJob", json!({ "jobId": "00000000-0000-7000-8000-000000000000" }))?;
    assert_eq!((missing.status, &missing.json()?["code"]), (404, &json!("not_found")));
    let wrong = call("JobsService/GetJob", json!({ "jobId": "nope" }))?.json()?;
    let details = wrong["details"].as_array().unwrap();
    let bad = details.iter().find(|detail| detail["type"] == "google.rpc.BadRequest").unwrap();
    assert_eq!(bad["debug"]["fieldViolations"][0]["field"], "job_id");
    assert_eq!(call("JobsService/GetJob", json!({ "jobID": 7 }))?.status, 400);
    assert_eq!(call("JobsService/RevertJob", json!({ "jobId": id }))?.json()?["job"]["status"], "JOB_STATUS_PENDING");

    // A browser's stream, cut off in the middle and taken up again with Last-Event-ID.
    let subscribe = format!("{PACKAGE}.EventsService/Subscribe");
    let from_start = json!({ "afterSequence": "0" });
    let is_back = |event: &http::Event| event.data["subjectId"] == id && event.data["data"]["reverted"] == true;
    let events = EventStream::open(address, &subscribe, &from_start, None)?.until(is_back)?;
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.id, Some((index + 1).to_string()));
        assert_eq!(event.data["sequence"].as_str(), event.id.as_deref());
    }
    let half = events.len() / 2;
    let seen = events[half - 1].id.as_deref();
    let rest = EventStream::open(address, &subscribe, &from_start, seen)?.until(is_back)?;
    assert_eq!(rest, events[half..], "nothing missed and nothing twice");

    // What happens while one listens comes without asking again.
    let last = events.last().and_then(|event| event.id.as_deref());
    let mut live = EventStream::open(address, &subscribe, &json!({ "kinds": ["job."] }), last)?;
    call("JobsService/ReviewJob", json!({ "jobId": id, "decision": "REVIEW_DECISION_ARCHIVE" }))?;
    let moved = live.next_event()?.context("the stream ended")?;
    assert_eq!((&moved.data["kind"], &moved.data["data"]["to"]), (&json!("job.moved"), &json!("archived")));

    // A run is watched as a stream that ends by itself.
    let run = call("DiscoveryService/StartRun", json!({}))?.json()?;
    let request = json!({ "runId": run["run"]["id"] });
    let mut watch = EventStream::open(address, &format!("{PACKAGE}.DiscoveryService/WatchRun"), &request, None)?;
    let updates = watch.until(|event| event.kind == "end")?;
    let completed = &updates[updates.len() - 2].data["run"];
    assert_eq!(completed["state"], "RUN_STATE_COMPLETED", "{completed}");
    Ok(())
}

#[test]
fn the_port_answers_people_and_supervisors_and_no_other_page() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let server = Server::up(&program, &[])?;
    let get = |path: &str, headers: &[(&str, &str)]| http::send(server.authority(), "GET", path, headers, b"");
    assert_eq!(get("/livez", &[])?.status, 200);
    assert_eq!(get("/readyz", &[])?.status, 200);
    let page = get("/", &[])?;
    assert!(page.header("content-type").unwrap().starts_with("text/html") && page.body.contains("Aerie"));
    assert!(get("/metrics", &[])?.body.contains("# TYPE"));
    let calendar = get("/calendar.ics", &[])?;
    assert_eq!(calendar.header("content-type"), Some("text/calendar; charset=utf-8"));
    assert!(calendar.body.starts_with("BEGIN:VCALENDAR"), "{}", calendar.body);
    assert_eq!(get("/nothing", &[])?.status, 404);
    let foreign = [("origin", "https://evil.example"), ("content-type", "application/json")];
    let list = format!("/{PACKAGE}.JobsService/ListJobs");
    assert_eq!(http::send(server.authority(), "POST", &list, &foreign, b"{}")?.status, 403);
    Ok(())
}
