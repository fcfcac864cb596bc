//! What can be typed about accounts.

use clap::{Args, Subcommand, ValueEnum};

/// What to do with accounts. These commands work on the store itself, for whoever runs the installation.
#[derive(Subcommand, Debug)]
pub enum Accounts {
    /// List everybody.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete somebody's account with everything that is kept of them, for good.
    Delete {
        /// Who: id, the end of one, or the subject at their issuer.
        person: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Keys that programs act for a person with.
    #[command(subcommand, visible_alias = "key")]
    Keys(AccountsKeys),
}

/// What to do with keys.
#[derive(Subcommand, Debug)]
pub enum AccountsKeys {
    /// Make a key and print it; it cannot be shown again.
    Add(AccountsKeysAdd),
    /// List the keys of a person, newest first.
    List {
        /// Whose: id, the end of one, or the subject at their issuer.
        #[arg(long)]
        person: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key for good.
    Revoke {
        /// Public id of the key, as `accounts keys list` shows it.
        key: String,
        /// Whose: id, the end of one, or the subject at their issuer.
        #[arg(long)]
        person: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `accounts keys add`.
#[derive(Args, Debug)]
pub struct AccountsKeysAdd {
    /// Name that tells it from others.
    pub name: String,
    /// Whose: id, the end of one, or the subject at their issuer.
    #[arg(long)]
    pub person: String,
    /// What it may be used for; may be given several times.
    #[arg(long = "scope", required = true)]
    pub scopes: Vec<KeyScope>,
    /// Days after which it ends by itself.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub days: Option<u16>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What a key may be used for.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub enum KeyScope {
    /// Reading everything of the person.
    Read,
    /// Reading and changing everything of the person.
    Write,
    /// Asking language and vision models.
    Models,
    /// The calendar file alone.
    Calendar,
}
