//! A sync of mail that is killed without warning goes on where it was: every mail is there once, and none is marked.

use std::{
    fs,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use aerie_testkit::dovecot::{DovecotServer, PASSWORD, USER};
use aerie_tests::program::Program;
use anyhow::{Context, ensure};
use serde_json::Value;
use tempfile::TempDir;

const MAILS: usize = 2_000;

/// What a first command needs at most to begin a sync, on a slow machine.
const LONGEST_START: Duration = Duration::from_secs(60);

struct Home {
    program: Program,
    folder: TempDir,
}

impl Home {
    fn arguments(&self, words: &str) -> Vec<String> {
        let data = self.folder.path().join("data").to_string_lossy().into_owned();
        let settings = ["--data-dir".to_owned(), data, "--log".to_owned(), "error".to_owned()];
        settings.into_iter().chain(words.split(' ').map(str::to_owned)).collect()
    }

    fn run(&self, words: &str) -> anyhow::Result<String> {
        Ok(self.program.run(self.folder.path(), self.arguments(words))?.expect(0)?.stdout)
    }

    fn json(&self, words: &str) -> anyhow::Result<Value> {
        let printed = self.run(words)?;
        serde_json::from_str(&printed).with_context(|| printed.clone())
    }

    fn begin(&self, words: &str) -> anyhow::Result<Child> {
        let mut command = self.program.command(self.folder.path(), self.arguments(words));
        Ok(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
    }

    /// Waits until a sync says that it reads, and a moment more.
    fn wait_for_reading(&self, child: &mut Child, moment: Duration) -> anyhow::Result<()> {
        use std::io::{BufRead, BufReader};
        let said = child.stderr.take().context("standard error")?;
        let begun = Instant::now();
        for line in BufReader::new(said).lines() {
            ensure!(begun.elapsed() < LONGEST_START, "the sync does not begin");
            if line?.starts_with("reading") {
                break;
            }
        }
        thread::sleep(moment);
        Ok(())
    }
}

#[test]
fn a_killed_sync_goes_on_and_reads_everything_once() -> anyhow::Result<()> {
    let (Some(program), Some(server)) = (Program::find()?, DovecotServer::start()?) else { return Ok(()) };
    let home = Home { program, folder: tempfile::tempdir()? };
    for number in 0..MAILS {
        let mail = format!(
            "From: Ana <ana@acme.example>\r\nTo: robin@example.net\r\nSubject: Note {number}\r\n\
             Message-ID: <{number}@acme.example>\r\n\r\nThank you for applying, number {number}.\r\n"
        );
        server.deliver("INBOX", mail.as_bytes())?;
    }
    let (roots, password) = (home.folder.path().join("roots.pem"), home.folder.path().join("password"));
    fs::write(&roots, server.certificate()?)?;
    fs::write(&password, format!("{PASSWORD}\n"))?;
    let words = format!(
        "mail add localhost {USER} --port {} --certificates {} --password-file {} --since all --manual",
        server.tls_port,
        roots.display(),
        password.display()
    );
    home.run(&words)?;

    let mut cut_off = 0;
    for moment in [0, 40, 80, 160] {
        let mut child = home.begin("mail sync")?;
        home.wait_for_reading(&mut child, Duration::from_millis(moment))?;
        cut_off += usize::from(child.try_wait()?.is_none());
        child.kill()?;
        child.wait()?;
    }
    ensure!(cut_off > 0, "every sync ended before it was killed");
    home.run("mail sync")?;
    let listed = home.json(&format!("mail list --json --limit {}", 2 * MAILS))?;
    let mut subjects: Vec<&str> =
        listed["mails"].as_array().context("mails")?.iter().filter_map(|mail| mail["subject"].as_str()).collect();
    ensure!(subjects.len() == MAILS, "{} mails instead of {MAILS}", subjects.len());
    subjects.sort_unstable();
    subjects.dedup();
    ensure!(subjects.len() == MAILS, "{} of {MAILS} mails are different", subjects.len());
    let again = home.run("mail sync")?;
    ensure!(again.starts_with("0 new mails"), "{again}");
    let marked = server.message_files("INBOX")?.into_iter().filter(|name| !name.ends_with(":2,")).count();
    ensure!(marked == 0, "{marked} mails were marked");
    Ok(())
}
