//! `aerie add` and `aerie import`: single postings and files.

use std::{path::Path, process::ExitCode};

use aerie_proto::pipeline::v1 as pb;

use crate::{
    cli::Cli,
    commands::{follow, read_input},
    output,
    session::Session,
};

/// Adds postings by address, waits for the tasks that fetch them, and says what became of each.
pub async fn urls(cli: &Cli, urls: &[String], json: bool) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let response = session.discovery().add_urls(pb::AddUrlsRequest { urls: urls.to_vec() }).await?.into_inner();
    let mut failed = false;
    for result in response.results.iter().filter(|_| !json) {
        if !result.error.is_empty() {
            failed = true;
            println!("refused  {}: {}", result.url, result.error);
        } else if !result.job_id.is_empty() {
            println!("known    {}: job {}", result.url, output::short_id(&result.job_id));
        } else {
            println!("fetching {}: task {}", result.url, output::short_id(&result.task_id));
        }
    }
    for result in response.results.iter().filter(|result| !result.task_id.is_empty()) {
        let watch = pb::WatchTaskRequest { task_id: result.task_id.clone() };
        let mut updates = session.tasks().watch_task(watch).await?.into_inner();
        let mut last = None;
        while let Some(update) = updates.message().await? {
            last = update.task;
        }
        let Some(task) = last else { continue };
        let done = task.state() == pb::TaskState::Completed;
        failed |= !done;
        if !json {
            println!("{} {}{}", if done { "added   " } else { "failed  " }, result.url, reason(&task.error));
        }
    }
    if json {
        output::print_json("aerie.pipeline.v1.AddUrlsResponse", &response)?;
    }
    session.close().await;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn reason(error: &str) -> String {
    if error.is_empty() { String::new() } else { format!(": {error}") }
}

/// Whether a file is a PNG, JPEG, GIF or WebP, by its first bytes.
fn is_picture(content: &[u8]) -> bool {
    let is_webp = content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WEBP");
    is_webp || [&b"\x89PNG"[..], b"\xff\xd8\xff", b"GIF8"].iter().any(|start| content.starts_with(start))
}

/// Reads a posting from a screenshot.
async fn screenshot(session: &Session, screenshot: Vec<u8>, url: Option<&str>, json: bool) -> anyhow::Result<()> {
    let request = pb::ImportScreenshotRequest { screenshot, url: url.unwrap_or_default().to_owned() };
    let task_id = session.discovery().import_screenshot(request).await?.into_inner().task_id;
    follow(session, task_id.clone()).await?;
    let task = session.tasks().get_task(pb::GetTaskRequest { task_id }).await?.into_inner().task.unwrap_or_default();
    if json {
        return output::print_json("aerie.pipeline.v1.Task", &task);
    }
    println!("read; `aerie jobs list` shows it");
    Ok(())
}

/// Imports a file.
pub async fn import(cli: &Cli, file: &Path, url: Option<&str>, json: bool) -> anyhow::Result<ExitCode> {
    let content = read_input(file)?;
    let session = Session::open(cli).await?;
    if is_picture(&content) {
        let result = screenshot(&session, content, url, json).await;
        session.close().await;
        return result.map(|()| ExitCode::SUCCESS);
    }
    let request = pb::ImportJobsRequest {
        file_name: file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        content,
        url: url.unwrap_or_default().to_owned(),
    };
    let response = session.discovery().import_jobs(request).await?.into_inner();
    if json {
        output::print_json("aerie.pipeline.v1.ImportJobsResponse", &response)?;
    } else {
        println!("{}: {} new, {} known", response.format, response.new_jobs, response.known);
        for problem in &response.problems {
            println!("  {problem}");
        }
    }
    session.close().await;
    Ok(ExitCode::SUCCESS)
}
