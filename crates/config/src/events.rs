//! The stream of changes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{check::Checks, secret::Secret};

/// Section `events`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Days for which a client that was away can replay what it missed.
    pub retention_days: u32,
    /// What carries wake-ups between processes.
    pub bus: Bus,
    /// The NATS servers, `nats://user:password@host:port`, several parted by commas.
    pub nats_url: Secret,
    /// PEM file with the authority of the NATS server's certificate; none for those that the system trusts.
    pub nats_authority: Option<PathBuf>,
}

/// What tells processes that each other's rows changed. The rows themselves are in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bus {
    /// PostgreSQL where the store is PostgreSQL, else within the process.
    Auto,
    /// Within the process; other processes are heard of by polling.
    Local,
    /// LISTEN and NOTIFY.
    Postgres,
    /// A JetStream stream.
    Nats,
}

impl Events {
    /// The bus to use, by whether the store is on a PostgreSQL server.
    #[must_use]
    pub fn bus_for(&self, on_server: bool) -> Bus {
        match self.bus {
            Bus::Auto if on_server => Bus::Postgres,
            Bus::Auto => Bus::Local,
            named => named,
        }
    }

    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("events.retention_days", self.retention_days, 1, 36_500);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::Config;

    #[test]
    fn the_bus_follows_the_store() {
        let of = |bus: &str, on_server| {
            Config::load(None, &json!({ "events": { "bus": bus } })).unwrap().events.bus_for(on_server)
        };
        assert_eq!((of("auto", false), of("auto", true)), (Bus::Local, Bus::Postgres));
        assert_eq!((of("local", true), of("nats", true)), (Bus::Local, Bus::Nats));
    }
}
