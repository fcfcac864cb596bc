//! Finding postings: politeness, limits, keys, schedule.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{check::Checks, secret::Secret};

/// Section `discovery`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Discovery {
    /// Name that boards see in the User-Agent header.
    pub user_agent: String,
    /// Mail or web address for board operators; empty sends none.
    pub contact: String,
    /// Fetches running at once, over all hosts.
    pub concurrency: usize,
    /// Fetches running at once to one host.
    pub per_host_concurrency: usize,
    /// Shortest time between two requests to one host, in milliseconds.
    pub per_host_interval_ms: u64,
    /// Largest answer that is read, in bytes after decompression.
    pub body_limit_bytes: usize,
    /// Redirects followed before giving up.
    pub redirects: usize,
    /// `host:port` pairs that may be reached although they are private or loopback.
    pub allow_addresses: Vec<String>,
    /// Other base URLs for hosts.
    pub endpoints: BTreeMap<String, String>,
    /// Obey robots.txt when fetching web pages.
    pub robots: bool,
    /// Minutes in which the same query is answered from the catalogue.
    pub freshness_minutes: u64,
    /// Sources to switch on that are off by default.
    pub enabled_sources: Vec<String>,
    /// Sources to switch off.
    pub disabled_sources: Vec<String>,
    /// Folder of recipe boards; none means `recipes` under the data folder ([`crate::Config::recipes_dir`]).
    pub recipes_dir: Option<PathBuf>,
    /// Cron expression of five fields in UTC; none means only when asked.
    pub schedule: Option<String>,
    /// Time limits of one request.
    pub timeouts: FetchTimeouts,
    /// What happens after a failed request.
    pub retry: FetchRetry,
    /// How long things are kept.
    pub retention: Retention,
    /// The person's own keys.
    pub keys: ApiKeys,
}

/// Time limits of one request.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FetchTimeouts {
    /// Seconds to connect.
    pub connect_seconds: u64,
    /// Seconds without a byte.
    pub read_seconds: u64,
    /// Seconds for the whole request.
    pub total_seconds: u64,
}

/// What happens after a failed request.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FetchRetry {
    /// Tries altogether.
    pub attempts: u32,
    /// First pause in milliseconds; doubles with each try.
    pub base_delay_ms: u64,
    /// Longest pause in milliseconds.
    pub max_delay_ms: u64,
}

/// How long things are kept.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Days to keep postings that closed or were not seen any more.
    pub postings_days: u32,
    /// Days to keep the record of finished runs.
    pub runs_days: u32,
}

/// The person's own keys for sources that need one.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeys {
    /// Adzuna.
    pub adzuna: AdzunaKeys,
    /// USAJobs.
    pub usajobs: UsaJobsKeys,
}

/// Adzuna's pair of keys.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AdzunaKeys {
    /// Application id.
    pub app_id: Secret,
    /// Application key.
    pub app_key: Secret,
}

/// USAJobs' key and the mail address it belongs to.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UsaJobsKeys {
    /// Mail address, sent as the User-Agent as that service asks.
    pub email: String,
    /// Key.
    pub key: Secret,
}

impl Discovery {
    /// Shortest time between two requests to one host.
    #[must_use]
    pub fn per_host_interval(&self) -> Duration {
        Duration::from_millis(self.per_host_interval_ms)
    }

