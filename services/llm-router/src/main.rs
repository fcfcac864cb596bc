//! The command `aerie-llm-router`: what `aerie llm-router` does, without the rest of Aerie in memory.

use std::{path::PathBuf, process::ExitCode};

use aerie_config::Config;
use aerie_llm_router::process;
use anyhow::Context;
use clap::Parser;
use serde_json::json;

/// Asks language models for other programs: over gRPC, and as OpenAI's libraries do.
#[derive(Parser, Debug)]
#[command(version)]
struct Cli {
    /// Settings file; without it the one in your configuration folder is used when it exists.
    #[arg(long, value_name = "FILE", env = "AERIE_CONFIG")]
    config: Option<PathBuf>,
    /// How much to log: error, warn, info, debug, or a filter such as "aerie_llm_router=debug".
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
}

fn main() -> ExitCode {
    match serve(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(cli: &Cli) -> anyhow::Result<()> {
    let flags = cli.log.as_ref().map_or_else(|| json!({}), |level| json!({"telemetry": {"level": level}}));
    let config = Config::load(cli.config.as_deref(), &flags)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("the asynchronous runtime could not start")?.block_on(process::run(&config))?;
    Ok(())
}
