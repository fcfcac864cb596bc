//! Formatting, lints, protocol buffers, and fuzzing.

use std::{fs, process::Command};

use anyhow::bail;

use crate::{
    run::{cargo, root, step, succeeds},
    setup::{self, TestTools},
};

/// `cargo xtask lint`.
pub fn run() -> anyhow::Result<()> {
    check(&setup::test_needs()?)
}

/// Every check that needs no running program.
pub fn check(tools: &TestTools) -> anyhow::Result<()> {
    step("formatting", &mut cargo(["fmt", "--all", "--check"]))?;
    step("lints", &mut cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let proto = root().join("proto");
    step("buf lint", Command::new(&tools.buf).arg("lint").current_dir(&proto))?;
    step("buf format", Command::new(&tools.buf).args(["format", "--diff", "--exit-code"]).current_dir(&proto))?;
    if succeeds("cargo", &["deny", "--version"]) {
        step("cargo deny", &mut cargo(["deny", "check", "bans", "licenses", "sources"]))?;
    }
    Ok(())
}

/// Runs each fuzz target for a number of seconds; a finding is a failure.
pub fn fuzz(seconds: u64, filter: Option<&str>) -> anyhow::Result<()> {
    if !succeeds("cargo", &["fuzz", "--version"]) {
        bail!("cargo-fuzz is missing; install it with: cargo install cargo-fuzz --locked");
    }
    let mut targets: Vec<String> = fs::read_dir(root().join("fuzz/fuzz_targets"))?
        .flatten()
        .filter_map(|entry| entry.path().file_stem().map(|name| name.to_string_lossy().into_owned()))
        .filter(|name| filter.is_none_or(|filter| name.contains(filter)))
        .collect();
    targets.sort();
    if targets.is_empty() {
        bail!("no fuzz target's name holds {:?}", filter.unwrap_or_default());
    }
    for target in &targets {
        let mut run = cargo(["fuzz", "run", "--sanitizer", "none", target, "--"]);
        run.arg(format!("-max_total_time={seconds}")).arg("-timeout=10").arg("-rss_limit_mb=2048");
        // libFuzzer's coverage needs compiler flags that the stable toolchain accepts only with this.
        run.env("RUSTC_BOOTSTRAP", "1");
        step(&format!("fuzz {target} for {seconds} s"), &mut run)?;
    }
    println!("{} fuzz targets, {seconds} s each, no finding", targets.len());
    Ok(())
}
