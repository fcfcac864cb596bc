//! `aerie migrate`: bring every schema up to date and end.

use std::process::ExitCode;

use aerie_store::accounts;

use crate::{app, cli::Cli, commands::load_config};

/// Migrates the platform store and every person's.
pub async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let config = load_config(cli)?;
    let stores = app::open_stores(&config, true).await?;
    let mut tx = stores.platform().read().await?;
    let people = accounts::people(&mut tx).await?;
    drop(tx);
    for person in &people {
        stores.person(person.id).await?;
    }
    println!("the schema is up to date: {} ({} people)", stores.platform().place(), people.len());
    stores.close().await;
    Ok(ExitCode::SUCCESS)
}
