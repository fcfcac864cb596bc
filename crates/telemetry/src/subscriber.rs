//! Log lines and exported traces.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, dynamic_filter_fn},
    fmt,
    fmt::MakeWriter,
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::error::TelemetryError;

/// Time limit of one export to the collector.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one JSON object per line.
    Json,
}

/// What to observe and where it goes.
#[derive(Debug, Clone)]
pub struct TelemetryOptions {
    /// Name of the role, sent with traces as `service.name`.
    pub service: String,
    /// Version of the program, sent with traces as `service.version`.
    pub version: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// A level, or directives such as `info,aerie_boards=debug`.
    pub filter: String,
    /// OpenTelemetry collector that takes traces over gRPC; none sends none.
    pub otlp_endpoint: Option<String>,
    /// Share of traces that are kept, 0 to 1; a caller's decision is followed.
    pub trace_share: f64,
    /// Longest time that the last export may take at exit.
    pub flush_timeout: Duration,
}

/// The running exporter; kept until the process ends.
#[derive(Debug)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
    flush_timeout: Duration,
}

impl Telemetry {
    /// Starts logging to standard error, and exporting traces if a collector is named, for the whole process.
    /// Call it within the Tokio runtime.
    ///
    /// # Errors
    /// A filter or an address that cannot be read, or a second installation.
    pub fn install(options: &TelemetryOptions) -> Result<Self, TelemetryError> {
        let (dispatch, telemetry) = Self::build(options, io::stderr)?;
        dispatch.try_init().map_err(|_| TelemetryError::AlreadyInstalled)?;
        Ok(telemetry)
    }

    /// The same without installing it, with log lines going to `writer`.
    ///
    /// # Errors
    /// A filter or an address that cannot be read.
    pub fn build<W>(options: &TelemetryOptions, writer: W) -> Result<(Dispatch, Self), TelemetryError>
    where
        W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
    {
        let filter = EnvFilter::try_new(&options.filter)
            .map_err(|error| TelemetryError::Filter { filter: options.filter.clone(), message: error.to_string() })?;
        let provider = options.otlp_endpoint.as_deref().map(|endpoint| provider(options, endpoint)).transpose()?;
        let traces = provider.as_ref().map(|provider| {
            // The exporter's own connection must not be traced: each export would cause the next.
            let ours = dynamic_filter_fn(|metadata, _| metadata.target().starts_with("aerie"));
            tracing_opentelemetry::layer().with_tracer(provider.tracer("aerie")).with_filter(ours)
        });
        // Filters are asked anew for every span and line. Where their answers are kept, a library that only asks whether a
        // line would be logged (sqlx does) leaves its answer behind, and the thread's next span or line goes missing.
        let filter = filter.and(dynamic_filter_fn(|_, _| true));
        let lines = log_lines(options.log_format, writer).with_filter(filter);
        let subscriber = tracing_subscriber::registry().with(traces).with(lines);
        Ok((Dispatch::new(subscriber), Self { provider, flush_timeout: options.flush_timeout }))
    }

    /// Sends the last traces and stops the exporter, within the time limit.
    pub async fn flush(self) {
        let Some(provider) = self.provider else { return };
        let limit = self.flush_timeout;
        // The exporter blocks its caller while it needs the runtime.
        let stop = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(limit));
        match tokio::time::timeout(limit, stop).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the last traces could not be sent"),
            Ok(Err(error)) => tracing::warn!(%error, "the trace exporter failed while stopping"),
            Err(_) => tracing::warn!(
                limit_ms = limit.as_millis() as u64,
                "the collector did not take the last traces in time"
            ),
        }
    }
}

fn provider(options: &TelemetryOptions, endpoint: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| TelemetryError::Exporter { endpoint: endpoint.into(), message: error.to_string() })?;
    let resource = Resource::builder()
        .with_service_name(options.service.clone())
        .with_attribute(KeyValue::new("service.namespace", "aerie"))
        .with_attribute(KeyValue::new("service.version", options.version.clone()))
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(options.trace_share)));
    Ok(SdkTracerProvider::builder().with_sampler(sampler).with_resource(resource).with_batch_exporter(exporter).build())
}

fn log_lines<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    match format {
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(writer).boxed(),
        LogFormat::Pretty => fmt::layer().compact().with_ansi(io::stderr().is_terminal()).with_writer(writer).boxed(),
    }
}

#[cfg(test)]
mod tests;
