//! The vision model at full size, against PyTorch and the memory's bandwidth.

use std::{fs, path::PathBuf, process::Command};

use crate::run::{cache, cargo, root, step};

/// Builds with optimisation, installs PyTorch where that can be had, and measures.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let mut bench = cargo(["run", "--release", "--package", "aerie-vision", "--example", "vision_bench", "--", "run"]);
    let is_given = |name: &str| arguments.iter().any(|argument| argument == name);
    if !is_given("--python") {
        match peer() {
            Ok(python) => _ = bench.arg("--python").arg(python),
            Err(error) => eprintln!("PyTorch is not compared with: {error:#}"),
        }
    }
    if !is_given("--folder") {
        bench.arg("--folder").arg(cache()?.join("bench-vision-models"));
    }
    if !is_given("--out") {
        bench.arg("--out").arg(root().join("docs/benchmarks/vision.md"));
    }
    bench.args(arguments);
    step("bench aerie-vision/vision_bench", &mut bench)
}

/// A Python environment with PyTorch, made once in the user's cache folder.
fn peer() -> anyhow::Result<PathBuf> {
    let folder = cache()?.join("bench-vision");
    let (python, stamp) = (folder.join("bin/python"), folder.join("installed"));
    if stamp.exists() {
        return Ok(python);
    }
    step("make a Python environment", Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "torch", "numpy"]);
    step("install torch", &mut pip)?;
    fs::write(&stamp, "")?;
    Ok(python)
}
