//! A running `aerie`, killed when the test is over.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::program::Program;

/// Long enough for a slow machine that runs other tests as well.
const START_LIMIT: Duration = Duration::from_secs(180);
/// How the line begins that says where the server is.
const LISTENING: &str = "Aerie listens on ";

/// A server in a home of its own.
#[derive(Debug)]
pub struct Server {
    child: Child,
    home: TempDir,
    url: String,
}

impl Server {
    /// The demo after its run, on any free port.
    ///
    /// # Errors
    /// It did not start; the error has what it said.
    pub fn demo(program: &Program) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let data = home.path().join("data");
        let arguments = ["demo", "--port", "0", "--home", &data.to_string_lossy()].map(str::to_owned);
        Self::start(program, home, &arguments, &[])
    }

    /// An empty `aerie up` on any free port, with settings as environment variables.
    ///
    /// # Errors
    /// It did not start; the error has what it said.
    pub fn up(program: &Program, settings: &[(String, String)]) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let data = home.path().join("data");
        let arguments = ["up", "--port", "0", "--data-dir", &data.to_string_lossy()].map(str::to_owned);
        Self::start(program, home, &arguments, settings)
    }

    fn start(
        program: &Program,
        home: TempDir,
        arguments: &[String],
        settings: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let mut command = program.command(home.path(), arguments);
        command.envs(settings.iter().cloned());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("aerie")?;
        let (sender, lines) = mpsc::channel();
        // Both are read to the end, or a full pipe would stop the server.
        if let Some(stdout) = child.stdout.take() {
            read_lines(stdout, sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            read_lines(stderr, sender);
        }
        // From here on, dropping ends the child.
        let mut server = Self { child, home, url: String::new() };
        let (deadline, mut said) = (Instant::now() + START_LIMIT, String::new());
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = lines.recv_timeout(left) else {
                bail!("aerie did not start:\n{said}");
            };
            if let Some(rest) = line.strip_prefix(LISTENING) {
                server.url = rest.split(' ').next().unwrap_or_default().to_owned();
                return Ok(server);
            }
            said.push_str(&line);
            said.push('\n');
        }
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same without the scheme.
    pub fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Folder for everything of this test.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Its data folder.
    pub fn data(&self) -> String {
        self.home.path().join("data").to_string_lossy().into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(source: impl std::io::Read + Send + 'static, sender: mpsc::Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            // Nobody listens any more once the server is up.
            let _ = sender.send(line);
        }
    });
}