    /// Time in which the same query is answered from the catalogue.
    #[must_use]
    pub fn freshness(&self) -> Duration {
        Duration::from_secs(self.freshness_minutes.saturating_mul(60))
    }

    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("discovery.concurrency", self.concurrency, 1, 1024);
        checks.range("discovery.per_host_concurrency", self.per_host_concurrency, 1, 64);
        checks.range("discovery.per_host_interval_ms", self.per_host_interval_ms, 0, 3_600_000);
        checks.range("discovery.body_limit_bytes", self.body_limit_bytes, 1024, 1 << 30);
        checks.range("discovery.redirects", self.redirects, 0, 20);
        checks.range("discovery.freshness_minutes", self.freshness_minutes, 0, 525_600);
        checks.range("discovery.retention.postings_days", self.retention.postings_days, 1, 36_500);
        checks.range("discovery.retention.runs_days", self.retention.runs_days, 1, 36_500);
        self.timeouts.check(checks);
        self.retry.check(checks);
        self.keys.check(checks);
        self.check_user_agent(checks);
        for address in &self.allow_addresses {
            checks.require(
                is_host_and_port(address),
                "discovery.allow_addresses",
                || format!("holds \"{address}\", which is not a host and port"),
                "write \"127.0.0.1:9000\", \"[::1]:9000\" or \"name:9000\"",
            );
        }
        for base in self.endpoints.values() {
            checks.http_address("discovery.endpoints", base);
        }
        if let Some(schedule) = &self.schedule {
            checks.require(
                is_cron(schedule),
                "discovery.schedule",
                || format!("is \"{schedule}\", which is not a cron expression"),
                "write five fields (minute hour day month weekday) in UTC, such as \"0 6 * * *\", or null",
            );
        }
        for source in &self.disabled_sources {
            checks.require(
                !self.enabled_sources.contains(source),
                "discovery.disabled_sources",
                || format!("holds \"{source}\", which enabled_sources holds too"),
                "keep the source in one of the two lists",
            );
        }
    }

    fn check_user_agent(&self, checks: &mut Checks) {
        for (key, value) in [("discovery.user_agent", &self.user_agent), ("discovery.contact", &self.contact)] {
            checks.require(
                value.len() <= 200 && value.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
                key,
                || "holds characters that a request header cannot carry, or more than 200 of them".into(),
                "write plain ASCII text",
            );
        }
        checks.require(
            !self.user_agent.trim().is_empty(),
            "discovery.user_agent",
            || "is empty".into(),
            "write a name, such as Aerie",
        );
    }
}

impl FetchTimeouts {
    /// Time to connect.
    #[must_use]
    pub fn connect(&self) -> Duration {
        Duration::from_secs(self.connect_seconds)
    }

    /// Longest time without a byte.
    #[must_use]
    pub fn read(&self) -> Duration {
        Duration::from_secs(self.read_seconds)
    }

    /// Time for the whole request.
    #[must_use]
    pub fn total(&self) -> Duration {
        Duration::from_secs(self.total_seconds)
    }

    fn check(&self, checks: &mut Checks) {
        checks.range("discovery.timeouts.connect_seconds", self.connect_seconds, 1, 600);
        checks.range("discovery.timeouts.read_seconds", self.read_seconds, 1, 600);
        checks.range("discovery.timeouts.total_seconds", self.total_seconds, 1, 3600);
    }
}

impl FetchRetry {
    fn check(&self, checks: &mut Checks) {
        checks.range("discovery.retry.attempts", self.attempts, 1, 20);
        checks.range("discovery.retry.base_delay_ms", self.base_delay_ms, 1, 600_000);
        checks.range("discovery.retry.max_delay_ms", self.max_delay_ms, self.base_delay_ms, 3_600_000);
    }
}

impl ApiKeys {
    fn check(&self, checks: &mut Checks) {
        checks.require(
            self.adzuna.app_id.is_set() == self.adzuna.app_key.is_set(),
            "discovery.keys.adzuna",
            || "has only one of app_id and app_key".into(),
            "set both, or neither",
        );
        checks.require(
            !self.usajobs.key.is_set() || self.usajobs.email.contains('@'),
            "discovery.keys.usajobs.email",
            || "is missing though usajobs.key is set".into(),
            "write the mail address that the key was given to",
        );
    }
}

pub(crate) fn is_cron(expression: &str) -> bool {
    expression.split_whitespace().count() == 5 && croner::Cron::from_str(expression).is_ok()
}

pub(crate) fn is_host_and_port(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let host_is_plain = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    host_is_plain && port.parse::<u16>().is_ok_and(|port| port > 0)
}
