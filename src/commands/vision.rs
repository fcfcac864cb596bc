//! `aerie vision`: the vision service and its model.

mod fetch;
mod find;
mod folder;
mod look;
mod session;
mod up;

use std::process::ExitCode;

use crate::cli::{Cli, Vision};

/// Runs one of its commands.
pub async fn run(cli: &Cli, command: &Vision) -> anyhow::Result<ExitCode> {
    match command {
        Vision::Up(arguments) => up::run(cli, arguments).await,
        Vision::Ask(arguments) => look::ask(cli, arguments).await,
        Vision::Caption(arguments) => look::caption(cli, arguments).await,
        Vision::Detect(arguments) => find::detect(cli, arguments).await,
        Vision::Point(arguments) => find::point(cli, arguments).await,
        Vision::Model(arguments) => look::model(cli, arguments).await,
        Vision::Verify(arguments) => folder::verify(arguments),
        Vision::Quantize(arguments) => folder::quantize(arguments),
        Vision::Random(arguments) => folder::random(arguments),
        Vision::Fetch(arguments) => fetch::run(arguments).await,
    }
}
