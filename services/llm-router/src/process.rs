//! The router as a process of its own: on a port, until a signal.

use std::{io, net::SocketAddr, time::Duration};

use aerie_config::Config;
use aerie_rpc::{ServeOptions, telemetry_options};
use aerie_telemetry::{Lifecycle, Telemetry, TelemetryError};
use thiserror::Error;
use tokio::net::TcpListener;

use crate::{LlmRouter, RouterDeps, RouterError};

/// Connections open at once: streams of many callers each have one.
const CONNECTIONS: usize = 4_096;

/// What keeps the process from serving.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// The log filter or the collector cannot be used.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Signals cannot be listened for.
    #[error("signal handlers: {0}")]
    Signals(io::Error),
    /// The settings of the router are wrong.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// The address is taken, or not of this machine.
    #[error("cannot listen on {address}: {source}; choose another address with llm.listen")]
    Listen {
        /// Where to.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Serves gRPC and OpenAI's form on `llm.listen` until a signal.
///
/// # Errors
/// What keeps it from starting.
pub async fn run(config: &Config) -> Result<(), ProcessError> {
    // One provider for the whole process; a second installation of the same one is no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let telemetry = Telemetry::install(&telemetry_options(&config.telemetry, "aerie-llm-router"))?;
    let lifecycle = Lifecycle::new();
    lifecycle.listen_for_signals().map_err(ProcessError::Signals)?;
    let router = LlmRouter::create(RouterDeps::of_process(&config.llm), &config.limits, &lifecycle).await?;
    let wanted = config.llm.listen;
    let listen = |source| ProcessError::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    router.start(&lifecycle);
    let options = ServeOptions {
        header_timeout: Duration::from_secs(config.server.header_timeout_seconds),
        stall_timeout: Duration::from_secs(config.server.stall_timeout_seconds),
        header_bytes: config.limits.header_bytes,
        connections: CONNECTIONS.max(config.server.connections),
        streams: 1_024,
    };
    let serving = lifecycle.clone();
    let server = router.serve(listener, options, lifecycle.clone());
    lifecycle.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the router stopped: {error}");
            serving.stop();
        }
    });
    lifecycle.mark_ready();
    println!("the language-model router listens on http://{address} (gRPC, and OpenAI's form at /v1)");
    lifecycle.stopping().await;
    lifecycle.drain(Duration::from_secs(config.server.shutdown_grace_seconds)).await;
    telemetry.flush().await;
    Ok(())
}
