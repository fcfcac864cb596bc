//! Measures the router against minimal proxies and against other gateways, in one run: `cargo xtask bench router`.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a failed measurement should stop loudly")]

mod counter;
mod floor;
mod grpc;
mod load;
mod mock;
mod peers;
mod process;
mod report;
mod scenarios;

use std::{fs, path::PathBuf, time::Duration};

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::net::TcpListener;

use crate::{peers::Places, report::Report};

/// Measures the language-model router.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Runs every scenario and prints the tables.
    Run(Run),
    /// Plays the provider.
    Mock {
        /// What it does with a request.
        behaviour: mock::Behaviour,
        /// Where it listens.
        #[arg(long)]
        port: u16,
    },
    /// Plays a minimal proxy.
    Floor {
        /// How much it does.
        kind: floor::Kind,
        /// Where it listens.
        #[arg(long)]
        port: u16,
        /// `host:port` of the provider.
        #[arg(long)]
        provider: String,
    },
    /// Plays a minimal proxy with a gRPC front.
    FloorGrpc {
        /// Where it listens.
        #[arg(long)]
        port: u16,
        /// `host:port` of the provider.
        #[arg(long)]
        provider: String,
    },
}

/// What to measure and how long.
#[derive(clap::Args)]
pub struct Run {
    /// The program `aerie-llm-router`, built with optimisation.
    #[arg(long)]
    router: PathBuf,
    /// Folder with the installations of the peers.
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Rounds over all contenders.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of load for each contender and setting in a round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Scenarios to run, by part of the name; none runs all.
    #[arg(long)]
    only: Vec<String>,
    /// Requests of the memory scenario.
    #[arg(long, default_value_t = 1_000_000)]
    requests: u64,
    /// File to write the tables to, besides printing them.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Run {
    fn length(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().role {
        Role::Run(run) => measure(&run),
        Role::Mock { behaviour, port } => single(async move { mock::serve(listen(port).await?, behaviour).await }),
        Role::Floor { kind, port, provider } => {
            several(async move { floor::serve(listen(port).await?, kind, &provider).await })
        }
        Role::FloorGrpc { port, provider } => several(async move { grpc::floor(listen(port).await?, provider).await }),
    }
}

async fn listen(port: u16) -> anyhow::Result<TcpListener> {
    Ok(TcpListener::bind(("127.0.0.1", port)).await?)
}

fn single(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn several(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(work)
}

fn measure(run: &Run) -> anyhow::Result<()> {
    let scratch = std::env::temp_dir().join(format!("aerie-bench-router-{}", std::process::id()));
    fs::create_dir_all(&scratch).with_context(|| scratch.display().to_string())?;
    let places = Places {
        router: run.router.clone(),
        bench: std::env::current_exe()?,
        peers: run.peers.clone(),
        scratch: scratch.clone(),
    };
    let mut report = Report::default();
    let measured = scenarios::all(run, &places, &mut report);
    let text = report.markdown(&machine());
    println!("\n{text}");
    if let Some(out) = &run.out {
        fs::write(out, &text).with_context(|| out.display().to_string())?;
    }
    // What a contender printed is needed only when something failed.
    if measured.is_ok() {
        fs::remove_dir_all(&scratch)?;
    }
    measured
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("Machine: {cores} cores ({}), shared with other work.", processor.map_or("unknown", |(_, name)| name))
}
