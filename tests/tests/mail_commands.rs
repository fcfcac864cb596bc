//! `aerie mail` as a person types it, against a real Dovecot.

use std::fs;

use aerie_testkit::dovecot::{DovecotServer, PASSWORD, USER};
use aerie_tests::program::{Finished, Program};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Home {
    program: Program,
    folder: TempDir,
}

impl Home {
    fn finish(&self, words: &[&str]) -> anyhow::Result<Finished> {
        let data = self.folder.path().join("data").to_string_lossy().into_owned();
        let settings = ["--data-dir", &data, "--log", "error"];
        self.program.run(self.folder.path(), settings.into_iter().chain(words.iter().copied()))
    }

    fn run(&self, words: &[&str]) -> anyhow::Result<String> {
        Ok(self.finish(words)?.expect(0)?.stdout)
    }

    fn json(&self, words: &[&str]) -> anyhow::Result<Value> {
        self.finish(words)?.json()
    }

    fn file(&self, name: &str, content: &[u8]) -> anyhow::Result<String> {
        let path = self.folder.path().join(name);
        fs::write(&path, content)?;
        Ok(path.to_string_lossy().into_owned())
    }
}

const REJECTION: &str = "From: Ana Weaver <ana@brasswick.example>\r\nTo: robin@example.net\r\n\
    Subject: Your application at Brasswick\r\nMessage-ID: <1@brasswick.example>\r\n\r\nDear Robin,\r\n\r\nThank you for \
    applying to the Loom Mechanic position at Brasswick. After careful consideration, we have decided to move forward with \
    other candidates.\r\n";

#[test]
fn mail_is_added_read_decided_and_answered() -> anyhow::Result<()> {
    let (Some(program), Some(server)) = (Program::find()?, DovecotServer::start()?) else { return Ok(()) };
    let home = Home { program, folder: tempfile::tempdir()? };
    let row = json!([{"title": "Loom Mechanic", "company": "Brasswick", "location": "Leeds", "description": "Looms.",
                      "url": "https://work.brasswick.example/openings/17"}]);
    let jobs = home.file("jobs.json", row.to_string().as_bytes())?;
    home.run(&["import", &jobs])?;
    let listed = home.json(&["jobs", "list", "--json"])?;
    let job = listed["jobs"][0]["id"].as_str().context("a job")?.to_owned();
    home.run(&["jobs", "approve", &job])?;
    home.run(&["jobs", "move", &job, "applied"])?;
    server.deliver("INBOX", REJECTION.as_bytes())?;

    let (port, roots) = (server.tls_port.to_string(), home.file("roots.pem", &server.certificate()?)?);
    let password = home.file("password", format!("{PASSWORD}\n").as_bytes())?;
    let wrong = home.file("wrong", b"wrong\n")?;
    let add = |file: &str| {
        let words =
            ["mail", "add", "localhost", USER, "--port", &port, "--certificates", &roots, "--password-file", file];
        home.finish(&words)
    };
    let refused = add(&wrong)?.expect(4)?;
    ensure!(refused.stderr.contains("does not accept"), "{}", refused.stderr);
    let nobody = home.finish(&["mail", "add", "localhost", USER, "--port", &port])?.expect(2)?;
    ensure!(nobody.stderr.contains("--password-file"), "{}", nobody.stderr);
    let added = add(&password)?.expect(0)?;
    ensure!(added.stdout.contains("INBOX") && !added.stdout.contains(PASSWORD), "{}", added.stdout);
    let accounts = home.run(&["mail", "accounts", "--json"])?;
    ensure!(!accounts.contains(PASSWORD) && accounts.contains("localhost"), "{accounts}");

    let synced = home.run(&["mail", "sync"])?;
    ensure!(synced.starts_with("1 new mails, 1 suggestions"), "{synced}");
    let mails = home.json(&["mail", "list", "--json"])?;
    ensure!(mails["mails"][0]["label"] == "MAIL_LABEL_REJECTED" && mails["mails"][0]["jobId"] == job, "{mails}");
    let mail = mails["mails"][0]["id"].as_str().context("a mail")?.to_owned();
    let shown = home.run(&["mail", "show", &mail])?;
    ensure!(shown.contains("careful consideration") && shown.contains("applied → rejected"), "{shown}");
    let draft = home.run(&["mail", "draft", &mail, "--wish", "All the best."])?;
    ensure!(
        draft.contains("To: ana@brasswick.example") && draft.contains("drafted by template, never sent"),
        "{draft}"
    );

    let suggestions = home.json(&["mail", "suggestions", "--json"])?;
    let suggestion = suggestions["suggestions"][0]["id"].as_str().context("a suggestion")?.to_owned();
    let illegal = home.finish(&["mail", "accept", &suggestion, "--status", "hired"])?.expect(4)?;
    ensure!(illegal.stderr.contains("can move to"), "{}", illegal.stderr);
    let accepted = home.run(&["mail", "accept", &suggestion])?;
    ensure!(accepted.contains("Loom Mechanic, Brasswick: rejected"), "{accepted}");
    home.finish(&["mail", "dismiss", &suggestion])?.expect(4)?;
    home.finish(&["mail", "show", "ffffffff"])?.expect(3)?;
    home.finish(&["mail", "label", &mail, "nonsense"])?.expect(2)?;
    home.run(&["mail", "label", &mail, "neutral"])?;
    home.run(&["mail", "link", &mail])?;
    home.run(&["mail", "remove", USER])?;
    ensure!(home.json(&["mail", "list", "--json"])?["mails"].as_array().context("mails")?.is_empty());
    Ok(())
}
