//! `aerie vision up`: the vision service as a process of its own. No store is opened and nothing connected to.

use std::{
    io::{Read, stdin},
    process::ExitCode,
};

use aerie_rpc::Process;
use aerie_telemetry::Lifecycle;
use aerie_vision::{VisionService, engine::State, limit_memory, limit_threads};
use anyhow::Context;
use tokio::net::TcpListener;

use crate::{
    cli::{Cli, VisionUp},
    commands::load_config,
};

/// Who may call, where callers show certificates.
const CALLERS: [&str; 3] = ["gateway", "pipeline", "llm-router"];

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
    let process = Process::start(&config, "aerie-vision")?;
    process.listen_for_signals()?;
    let lifecycle = process.lifecycle.clone();
    if arguments.supervised {
        stop_with_input(&lifecycle)?;
    }
    let wanted = arguments.listen.unwrap_or(settings.listen);
    let listener = TcpListener::bind(wanted)
        .await
        .with_context(|| format!("cannot listen on {wanted}; choose another address with vision.listen or --listen"))?;
    let address = listener.local_addr().context("the listener")?;
    let service = VisionService::create(&settings, &lifecycle).await?;
    let options = process.serve_options(&CALLERS);
    process.serve_operations(service.server()).await?;
    let (serving, engine) = (lifecycle.clone(), service.engine().clone());
    let server = service.serve(listener, options, process.metrics.clone(), lifecycle.clone());
    lifecycle.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the vision service stopped: {error}");
            serving.stop();
        }
    });
    lifecycle.mark_ready();
    let scheme = process.network.scheme();
    println!("the vision service listens on {scheme}://{address} (gRPC, and the prior system's /health and /analyze)");
    let mut state = engine.state();
    let is_broken = tokio::select! {
        () = lifecycle.stopping() => false,
        broken = state.wait_for(|state| matches!(state, State::Broken(_))) => broken.is_ok(),
    };
    // A device that fails again and again is left to a new process.
    process.end().await;
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
