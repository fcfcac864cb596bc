//! A real NATS server with JetStream for tests: Debian's, on a free port of 127.0.0.1, with its files in a temporary
//! folder. As with PostgreSQL, a shell that reads from the test process stops the server and removes the folder when
//! that process ends, however it ends.

use std::{
    fs, io,
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::postgres::is_required;

/// Where Debian puts it.
const PROGRAM: &str = "/usr/sbin/nats-server";

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// Its program is not there.
    #[error("NATS is not installed (apt-get install nats-server)")]
    NotInstalled,
    /// It does not come up.
    #[error("nats-server failed: {detail}")]
    Failed {
        /// What it said.
        detail: String,
    },
    /// A file operation failed.
    #[error("NATS's temporary folder: {0}")]
    Io(#[from] io::Error),
}

/// A NATS server of its own; stopped and removed when dropped.
#[derive(Debug)]
pub struct NatsServer {
    program: PathBuf,
    folder: tempfile::TempDir,
    watch: Option<Child>,
    port: u16,
}

impl NatsServer {
    /// Starts a server. Prints why and gives `None` when NATS is not installed.
    ///
    /// # Errors
    /// When it does not come up, and, where servers are required, when it is not installed.
    pub fn start() -> Result<Option<Self>, NatsError> {
        let Some(program) = find_program() else {
            if is_required() {
                return Err(NatsError::NotInstalled);
            }
            eprintln!("skipped: {}", NatsError::NotInstalled);
            return Ok(None);
        };
        let folder = tempfile::Builder::new().prefix("aerie-nats-").tempdir()?;
        let mut server = Self { program, folder, watch: None, port: 0 };
        server.launch("-1")?;
        server.port = server.port_it_took()?;
        server.wait_until_ready()?;
        Ok(Some(server))
    }

    /// Address for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Stops the server; its streams stay for [`NatsServer::start_again`].
    pub fn stop(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            let _ = fs::write(self.folder.path().join("keep"), "");
            drop(watch.stdin.take());
            let _ = watch.wait();
        }
    }

    /// Starts a stopped server on its former port, with what it had.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_again(&mut self) -> Result<(), NatsError> {
        self.stop();
        self.launch(&self.port.to_string())?;
        self.wait_until_ready()
    }

    /// Forgets every stream, as a server does that lost its disk. Only while it is stopped.
    ///
    /// # Errors
    /// When the files cannot be removed.
    pub fn forget(&self) -> io::Result<()> {
        fs::remove_dir_all(self.folder.path().join("jetstream"))
    }

    fn launch(&mut self, port: &str) -> Result<(), NatsError> {
        // The folder goes with the test process, unless the server is only stopped (`keep`).
        let script = "\"$1\" -js -a 127.0.0.1 -p \"$3\" -sd \"$2\" --ports_file_dir \"$2\" >\"$2/log\" 2>&1 & \
                      server=$!; read -r _; kill -TERM $server; wait $server; [ -e \"$2/keep\" ] || rm -rf \"$2\"";
        let folder = self.folder.path();
        fs::write(folder.join("log"), "")?;
        let _ = fs::remove_file(folder.join("keep"));
        let mut watch = Command::new("sh");
        watch.args(["-c", script, "sh"]).arg(&self.program).arg(folder).arg(port).process_group(0);
        watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.watch = Some(watch.spawn()?);
        Ok(())
    }

    fn port_it_took(&self) -> Result<u16, NatsError> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            for entry in fs::read_dir(self.folder.path())?.flatten() {
                if entry.path().extension().is_some_and(|ending| ending == "ports")
                    && let Some(port) = port_in(&fs::read_to_string(entry.path()).unwrap_or_default())
                {
                    return Ok(port);
                }
            }
            if Instant::now() > deadline {
                return Err(self.failure());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn wait_until_ready(&self) -> Result<(), NatsError> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if Instant::now() > deadline {
                return Err(self.failure());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn failure(&self) -> NatsError {
        NatsError::Failed { detail: fs::read_to_string(self.folder.path().join("log")).unwrap_or_default() }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `{"nats":["nats://127.0.0.1:40123"]}`
fn port_in(ports: &str) -> Option<u16> {
    let ports: serde_json::Value = serde_json::from_str(ports).ok()?;
    ports.get("nats")?.get(0)?.as_str()?.rsplit_once(':')?.1.parse().ok()
}

fn find_program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known = Path::new(PROGRAM).to_owned();
    known.is_file().then_some(known).or_else(|| {
        std::env::split_paths(&path).map(|folder| folder.join("nats-server")).find(|program| program.is_file())
    })
}
