//! Ten thousand mails from a local Dovecot through the whole service: downloaded, parsed, labelled, linked and stored
//! encrypted in one pass; mails a second and the most memory that it took. Beside it, what Python's imaplib needs for the
//! download alone.
//!
//! `cargo run --release -p aerie-pipeline --example mail_sync -- [MAILS]`
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{process::Command, sync::Arc, time::Instant};

use aerie_config::Config;
use aerie_pipeline::{Pipeline, PipelineDeps};
use aerie_proto::pipeline::v1::{
    self as pb, mail_service_client::MailServiceClient, tasks_service_client::TasksServiceClient,
};
use aerie_rpc::PERSON_HEADER;
use aerie_store::{Stores, StoresConfig};
use aerie_tasks::SystemClock;
use aerie_telemetry::Lifecycle;
use aerie_testkit::dovecot::{DovecotServer, PASSWORD, USER};
use serde_json::json;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
};

/// Downloads every message in sets of the size given, and nothing else.
const PYTHON: &str = r#"
import imaplib, ssl, sys, time
host, port, user, password, roots, size = sys.argv[1:7]
context = ssl.create_default_context(cafile=roots)
connection = imaplib.IMAP4_SSL(host, int(port), ssl_context=context)
connection.authenticate("PLAIN", lambda _: ("\0" + user + "\0" + password).encode())
connection.select("INBOX", readonly=True)
started = time.perf_counter()
uids = connection.uid("SEARCH", None, "ALL")[1][0].split()
count = 0
for at in range(0, len(uids), int(size)):
    answer = connection.uid("FETCH", b",".join(uids[at:at + int(size)]).decode(), "(UID BODY.PEEK[])")[1]
    count += sum(1 for part in answer if isinstance(part, tuple))
print(count, time.perf_counter() - started)
"#;

#[derive(Clone)]
struct AsPerson(MetadataValue<Ascii>);

impl Interceptor for AsPerson {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(PERSON_HEADER, self.0.clone());
        Ok(request)
    }
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let wanted: usize = std::env::args().nth(1).map_or(Ok(10_000), |number| number.parse())?;
    let Some(server) = DovecotServer::start()? else { return Ok(()) };
    for number in 0..wanted {
        server.deliver("INBOX", message(number).as_bytes())?;
    }
    let home = tempfile::tempdir()?;
    let roots = home.path().join("roots.pem");
    std::fs::write(&roots, server.certificate()?)?;
    // First the comparison: the server's first look at new files is not what is measured on either side.
    download(&server, &roots, 50)?;
    let single = download(&server, &roots, 1)?;
    let sets = download(&server, &roots, 50)?;

    let config = Config::load(None, &json!({ "data_dir": home.path(), "tasks": { "poll_ms": 50 } }))?;
    let stores =
        StoresConfig { url: "embedded".to_owned(), data: config.data_dir.clone(), migrate: true, connections: 4 };
    let stores = Arc::new(Stores::open(stores).await?);
    let pipeline =
        Pipeline::create(PipelineDeps { stores, config: &config, clock: Arc::new(SystemClock), router: None })?;
    let person = pipeline.local_person().await?;
    let lifecycle = Lifecycle::new();
    let backend = pipeline.server(&lifecycle).await?.backend();
    pipeline.start(&lifecycle).await?;
    let connection = InterceptedService::new(backend, AsPerson(person.to_string().parse()?));
    let mut mail = MailServiceClient::new(connection.clone());
    let account = pb::MailAccount {
        host: "localhost".to_owned(),
        port: i32::from(server.tls_port),
        user: USER.to_owned(),
        certificates: String::from_utf8(server.certificate()?)?,
        since_days: -1,
        manual: true,
        ..pb::MailAccount::default()
    };
    let request = pb::CreateMailAccountRequest { account: Some(account), password: PASSWORD.to_owned() };
    mail.create_mail_account(request).await?;
    let before = peak_megabytes();

    for pass in ["first", "second"] {
        let started = Instant::now();
        let ids = mail.sync_mail(pb::SyncMailRequest::default()).await?.into_inner().task_ids;
        let task_id = ids.first().cloned().unwrap_or_default();
        let watch = pb::WatchTaskRequest { task_id };
        let mut updates = TasksServiceClient::new(connection.clone()).watch_task(watch).await?.into_inner();
        let mut task = pb::Task::default();
        while let Some(update) = updates.message().await? {
            task = update.task.unwrap_or_default();
        }
        let seconds = started.elapsed().as_secs_f64();
        let figures = task.result.map(|result| format!("{:?}", figures(&result))).unwrap_or(task.error);
        println!("{pass} sync: {seconds:.2} s, {:.0} mails/s, {figures}", wanted as f64 / seconds);
        if pass == "first" {
            println!("peak memory: {:.1} MB, {before:.1} MB before it", peak_megabytes());
            println!("imaplib, download alone: {sets:.2} s in sets of 50, {single:.2} s one by one");
            println!("ratio to imaplib: {:.2} (sets of 50), {:.2} (one by one)", sets / seconds, single / seconds);
        }
    }
    lifecycle.stop();
    Ok(())
}

fn figures(result: &prost_types::Struct) -> Vec<(String, f64)> {
    let number = |value: &prost_types::Value| match value.kind {
        Some(prost_types::value::Kind::NumberValue(number)) => number,
        _ => f64::NAN,
    };
    result.fields.iter().map(|(name, value)| (name.clone(), number(value))).collect()
}

/// Seconds that Python needs to download everything.
fn download(server: &DovecotServer, roots: &std::path::Path, size: usize) -> Result<f64, Failure> {
    let mut python = Command::new("python3");
    python.args(["-c", PYTHON, "localhost", &server.tls_port.to_string(), USER, PASSWORD]).arg(roots);
    let output = python.arg(size.to_string()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let printed = String::from_utf8(output.stdout)?;
    let seconds = printed.split_whitespace().nth(1).ok_or("python3 printed no time")?;
    Ok(seconds.parse()?)
}

/// A mail of usual size: text and HTML with a link, every third a rejection.
fn message(number: usize) -> String {
    let sentence = match number % 3 {
        0 => "After careful consideration we have decided to move forward with other candidates.",
        1 => "We have received your application and our team will review it soon.",
        _ => "We would like to invite you to an interview on Tuesday at 10:30.",
    };
    let filler =
        "Harbours need cranes, cranes need software, and software needs somebody who likes the sea. ".repeat(40);
    format!(
        "From: Acme Recruiting <no-reply@acme{number}.example>\r\nTo: robin@example.net\r\nSubject: Your application {number}\r\nMessage-ID: <{number}@acme.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHi Robin,\r\n\r\nThank you for applying to Acme. {sentence}\r\n\r\n{filler}\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>Hi Robin,</p><p>Thank you for applying to Acme. {sentence}</p><p>{filler}</p><a href=\"https://acme.example/jobs/{number}\">Job</a></body></html>\r\n--b--\r\n"
    )
}

/// Highest resident memory of this process so far.
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("");
    let kilobytes: f64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0.0);
    kilobytes / 1024.0
}
