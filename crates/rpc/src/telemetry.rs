//! A process's logs and traces, as its settings say.

use aerie_config::{LogFormat, Telemetry};
use aerie_telemetry::TelemetryOptions;

/// Logs and traces of a process that plays this role (`service.name` of its traces).
#[must_use]
pub fn telemetry_options(settings: &Telemetry, role: &str) -> TelemetryOptions {
    TelemetryOptions {
        service: role.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log_format: match settings.log_format {
            LogFormat::Pretty => aerie_telemetry::LogFormat::Pretty,
            LogFormat::Json => aerie_telemetry::LogFormat::Json,
        },
        filter: settings.level.clone(),
        otlp_endpoint: settings.otlp_endpoint.clone(),
        trace_share: settings.trace_share,
        flush_timeout: settings.flush(),
    }
}
