//! `aerie gateway`: the edge alone, in front of services that run elsewhere.

use std::process::ExitCode;

use aerie_gateway::{Gateway, GatewayDeps, PublicNames, bind};
use aerie_rpc::{Backend, HttpService, Process};
use aerie_tasks::ServerClock;
use anyhow::Context;

use crate::{
    app::{await_stores, callers, routes},
    cli::Cli,
    commands::{load_config, up::write_note},
};

/// Serves until a signal.
pub async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let config = load_config(cli)?;
    let process = Process::start(&config, "aerie-gateway")?;
    process.listen_for_signals()?;
    let lifecycle = process.lifecycle.clone();
    let elsewhere = |key: &'static str, endpoint: &Option<String>| {
        let backend = endpoint.as_ref().map(|address| process.network.backend(address).context(key));
        backend.transpose()
    };
    let pipeline = elsewhere("pipeline.endpoint", &config.pipeline.endpoint)?.context(
        "pipeline.endpoint is not set: say where the pipeline runs, or run everything in one process with `aerie up`",
    )?;
    let router: Option<Backend> = elsewhere("llm_router.endpoint", &config.llm_router.endpoint)?;
    let vision = elsewhere("vision.endpoint", &config.vision.endpoint)?;
    let stores = await_stores(&config, &lifecycle).await?;
    let clock = ServerClock::of(&stores, lifecycle.soft()).await?;
    let deps = GatewayDeps {
        services: routes(&pipeline, router.as_ref(), vision.as_ref()),
        openai: router.map(HttpService::new),
        callers: callers(&config, &stores, &clock)?,
        names: PublicNames::of(&config.accounts),
        server: config.server.clone(),
        limits: config.limits.clone(),
        metrics: process.metrics.clone(),
        version: env!("CARGO_PKG_VERSION"),
        data: config.data_dir.clone(),
        operators: config.accounts.operators.clone(),
    };
    let gateway = Gateway::new(deps, &lifecycle).await?;
    process.serve_operations(gateway.server()).await?;
    let server = &config.server;
    let bound = bind(server.listen, server.port, server.port_attempts).await?;
    let address = bound.address;
    let serving = lifecycle.clone();
    lifecycle.spawn(async move {
        if let Err(error) = gateway.serve(bound.listener).await {
            tracing::error!(%error, "the gateway stopped: {error}");
            serving.stop();
        }
    });
    let url = format!("http://{address}");
    if address.ip().is_loopback() {
        write_note(&config.data_dir, &url)?;
    }
    lifecycle.mark_ready();
    println!("the gateway listens on {url}");
    lifecycle.stopping().await;
    process.end_with(stores.close()).await;
    Ok(ExitCode::SUCCESS)
}
