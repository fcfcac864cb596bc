//! How long `aerie up` takes to be ready with existing data, and how much memory it holds when nothing happens.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{
    run::{cargo, step},
    start,
};

const STARTS: usize = 20;
/// What was asked for.
const LONGEST: Duration = Duration::from_millis(300);
const MOST_MEMORY: u64 = 60_000_000;
/// After this long nothing of the start is left to do.
const SETTLED: Duration = Duration::from_secs(3);

/// Fills a home with the sample boards, then starts `aerie up` on it again and again.
pub fn run() -> anyhow::Result<()> {
    step("build aerie", &mut cargo(["build", "--release", "--package", "aerie", "--bin", "aerie"]))?;
    let program = start::binary("aerie", true)?;
    let home = std::env::temp_dir().join(format!("aerie-bench-start-{}", std::process::id()));
    let mut demo = Command::new(&program);
    demo.arg("demo").arg("--home").arg(&home).arg("--exit").stdout(Stdio::null()).stderr(Stdio::null());
    let measured = step("fill a home with the sample boards", &mut demo).and_then(|()| measure(&program, &home));
    fs::remove_dir_all(&home)?;
    let (mut times, memory) = measured?;
    times.sort();
    let (fastest, median, slowest) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    println!(
        "from start to /readyz, {STARTS} starts: {fastest:.0?} at best, {median:.0?} median, {slowest:.0?} at worst"
    );
    println!("  the median may be {LONGEST:?}: {}", verdict(median <= LONGEST));
    println!("resident memory when idle: {} MB", memory / 1_000_000);
    println!("  may be {} MB: {}", MOST_MEMORY / 1_000_000, verdict(memory <= MOST_MEMORY));
    Ok(())
}

fn verdict(kept: bool) -> &'static str {
    if kept { "kept" } else { "missed" }
}

fn measure(program: &Path, home: &Path) -> anyhow::Result<(Vec<Duration>, u64)> {
    let mut times = Vec::with_capacity(STARTS);
    let mut memory = 0;
    for number in 0..STARTS {
        let begun = Instant::now();
        let mut running = Running::start(program, home)?;
        running.wait_until_ready()?;
        times.push(begun.elapsed());
        if number == 0 {
            thread::sleep(SETTLED);
            memory = running.resident_memory()?;
        }
        running.stop()?;
    }
    Ok((times, memory))
}

/// A server that is stopped whatever happens.
struct Running {
    child: Child,
    authority: String,
}

impl Running {
    /// Starts it on any free port and reads which one it took.
    fn start(program: &Path, home: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.arg("--data-dir").arg(home).args(["up", "--port", "0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| program.display().to_string())?;
        let stdout = child.stdout.take().context("its output")?;
        let mut running = Self { child, authority: String::new() };
        for line in BufReader::new(stdout).lines() {
            if let Some((_, address)) = line?.split_once("http://") {
                running.authority = address.chars().take_while(|one| !one.is_whitespace()).collect();
                return Ok(running);
            }
        }
        bail!("aerie up ended before it said where it listens");
    }

    fn wait_until_ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            let mut stream = TcpStream::connect(&self.authority)?;
            write!(stream, "GET /readyz HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.authority)?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            if answer.starts_with("HTTP/1.1 200") {
                return Ok(());
            }
        }
        bail!("{} was not ready within 30 s", self.authority);
    }

    /// Resident memory in bytes, as Linux tells it.
    fn resident_memory(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * 1024)
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        // An orderly end, as a person's Ctrl-C; killing would leave a note of a server that is not there.
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
