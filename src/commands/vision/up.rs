//! `aerie vision up`: the vision service as a process of its own. No store is opened and nothing connected to.

use std::{
    io::{Read, stdin},
    process::ExitCode,
    time::Duration,
};

use aerie_rpc::{ServeOptions, telemetry_options};
use aerie_telemetry::{Lifecycle, Metrics, Telemetry};
use aerie_vision::{VisionService, engine::State, limit_memory, limit_threads};
use anyhow::Context;
use tokio::net::TcpListener;

use crate::{
    cli::{Cli, VisionUp},
    commands::load_config,
};

/// Serves until a signal, or until whoever started it ends.
pub async fn run(cli: &Cli, arguments: &VisionUp) -> anyhow::Result<ExitCode> {
    let config = load_config(cli)?;
    let mut settings = config.vision.clone();
    if let Some(model) = &arguments.model {
        settings.model = Some(model.clone());
    }
    if let Some(device) = &arguments.device {
        settings.device.clone_from(device);
    }
    settings.dtype = arguments.dtype.clone().or(settings.dtype);
    limit_threads(settings.threads);
    limit_memory(settings.memory_bytes).context("vision.memory_bytes")?;
    // One provider for the whole process; a second installation of the same one is no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let telemetry = Telemetry::install(&telemetry_options(&config.telemetry, "aerie"))?;
    let lifecycle = Lifecycle::new();
    lifecycle.listen_for_signals().context("signal handlers")?;
    if arguments.supervised {
        stop_with_input(&lifecycle)?;
    }
    let metrics = if config.telemetry.metrics { Some(Metrics::install()?) } else { None };
    if let Some(metrics) = &metrics {
        metrics.keep_up(&lifecycle);
    }
    let wanted = arguments.listen.unwrap_or(settings.listen);
    let listener = TcpListener::bind(wanted)
        .await
        .with_context(|| format!("cannot listen on {wanted}; choose another address with vision.listen or --listen"))?;
    let address = listener.local_addr().context("the listener")?;
    let service = VisionService::create(&settings, &lifecycle).await?;
    let options = ServeOptions {
        header_timeout: Duration::from_secs(config.server.header_timeout_seconds),
        stall_timeout: Duration::from_secs(config.server.stall_timeout_seconds),
        header_bytes: config.limits.header_bytes,
        connections: config.server.connections,
        streams: 1_024,
    };
    let (serving, engine) = (lifecycle.clone(), service.engine().clone());
    let server = service.serve(listener, options, metrics, lifecycle.clone());
    lifecycle.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the vision service stopped: {error}");
            serving.stop();
        }
    });
    lifecycle.mark_ready();
    println!("the vision service listens on http://{address} (gRPC, and the prior system's /health and /analyze)");
    let mut state = engine.state();
    let is_broken = tokio::select! {
        () = lifecycle.stopping() => false,
        broken = state.wait_for(|state| matches!(state, State::Broken(_))) => broken.is_ok(),
    };
    // A device that fails again and again is left to a new process.
    lifecycle.stop();
    lifecycle.drain(Duration::from_secs(config.server.shutdown_grace_seconds)).await;
    telemetry.flush().await;
    Ok(if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Stops when standard input ends. A thread of its own reads it, because that cannot be broken off.
fn stop_with_input(lifecycle: &Lifecycle) -> anyhow::Result<()> {
    let lifecycle = lifecycle.clone();
    let watch = move || {
        let mut buffer = [0; 64];
        while stdin().read(&mut buffer).is_ok_and(|count| count > 0) {}
        lifecycle.stop();
    };
    std::thread::Builder::new().name("watch-parent".to_owned()).spawn(watch).context("a thread")?;
    Ok(())
}
