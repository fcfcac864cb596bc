//! `aerie up`: everything on this machine, in the foreground.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    process::ExitCode,
};

use aerie_gateway::bind;
use anyhow::Context;

use crate::{
    app::{App, VisionPlace},
    cli::{Cli, Up},
    commands::{load_config, settings_flags},
    session::{ServerNote, is_live},
};

/// Starts and serves until a signal.
pub async fn run(cli: &Cli, arguments: &Up) -> anyhow::Result<ExitCode> {
    let config = load_config(cli)?;
    if let Some(note) = ServerNote::read(&config.data_dir)
        && is_live(&note.url).await
    {
        anyhow::bail!("Aerie already runs on {} at {}", config.data_dir.display(), note.url);
    }
    let app = App::start(config, VisionPlace::Process(settings_flags(cli))).await?;
    let hint = "next: open it in a browser; or aerie profile example > me.yaml, edit it, aerie profile load me.yaml, \
                aerie discover";
    serve(app, arguments.port, hint).await
}

/// Serves an app until a signal stops it; `hint` says what to do next.
pub async fn serve(app: Box<App>, port: Option<u16>, hint: &str) -> anyhow::Result<ExitCode> {
    let lifecycle = app.lifecycle().clone();
    lifecycle.listen_for_signals().context("signal handlers")?;
    let server = &app.config.server;
    let address: IpAddr = server.listen;
    let bound = bind(address, port.unwrap_or(server.port), server.port_attempts).await?;
    let url = format!("http://{}", reachable(bound.address));
    let gateway = app.gateway().await?;
    app.serve_operations(&gateway).await?;
    let data = app.config.data_dir.clone();
    let serving = lifecycle.clone();
    lifecycle.spawn(async move {
        if let Err(error) = gateway.serve(bound.listener).await {
            tracing::error!(%error, "the gateway stopped: {error}");
            serving.stop();
        }
    });
    write_note(&data, &url)?;
    lifecycle.mark_ready();
    if let Some(taken) = bound.taken {
        println!("port {taken} is taken by another program, so the next free one is used");
    }
    let reach = if address.is_loopback() { " (this machine only)" } else { "" };
    println!("Aerie listens on {url}{reach}");
    for public in &app.config.accounts.public_addresses {
        println!("people open      {public}");
    }
    println!("data in          {}", data.display());
    println!("{hint}");
    println!("stop with Ctrl-C");
    lifecycle.stopping().await;
    println!("stopping: running work finishes or is given back");
    // Only the note is removed: it says that a server is here, which it no longer is.
    let _ = fs::remove_file(ServerNote::path(&data));
    app.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Where this machine's own programs reach a server: one that listens everywhere listens on loopback too.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}

/// Writes the note by which other commands find the server, whole or not at all.
pub fn write_note(data: &Path, url: &str) -> anyhow::Result<()> {
    let note = ServerNote { url: url.to_owned(), pid: std::process::id() };
    let path = ServerNote::path(data);
    let partial = path.with_extension("partial");
    fs::write(&partial, serde_json::to_vec(&note)?).with_context(|| partial.display().to_string())?;
    fs::rename(&partial, &path).with_context(|| path.display().to_string())
}
