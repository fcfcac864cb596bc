//! Ten thousand mails from a local Dovecot in one pass: messages a second, and the most memory that the pass took.
//!
//! `cargo run --release -p aerie-mail --example sync_bench -- [MESSAGES]`
#![allow(clippy::print_stdout)]

use std::time::Instant;

use aerie_mail::classify;
use aerie_mail::imap::{Account, Connection, MailboxState, Security, SyncOptions};
use aerie_mail::message::parse;
use aerie_testkit::dovecot::{DovecotServer, PASSWORD, USER};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted: usize = std::env::args().nth(1).map_or(Ok(10_000), |number| number.parse())?;
    let Some(server) = DovecotServer::start()? else { return Ok(()) };
    for number in 0..wanted {
        server.deliver("INBOX", message(number).as_bytes())?;
    }
    let account = Account {
        host: "localhost".to_owned(),
        port: server.tls_port,
        security: Security::Tls,
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
        extra_roots: server.certificate()?,
    };
    let before = peak_megabytes();
    let mut connection = Connection::open(&account).await?;
    // The server's first look at ten thousand new files is not what is measured.
    connection
        .sync("INBOX", MailboxState { uid_validity: 1, ..MailboxState::default() }, SyncOptions::default())
        .await?;

    let started = Instant::now();
    let (mut state, mut messages, mut bytes, mut labelled) = (MailboxState::default(), 0_usize, 0_usize, 0_usize);
    let mut sync = connection.sync("INBOX", state, SyncOptions::default()).await?;
    while let Some(batch) = sync.next_batch().await? {
        for message in &batch.messages {
            let mail = parse(&message.raw);
            labelled += usize::from(classify(&mail).certain);
            bytes += message.raw.len();
        }
        messages += batch.messages.len();
        state = batch.state;
    }
    let seconds = started.elapsed().as_secs_f64();
    let again = Instant::now();
    let new = connection.sync("INBOX", state, SyncOptions::default()).await?.new_messages;
    println!(
        "{messages} messages, {:.1} MB in {seconds:.2} s: {:.0} messages/s with parsing and classifying",
        bytes as f64 / 1e6,
        messages as f64 / seconds
    );
    println!("certain: {labelled}; second sync: {new} new in {:.1} ms", again.elapsed().as_secs_f64() * 1e3);
    println!("peak memory: {:.1} MB, {:.1} MB before the first connection", peak_megabytes(), before);
    Ok(())
}

/// A mail of usual size: text, HTML with links, every third a rejection.
fn message(number: usize) -> String {
    let sentence = match number % 3 {
        0 => "After careful consideration we have decided to move forward with other candidates.",
        1 => "We have received your application and our team will review it soon.",
        _ => "We would like to invite you to an interview on Tuesday at 10:30.",
    };
    let filler =
        "Our company builds tools for harbours all over the world and looks for people who like the sea. ".repeat(40);
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
