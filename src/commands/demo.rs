//! `aerie demo`: the whole thing on sample boards, in a home of its own.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use aerie_config::Config;
use aerie_proto::pipeline::v1 as pb;
use aerie_testkit::boards::BoardServer;
use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    app::{App, VisionPlace},
    cli::{Cli, Demo},
    commands::{
        discover::{follow, summary},
        jobs::collect,
        profile, up,
    },
    output,
    session::Session,
};

/// What the first start of a demo decides for all later ones.
#[derive(Debug, Serialize, Deserialize)]
struct DemoNote {
    /// The sample boards are dated back from this time. Kept, so that they say the same at the next start.
    first_start: DateTime<Utc>,
    /// Port of the board server, kept for the same reason: addresses are part of what is remembered.
    board_port: u16,
}

/// Starts the sample boards, runs discovery on them and shows the result.
pub async fn run(cli: &Cli, arguments: &Demo) -> anyhow::Result<ExitCode> {
    let home = arguments.home.clone().unwrap_or_else(default_home);
    if arguments.fresh && home.join("demo.json").exists() {
        fs::remove_dir_all(&home).with_context(|| home.display().to_string())?;
    }
    let (boards, config) = prepare(cli, &home).await?;
    eprintln!("sample boards at http://{} stand in for the real ones; data in {}", boards.address(), home.display());

    let session = Session::within(App::start(config, VisionPlace::Nowhere).await?);
    profile::load(&session, &demo_profile(&boards)?).await?;
    let started = session.discovery().start_run(pb::StartRunRequest::default()).await?.into_inner();
    let run = follow(&session, &started.run.unwrap_or_default().id).await?;
    let jobs = ranked(&session).await?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&as_json(&run, &jobs)?)?);
    } else {
        let shown = jobs.get(..arguments.top.min(jobs.len())).unwrap_or_default();
        println!("{}", output::jobs_table(shown));
        println!("{}; {} jobs wait for review, the best {} are shown", summary(&run), jobs.len(), shown.len());
    }
    let failed = run.state() != pb::RunState::Completed;
    if arguments.exit || failed {
        session.close().await;
        return Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    let hint = format!(
        "next: open it in a browser; or, in another terminal: aerie --data-dir {} jobs list, aerie --data-dir {} jobs explain ID",
        home.display(),
        home.display()
    );
    match session.into_app() {
        Some(app) => up::serve(app, arguments.port, &hint).await,
        None => Ok(ExitCode::SUCCESS),
    }
}

/// A folder that the same user finds again, so that a second start shows what "nothing new" looks like.
fn default_home() -> PathBuf {
    let user = env::var("USER").or_else(|_| env::var("USERNAME")).unwrap_or_else(|_| "user".to_owned());
    env::temp_dir().join(format!("aerie-demo-{user}"))
}

async fn prepare(cli: &Cli, home: &Path) -> anyhow::Result<(BoardServer, Config)> {
    fs::create_dir_all(home).with_context(|| home.display().to_string())?;
    let path = home.join("demo.json");
    let known: Option<DemoNote> = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let first_start = known.as_ref().map_or_else(Utc::now, |note| note.first_start);
    let boards = BoardServer::start_on(known.map_or(0, |note| note.board_port), first_start).await?;
    let note = DemoNote { first_start, board_port: boards.address().port() };
    let partial = path.with_extension("partial");
    fs::write(&partial, serde_json::to_vec(&note)?).with_context(|| partial.display().to_string())?;
    fs::rename(&partial, &path).with_context(|| path.display().to_string())?;

    let mut flags = json!({
        "data_dir": home,
        // The demo is the same everywhere and asks nobody outside.
        "llm": { "detect": false, "backends": {}, "chains": {} },
        "discovery": {
            "endpoints": boards.endpoints(),
            "per_host_interval_ms": 0,
            // Everything else would be asked on the real internet.
            "disabled_sources": without_stand_in(&boards),
        },
    });
    if let Some(level) = &cli.log {
        flags["telemetry"] = json!({ "level": level });
    } else {
        flags["telemetry"] = json!({ "level": "warn" });
    }
    Ok((boards, Config::load(cli.config.as_deref(), &flags)?))
}

/// Aggregators that the sample board server does not stand in for.
fn without_stand_in(boards: &BoardServer) -> Vec<String> {
    let there = boards.aggregators();
    aerie_boards::all()
        .iter()
        .map(|source| source.info())
        .filter(|info| info.kind != aerie_boards::SourceKind::CompanyBoard && !there.contains(&info.name))
        .map(|info| info.name.clone())
        .collect()
}

/// The example profile, looking at every sample board.
fn demo_profile(boards: &BoardServer) -> anyhow::Result<String> {
    let mut file: BTreeMap<String, serde_yaml_ng::Value> = serde_yaml_ng::from_str(profile::EXAMPLE)?;
    let search =
        file.get_mut("searches").and_then(|searches| searches.get_mut(0)).context("the example has a search")?;
    search["company_boards"] = serde_yaml_ng::to_value(boards.company_boards())?;
    Ok(serde_yaml_ng::to_string(&file)?)
}

async fn ranked(session: &Session) -> anyhow::Result<Vec<pb::Job>> {
    let request = pb::ListJobsRequest { statuses: vec![pb::JobStatus::Pending as i32], ..Default::default() };
    Ok(collect(session, request, usize::MAX).await?.jobs)
}

fn as_json(run: &pb::Run, jobs: &[pb::Job]) -> anyhow::Result<Value> {
    let jobs: Vec<Value> =
        jobs.iter().map(|job| output::to_json("aerie.pipeline.v1.Job", job)).collect::<anyhow::Result<_>>()?;
    Ok(json!({ "run": output::to_json("aerie.pipeline.v1.Run", run)?, "jobs": jobs }))
}
