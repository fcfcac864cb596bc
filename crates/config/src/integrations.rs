//! Pushing to other programs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    check::Checks,
    discovery::{is_cron, is_host_and_port},
};

/// Section `integrations`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Integrations {
    /// `host:port` pairs that may be reached although they are private, loopback or without TLS.
    pub allow_addresses: Vec<String>,
    /// Other base URLs for hosts.
    pub endpoints: BTreeMap<String, String>,
    /// Seconds for one request with its answer.
    pub timeout_seconds: u64,
    /// Cron expression of five fields in UTC, when the daily digest is pushed.
    pub digest_schedule: String,
}

impl Integrations {
    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("integrations.timeout_seconds", self.timeout_seconds, 1, 80);
        for address in &self.allow_addresses {
            checks.require(
                is_host_and_port(address),
                "integrations.allow_addresses",
                || format!("holds \"{address}\", which is not a host and port"),
                "write \"192.168.1.20:8123\", \"[::1]:8123\" or \"name:8123\"",
            );
        }
        for base in self.endpoints.values() {
            checks.http_address("integrations.endpoints", base);
        }
        checks.require(
            is_cron(&self.digest_schedule),
            "integrations.digest_schedule",
            || format!("is \"{}\", which is not a cron expression", self.digest_schedule),
            "write five fields (minute hour day month weekday) in UTC, such as \"0 6 * * *\"",
        );
    }
}
