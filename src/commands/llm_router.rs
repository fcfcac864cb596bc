//! `aerie llm-router`: the language-model router as a process of its own. No store is opened and nothing else started.

use std::process::ExitCode;

use aerie_llm_router::process;

use crate::{cli::Cli, commands::load_config};

/// Serves until a signal.
pub async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    process::run(&load_config(cli)?).await?;
    Ok(ExitCode::SUCCESS)
}
