//! `aerie ask`: one question to a language model.

use std::{
    io::{IsTerminal, Write},
    path::Path,
    process::ExitCode,
};

use aerie_proto::llm::v1 as pb;
use anyhow::Context;
use pb::stream_complete_response::Event;

use super::{read_input, read_text};
use crate::{
    cli::{Ask, Cli},
    output,
    session::RouterSession,
};

/// Asks and prints.
pub async fn run(cli: &Cli, arguments: &Ask) -> anyhow::Result<ExitCode> {
    let session = RouterSession::open(cli).await?;
    let question = question(arguments)?;
    if let Some(path) = &arguments.schema {
        return extract(&session, question, &read_text(path)?, arguments.json).await;
    }
    let streams = arguments.stream || (!arguments.no_stream && !arguments.json && std::io::stdout().is_terminal());
    if streams && !arguments.json {
        return stream(&session, question).await;
    }
    let answer = session.llm().complete(question).await?.into_inner();
    if arguments.json {
        output::print_json("aerie.llm.v1.CompleteResponse", &answer)?;
    } else {
        println!("{}", answer.text);
        tell(answer.trail.as_ref());
    }
    Ok(ExitCode::SUCCESS)
}

fn question(arguments: &Ask) -> anyhow::Result<pb::CompleteRequest> {
    let text = match arguments.question.as_str() {
        "-" => read_text(Path::new("-"))?,
        text => text.to_owned(),
    };
    if text.trim().is_empty() {
        return Err(output::wrong_use("the question is empty; write what to ask"));
    }
    let mut parts = vec![pb::Part { kind: Some(pb::part::Kind::Text(text)) }];
    for path in &arguments.images {
        let content = read_input(path).context("the picture")?.into();
        let image = pb::Image { source: Some(pb::image::Source::Content(content)), detail: String::new() };
        parts.push(pb::Part { kind: Some(pb::part::Kind::Image(image)) });
    }
    let message = pb::Message { role: pb::Role::User as i32, text: String::new(), parts };
    Ok(pb::CompleteRequest {
        chain: arguments.chain.clone().unwrap_or_default(),
        system: arguments.system.clone().unwrap_or_default(),
        messages: vec![message],
        sampling: Some(pb::Sampling { max_tokens: arguments.max_tokens, ..pb::Sampling::default() }),
        routing: Some(pb::Routing {
            backends: arguments.backends.clone(),
            model: arguments.model.clone().unwrap_or_default(),
            consent: Some(pb::Consent { local_only: arguments.local, ..pb::Consent::default() }),
            ..pb::Routing::default()
        }),
        ..pb::CompleteRequest::default()
    })
}

async fn extract(
    session: &RouterSession,
    question: pb::CompleteRequest,
    schema: &str,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let request = pb::ExtractRequest {
        schema: schema.to_owned(),
        chain: question.chain,
        system: question.system,
        messages: question.messages,
        sampling: question.sampling,
        routing: question.routing,
        ..pb::ExtractRequest::default()
    };
    let answer = session.llm().extract(request).await?.into_inner();
    if json {
        output::print_json("aerie.llm.v1.ExtractResponse", &answer)?;
    } else {
        println!("{}", answer.document);
        tell(answer.trail.as_ref());
    }
    Ok(ExitCode::SUCCESS)
}

async fn stream(session: &RouterSession, question: pb::CompleteRequest) -> anyhow::Result<ExitCode> {
    let request = pb::StreamCompleteRequest { question: Some(question) };
    let mut events = session.llm().stream_complete(request).await?.into_inner();
    let mut out = std::io::stdout();
    let mut trail = None;
    while let Some(event) = events.message().await? {
        match event.event {
            Some(Event::Text(text)) => {
                out.write_all(text.as_bytes())?;
                out.flush()?;
            }
            Some(Event::End(end)) => trail = Some(end),
            _ => {}
        }
    }
    println!();
    tell(trail.as_ref());
    Ok(ExitCode::SUCCESS)
}

/// Says beside the answer who gave it.
fn tell(trail: Option<&pb::Trail>) {
    let Some(trail) = trail else { return };
    let failed: Vec<String> = trail
        .attempts
        .iter()
        .filter(|attempt| !attempt.fault.is_empty())
        .map(|attempt| format!("{} ({})", attempt.backend, attempt.fault))
        .collect();
    let after = if failed.is_empty() { String::new() } else { format!(", after {}", failed.join(", ")) };
    let cost = trail.cost_micros.map(|micros| format!(", {:.6} US dollars", micros as f64 / 1e6)).unwrap_or_default();
    eprintln!("answered by {} with {}{after}{cost}", trail.backend, trail.model);
}
