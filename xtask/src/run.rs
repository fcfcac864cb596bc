//! Running other programs.

use std::{
    env,
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

/// The root of the workspace that `cargo xtask` was called in, which is not the one that this program was built in when
/// two checkouts share a target folder.
pub fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// A cargo command in the root, with the environment that every build of ours shares: one environment means one build.
pub fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    // SQLCipher needs OpenSSL's libcrypto. The system's own, when its headers are there, saves minutes of building it.
    if env::var_os("OPENSSL_NO_VENDOR").is_none() && succeeds("pkg-config", &["--exists", "openssl"]) {
        command.env("OPENSSL_NO_VENDOR", "1");
    }
    command
}

/// Says what is run, runs it, and fails when it fails.
pub fn step(name: &str, command: &mut Command) -> anyhow::Result<()> {
    eprintln!("\n== {name}");
    let status =
        command.status().with_context(|| format!("{name}: {:?} could not be started", command.get_program()))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(())
}

/// Whether a program runs and succeeds; its output is dropped.
pub fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The user's cache folder for this project: tools that tests need are installed there once.
pub fn cache() -> anyhow::Result<PathBuf> {
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set; set one of them to a folder that can be written")?;
    Ok(base.join("aerie"))
}
