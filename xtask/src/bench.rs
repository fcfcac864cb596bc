//! `cargo xtask bench`: measurements against a peer or a limit, in one run.

mod router;
mod startup;
mod vision;

use std::{fs, path::PathBuf, process::Command};

use clap::{Args, ValueEnum};

use crate::{
    run::{cache, cargo, root, step},
    setup, start, web,
};

/// Arguments of `bench`.
#[derive(Args)]
pub struct Arguments {
    /// What to measure.
    area: Area,
    /// Arguments for the program.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Area {
    /// Ingest with duplicate recognition and a full re-score, against the same work in Python.
    Discovery,
    /// Scoring a hundred thousand postings.
    Matching,
    /// Ingest, lists and full text of the store alone; task claims against pgbench.
    Store,
    /// The language-model router against minimal proxies and other gateways.
    Router,
    /// The vision model at full size, against PyTorch, llama.cpp, candle's own model and what the machine allows.
    Vision,
    /// From start to ready with existing data, and memory when idle.
    Start,
    /// Letters and résumés set in type by a process that has set one before.
    Documents,
    /// Ten thousand mails from a local Dovecot through the whole service, against Python's imaplib.
    Mail,
    /// Tasks a second through PostgreSQL, what splitting gateway and pipeline costs, and an event told to 5,000 browsers.
    Cluster,
    /// The web app in a browser: what it loads, how soon it shows something, how fast it answers a key.
    Web,
}

/// Builds with optimisation and runs the programs of an area.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match arguments.area {
        Area::Discovery => {
            setup::build_needs()?;
            let mut own = arguments.arguments.clone();
            if !own.iter().any(|argument| argument == "--python") {
                match peer_python() {
                    Ok(python) => own.extend(["--python".to_owned(), python.display().to_string()]),
                    Err(error) => eprintln!("the comparison with Python is left out: {error:#}"),
                }
            }
            example("aerie-pipeline", "ingest", &own)
        }
        Area::Matching => {
            setup::build_needs()?;
            let mut bench = cargo(["bench", "--package", "aerie-matching", "--bench", "rescore", "--"]);
            bench.args(&arguments.arguments);
            step("bench aerie-matching/rescore", &mut bench)
        }
        Area::Store => {
            // A PostgreSQL with pgbench is what the tests need, too.
            setup::test_needs()?;
            example("aerie-store", "store_ingest", &arguments.arguments)?;
            example("aerie-tasks", "claim_rate", &[])
        }
        Area::Router => {
            setup::build_needs()?;
            router::run(&arguments.arguments)
        }
        Area::Vision => {
            setup::build_needs()?;
            vision::run(&arguments.arguments)
        }
        Area::Start => {
            setup::build_needs()?;
            startup::run()
        }
        Area::Documents => {
            setup::build_needs()?;
            let mut bench = cargo(["bench", "--package", "aerie-typesetting", "--bench", "letter", "--"]);
            bench.args(&arguments.arguments);
            step("bench aerie-typesetting/letter", &mut bench)
        }
        Area::Mail => {
            // A Dovecot is what the tests need, too.
            setup::test_needs()?;
            example("aerie-pipeline", "mail_sync", &arguments.arguments)
        }
        Area::Cluster => {
            setup::test_needs()?;
            web::build()?;
            step("build aerie", &mut cargo(["build", "--release", "--package", "aerie", "--bin", "aerie"]))?;
            example("aerie-tasks", "claim_rate", &[])?;
            let mut run = cargo(["run", "--release", "--package", "aerie-tests", "--example", "cluster", "--"]);
            run.args(&arguments.arguments).env("AERIE_TEST_BINARY", start::binary("aerie", true)?);
            step("bench aerie-tests/cluster", &mut run)
        }
        Area::Web => {
            setup::test_needs()?;
            web::build()?;
            step("build aerie", &mut cargo(["build", "--release", "--package", "aerie", "--bin", "aerie"]))?;
            web::bench(&start::binary("aerie", true)?, &arguments.arguments)
        }
    }
}

fn example(package: &str, program: &str, arguments: &[String]) -> anyhow::Result<()> {
    let mut run = cargo(["run", "--release", "--package", package, "--example", program, "--"]);
    run.args(arguments);
    step(&format!("bench {package}/{program}"), &mut run)
}

/// A Python environment with the libraries that the peers use, made once in the user's cache folder.
fn peer_python() -> anyhow::Result<PathBuf> {
    let requirements = root().join("benches/python/requirements.txt");
    let folder = cache()?.join("bench-python");
    let python = folder.join("bin/python");
    let stamp = folder.join("installed.txt");
    let wanted = fs::read(&requirements)?;
    if python.exists() && fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    step("make a Python environment", Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements);
    step("install scikit-learn and rapidfuzz", &mut pip)?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}
