//! What every process of ours begins and ends with.

use std::{io, time::Duration};

use aerie_config::{Config, Role};
use aerie_telemetry::{Lifecycle, Metrics, Telemetry, TelemetryError};
use thiserror::Error;

use crate::{
    ServeOptions,
    network::{Network, NetworkError},
    operations::Operations,
    server::GrpcServer,
    telemetry::telemetry_options,
};

/// What keeps a process from starting.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// The log filter or the collector cannot be used, or the metrics cannot be kept.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Certificates or keys cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Signals cannot be listened for.
    #[error("signal handlers: {0}")]
    Signals(io::Error),
    /// The port for probes and metrics cannot be had.
    #[error("telemetry.operations_listen: {0}")]
    Operations(io::Error),
}

/// Logs, traces, metrics, certificates, and start and stop of one process.
#[derive(Debug)]
pub struct Process {
    /// Start, readiness and stop.
    pub lifecycle: Lifecycle,
    /// What is counted, unless the settings switch it off.
    pub metrics: Option<Metrics>,
    /// How others are called, and who may call.
    pub network: Network,
    telemetry: Telemetry,
    config: Box<Config>,
}

impl Process {
    /// Begins; `name` is what traces call this process.
    ///
    /// # Errors
    /// Settings that name what cannot be used.
    pub fn start(config: &Config, name: &'static str) -> Result<Self, ProcessError> {
        // One provider for the whole process; a second installation of the same one is no harm.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let telemetry = Telemetry::install(&telemetry_options(&config.telemetry, name))?;
        let lifecycle = Lifecycle::new();
        let metrics = config.telemetry.metrics.then(Metrics::install).transpose()?;
        if let Some(metrics) = &metrics {
            metrics.keep_up(&lifecycle);
        }
        Ok(Self {
            lifecycle,
            metrics,
            network: Network::open(&config.services)?,
            telemetry,
            config: Box::new(config.clone()),
        })
    }

    /// Stops at a signal.
    ///
    /// # Errors
    /// The system refuses signal handlers.
    pub fn listen_for_signals(&self) -> Result<(), ProcessError> {
        self.lifecycle.listen_for_signals().map_err(ProcessError::Signals)
    }

    /// The listener of a role: for those who may call it, as their certificates say, unless the settings name others.
    #[must_use]
    pub fn serve_options(&self, role: Role) -> ServeOptions {
        let server = &self.config.server;
        let age = Duration::from_secs(self.config.services.connection_age_seconds);
        ServeOptions {
            header_timeout: Duration::from_secs(server.header_timeout_seconds),
            stall_timeout: Duration::from_secs(server.stall_timeout_seconds),
            header_bytes: self.config.limits.header_bytes,
            connections: server.connections,
            // Every browser that follows events has a call here, and one gateway's share one connection.
            streams: 16_384,
            gate: self.network.gate(&role.callers().map(Role::name).collect::<Vec<_>>()),
            // Connections of one machine have nowhere else to go.
            connection_age: self.network.has_tls().then_some(age),
        }
    }

    /// Answers probes and Prometheus where the settings say so, with this server's health.
    ///
    /// # Errors
    /// An address that is taken.
    pub async fn serve_operations(&self, server: GrpcServer) -> Result<(), ProcessError> {
        let Some(listen) = self.config.telemetry.operations_listen else { return Ok(()) };
        let operations = Operations::new(server, self.metrics.clone(), &self.lifecycle);
        let address = operations.serve(listen).await.map_err(ProcessError::Operations)?;
        tracing::info!(%address, "probes and metrics at http://{address}");
        Ok(())
    }

    /// Waits until everything that runs has ended after a stop, or has had its time, and sends the last traces.
    pub async fn end(self) {
        self.end_with(std::future::ready(())).await;
    }

    /// As [`Self::end`], with something to close when nothing runs any more.
    pub async fn end_with(self, close: impl Future<Output = ()>) {
        self.lifecycle.stop();
        self.lifecycle.drain(self.config.server.shutdown_grace()).await;
        close.await;
        self.telemetry.flush().await;
    }
}
