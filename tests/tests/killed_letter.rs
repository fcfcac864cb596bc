//! A letter whose program is killed without warning while a model thinks: it is written once, by whoever comes next.

use std::{fs, process::Stdio};

use aerie_testkit::llm::{Gate, LlmServer, Reply};
use aerie_tests::program::Program;
use anyhow::{Context, ensure};
use serde_json::{Value, json};

const RESUME: &str = "# Ada Quill\n\nada@quill.example\n\n## Experience\n\n### Loom Engineer, Brightmill Ltd.\nMarch 2019 - present\n\n\
    - Moved 12 ledgers to PostgreSQL\n\n## Skills\n\nPostgreSQL, Linux\n";

const LETTER: &str = "I mend looms and the machines that run them, and your posting asks for both of these things. As Loom Engineer at \
    Brightmill Ltd. I moved 12 ledgers to PostgreSQL.\n\nI would be glad to bring this care to your looms, and to learn from \
    the people who have kept them running for so long.";

// The model answers while a program runs, which blocks a thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_survives_the_death_of_its_program() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let home = tempfile::tempdir()?;
    let model = LlmServer::start().await?;
    let gate = Gate::new();
    model.on("/chat/completions", Reply::chat(LETTER).late(&gate));
    model.on("/chat/completions", Reply::chat(LETTER));
    let backend = json!({"kind": "openai_compatible", "base_url": model.base_url(), "model": "m"});
    let settings = json!({"llm": {"detect": false, "backends": {"mock": backend}}, "research": {"searxng": "off"}});
    let settings_file = home.path().join("aerie.yaml");
    fs::write(&settings_file, settings.to_string())?;
    fs::write(home.path().join("ada.md"), RESUME)?;
    let row = json!([{"title": "Loom Mechanic", "company": "Brasswick", "url": "https://work.example.com/1", "description": "Looms."}]);
    fs::write(home.path().join("jobs.json"), row.to_string())?;

    let arguments = |words: &str| -> Vec<String> {
        let first = ["--config".to_owned(), settings_file.display().to_string(), "--data-dir".to_owned()];
        let data = home.path().join("data").display().to_string();
        first.into_iter().chain([data]).chain(words.split(' ').map(str::to_owned)).collect()
    };
    let run = |words: &str| program.run(home.path(), arguments(words))?.expect(0);
    run("resume import ada.md")?;
    run("import jobs.json")?;
    let jobs: Value = serde_json::from_str(&run("jobs list --json")?.stdout)?;
    let job = jobs["jobs"][0]["id"].as_str().context("a job")?.to_owned();

    let write = format!("letter write {job} --json");
    let mut command = program.command(home.path(), arguments(&write));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    model.wait_for_requests(1).await;
    child.kill()?;
    child.wait()?;
    gate.open();

    let letter = run(&write)?;
    let letter: Value = serde_json::from_str(&letter.stdout).with_context(|| letter.stdout.clone())?;
    let versions = letter["versions"].as_array().context("versions")?;
    ensure!(versions.len() == 1, "{} versions instead of one: {letter:#}", versions.len());
    ensure!(versions[0]["writtenBy"] == "mock (m)", "{letter:#}");
    ensure!(letter["state"] == "MATERIAL_STATE_READY", "{letter:#}");
    ensure!(model.requests() == 2, "the model was asked {} times", model.requests());
    Ok(())
}
