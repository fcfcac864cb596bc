//! One file a command; each reads its arguments, calls a service and prints.

mod accounts;
mod add;
mod ask;
mod backends;
mod certificates;
mod config;
mod deletion;
mod demo;
mod discover;
mod eval;
mod gateway;
mod integrations;
mod jobs;
mod letters;
mod llm_router;
mod mail;
mod migrate;
mod migrate_store;
mod moving;
mod pipeline;
mod preflight;
mod profile;
mod research;
mod sources;
mod surveys;
mod tasks;
mod tracking;
mod up;
mod vision;

use std::{
    ffi::OsString,
    fs,
    io::{Read, Write},
    path::Path,
    process::ExitCode,
};

use aerie_config::Config;
use aerie_proto::pipeline::v1 as pb;
use anyhow::Context;
use serde_json::json;

use crate::{
    cli::{Cli, Command, ImportOther},
    output,
    session::{ServerNote, Session, healthcheck},
};

/// Runs a command.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Up(arguments) => up::run(&cli, arguments).await,
        Command::Gateway => gateway::run(&cli).await,
        Command::Pipeline(roles) => pipeline::run(&cli, roles).await,
        Command::Certificates(arguments) => certificates::run(arguments),
        Command::Demo(arguments) => demo::run(&cli, arguments).await,
        Command::Discover(arguments) => discover::run(&cli, arguments).await,
        Command::Jobs(command) => jobs::run(&cli, command).await,
        Command::Board(arguments) => tracking::board(&cli, arguments).await,
        Command::Appointments(command) => tracking::appointments(&cli, command).await,
        Command::Contacts(command) => tracking::contacts(&cli, command).await,
        Command::Reminders(command) => tracking::reminders(&cli, command).await,
        Command::Surveys(command) => surveys::run(&cli, command).await,
        Command::Letter(command) => letters::letter(&cli, command).await,
        Command::Resume(command) => letters::resume(&cli, command).await,
        Command::Research(command) => research::research(&cli, command).await,
        Command::Interview(command) => research::interview(&cli, command).await,
        Command::Mail(command) => mail::run(&cli, command).await,
        Command::Integrations(command) => integrations::run(&cli, command).await,
        Command::Statistics(arguments) => tracking::statistics(&cli, arguments).await,
        Command::Calendar(arguments) => tracking::calendar(&cli, arguments).await,
        Command::Tasks(command) => tasks::run(&cli, command).await,
        Command::Sources(arguments) => sources::run(&cli, arguments).await,
        Command::Profile(command) => profile::run(&cli, command).await,
        Command::Add { urls, json } => add::urls(&cli, urls, *json).await,
        Command::Import { other: Some(ImportOther::Peregrine { folder, json }), .. } => {
            moving::peregrine(&cli, folder, *json).await
        }
        Command::Import { file: Some(file), url, json, .. } => add::import(&cli, file, url.as_deref(), *json).await,
        Command::Import { .. } => Err(output::wrong_use("name a file to import")),
        Command::Backup(command) => moving::backup(&cli, command).await,
        Command::Data(command) => deletion::run(&cli, command).await,
        Command::Backends(arguments) => backends::run(&cli, arguments).await,
        Command::Ask(arguments) => ask::run(&cli, arguments).await,
        Command::LlmRouter => llm_router::run(&cli).await,
        Command::Vision(command) => vision::run(&cli, command).await,
        Command::Eval(command) => eval::run(&cli, command),
        Command::Preflight { json } => preflight::run(&cli, *json).await,
        Command::Migrate => migrate::run(&cli).await,
        Command::Accounts(command) => accounts::run(&cli, command).await,
        Command::MigrateStore(arguments) => migrate_store::run(&cli, arguments).await,
        Command::Healthcheck { url } => check_health(&cli, url.as_deref()).await,
        Command::Config(command) => config::run(&cli, *command),
    }
}

/// All layers of settings, with this call's flags on top.
pub fn load_config(cli: &Cli) -> anyhow::Result<Config> {
    let mut flags = serde_json::Map::new();
    if let Some(data) = &cli.data_dir {
        flags.insert("data_dir".to_owned(), json!(data));
    }
    if let Some(level) = &cli.log {
        flags.insert("telemetry".to_owned(), json!({ "level": level }));
    }
    Ok(Config::load(cli.config.as_deref(), &flags)?)
}

/// The flags of this call that choose the settings, for a process that is to have the same.
fn settings_flags(cli: &Cli) -> Vec<OsString> {
    let paths = [("--config", &cli.config), ("--data-dir", &cli.data_dir)];
    let paths = paths.into_iter().filter_map(|(name, path)| Some([name.into(), path.as_ref()?.into()]));
    let level = cli.log.as_ref().map(|level| ["--log".into(), level.into()]);
    paths.chain(level).flatten().collect()
}

/// Where the process with these settings says how it is: where probes ask, or where its note says that it listens.
fn own_address(config: &Config) -> anyhow::Result<String> {
    if let Some(mut operations) = config.telemetry.operations_listen {
        if operations.ip().is_unspecified() {
            operations.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        return Ok(format!("http://{operations}"));
    }
    let (data, note) = (config.data_dir.display(), ServerNote::read(&config.data_dir));
    Ok(note.with_context(|| format!("no Aerie has started on {data}; start one with `aerie up`"))?.url)
}

async fn check_health(cli: &Cli, url: Option<&str>) -> anyhow::Result<ExitCode> {
    let url = match url {
        Some(url) => url.to_owned(),
        None => own_address(&load_config(cli)?)?,
    };
    healthcheck(&url).await?;
    println!("{url} is ready");
    Ok(ExitCode::SUCCESS)
}

/// Waits for a task and says on standard error what it does. A task that fails is an error.
async fn follow(session: &Session, task_id: String) -> anyhow::Result<()> {
    let mut updates = session.tasks().watch_task(pb::WatchTaskRequest { task_id }).await?.into_inner();
    let mut last = pb::Task::default();
    while let Some(update) = updates.message().await? {
        let task = update.task.unwrap_or_default();
        if task.stage != last.stage && !task.stage.is_empty() {
            eprintln!("{}", task.stage);
        }
        last = task;
    }
    anyhow::ensure!(last.state() != pb::TaskState::Failed, "{}", last.error);
    anyhow::ensure!(last.state() != pb::TaskState::Cancelled, "the task was cancelled");
    Ok(())
}

/// A file's bytes, or standard input for "-"; at most 16 MiB.
fn read_input(path: &Path) -> anyhow::Result<Vec<u8>> {
    const MOST: u64 = 16 * 1024 * 1024;
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().take(MOST + 1).read_to_end(&mut bytes).context("standard input")?;
    } else {
        let file = fs::File::open(path).with_context(|| path.display().to_string())?;
        file.take(MOST + 1).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    }
    anyhow::ensure!(bytes.len() as u64 <= MOST, "{} is larger than 16 MiB; split it", path.display());
    Ok(bytes)
}

/// Writes a file as a whole, or to standard output when none is named.
fn write_output(path: Option<&Path>, content: &[u8]) -> anyhow::Result<()> {
    match path {
        Some(path) => fs::write(path, content).with_context(|| path.display().to_string()),
        None => std::io::stdout().write_all(content).context("standard output"),
    }
}

/// The same as text.
fn read_text(path: &Path) -> anyhow::Result<String> {
    let bytes = read_input(path)?;
    String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8 text; convert it first", path.display()))
}
