//! `aerie sources`: which boards there are, how they are doing, and adding a company's.

use std::process::ExitCode;

use aerie_proto::pipeline::v1 as pb;
use comfy_table::Cell;

use crate::{
    cli::{Cli, Sources, SourcesCommand},
    commands::profile::search_id,
    output,
    session::Session,
};

/// Lists sources or adds a company's board.
pub async fn run(cli: &Cli, arguments: &Sources) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = match &arguments.command {
        None => list(&session, arguments.json).await,
        Some(SourcesCommand::List { json }) => list(&session, *json || arguments.json).await,
        Some(SourcesCommand::Add { url, search, json }) => {
            add(&session, url, search.as_deref(), *json || arguments.json).await
        }
    };
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
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
