//! Counters, gauges and histograms, rendered for Prometheus.

use std::{fmt, sync::Mutex, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::{error::TelemetryError, lifecycle::Lifecycle};

/// Upper bounds, in seconds, of every histogram whose name ends in `_seconds`.
const DURATION_BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// Upper bounds, in tokens, of the histogram of model calls' tokens
/// (<https://github.com/open-telemetry/semantic-conventions-genai>).
const TOKEN_BUCKETS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// The recorder keeps histogram samples until it is asked to fold them.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

static INSTALLED: Mutex<Option<Metrics>> = Mutex::new(None);

/// Everything recorded with the `metrics` macros of this process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// Starts recording for the whole process; called again it returns the same registry.
    ///
    /// # Errors
    /// Another kind of recorder was installed before.
    pub fn install() -> Result<Self, TelemetryError> {
        let mut installed = INSTALLED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(metrics) = installed.as_ref() {
            return Ok(metrics.clone());
        }
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &DURATION_BUCKETS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_token_usage".into()), &TOKEN_BUCKETS))
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| TelemetryError::Recorder { message: error.to_string() })?;
        let metrics = Self { handle: recorder };
        *installed = Some(metrics.clone());
        Ok(metrics)
    }

    /// The text that a Prometheus server scrapes.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds histogram samples every few seconds until the process stops, so that memory stays flat when nobody scrapes.
    pub fn keep_up(&self, lifecycle: &Lifecycle) {
        let (handle, stop) = (self.handle.clone(), lifecycle.soft());
        lifecycle.spawn(async move {
            let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = ticks.tick() => handle.run_upkeep(),
                }
            }
        });
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Metrics")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn recorded_values_are_rendered_and_the_registry_is_one() {
        let metrics = Metrics::install().unwrap();
        metrics::counter!("aerie_example_total", "kind" => "a").increment(3);
        metrics::histogram!("aerie_example_seconds").record(0.02);
        metrics::histogram!("example_token_usage").record(20.0);
        let text = Metrics::install().unwrap().render();
        assert!(text.contains("example_token_usage_bucket{le=\"64\"} 1"), "{text}");
        assert!(text.contains("aerie_example_total{kind=\"a\"} 3"), "{text}");
        assert!(text.contains("aerie_example_seconds_bucket{le=\"0.025\"} 1"), "{text}");
        assert_eq!(text, metrics.render());
    }
}
