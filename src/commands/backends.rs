//! `aerie backends`: which language models there are to ask, and how we know of them.

use std::process::ExitCode;

use aerie_proto::llm::v1 as pb;
use comfy_table::Cell;
use serde_json::{Value, json};

use crate::{
    cli::{Backends, Cli},
    output,
    session::RouterSession,
};

/// Lists, and with `--check` asks each backend; exit code 1 when one of those does not answer.
pub async fn run(cli: &Cli, arguments: &Backends) -> anyhow::Result<ExitCode> {
    let session = RouterSession::open(cli).await?;
    let listed = session.llm().list_backends(pb::ListBackendsRequest {}).await?.into_inner();
    let checks = if arguments.check { Some(check_all(&session, &listed).await?) } else { None };
    if arguments.json {
        print_json(&listed, checks.as_deref())?;
    } else {
        print_tables(&listed, checks.as_deref());
    }
    let well = checks.iter().flatten().all(|check| check.as_ref().is_none_or(|check| check.reachable));
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One for each backend; none for those that cannot be asked anyway.
type Checks = Vec<Option<pb::CheckBackendResponse>>;

async fn check_all(session: &RouterSession, listed: &pb::ListBackendsResponse) -> anyhow::Result<Checks> {
    let mut tasks = Vec::new();
    for backend in &listed.backends {
        let is_usable = backend.state() != pb::BackendState::Unspecified;
        let (mut client, request) = (session.llm(), pb::CheckBackendRequest { name: backend.name.clone() });
        tasks.push(is_usable.then(|| tokio::spawn(async move { client.check_backend(request).await })));
    }
    let mut checks = Vec::with_capacity(tasks.len());
    for task in tasks {
        checks.push(match task {
            Some(task) => Some(task.await??.into_inner()),
            None => None,
        });
    }
    Ok(checks)
}

fn print_json(
    listed: &pb::ListBackendsResponse,
    checks: Option<&[Option<pb::CheckBackendResponse>]>,
) -> anyhow::Result<()> {
    let mut value = output::to_json("aerie.llm.v1.ListBackendsResponse", listed)?;
    if let (Some(checks), Some(Value::Array(backends))) = (checks, value.get_mut("backends")) {
        for (backend, check) in backends.iter_mut().zip(checks) {
            backend["check"] = match check {
                Some(check) => output::to_json("aerie.llm.v1.CheckBackendResponse", check)?,
                None => json!(null),
            };
        }
    }
    println!("{}", serde_json::to_string_pretty(&value)?);
    Ok(())
}

fn print_tables(listed: &pb::ListBackendsResponse, checks: Option<&[Option<pb::CheckBackendResponse>]>) {
    if listed.backends.is_empty() {
        println!("no language model is configured and none was found; everything but drafts works without one");
        println!(
            "start Ollama, vLLM, llama.cpp or LM Studio on its usual port, set OPENAI_API_KEY, ANTHROPIC_API_KEY or"
        );
        println!("GEMINI_API_KEY, or write llm.backends in the settings (`aerie config print-default` shows the form)");
        return;
    }
    let mut table = output::table(&["backend", "kind", "model", "where", "can", "known from", "state"]);
    for (index, backend) in listed.backends.iter().enumerate() {
        let place = format!("{} {}", if backend.local { "local" } else { "REMOTE" }, backend.base_url);
        let check = checks.and_then(|checks| checks.get(index)?.as_ref());
        table.add_row([
            Cell::new(&backend.name),
            Cell::new(&backend.kind),
            Cell::new(&backend.model),
            Cell::new(place),
            Cell::new(abilities(backend)),
            Cell::new(origin_words(backend.origin())),
            Cell::new(state_words(backend, check)),
        ]);
    }
    println!("{table}");
    for chain in &listed.chains {
        let members: Vec<String> = chain.members.iter().map(member_words).collect();
        println!("{}: {}", chain.name, if members.is_empty() { "nobody".to_owned() } else { members.join(", ") });
    }
    if listed.detecting {
        println!("model servers on this machine are still being looked for");
    }
}

fn abilities(backend: &pb::Backend) -> String {
    let all = [(backend.images, "images"), (backend.tools, "tools"), (backend.schema, "schema")];
    all.into_iter().filter(|(can, _)| *can).map(|(_, word)| word).collect::<Vec<_>>().join(" ")
}

fn member_words(member: &pb::ChainMember) -> String {
    match member.weight {
        Some(weight) => format!("{} ({weight})", member.backend),
        None => member.backend.clone(),
    }
}

fn origin_words(origin: pb::BackendOrigin) -> &'static str {
    match origin {
        pb::BackendOrigin::Settings => "settings",
        pb::BackendOrigin::EarlierFile => "llm.yaml",
        pb::BackendOrigin::Environment => "environment",
        pb::BackendOrigin::Found => "found here",
        pb::BackendOrigin::Unspecified => "",
    }
}

fn state_words(backend: &pb::Backend, check: Option<&pb::CheckBackendResponse>) -> String {
    if let Some(check) = check {
        return if check.reachable {
            format!("answers, {} models", check.models.len())
        } else {
            format!("{}: {}", check.fault, check.message)
        };
    }
    let state = match backend.state() {
        pb::BackendState::OpenForCalls => "asked",
        pb::BackendState::CoolingDown => "left alone for a while",
        pb::BackendState::HardDown => "down",
        pb::BackendState::Unspecified => "not asked",
    };
    if backend.note.is_empty() { state.to_owned() } else { format!("{state}: {}", backend.note) }
}
