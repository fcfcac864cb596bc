//! `aerie jobs`: read the review queue and decide.

use std::process::ExitCode;

use aerie_pipeline::status::JobStatus;
use aerie_proto::pipeline::v1 as pb;
use anyhow::bail;
use prost_types::FieldMask;

use super::write_output;
use crate::{
    cli::{Cli, ExportForm, Jobs, JobsExport, JobsList},
    output,
    session::Session,
};

/// Lists, shows, explains, decides.
pub async fn run(cli: &Cli, command: &Jobs) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = dispatch(&session, command).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn dispatch(session: &Session, command: &Jobs) -> anyhow::Result<()> {
    use pb::ReviewDecision::{Approve, Archive};
    match command {
        Jobs::List(arguments) => list(session, arguments).await,
        Jobs::Show(argument) => show(session, &argument.job, argument.json).await,
        Jobs::Explain(argument) => explain(session, &argument.job, argument.json).await,
        Jobs::Count { json } => count(session, *json).await,
        Jobs::Approve(argument) => review(session, &argument.job, Approve, argument.json).await,
        Jobs::Reject(argument) => move_to(session, &argument.job, "rejected", argument.json).await,
        Jobs::Archive(argument) => review(session, &argument.job, Archive, argument.json).await,
        Jobs::Move { job, status, json } => move_to(session, job, status, *json).await,
        Jobs::Revert(argument) => {
            let request = pb::RevertJobRequest { job_id: job_id(session, &argument.job).await? };
            let response = session.jobs().revert_job(request).await?.into_inner();
            print_moved(response.job, argument.json)
        }
        Jobs::Note { job, text } => {
            let id = job_id(session, job).await?;
            let job = pb::Job { id, notes: text.clone(), ..Default::default() };
            let update_mask = Some(FieldMask { paths: vec!["notes".to_owned()] });
            session.jobs().update_job(pb::UpdateJobRequest { job: Some(job), update_mask }).await?;
            println!("noted");
            Ok(())
        }
        Jobs::Same { job, other, not } => {
            let request = pb::DecideDuplicateRequest {
                job_id: job_id(session, job).await?,
                other_job_id: job_id(session, other).await?,
                same: !not,
            };
            session.jobs().decide_duplicate(request).await?;
            println!("{}", if *not { "kept apart for good" } else { "joined" });
            Ok(())
        }
        Jobs::Purge { statuses } => {
            let request = pb::PurgeJobsRequest { statuses: parse_statuses(statuses)? };
            println!("{} jobs deleted", session.jobs().purge_jobs(request).await?.into_inner().purged);
            Ok(())
        }
        Jobs::Export(arguments) => export(session, arguments).await,
        Jobs::Rescore => {
            let response = session.matching().rescore_jobs(pb::RescoreJobsRequest {}).await?.into_inner();
            let watch = pb::WatchTaskRequest { task_id: response.task_id };
            let mut updates = session.tasks().watch_task(watch).await?.into_inner();
            while let Some(update) = updates.message().await? {
                let task = update.task.unwrap_or_default();
                eprintln!("{:3.0}% {}", task.progress * 100.0, task.stage);
            }
            Ok(())
        }
    }
}

fn parse_statuses(statuses: &[String]) -> anyhow::Result<Vec<i32>> {
    statuses.iter().map(|status| Ok(parse_status(status)? as i32)).collect()
}

pub(super) fn parse_status(status: &str) -> anyhow::Result<pb::JobStatus> {
    status.parse::<JobStatus>().map(wire_status).map_err(output::wrong_use)
}

fn wire_status(status: JobStatus) -> pb::JobStatus {
    let name = format!("JOB_STATUS_{}", status.as_str().to_uppercase());
    pb::JobStatus::from_str_name(&name).unwrap_or_default()
}

pub(super) fn status_words(status: pb::JobStatus) -> String {
    status.as_str_name().trim_start_matches("JOB_STATUS_").to_lowercase()
}

