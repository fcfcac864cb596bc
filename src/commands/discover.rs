//! `aerie discover`: run a search profile and follow it.

use std::{collections::BTreeMap, io::IsTerminal, process::ExitCode, time::Duration};

use aerie_proto::pipeline::v1 as pb;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{
    cli::{Cli, Discover},
    commands::profile::search_id,
    output,
    session::Session,
};

/// Starts a run and shows each source's progress until the end.
pub async fn run(cli: &Cli, arguments: &Discover) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = discover(&session, arguments).await;
    session.close().await;
    result
}

async fn discover(session: &Session, arguments: &Discover) -> anyhow::Result<ExitCode> {
    let request = pb::StartRunRequest {
        search_profile_id: search_id(session, arguments.search.as_deref()).await?,
        sources: arguments.sources.clone(),
    };
    let response = session.discovery().start_run(request).await?.into_inner();
    let run = response.run.unwrap_or_default();
    if !response.created {
        eprintln!("a run of this search profile is already active; following it");
    }
    if arguments.detach {
        anyhow::ensure!(
            session.is_remote(),
            "--detach needs a running Aerie to leave the run to; start one with `aerie up`"
        );
        println!("{}", run.id);
        return Ok(ExitCode::SUCCESS);
    }
    let run = follow(session, &run.id).await?;
    if arguments.json {
        output::print_json("aerie.pipeline.v1.Run", &run)?;
    } else {
        println!("{}", summary(&run));
        for source in run.sources.iter().filter(|source| !source.reason.is_empty()) {
            println!("  {}: {}", source.source, source.reason);
        }
    }
    Ok(if run.state() == pb::RunState::Completed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Follows a run to its end, with a line for each source on a terminal and a line for each change elsewhere.
pub async fn follow(session: &Session, run_id: &str) -> anyhow::Result<pb::Run> {
    let request = pb::WatchRunRequest { run_id: run_id.to_owned() };
    let mut updates = session.discovery().watch_run(request).await?.into_inner();
    let mut progress = Progress::new();
    let mut last = pb::Run::default();
    while let Some(update) = updates.message().await? {
        if let Some(run) = update.run {
            progress.show(&run);
            last = run;
        }
    }
    progress.finish();
    Ok(last)
}

/// One sentence about a finished run.
pub fn summary(run: &pb::Run) -> String {
    let failed = run.sources.iter().filter(|source| source.state() == pb::SourceRunState::Failed).count();
    let failures = if failed == 0 { String::new() } else { format!("; {failed} source(s) failed") };
    format!(
        "{} new postings, {} known, {} new jobs, {} scored{failures}",
        run.new_postings, run.known_postings, run.new_jobs, run.scored_jobs
    )
}

/// Progress of each source.
struct Progress {
    bars: Option<MultiProgress>,
    sources: BTreeMap<String, (ProgressBar, String)>,
}

impl Progress {
    fn new() -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self { bars, sources: BTreeMap::new() }
    }

    fn show(&mut self, run: &pb::Run) {
        for source in &run.sources {
            let line = source_line(source);
            let (bar, shown) = self.sources.entry(source.source.clone()).or_insert_with(|| {
                let bar = match &self.bars {
                    Some(bars) => bars.add(ProgressBar::new_spinner()),
                    None => ProgressBar::hidden(),
                };
                // The template is a constant; a default style is no loss if it were ever refused.
                let style = ProgressStyle::with_template("{spinner} {prefix:28} {wide_msg}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                bar.set_prefix(source.source.clone());
                bar.enable_steady_tick(Duration::from_millis(120));
                (bar, String::new())
            });
            if *shown == line {
                continue;
            }
            if self.bars.is_none() {
                eprintln!("{:28} {line}", source.source);
            }
            bar.set_message(line.clone());
            if is_final(source.state()) {
                bar.finish();
            }
            *shown = line;
        }
    }

    fn finish(&mut self) {
        for (bar, _) in self.sources.values() {
            bar.finish();
        }
    }
}

fn is_final(state: pb::SourceRunState) -> bool {
    !matches!(state, pb::SourceRunState::Queued | pb::SourceRunState::Running | pb::SourceRunState::Unspecified)
}

fn source_line(source: &pb::SourceRun) -> String {
    let counts = format!(
        "{} read, {} new, {} known, {} for review",
        source.fetched, source.new_postings, source.known_postings, source.new_jobs
    );
    match source.state() {
        pb::SourceRunState::Unspecified | pb::SourceRunState::Queued => "waiting".to_owned(),
        pb::SourceRunState::Running => source.stage.clone(),
        pb::SourceRunState::Succeeded if source.not_modified => "nothing changed".to_owned(),
        pb::SourceRunState::Succeeded => counts,
        pb::SourceRunState::Truncated => format!("{counts}; cut short: {}", source.reason),
        pb::SourceRunState::Failed => format!("failed: {}", source.reason),
        pb::SourceRunState::Skipped => format!("skipped: {}", source.reason),
    }
}
