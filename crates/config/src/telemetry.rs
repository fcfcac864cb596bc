//! Logs, traces and metrics.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Section `telemetry`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// How log lines look.
    pub log_format: LogFormat,
    /// A level, or a filter such as `info,aerie_boards=debug`.
    pub level: String,
    /// OpenTelemetry collector that takes traces over gRPC; none sends none.
    pub otlp_endpoint: Option<String>,
    /// Share of traces that are kept, 0 to 1.
    pub trace_share: f64,
    /// Seconds to wait at exit for the last traces to leave.
    pub flush_seconds: u64,
    /// Serve `/metrics`.
    pub metrics: bool,
    /// Where probes and Prometheus ask; none does without.
    pub operations_listen: Option<SocketAddr>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one JSON object per line.
    Json,
}

impl Telemetry {
    /// Time to wait at exit for the last traces to leave.
    #[must_use]
    pub fn flush(&self) -> Duration {
        Duration::from_secs(self.flush_seconds)
    }

    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("telemetry.trace_share", self.trace_share, 0.0, 1.0);
        checks.range("telemetry.flush_seconds", self.flush_seconds, 0, 300);
        checks.require(
            !self.level.trim().is_empty(),
            "telemetry.level",
            || "is empty".into(),
            "write error, warn, info, debug or trace",
        );
        if let Some(endpoint) = &self.otlp_endpoint {
            checks.http_address("telemetry.otlp_endpoint", endpoint);
        }
    }
}
