//! Opening a PostgreSQL server.

use std::{path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::{
    Database, Scope, StoreError, StoresConfig,
    database::{Pools, located},
    migrations,
};

/// How long the first connection may take; the server may be starting at the same time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How a PostgreSQL server is used. Nothing of it matters to embedded stores but the secret's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// Longest time that one statement may take; the server then gives it up.
    pub statement_timeout: Duration,
    /// Longest time that an open transaction may wait for its next statement.
    pub idle_timeout: Duration,
    /// Whether connections go through a pooler that gives each transaction another session (PgBouncer in transaction
    /// mode): then nothing may outlive a transaction, prepared statements included.
    pub pooled: bool,
    /// Address for what needs a session of its own (LISTEN), when the store's address is a pooler's.
    pub session_url: Option<String>,
    /// File of the secret that private texts and credentials are sealed with; in the data folder when left out.
    pub secret_file: Option<PathBuf>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            statement_timeout: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(120),
            pooled: false,
            session_url: None,
            secret_file: None,
        }
    }
}

impl ServerOptions {
    /// Settings of every transaction, as arguments of one `select`. They hold for the transaction, so a pooler does not
    /// carry them to anybody else.
    pub(crate) fn of_transaction(&self) -> String {
        format!(
            "set_config('statement_timeout', '{}', true), set_config('idle_in_transaction_session_timeout', '{}', true)",
            self.statement_timeout.as_millis(),
            self.idle_timeout.as_millis()
        )
    }
}

/// Connects, and brings the schema up to date or checks that it is.
pub(crate) async fn open(config: &StoresConfig, server: &ServerOptions) -> Result<Database, StoreError> {
    let mut options = PgConnectOptions::from_str(&config.url)
        .map_err(|error| bad_url(&config.url, &error.to_string()))?
        .application_name("aerie");
    if server.pooled {
        // A pooler refuses settings of a session that it does not know.
        options = options.extra_float_digits(None).statement_cache_capacity(0);
    }
    let place = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let pool = PgPoolOptions::new()
        .max_connections(config.connections.max(2))
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_with(options)
        .await
        .map_err(|error| refused(error, &config.url, &place))?;
    let pools = Pools::Postgres { pool, place, settings: server.of_transaction(), prepares: !server.pooled };
    let platform = Database::new(Arc::new(pools), Scope::Platform);
    if !config.migrate {
        check_role(&platform).await?;
    }
    migrations::migrate(&platform, migrations::POSTGRES, config.migrate).await?;
    Ok(platform)
}

/// A role for which row security does not count would show everybody's rows to everybody.
async fn check_role(platform: &Database) -> Result<(), StoreError> {
    let sql = "select rolname::text as name from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)";
    let mut tx = platform.read().await?;
    let unsafe_role = tx.fetch_optional(sql, vec![]).await?;
    tx.rollback().await?;
    match unsafe_role {
        Some(row) => Err(StoreError::UnsafeRole { place: platform.place(), role: row.text("name")? }),
        None => Ok(()),
    }
}

/// What an error at the first connection means.
fn refused(error: sqlx::Error, url: &str, place: &str) -> StoreError {
    let seconds = CONNECT_TIMEOUT.as_secs();
    match &error {
        sqlx::Error::PoolTimedOut => StoreError::Unavailable {
            detail: format!("{place}: no connection within {seconds} seconds; is PostgreSQL running?"),
        },
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // Wrong user or password; no such database.
            Some("28000" | "28P01" | "3D000") => bad_url(url, database.message()),
            _ => located(error.into(), place),
        },
        _ => located(error.into(), place),
    }
}

pub(crate) fn bad_url(url: &str, reason: &str) -> StoreError {
    // A password may stand between the last ':' and the '@'.
    let shown = match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://…{}", &url[..scheme], &url[at..]),
        _ => url.to_owned(),
    };
    StoreError::BadUrl { url: shown, reason: reason.to_owned() }
}
