//! One person's whole way, from a résumé to being hired, by the same program over one process with an embedded store and over
//! services that are processes of their own on PostgreSQL and NATS; without a model and with one.

use std::process::Command;

use aerie_testkit::{
    boards::BoardServer,
    dovecot::{DovecotServer, PASSWORD, USER},
    llm::{LlmServer, Received, Reply},
};
use aerie_tests::{
    cluster::{Cluster, Size, sample_boards},
    program::Program,
    python,
    server::Server,
    tools,
};
use anyhow::Context;
use chrono::Utc;
use serde_json::json;

/// What a model says to each of the things that it is asked for on this way.
fn model(request: &Received) -> Reply {
    let asked = request.json();
    let system = asked["messages"][0]["content"].as_str().unwrap_or_default();
    let says = [
        (
            "the body of a letter of application",
            "I build reliable services in Rust, and your posting asks for just that kind of work. As Backend Engineer at \
             Brightmill I moved 12 ledgers to PostgreSQL, which cut the nightly report to 4 minutes.\n\n\
             I also wrote a parser in Rust there. I would be glad to bring this care to your team and to learn from it.",
        ),
        ("sum up a practice interview", "You were clear. Bring a number into every answer."),
        (
            "the interviewer in a practice talk",
            "SCORE: 4\nFEEDBACK: Clear and to the point.\nNEXT: What would you change about your last project?",
        ),
        (
            "a brief on an employer",
            "## Company overview\n- They hire engineers.\n## Questions to ask them\n- What comes next?",
        ),
    ];
    match says.iter().find(|(task, _)| system.contains(task)) {
        Some((_, text)) => Reply::chat_as_asked(request, text),
        None => Reply::error(400, &json!({"error": {"message": format!("not known here: {system}")}})),
    }
}

#[derive(Clone, Copy)]
enum Mode {
    Embedded,
    Split,
}

async fn walk(mode: Mode, has_model: bool) -> anyhow::Result<()> {
    let (Some(program), Some(python)) = (Program::find()?, tools::python()?) else { return Ok(()) };
    let Some(mailbox) = DovecotServer::start()? else { return Ok(()) };
    let modules = tempfile::tempdir()?;
    python::generate(&python, modules.path(), &["aerie/pipeline/v1"])?;
    let boards = BoardServer::start(Utc::now()).await?;
    let provider = LlmServer::start().await?;
    provider.answer("/chat/completions", model);
    let home = json!({"home": {"kind": "openai_compatible", "base_url": format!("{}/v1", provider.base_url()), "model": "practice-model"}});
    let (backends, chains) = if has_model { (home, json!({"default": ["home"]})) } else { (json!({}), json!({})) };
    let mut settings = sample_boards(&boards);
    settings.extend(
        [("BACKENDS", backends.to_string()), ("CHAINS", chains.to_string()), ("DETECT", "false".to_owned())]
            .map(|(key, value)| (format!("AERIE__LLM__{key}"), value)),
    );
    let world = json!({
        "boards": boards.company_boards(),
        "model": has_model,
        "mail": {
            "port": mailbox.tls_port,
            "user": USER,
            "password": PASSWORD,
            "certificate": String::from_utf8(mailbox.certificate()?)?,
        },
    });
    let hired = |authority: &str| {
        let output = Command::new(&python)
            .arg(tools::root().join("tests/python/hired.py"))
            .arg(authority)
            .arg(modules.path())
            .arg(world.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .context("hired.py")?;
        python::check("hired.py", &output)
    };
    match mode {
        Mode::Embedded => hired(Server::up(&program, &settings)?.authority()),
        Mode::Split => {
            let settings: Vec<(&str, &str)> =
                settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let Some(cluster) = Cluster::start(&program, Size::TWO, &settings)? else { return Ok(()) };
            hired(cluster.gateway(0)?.trim_start_matches("http://"))
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_process_without_a_model() -> anyhow::Result<()> {
    walk(Mode::Embedded, false).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_process_with_a_model() -> anyhow::Result<()> {
    walk(Mode::Embedded, true).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_split_processes_without_a_model() -> anyhow::Result<()> {
    walk(Mode::Split, false).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_split_processes_with_a_model() -> anyhow::Result<()> {
    walk(Mode::Split, true).await
}
