//! Other processes: started, measured and stopped.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

/// Clock ticks a second in `/proc`, which Linux fixes for programs.
const TICKS: u64 = 100;

/// What a process and those it started have used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// User and system time.
    pub processor: Duration,
    /// Resident memory in MiB.
    pub memory: f64,
}

impl Usage {
    /// Reads it from `/proc`.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let mut usage = Self::default();
        for pid in family(pid) {
            let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            let fields: Vec<&str> =
                stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
            let ticks: u64 = [11, 12].iter().filter_map(|place| fields.get(*place)?.parse::<u64>().ok()).sum();
            usage.processor += Duration::from_millis(ticks * 1_000 / TICKS);
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
            usage.memory += resident.and_then(|kilobytes| kilobytes.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0;
        }
        Ok(usage)
    }
}

/// A process and everything below it.
fn family(pid: u32) -> Vec<u32> {
    let mut members = vec![pid];
    let mut place = 0;
    while let Some(parent) = members.get(place).copied() {
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        members.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        place += 1;
    }
    members
}

/// A port that nobody listens on at the moment.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Where a server will listen.
#[derive(Debug, Clone)]
pub enum Port {
    /// On the port that it was told.
    Told(u16),
    /// On a port of its own choice, whose number it writes into a file.
    File(PathBuf),
}

impl Port {
    fn known(&self) -> Option<u16> {
        match self {
            Self::Told(port) => Some(*port),
            Self::File(path) => fs::read_to_string(path).ok()?.trim().parse().ok(),
        }
    }
}

/// A server that is stopped when it goes out of scope.
pub struct Server {
    port: u16,
    child: Child,
}

impl Server {
    /// Starts a command and waits until its port accepts connections. Its output goes to a log file.
    pub fn start(
        name: &str,
        command: &mut Command,
        port: &Port,
        log: &Path,
        longest: Duration,
    ) -> anyhow::Result<Self> {
        let output = fs::File::create(log).with_context(|| log.display().to_string())?;
        let began = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("start {name}: {:?}", command.get_program()))?;
        let mut server = Self { port: 0, child };
        let listens = |port: u16| {
            TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_millis(200)).is_ok()
        };
        loop {
            if let Some(port) = port.known().filter(|port| listens(*port)) {
                server.port = port;
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("{name} ended with {status}; see {}", log.display());
            }
            if began.elapsed() > longest {
                bail!("{name} does not listen after {longest:?}; see {}", log.display());
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `host:port`.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for pid in family(self.child.id()).into_iter().rev() {
            // Gone already is as good.
            let _ = Command::new("kill").arg("-9").arg(pid.to_string()).stderr(Stdio::null()).status();
        }
        let _ = self.child.wait();
    }
}