/// Reads pages until `limit` jobs are there.
pub async fn collect(
    session: &Session,
    mut request: pb::ListJobsRequest,
    limit: usize,
) -> anyhow::Result<pb::ListJobsResponse> {
    let mut all = pb::ListJobsResponse::default();
    while all.jobs.len() < limit {
        request.page_size = i32::try_from((limit - all.jobs.len()).min(200)).unwrap_or(200);
        let page = session.jobs().list_jobs(request.clone()).await?.into_inner();
        all.total_size = page.total_size;
        all.exploratory_jobs.extend(page.exploratory_jobs);
        all.jobs.extend(page.jobs);
        all.next_page_token = page.next_page_token;
        if all.next_page_token.is_empty() {
            break;
        }
        request.page_token = all.next_page_token.clone();
    }
    Ok(all)
}

async fn list(session: &Session, arguments: &JobsList) -> anyhow::Result<()> {
    let statuses = match arguments.statuses.as_slice() {
        [] => vec![pb::JobStatus::Pending as i32],
        [all] if all == "all" => vec![],
        some => parse_statuses(some)?,
    };
    let order_by = match arguments.order.as_str() {
        "score" => "score desc",
        "new" => "create_time desc",
        "posted" => "post_time desc",
        "changed" => "update_time desc",
        other => {
            return Err(output::wrong_use(format!(
                "--order {other:?} is not known; use score, new, posted or changed"
            )));
        }
    };
    let request = pb::ListJobsRequest {
        statuses,
        query: arguments.query.clone().unwrap_or_default(),
        minimum_score: arguments.minimum_score,
        remote_kinds: if arguments.remote { vec![pb::RemoteKind::Remote as i32] } else { vec![] },
        sources: arguments.sources.clone(),
        order_by: order_by.to_owned(),
        ..Default::default()
    };
    let response = collect(session, request, arguments.limit).await?;
    if arguments.json {
        return output::print_json("aerie.pipeline.v1.ListJobsResponse", &response);
    }
    if response.jobs.is_empty() {
        println!("no job matches; `aerie discover` looks for new ones, `--status all` shows decided ones too");
        return Ok(());
    }
    println!("{}", output::jobs_table(&response.jobs));
    if !response.exploratory_jobs.is_empty() {
        println!("from further down; a decision about these teaches the ranking most:");
        println!("{}", output::jobs_table(&response.exploratory_jobs));
    }
    if response.total_size as usize > response.jobs.len() {
        println!("{} of {}; --limit shows more", response.jobs.len(), response.total_size);
    }
    Ok(())
}

/// The full id for an id or for the end of one, as tables print it.
pub(super) async fn job_id(session: &Session, given: &str) -> anyhow::Result<String> {
    if given.len() == 36 {
        return Ok(given.to_owned());
    }
    let all = collect(session, pb::ListJobsRequest::default(), usize::MAX).await?;
    let mut found = all.jobs.iter().filter(|job| job.id.ends_with(given) || job.id.starts_with(given));
    match (found.next(), found.next()) {
        (Some(job), None) => Ok(job.id.clone()),
        (Some(_), Some(_)) => bail!("more than one job's id has {given:?}; write more of it"),
        (None, _) => bail!(tonic::Status::not_found(format!("no job has the id {given:?}; see `aerie jobs list`"))),
    }
}

async fn show(session: &Session, job: &str, json: bool) -> anyhow::Result<()> {
    let request = pb::GetJobRequest { job_id: job_id(session, job).await? };
    let response = session.jobs().get_job(request).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.GetJobResponse", &response);
    }
    let job = response.job.unwrap_or_default();
    let posting = job.posting.clone().unwrap_or_default();
    println!("{}\n{} · {}", posting.title, posting.company, output::place_words(&posting));
    println!("{}\nstatus: {}", output::pay_words(&posting), status_words(job.status()));
    for link in &posting.links {
        println!("{:16} {}", link.source, link.url);
    }
    if !job.notes.is_empty() {
        println!("notes: {}", job.notes);
    }
    for earlier in &job.earlier_application_ids {
        println!("you applied to this employer for the same work already: {}", output::short_id(earlier));
    }
    println!("\n{}", posting.description_text);
    Ok(())
}

