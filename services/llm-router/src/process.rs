//! The router as a process of its own: on a port, until a signal.

use std::{io, net::SocketAddr};

use aerie_config::Config;
use aerie_rpc::{Backend, BackendError, Process, ServeOptions};
use thiserror::Error;
use tokio::net::TcpListener;

use crate::{LlmRouter, RouterDeps, RouterError};

/// Connections open at once: streams of many callers each have one.
const CONNECTIONS: usize = 4_096;
/// Who may call, where callers show certificates.
const CALLERS: [&str; 2] = ["gateway", "pipeline"];

/// What keeps the process from serving.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// Logs, certificates, probes.
    #[error(transparent)]
    Process(#[from] aerie_rpc::ProcessError),
    /// The vision service's address is none.
    #[error("vision.endpoint: {0}")]
    Vision(#[from] BackendError),
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
    let process = Process::start(config, "aerie-llm-router")?;
    process.listen_for_signals()?;
    let lifecycle = process.lifecycle.clone();
    let vision = |address: &String| process.network.backend(address);
    let vision: Option<Backend> = config.vision.endpoint.as_ref().map(vision).transpose()?;
    let deps = RouterDeps { vision, ..RouterDeps::of_process(&config.llm) };
    let router = LlmRouter::create(deps, &config.limits, &lifecycle).await?;
    let wanted = config.llm.listen;
    let listen = |source| ProcessError::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    router.start(&lifecycle);
    let options = process.serve_options(&CALLERS);
    let options = ServeOptions { connections: CONNECTIONS.max(options.connections), ..options };
    process.serve_operations(router.server()).await?;
    let serving = lifecycle.clone();
    let server = router.serve(listener, options, lifecycle.clone());
    lifecycle.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the router stopped: {error}");
            serving.stop();
        }
    });
    lifecycle.mark_ready();
    let scheme = process.network.scheme();
    println!("the language-model router listens on {scheme}://{address} (gRPC, and OpenAI's form at /v1)");
    lifecycle.stopping().await;
    process.end().await;
    Ok(())
}
