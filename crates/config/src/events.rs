//! The stream of changes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{check::Checks, secret::Secret, store::StoreUrl};

/// Section `events`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Days for which a client that was away can replay what it missed.
    pub retention_days: u32,
    /// Events held for a slow subscriber before it is told to read everything again.
    pub channel_capacity: usize,
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

    pub(crate) fn check(&self, store: &StoreUrl, checks: &mut Checks) {
        checks.require(
            *store != StoreUrl::Embedded || matches!(self.bus, Bus::Auto | Bus::Local),
            "events.bus",
            || format!("is {:?}, which needs a PostgreSQL store", self.bus).to_lowercase(),
            "set store.url to a postgres:// address, or events.bus to auto",
        );
        checks.require(
            self.bus != Bus::Nats || self.nats_url.is_set(),
            "events.nats_url",
            || "is empty, and events.bus is nats".to_owned(),
            "write nats://host:4222",
        );
        checks.range("events.retention_days", self.retention_days, 1, 36_500);
        checks.range("events.channel_capacity", self.channel_capacity, 1, 1_000_000);
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
        let of = |settings: serde_json::Value| {
            let config = Config::load(None, &settings).unwrap();
            config.events.bus_for(config.store.url != StoreUrl::Embedded)
        };
        assert_eq!(of(json!({})), Bus::Local);
        let postgres = json!({ "url": "postgres://localhost/aerie" });
        assert_eq!(of(json!({ "store": postgres })), Bus::Postgres);
        assert_eq!(of(json!({ "store": postgres, "events": { "bus": "local" } })), Bus::Local);
        let nats = json!({ "bus": "nats", "nats_url": "nats://nats:4222" });
        assert_eq!(of(json!({ "store": postgres, "events": nats })), Bus::Nats);
    }

    #[test]
    fn a_bus_that_cannot_work_is_refused() {
        let error = Config::load(None, &json!({ "events": { "bus": "postgres" } })).unwrap_err().to_string();
        assert!(error.contains("events.bus") && error.contains("store.url"), "{error}");
        let settings = json!({ "store": { "url": "postgres://localhost/aerie" }, "events": { "bus": "nats" } });
        let error = Config::load(None, &settings).unwrap_err().to_string();
        assert!(error.contains("events.nats_url"), "{error}");
    }
}