async fn explain(session: &Session, job: &str, json: bool) -> anyhow::Result<()> {
    let request = pb::ExplainJobRequest { job_id: job_id(session, job).await? };
    let response = session.matching().explain_job(request).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.ExplainJobResponse", &response);
    }
    let score = response.score.unwrap_or_default();
    println!("{:.1} ± {:.1}: {}", score.total, score.uncertainty, score.summary);
    let mut table = output::table(&["part", "fit", "weight", "points"]);
    for part in &score.parts {
        let fit = if part.known { format!("{:.2}", part.value) } else { "not known".to_owned() };
        table.add_row([
            part.name.clone().into(),
            output::number(fit),
            output::number(format!("{:.2}", part.weight)),
            output::number(format!("{:.1}", part.share)),
        ]);
    }
    println!("{table}");
    for evidence in &response.evidence {
        let sign = if evidence.supports { '+' } else { '-' };
        println!("{sign} {:10} {:24} “{}” {}", evidence.part, evidence.label, evidence.quote, evidence.detail);
    }
    for gap in &response.gaps {
        println!("? missing    {}{}", gap.skill, if gap.required { " (required)" } else { "" });
    }
    for blocker in &score.blockers {
        println!("! {:10} {}", blocker.kind, blocker.message);
    }
    if let Some(trust) = &score.trust {
        println!("trust {:.2} (judged from {:.0}% of the signals)", trust.score, trust.confidence * 100.0);
        for signal in &trust.signals {
            println!("  -{:.2} {}: {}", signal.weight, signal.name, signal.detail);
        }
    }
    Ok(())
}

async fn export(session: &Session, arguments: &JobsExport) -> anyhow::Result<()> {
    let is_json = || arguments.out.as_ref().is_some_and(|path| path.extension().is_some_and(|ending| ending == "json"));
    let form = arguments.format.unwrap_or(if is_json() { ExportForm::Json } else { ExportForm::Csv });
    let format = match form {
        ExportForm::Csv => pb::ExportFormat::Csv,
        ExportForm::Json => pb::ExportFormat::Json,
    };
    let request = pb::ExportJobsRequest { statuses: parse_statuses(&arguments.statuses)?, format: format as i32 };
    let response = session.interviews().export_jobs(request).await?.into_inner();
    write_output(arguments.out.as_deref(), &response.content)?;
    if let Some(path) = &arguments.out {
        println!("{} jobs in {}", response.count, path.display());
    }
    Ok(())
}

async fn count(session: &Session, json: bool) -> anyhow::Result<()> {
    let response = session.jobs().count_jobs(pb::CountJobsRequest {}).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.CountJobsResponse", &response);
    }
    for count in &response.counts {
        println!("{:6} {}", count.count, status_words(count.status()));
    }
    println!("{:6} total", response.total);
    Ok(())
}

async fn review(session: &Session, job: &str, decision: pb::ReviewDecision, json: bool) -> anyhow::Result<()> {
    let request = pb::ReviewJobRequest { job_id: job_id(session, job).await?, decision: decision as i32 };
    print_moved(session.jobs().review_job(request).await?.into_inner().job, json)
}

async fn move_to(session: &Session, job: &str, status: &str, json: bool) -> anyhow::Result<()> {
    let status = parse_status(status)? as i32;
    let request = pb::MoveJobRequest { job_id: job_id(session, job).await?, status };
    print_moved(session.jobs().move_job(request).await?.into_inner().job, json)
}

fn print_moved(job: Option<pb::Job>, json: bool) -> anyhow::Result<()> {
    let job = job.unwrap_or_default();
    if json {
        return output::print_json("aerie.pipeline.v1.Job", &job);
    }
    let title = job.posting.as_ref().map(|posting| posting.title.as_str()).unwrap_or_default();
    println!("{title}: {}", status_words(job.status()));
    Ok(())
}
