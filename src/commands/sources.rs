//! `aerie sources`: which boards there are, how they are doing, and adding a company's.

use std::{path::Path, process::ExitCode};

use aerie_boards::{Page, Source, recipe::Recipe};
use aerie_proto::pipeline::v1 as pb;
use anyhow::Context;
use comfy_table::Cell;

use crate::{
    cli::{Cli, Sources, SourcesCommand},
    commands::{profile::search_id, read_input, read_text},
    output,
    session::Session,
};

/// Lists sources or adds a company's board.
pub async fn run(cli: &Cli, arguments: &Sources) -> anyhow::Result<ExitCode> {
    if let Some(SourcesCommand::Check { recipe, answer, json }) = &arguments.command {
        return check(recipe, answer.as_deref(), *json || arguments.json);
    }
    let session = Session::open(cli).await?;
    let result = match &arguments.command {
        None | Some(SourcesCommand::Check { .. }) => list(&session, arguments.json).await,
        Some(SourcesCommand::List { json }) => list(&session, *json || arguments.json).await,
        Some(SourcesCommand::Add { url, search, json }) => {
            add(&session, url, search.as_deref(), *json || arguments.json).await
        }
    };
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

/// Reads a recipe and, when there is one, a saved answer with it; asks no board.
fn check(recipe: &Path, answer: Option<&Path>, json: bool) -> anyhow::Result<ExitCode> {
    let source = Recipe::from_yaml(&read_text(recipe)?).with_context(|| recipe.display().to_string())?;
    let Some(answer) = answer else {
        println!("{} is a usable recipe; give a saved answer of the board to see what it reads", recipe.display());
        return Ok(ExitCode::SUCCESS);
    };
    // Placeholders may stand only after the host, so what is before them is the board's address.
    let address = source.definition().url.split('{').next().unwrap_or_default().to_owned();
    let page = Page::new(address.parse().with_context(|| address.clone())?, read_input(answer)?);
    let parsed = source.parse(&page).with_context(|| answer.display().to_string())?;
    if json {
        println!("{}", serde_json::to_string_pretty(&parsed.postings)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = output::table(&["title", "company", "address"]);
    for posting in &parsed.postings {
        let field = |text: &Option<String>| Cell::new(text.as_deref().unwrap_or("–"));
        table.add_row([field(&posting.title), field(&posting.company), field(&posting.url)]);
    }
    println!("{table}");
    println!("{} postings, {} rows dropped", parsed.postings.len(), parsed.dropped.len());
    for problem in &parsed.dropped {
        println!("  row {}: {}", problem.row, problem.reason);
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(session: &Session, json: bool) -> anyhow::Result<()> {
    let response = session.discovery().list_sources(pb::ListSourcesRequest {}).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.ListSourcesResponse", &response);
    }
    let mut table = output::table(&["source", "kind", "used", "health", "last count", "note"]);
    for source in &response.sources {
        let health = source.health.clone().unwrap_or_default();
        let mut note: Vec<String> = Vec::new();
        if source.best_effort {
            note.push("best effort: the site resists".to_owned());
        }
        if !source.missing_keys.is_empty() {
            note.push(format!("needs {}", source.missing_keys.join(", ")));
        }
        if !health.reason.is_empty() {
            note.push(health.reason.clone());
        }
        table.add_row([
            Cell::new(&source.name),
            Cell::new(&source.kind),
            Cell::new(if source.enabled { "yes" } else { "off" }),
            Cell::new(if health.state.is_empty() { "never run" } else { &health.state }),
            output::number(health.last_count),
            Cell::new(note.join("; ")),
        ]);
    }
    println!("{table}");
    Ok(())
}

async fn add(session: &Session, url: &str, search: Option<&str>, json: bool) -> anyhow::Result<()> {
    let search_profile_id = search_id(session, search).await?;
    let request = pb::AddCompanyBoardRequest { url: url.to_owned(), search_profile_id };
    let response = session.discovery().add_company_board(request).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.AddCompanyBoardResponse", &response);
    }
    let known = if response.added { "added" } else { "was there already" };
    println!("{}:{} {known}", response.source, response.board);
    Ok(())
}
