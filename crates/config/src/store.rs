//! The database.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{check::Checks, secret::Secret};

/// Section `store`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Which database.
    pub url: StoreUrl,
    /// Most connections to open for reading (embedded) or altogether (PostgreSQL).
    pub connections: u32,
    /// Milliseconds to wait for another writer before giving up.
    pub busy_timeout_ms: u64,
    /// PostgreSQL: seconds that one statement may take.
    pub statement_timeout_seconds: u64,
    /// PostgreSQL: seconds that an open transaction may wait for its next statement.
    pub idle_transaction_timeout_seconds: u64,
    /// PostgreSQL: whether `url` is a pooler that gives every transaction another session.
    pub pooled: bool,
    /// PostgreSQL: address for what needs a session of its own, when `url` is a pooler's. Empty: `url`.
    pub session_url: Secret,
    /// File of the server's secret; none for one in the data folder, made when it is first needed.
    pub secret_file: Option<PathBuf>,
}

/// Which database: encrypted SQLite files under the data folder, or a PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// Encrypted SQLite files under the data folder.
    Embedded,
    /// A PostgreSQL server; the address may hold a password.
    Postgres(Secret),
}

impl Store {
    /// Time to wait for another writer before giving up.
    #[must_use]
    pub fn busy_timeout(&self) -> Duration {
        Duration::from_millis(self.busy_timeout_ms)
    }

    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("store.connections", self.connections, 1, 1000);
        checks.range("store.busy_timeout_ms", self.busy_timeout_ms, 1, 600_000);
        checks.range("store.statement_timeout_seconds", self.statement_timeout_seconds, 1, 86_400);
        checks.range("store.idle_transaction_timeout_seconds", self.idle_transaction_timeout_seconds, 1, 86_400);
        let session_url = self.session_url.reveal();
        checks.require(
            session_url.is_empty()
                || session_url.starts_with("postgres://")
                || session_url.starts_with("postgresql://"),
            "store.session_url",
            // The value is not repeated: it may hold a password.
            || "is not a postgres:// address".to_owned(),
            "write postgres://user:password@host:port/database of the server itself, or leave it empty",
        );
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.eq_ignore_ascii_case("embedded") {
            return Ok(Self::Embedded);
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Secret::new(text)));
        }
        // The value is not repeated: a mistyped scheme may be followed by a password.
        let scheme = text.split_once("://").map_or("no scheme", |(scheme, _)| scheme);
        Err(de::Error::custom(format!(
            "neither \"embedded\" nor a postgres:// address (found {scheme}); write one of the two"
        )))
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Embedded => serializer.serialize_str("embedded"),
            Self::Postgres(url) => url.serialize(serializer),
        }
    }
}
