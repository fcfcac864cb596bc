//! The language-model router against minimal proxies and other gateways.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    run::{cache, cargo, root, step, succeeds},
    start,
};

/// A gateway to measure beside ours, and how it is installed into a folder of its own.
struct Peer {
    folder: &'static str,
    install: fn(&Path) -> anyhow::Result<()>,
}

const PEERS: [Peer; 3] = [
    Peer { folder: "litellm", install: |folder| python(folder, &["litellm[proxy]"]) },
    Peer { folder: "rust", install: |folder| python(folder, &["tensorzero", "smg"]) },
    Peer { folder: "portkey", install: portkey },
];

/// Builds with optimisation, installs the peers that can be had, and measures.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let mut build = cargo(["build", "--release", "--package", "aerie-llm-router", "--bin", "aerie-llm-router"]);
    step("build aerie-llm-router", &mut build)?;
    let peers = peers()?;
    let mut bench =
        cargo(["run", "--release", "--package", "aerie-llm-router", "--example", "router_bench", "--", "run"]);
    bench.arg("--router").arg(start::binary("aerie-llm-router", true)?).arg("--peers").arg(&peers);
    if !arguments.iter().any(|argument| argument == "--out" || argument == "--only") {
        bench.arg("--out").arg(root().join("docs/benchmarks/router.md"));
    }
    bench.args(arguments);
    step("bench aerie-llm-router/router_bench", &mut bench)
}

/// The folder of the peers. One that cannot be installed is left out, and said to be.
fn peers() -> anyhow::Result<PathBuf> {
    let all = cache()?.join("bench-peers");
    fs::create_dir_all(&all)?;
    for peer in &PEERS {
        let folder = all.join(peer.folder);
        let stamp = folder.join("installed");
        if stamp.exists() {
            continue;
        }
        match (peer.install)(&folder) {
            Ok(()) => fs::write(&stamp, "")?,
            Err(error) => eprintln!("{} is not compared with: {error:#}", peer.folder),
        }
    }
    Ok(all)
}

fn python(folder: &Path, packages: &[&str]) -> anyhow::Result<()> {
    step("make a Python environment", Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    step(&format!("install {}", packages.join(" ")), &mut pip)
}

/// Its own lock file has this version of the server; with a newer one every stream fails.
fn portkey(folder: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(succeeds("npm", &["--version"]), "npm is missing; install Node.js to compare with it");
    fs::create_dir_all(folder)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(folder);
    npm.args(["@portkey-ai/gateway", "@hono/node-server@1.13.5"]);
    step("install @portkey-ai/gateway", &mut npm)
}
