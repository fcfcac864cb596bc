//! The program under test, run as a person runs it.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::tools::skipped;

/// The binary `aerie`.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it said beside.
    pub stderr: String,
}

impl Program {
    /// The binary that `AERIE_TEST_BINARY` names, or the one that lies beside this test's own.
    ///
    /// # Errors
    /// It is missing and required.
    pub fn find() -> anyhow::Result<Option<Self>> {
        let named = env::var_os("AERIE_TEST_BINARY").map(PathBuf::from);
        // A test lies in target/debug/deps, the binary in target/debug.
        let beside = env::current_exe()?.ancestors().nth(2).map(|folder| folder.join("aerie"));
        match named.or(beside).filter(|path| path.is_file()) {
            Some(path) => Ok(Some(Self { path })),
            None => skipped("the binary aerie"),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A command whose settings, data and cache are all in `home`, whatever the machine's own are.
    pub fn command<S: AsRef<OsStr>>(&self, home: &Path, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.path);
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("AERIE") {
                command.env_remove(name);
            }
        }
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(name, home);
        }
        command.args(arguments).current_dir(home).stdin(Stdio::null());
        command
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        home: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> anyhow::Result<Finished> {
        let output = self.command(home, arguments).output().with_context(|| self.path.display().to_string())?;
        Ok(Finished {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

impl Finished {
    /// Passes on a run that ended with this exit code.
    ///
    /// # Errors
    /// It ended with another one.
    pub fn expect(self, code: i32) -> anyhow::Result<Self> {
        ensure!(self.code == code, "exit code {} instead of {code}\n{}\n{}", self.code, self.stdout, self.stderr);
        Ok(self)
    }

    /// Reads what was printed as JSON, after checking that the run succeeded.
    ///
    /// # Errors
    /// It failed or printed something else.
    pub fn json(self) -> anyhow::Result<Value> {
        let finished = self.expect(0)?;
        serde_json::from_str(&finished.stdout).with_context(|| format!("not JSON: {}", finished.stdout))
    }
}
