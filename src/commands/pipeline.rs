//! `aerie pipeline`: the pipeline as a process of its own, whole or in parts.

use std::{process::ExitCode, sync::Arc};

use aerie_config::Role;
use aerie_pipeline::{Pipeline, PipelineDeps};
use aerie_rpc::Process;
use aerie_tasks::ServerClock;
use anyhow::Context;
use tokio::net::TcpListener;

use crate::{
    app::await_stores,
    cli::{Cli, PipelineRoles},
    commands::load_config,
};

/// Serves and works until a signal.
pub async fn run(cli: &Cli, roles: &PipelineRoles) -> anyhow::Result<ExitCode> {
    let config = load_config(cli)?;
    let process = Process::start(&config, "aerie-pipeline")?;
    process.listen_for_signals()?;
    let lifecycle = process.lifecycle.clone();
    let stores = await_stores(&config, &lifecycle).await?;
    let router = config.llm_router.endpoint.as_ref().map(|address| process.network.backend(address));
    let pipeline = Pipeline::create(PipelineDeps {
        stores: Arc::clone(&stores),
        config: &config,
        clock: ServerClock::of(&stores, lifecycle.soft()).await?,
        router: router.transpose().context("llm_router.endpoint")?,
    })?;
    let all = !(roles.api || roles.worker || roles.scheduler);
    let server = pipeline.server(&lifecycle).await?;
    process.serve_operations(server.clone()).await?;
    if all || roles.worker {
        pipeline.work(&lifecycle).await?;
        println!("the pipeline works on tasks, {} at once", config.tasks.workers);
    }
    if all || roles.scheduler {
        pipeline.schedule(&lifecycle).await?;
        pipeline.watch_mail(&lifecycle);
        println!("the pipeline plans what is done by the clock");
    }
    if all || roles.api {
        let wanted = config.pipeline.listen;
        let listener = TcpListener::bind(wanted)
            .await
            .with_context(|| format!("cannot listen on {wanted}; choose another address with pipeline.listen"))?;
        let address = listener.local_addr().context("the listener")?;
        let (serving, options) = (lifecycle.clone(), process.serve_options(Role::Pipeline));
        let serve = server.serve(listener, options, lifecycle.clone());
        lifecycle.spawn(async move {
            if let Err(error) = serve.await {
                tracing::error!(%error, "the pipeline stopped: {error}");
                serving.stop();
            }
        });
        println!("the pipeline listens on {}://{address} (gRPC)", process.network.scheme());
    }
    lifecycle.mark_ready();
    lifecycle.stopping().await;
    process.end_with(stores.close()).await;
    Ok(ExitCode::SUCCESS)
}
