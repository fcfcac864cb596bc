//! The web app: built with Node.js into a folder that the gateway's build takes up, and tested in a browser.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::run::{root, step, succeeds};

/// What the app is built from, besides `proto`.
const SOURCES: [&str; 8] =
    ["src", "public", "build", "index.html", "package-lock.json", "vite.config.ts", "svelte.config.js", "buf.gen.yaml"];
/// Oldest Node.js that the tools run on.
const OLDEST_NODE: u32 = 18;

/// The folder of the web app.
pub fn folder() -> PathBuf {
    root().join("services/gateway/web")
}

/// Builds the app where Node.js is there; otherwise says what to install. The server works without the app.
pub fn build_if_possible() -> anyhow::Result<()> {
    match node() {
        Ok(()) => build(),
        Err(missing) => {
            eprintln!("\nthe web app is left out: {missing:#}");
            Ok(())
        }
    }
}

/// Builds the app, unless it is as new as what it is built from.
pub fn build() -> anyhow::Result<()> {
    node()?;
    install()?;
    if is_fresh() {
        return Ok(());
    }
    step("build the web app", &mut npm(&["run", "--silent", "build"]))
}

/// Checks types, and runs the tests of the logic.
pub fn check() -> anyhow::Result<u64> {
    step("check the web app's types", &mut npm(&["run", "--silent", "check"]))?;
    tests("test the web app's logic", "test", "unit", &[])
}

/// Runs the tests in a browser, against the program that was just built, with the issuer that signs people in.
pub fn browse(program: &Path, issuer: &Path) -> anyhow::Result<u64> {
    let variables = [("AERIE_TEST_BINARY", program), ("AERIE_TEST_ISSUER", issuer)];
    tests("test the web app in a browser", "test:browser", "browser", &variables)
}

/// Measures the app against its budgets.
pub fn bench(program: &Path, arguments: &[String]) -> anyhow::Result<()> {
    let mut bench = npm(&["run", "--silent", "bench", "--"]);
    bench.args(arguments).env("AERIE_TEST_BINARY", program);
    step("bench web", &mut bench)
}

fn tests(name: &str, script: &str, report: &str, variables: &[(&str, &Path)]) -> anyhow::Result<u64> {
    let file = folder().join(format!("tests/out/{report}.json"));
    // What an earlier run left must not be counted.
    if file.exists() {
        fs::remove_file(&file)?;
    }
    let mut run = npm(&["run", "--silent", script]);
    run.envs(variables.iter().copied());
    step(name, &mut run)?;
    let text = fs::read_to_string(&file).with_context(|| format!("{}: the tests wrote no report", file.display()))?;
    let written: Value = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    match written["numPassedTests"].as_u64() {
        Some(passed) if passed > 0 => Ok(passed),
        _ => bail!("{name}: no test ran, says {}", file.display()),
    }
}

/// An npm command in the folder of the app.
fn npm(arguments: &[&str]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.args(arguments).current_dir(folder());
    command
}

fn node() -> anyhow::Result<()> {
    let remedy = "install Node.js 18 or later with npm, on Debian with: sudo apt-get install -y nodejs npm";
    let output = Command::new("node").arg("--version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let major = version.trim_start_matches('v').split('.').next().and_then(|number| number.parse::<u32>().ok());
    match major {
        None => bail!("Node.js is missing; {remedy}"),
        Some(major) if major < OLDEST_NODE => bail!("Node.js {version} is too old; {remedy}"),
        Some(_) if !succeeds("npm", &["--version"]) => bail!("npm is missing; {remedy}"),
        Some(_) => Ok(()),
    }
}

/// Installs exactly what the lock file names, when that is not there yet.
fn install() -> anyhow::Result<()> {
    let (wanted, stamp) = (folder().join("package-lock.json"), folder().join("node_modules/.aerie-lock.json"));
    let lock = fs::read(&wanted).with_context(|| wanted.display().to_string())?;
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    // Nothing that the app uses needs to run anything at installation.
    let mut install = npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    step("install what the web app is built with", &mut install)?;
    fs::write(&stamp, lock)?;
    Ok(())
}

/// Whether the build is newer than everything that it is made of.
fn is_fresh() -> bool {
    let Ok(built) = fs::metadata(folder().join("dist/index.html")).and_then(|built| built.modified()) else {
        return false;
    };
    let sources = SOURCES.iter().map(|source| folder().join(source)).chain([root().join("proto")]);
    let newest = sources.filter_map(|source| newest(&source)).max();
    newest.is_some_and(|newest| newest < built) && folder().join("src/gen").exists()
}

/// The last change of a file, or of anything in a folder but what is generated there.
fn newest(path: &Path) -> Option<SystemTime> {
    let own = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    if !path.is_dir() {
        return own;
    }
    let entries = fs::read_dir(path).ok()?.flatten().map(|entry| entry.path());
    entries.filter(|entry| !entry.ends_with("src/gen")).filter_map(|entry| newest(&entry)).max()
}

/// Where the system's own Chromium is, unless the environment names one.
pub fn chromium() -> Option<PathBuf> {
    let named = env::var_os("AERIE_TEST_CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    named.into_iter().chain(usual).find(|path| path.exists())
}
