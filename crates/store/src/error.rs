//! What can go wrong with a store, each with what to do next.

use std::path::PathBuf;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The key does not open the file.
    #[error("{path}: the key does not open this store; put back the secret file that created it ({secret_hint})")]
    WrongKey {
        /// The database file.
        path: PathBuf,
        /// Where the secret is expected.
        secret_hint: String,
    },
    /// The rows of a server are sealed with another secret.
    #[error(
        "{place}: people's texts there are sealed with another secret than {secret}; give every program the same file \
         (store.secret_file)"
    )]
    OtherSecret {
        /// Server.
        place: String,
        /// The secret file of this program.
        secret: PathBuf,
    },
    /// A store exists, but the secret that opens it is gone.
    #[error(
        "{data}: there are stores here, but the secret {secret} is missing; restore it from a backup, a new one cannot open them"
    )]
    MissingKey {
        /// The data folder.
        data: PathBuf,
        /// Where the secret is expected.
        secret: PathBuf,
    },
    /// The secret file holds something else.
    #[error("{path}: the secret must be 64 hexadecimal digits ({reason}); restore the file from a backup")]
    BadSecret {
        /// The secret file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// The file is damaged.
    #[error(
        "{path}: the store is damaged ({detail}); nothing was changed: stop Aerie and restore the file from a backup"
    )]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// What the engine said.
        detail: String,
    },
    /// The operating system does not let the file be used.
    #[error(
        "{path}: the file cannot be used ({detail}); check that it and its folder belong to you and can be written"
    )]
    Inaccessible {
        /// The database file.
        path: PathBuf,
        /// What the engine said.
        detail: String,
    },
    /// No room left.
    #[error("{place}: the disk is full; nothing of this change was kept: free some space and try again")]
    DiskFull {
        /// File or server.
        place: String,
    },
    /// Written by a later version.
    #[error(
        "{place}: the store has schema version {found}, this program knows up to {known}; use the newer Aerie that wrote it"
    )]
    NewerSchema {
        /// File or server.
        place: String,
        /// Version found.
        found: i64,
        /// Newest version known.
        known: i64,
    },
    /// The schema is older than this program needs and migrating was not asked for.
    #[error("{place}: the store has schema version {found}, this program needs {needed}; run `aerie migrate`")]
    OlderSchema {
        /// File or server.
        place: String,
        /// Version found.
        found: i64,
        /// Version needed.
        needed: i64,
    },
    /// Row-level security does not count for the role that the program connects as.
    #[error(
        "{place}: the role {role:?} is a superuser or may bypass row-level security, so nothing would keep people's rows \
         apart; connect as a role without SUPERUSER and BYPASSRLS (docs/operations/postgresql.md)"
    )]
    UnsafeRole {
        /// Server.
        place: String,
        /// The role.
        role: String,
    },
    /// The address of the store cannot be used.
    #[error("store.url {url:?} is not usable: {reason}; use \"embedded\" or postgres://user@host/database")]
    BadUrl {
        /// As configured, without a password.
        url: String,
        /// What was wrong.
        reason: String,
    },
    /// The server or file is busy or away; the call may be tried again.
    #[error("the store did not answer in time ({detail}); try again")]
    Unavailable {
        /// What the engine said.
        detail: String,
    },
    /// The account was deleted; whatever is left of it goes.
    #[error("the account {person} was deleted; sign in again to begin anew")]
    Deleted {
        /// Whose it was.
        person: uuid::Uuid,
    },
    /// A uniqueness or foreign-key rule refused the change.
    #[error("the store refused the change: {detail}")]
    Constraint {
        /// What the engine said.
        detail: String,
    },
    /// A row holds something that it cannot hold.
    #[error("column {column}: {detail}")]
    Decode {
        /// Column name.
        column: String,
        /// What was wrong.
        detail: String,
    },
    /// What was sealed is not of this installation, or was changed.
    #[error(
        "{what} cannot be opened with {secret}; put back the secret file that the store was written with, or enter them again"
    )]
    Sealed {
        /// What was sealed.
        what: String,
        /// The file with the secret.
        secret: PathBuf,
    },
    /// A file operation failed.
    #[error("{path}: {source}")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Anything else from the engine.
    #[error("the store failed: {0}")]
    Engine(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether the same call may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                return Self::Unavailable { detail: error.to_string() };
            }
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                let detail = database.message().to_owned();
                // SQLite reports extended result codes in decimal: the low byte is the primary code.
                let primary = code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|code| code & 0xff);
                match (primary, code.as_ref()) {
                    (Some(13), _) | (_, "53100") => return Self::DiskFull { place: detail },
                    (Some(5 | 6), _)
                    | (_, "40001" | "40P01" | "55P03" | "57P01" | "57P02" | "57P03" | "57014" | "25P03" | "53300") => {
                        return Self::Unavailable { detail };
                    }
                    // Read-only, input or output error, cannot open.
                    (Some(8 | 10 | 14), _) => return Self::Inaccessible { path: PathBuf::new(), detail },
                    (Some(11 | 26), _) => return Self::Corrupt { path: PathBuf::new(), detail },
                    (Some(19), _) => return Self::Constraint { detail },
                    (_, code) if code.len() == 5 && code.starts_with("23") => return Self::Constraint { detail },
                    _ => {}
                }
            }
            _ => {}
        }
        Self::Engine(error)
    }
}
