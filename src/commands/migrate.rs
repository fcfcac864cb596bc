//! `aerie migrate`: bring every schema up to date, seal what lies in the clear, and end.

use std::process::ExitCode;

use aerie_store::{accounts, seal_existing};

use crate::{app, cli::Cli, commands::load_config};

/// Migrates the platform store and every person's.
pub async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let config = load_config(cli)?;
    let stores = app::open_stores(&config, true).await?;
    let mut tx = stores.platform().read().await?;
    let people = accounts::people(&mut tx).await?;
    drop(tx);
    let mut sealed = 0;
    for person in &people {
        sealed += seal_existing(&stores.person(person.id).await?).await?;
    }
    println!("the schema is up to date: {} ({} people)", stores.platform().place(), people.len());
    if sealed > 0 {
        println!("{sealed} texts of people that lay in the clear are sealed now");
    }
    stores.close().await;
    Ok(ExitCode::SUCCESS)
}
