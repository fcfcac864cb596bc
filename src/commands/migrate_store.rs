//! `aerie migrate-store`: copy an embedded installation to a PostgreSQL server.

use std::{io::IsTerminal, process::ExitCode, sync::Arc};

use aerie_config::{Config, Secret, StoreUrl};
use aerie_store::copying::{CopyReport, CopyStep};
use aerie_tasks::Presence;
use anyhow::Context;
use chrono::Utc;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    app,
    cli::{Cli, MigrateStore, MoveFrom},
    commands::load_config,
};

/// Copies everything and compares the two.
pub async fn run(cli: &Cli, arguments: &MigrateStore) -> anyhow::Result<ExitCode> {
    let MoveFrom::Sqlite = arguments.from;
    let config = load_config(cli)?;
    anyhow::ensure!(
        config.data_dir.join("platform.db").is_file(),
        "{} holds no embedded installation; name its folder with --data-dir",
        config.data_dir.display()
    );
    anyhow::ensure!(
        arguments.to.starts_with("postgres://") || arguments.to.starts_with("postgresql://"),
        "--to is no postgres:// address; write postgres://user:password@host:port/database"
    );
    // Nobody works on the files while they are read; held until the end.
    let presence = Presence::enter(&config.data_dir).await?;
    anyhow::ensure!(presence.is_alone(), "Aerie works on {} now; stop it first", config.data_dir.display());
    let source = app::open_stores(&with_url(&config, StoreUrl::Embedded), true).await?;
    let target_url = StoreUrl::Postgres(Secret::new(arguments.to.clone()));
    let target = Arc::new(app::open_stores(&with_url(&config, target_url), true).await.context("--to")?);
    let bar = progress_bar(arguments.json);
    let copied = source.copy_to(&target, Utc::now(), |step| show(&bar, step)).await;
    bar.finish_and_clear();
    source.close().await;
    target.close().await;
    drop(presence);
    let report = copied?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report, &target.platform().place());
    }
    Ok(ExitCode::SUCCESS)
}

fn with_url(config: &Config, url: StoreUrl) -> Config {
    let mut config = config.clone();
    config.store.url = url;
    config
}

/// On a terminal only: what is printed elsewhere is read by programs.
fn progress_bar(json: bool) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if json || !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar.with_style(ProgressStyle::default_spinner())
}

fn show(bar: &ProgressBar, step: CopyStep<'_>) {
    let (doing, owner, table, rows) = match step {
        CopyStep::Copied { owner, table, rows } => ("copying", owner, table, rows),
        CopyStep::Compared { owner, table, rows } => ("comparing", owner, table, rows),
    };
    let owner = owner.map_or_else(|| "everybody".to_owned(), |person| person.to_string());
    bar.set_message(format!("{doing} {table} of {owner}: {rows} rows"));
    bar.tick();
}

fn print(report: &CopyReport, place: &str) {
    let tables = report.tables.iter().filter(|table| table.rows > 0).count();
    println!(
        "{} rows in {tables} tables of {} people are now in {place}, and the same there as here",
        report.rows, report.people
    );
    if report.resumed_tables > 0 {
        println!("{} tables were there from an earlier attempt", report.resumed_tables);
    }
    println!("next: let store.url name that database, and start Aerie; the files here are as they were");
}
