//! `aerie config`: show and check settings.

use std::process::ExitCode;

use aerie_config::StoreUrl;

use crate::{
    cli::{Cli, Config},
    commands::load_config,
};

/// Prints the defaults, or reads every layer and says whether they fit.
pub fn run(cli: &Cli, command: Config) -> anyhow::Result<ExitCode> {
    match command {
        Config::PrintDefault => print!("{}", aerie_config::DEFAULT_YAML),
        Config::Check => {
            let config = load_config(cli)?;
            println!("settings are fine");
            println!("data     {}", config.data_dir.display());
            println!("recipes  {}", config.recipes_dir().display());
            println!("store    {}", kind(&config.store.url));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The kind of store, without a password.
fn kind(url: &StoreUrl) -> &'static str {
    match url {
        StoreUrl::Embedded => "embedded",
        StoreUrl::Postgres(_) => "PostgreSQL",
    }
}
