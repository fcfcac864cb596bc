//! What can be typed about backups and about deleting everything.

use std::path::PathBuf;

use clap::Subcommand;

/// What to do with backups.
#[derive(Subcommand, Debug)]
pub enum Backup {
    /// Write everything you have into one file under a passphrase.
    Create {
        /// The file; must not exist yet.
        file: PathBuf,
        /// File that holds the passphrase; else AERIE_BACKUP_PASSPHRASE is read, else you are asked.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Put a backup in the place of your store.
    Restore {
        /// The file.
        file: PathBuf,
        /// File that holds the passphrase; else AERIE_BACKUP_PASSPHRASE is read, else you are asked.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        /// Replace the jobs that are there.
        #[arg(long)]
        replace: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What to do with everything that Aerie keeps of you.
#[derive(Subcommand, Debug)]
pub enum Data {
    /// Delete all of it for good: jobs, letters, mails, files, keys, the account. Make a backup first.
    Delete {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}
