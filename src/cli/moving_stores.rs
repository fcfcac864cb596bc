//! What can be typed about moving an installation to a server.

use clap::{Args, ValueEnum};

/// Where an installation is copied from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MoveFrom {
    /// The encrypted files of the data folder.
    Sqlite,
}

/// Copying an installation.
#[derive(Args, Debug)]
pub struct MigrateStore {
    /// Where it is now.
    #[arg(long, value_enum)]
    pub from: MoveFrom,
    /// Where it goes: postgres://user:password@host:port/database, empty or of an earlier attempt.
    #[arg(long, value_name = "URL", env = "AERIE_MIGRATE_TO", hide_env_values = true)]
    pub to: String,
    /// Print JSON: every table with its rows and checksum.
    #[arg(long)]
    pub json: bool,
}
