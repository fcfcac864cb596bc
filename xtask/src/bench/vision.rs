//! The vision model at full size, against PyTorch, llama.cpp, candle's own model and what the machine allows.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    cuda,
    run::{cache, cargo, root, step},
};

const BENCH: [&str; 6] = ["run", "--release", "--package", "aerie-vision", "--example", "vision_bench"];
/// llama.cpp for this machine's own processor, and what writes its files.
const LLAMA: [&str; 3] = ["llama-cpp-python", "gguf", "numpy"];

/// Builds with optimisation, installs the peers that can be had, and measures. `--device cuda:0` measures a GPU, alone.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let is_given = |name: &str| arguments.iter().any(|argument| argument == name);
    let device = arguments.windows(2).find(|pair| pair[0] == "--device").map(|pair| pair[1].as_str());
    let is_cpu = device.is_none_or(|device| device == "cpu");
    let mut bench = if is_cpu { cargo(BENCH) } else { cuda::command(&BENCH)? };
    bench.args(["--", "run"]);
    if is_cpu {
        let peers: [(&str, &str, &str, &[&str]); 2] = [
            ("--python", "PyTorch", "bench-vision", &["torch", "numpy"]),
            ("--llama", "llama.cpp", "bench-llama", &LLAMA),
        ];
        for (option, name, folder, packages) in peers.into_iter().filter(|(option, ..)| !is_given(option)) {
            match peer(folder, packages) {
                Ok(python) => _ = bench.arg(option).arg(python),
                Err(error) => eprintln!("{name} is not compared with: {error:#}"),
            }
        }
        if !is_given("--candle") {
            bench.args(["--candle", "yes"]);
        }
    }
    if !is_given("--folder") {
        bench.arg("--folder").arg(cache()?.join("bench-vision-models"));
    }
    if !is_given("--out") {
        let page = if is_cpu { "docs/benchmarks/vision.md" } else { "docs/benchmarks/vision-gpu.md" };
        bench.arg("--out").arg(root().join(page));
    }
    bench.args(arguments);
    step("bench aerie-vision/vision_bench", &mut bench)
}

/// A Python environment with `packages`, made once in the user's cache folder.
fn peer(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let folder = cache()?.join(name);
    let (python, stamp) = (folder.join("bin/python"), folder.join("installed"));
    if stamp.exists() {
        return Ok(python);
    }
    step("make a Python environment", Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    // A peer is measured at its best: built for this processor.
    pip.env("CMAKE_ARGS", "-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF -DCMAKE_BUILD_TYPE=Release");
    step(&format!("install {}", packages.join(", ")), &mut pip)?;
    fs::write(&stamp, "")?;
    Ok(python)
}
