//! `cargo xtask bench`: measurements against a peer or a limit, in one run.

use clap::{Args, ValueEnum};

use crate::{
    run::{cargo, step},
    setup,
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
    /// Ingest with duplicate recognition, against the same work in Python.
    Discovery,
    /// Scoring a hundred thousand postings.
    Matching,
    /// Task claims against pgbench, lists and full text.
    Store,
}

/// Builds with optimisation and runs the program of an area.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    setup::build_needs()?;
    let programs: &[(&str, &str)] = match arguments.area {
        Area::Discovery => &[("aerie-pipeline", "ingest")],
        Area::Matching => &[("aerie-matching", "rescore")],
        Area::Store => &[("aerie-store", "ingest"), ("aerie-tasks", "claim_rate")],
    };
    for (package, program) in programs {
        let mut run = cargo(["run", "--release", "--package", package, "--example", program, "--"]);
        run.args(&arguments.arguments);
        step(&format!("bench {package}/{program}"), &mut run)?;
    }
    Ok(())
}
