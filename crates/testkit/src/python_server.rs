//! Real servers that are written in Python: Radicale (CalDAV), WsgiDAV (WebDAV) and aiosmtpd (SMTP).
//!
//! Each runs as a process of its own on a free port, with its data in a temporary folder, and ends when its standard
//! input does: with the test's process, however that ends.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{dovecot, postgres::is_required};

/// The only user of each server.
pub const USER: &str = "robin";

/// The user's password: with characters that need care in a header.
pub const PASSWORD: &str = "p:ss \"wörd\" & more";

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum PythonServerError {
    /// Its module is not there.
    #[error("Python has no module {0} (`cargo xtask test` installs tests/python/requirements.txt)")]
    NotInstalled(&'static str),
    /// It did not start.
    #[error("{module} did not start: {detail}")]
    Failed {
        /// Which one.
        module: &'static str,
        /// What it said.
        detail: String,
    },
    /// A file operation failed.
    #[error("the server's temporary folder: {0}")]
    Io(#[from] io::Error),
}

/// A running server; stopped and removed when dropped.
#[derive(Debug)]
pub struct PythonServer {
    child: Child,
    folder: TempDir,
    /// Port on 127.0.0.1.
    pub port: u16,
}

impl PythonServer {
    /// A CalDAV server with the calendar `/robin/talks/` ("Talks") and the task list `/robin/tasks/`. Gives `None` when
    /// Radicale is not installed.
    ///
    /// # Errors
    /// When it cannot be started, and, where servers are required, when it is not installed.
    pub fn caldav() -> Result<Option<Self>, PythonServerError> {
        Self::start("radicale", include_str!("../python/caldav.py"), false)
    }

    /// A WebDAV server with an empty root. Gives `None` when WsgiDAV is not installed.
    ///
    /// # Errors
    /// As [`PythonServer::caldav`].
    pub fn webdav() -> Result<Option<Self>, PythonServerError> {
        Self::start("wsgidav", include_str!("../python/webdav.py"), false)
    }

    /// A mail server that takes mail of its user after STARTTLS only. Gives `None` when aiosmtpd is not installed.
    ///
    /// # Errors
    /// As [`PythonServer::caldav`].
    pub fn smtp() -> Result<Option<Self>, PythonServerError> {
        Self::start("aiosmtpd", include_str!("../python/smtp.py"), true)
    }

    fn start(module: &'static str, script: &str, tls: bool) -> Result<Option<Self>, PythonServerError> {
        let python = env::var_os("AERIE_TEST_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
        let has_module = Command::new(&python)
            .args(["-c", &format!("import {module}")])
            .output()
            .is_ok_and(|output| output.status.success());
        if !has_module {
            let error = PythonServerError::NotInstalled(module);
            if is_required() {
                return Err(error);
            }
            eprintln!("skipped: {error}");
            return Ok(None);
        }
        let folder = tempfile::Builder::new().prefix("aerie-python-").tempdir()?;
        if tls {
            dovecot::make_certificate(folder.path())
                .map_err(|error| PythonServerError::Failed { module, detail: error.to_string() })?;
        }
        let mut child = Command::new(&python)
            .args(["-c", script])
            .arg(folder.path())
            .args([USER, PASSWORD])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUTF8", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(fs::File::create(folder.path().join("server.log"))?))
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            let mut reader = BufReader::new(stdout);
            reader.read_line(&mut line)?;
            // The server goes on writing; a pipe that nobody reads would stop it.
            std::thread::spawn(move || io::copy(&mut reader.by_ref(), &mut io::sink()));
        }
        match line.trim().parse() {
            Ok(port) => Ok(Some(Self { child, folder, port })),
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                let log = fs::read_to_string(folder.path().join("server.log")).unwrap_or_default();
                Err(PythonServerError::Failed { module, detail: line + &log })
            }
        }
    }

    /// The server's folder: `files` is the root of the WebDAV server, `mail` holds what the mail server took.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The mail server's own certificate, in PEM.
    ///
    /// # Errors
    /// When the file is gone, as for servers without one.
    pub fn certificate(&self) -> io::Result<String> {
        fs::read_to_string(self.folder.path().join("certificate.pem"))
    }

    /// What the server wrote into its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
