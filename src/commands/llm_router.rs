//! `aerie llm-router`: the language-model router as a process of its own. No store is opened and nothing else started.

use std::{process::ExitCode, time::Duration};

use aerie_llm_router::{LlmRouter, RouterDeps};
use aerie_rpc::ServeOptions;
use aerie_telemetry::{Lifecycle, Telemetry};
use anyhow::Context;
use tokio::net::TcpListener;

use crate::{app::telemetry_options, cli::Cli, commands::load_config};

/// Connections open at once: streams of many callers each have one.
const CONNECTIONS: usize = 4_096;

/// Serves until a signal.
pub async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let config = load_config(cli)?;
    // One provider for the whole process; a second installation of the same one is no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let telemetry = Telemetry::install(&telemetry_options(&config))?;
    let lifecycle = Lifecycle::new();
    lifecycle.listen_for_signals().context("signal handlers")?;
    let router = LlmRouter::create(RouterDeps::of_process(&config.llm), &config.limits, &lifecycle).await?;
    let wanted = config.llm.listen;
    let listener = TcpListener::bind(wanted)
        .await
        .with_context(|| format!("cannot listen on {wanted}; choose another address with llm.listen"))?;
    let address = listener.local_addr().context("the listener")?;
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
    Ok(ExitCode::SUCCESS)
}
