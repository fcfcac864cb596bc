//! `aerie preflight`: what this machine has, what is missing, and what to do about it.

use std::{net::TcpListener, path::Path, process::ExitCode};

use aerie_config::{Config, StoreUrl};
use aerie_llm_router::{Router, RouterDeps};
use comfy_table::Cell;
use serde::Serialize;

use crate::{cli::Cli, commands::load_config, output};

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// Works, with less.
    Note,
    /// Does not work like this.
    Problem,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    found: String,
    todo: String,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, found: found.into(), todo: String::new() }
    }

    fn note(name: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Note, found: found.into(), todo: todo.into() }
    }

    fn problem(name: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Problem, found: found.into(), todo: todo.into() }
    }
}

/// Least free space and memory with which things go well.
const LEAST_DISK: u64 = 1 << 30;
const LEAST_MEMORY: u64 = 512 << 20;

/// Checks and prints; exit code 1 when something does not work.
pub async fn run(cli: &Cli, json: bool) -> anyhow::Result<ExitCode> {
    let config = load_config(cli)?;
    let mut checks = vec![port(&config), memory(), disk(&config.data_dir), store(&config).await];
    checks.push(keys(&config));
    checks.push(model(&config));
    checks.push(vision(&config));
    checks.push(language_models(&config).await);
    let problem = checks.iter().any(|check| check.verdict == Verdict::Problem);
    if json {
        println!("{}", serde_json::to_string_pretty(&checks)?);
    } else {
        let mut table = output::table(&["check", "", "found", "what to do"]);
        for check in &checks {
            let mark = match check.verdict {
                Verdict::Ok => "ok",
                Verdict::Note => "note",
                Verdict::Problem => "PROBLEM",
            };
            table.add_row([Cell::new(check.name), Cell::new(mark), Cell::new(&check.found), Cell::new(&check.todo)]);
        }
        println!("{table}");
    }
    Ok(if problem { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn port(config: &Config) -> Check {
    let server = &config.server;
    match TcpListener::bind((server.listen, server.port)) {
        Ok(_) => Check::ok("port", format!("{} is free", server.port)),
        Err(error) => Check::note(
            "port",
            format!("{}: {error}", server.port),
            "nothing: `aerie up` takes the next free port and prints it",
        ),
    }
}

/// A figure of /proc/meminfo in bytes.
fn meminfo(field: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn memory() -> Check {
    match meminfo("MemAvailable:") {
        Some(free) if free < LEAST_MEMORY => {
            Check::note("memory", format!("{} MiB free", free >> 20), "close other programs before a large run")
        }
        Some(free) => Check::ok("memory", format!("{} MiB free", free >> 20)),
        None => Check::note("memory", "not known on this system", "nothing"),
    }
}

fn disk(data: &Path) -> Check {
    let existing = data.ancestors().find(|folder| folder.exists()).unwrap_or(data);
    let output = std::process::Command::new("df").args(["-Pk"]).arg(existing).output();
    let free = output.ok().and_then(|output| {
        let text = String::from_utf8(output.stdout).ok()?;
        let kibibytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
        Some(kibibytes * 1024)
    });
    match free {
        Some(free) if free < LEAST_DISK => Check::problem(
            "disk",
            format!("{} MiB free for {}", free >> 20, data.display()),
            "free at least 1 GiB, or set data_dir to another disk",
        ),
        Some(free) => Check::ok("disk", format!("{} GiB free for {}", free >> 30, data.display())),
        None => Check::note("disk", "free space is not known on this system", "nothing"),
    }
}

fn vision(config: &Config) -> Check {
    let settings = &config.vision;
    match (&settings.endpoint, &settings.model) {
        (Some(endpoint), _) => Check::ok("vision", format!("at {endpoint}")),
        (None, None) => Check::note(
            "vision",
            "no model; everything but questions about images works",
            "`aerie vision fetch` and vision.model, if you want it",
        ),
        (None, Some(folder)) if folder.join("config.json").is_file() => {
            Check::ok("vision", format!("{} on {}", folder.display(), settings.device))
        }
        (None, Some(folder)) => Check::problem(
            "vision",
            format!("{} holds no config.json", folder.display()),
            "`aerie vision fetch`, and name the folder that it prints in vision.model",
        ),
    }
}

async fn store(config: &Config) -> Check {
    let name = match &config.store.url {
        StoreUrl::Embedded => "embedded",
        StoreUrl::Postgres(_) => "PostgreSQL",
    };
    if matches!(config.store.url, StoreUrl::Embedded) && !config.data_dir.join("platform.db").exists() {
        return Check::ok("store", "embedded, made at the first start");
    }
    match crate::app::open_stores(config, config.store.url == StoreUrl::Embedded).await {
        Ok(stores) => {
            stores.close().await;
            Check::ok("store", format!("{name}, opens"))
        }
        Err(error) => Check::problem("store", format!("{error:#}"), "do what the message says"),
    }
}

fn keys(config: &Config) -> Check {
    let keys = &config.discovery.keys;
    let mut missing = Vec::new();
    if !(keys.adzuna.app_id.is_set() && keys.adzuna.app_key.is_set()) {
        missing.push("Adzuna (developer.adzuna.com)");
    }
    if keys.usajobs.email.is_empty() || !keys.usajobs.key.is_set() {
        missing.push("USAJobs (developer.usajobs.gov)");
    }
    if missing.is_empty() {
        return Check::ok("keys", "Adzuna and USAJobs");
    }
    Check::note(
        "keys",
        format!("none for {}", missing.join(" and ")),
        "free keys there reach many more openings; optional",
    )
}

fn model(config: &Config) -> Check {
    let Some(folder) = &config.matching.embedding_model else {
        return Check::note(
            "embedding model",
            "none; ranking rests on words",
            "optional: set matching.embedding_model to a folder with a MiniLM-class model",
        );
    };
    match aerie_embedding::Embedder::load(folder) {
        Ok(_) => Check::ok("embedding model", folder.display().to_string()),
        Err(error) => {
            Check::problem("embedding model", error.to_string(), "correct or remove matching.embedding_model")
        }
    }
}

/// The language models that are configured or answer on this machine.
async fn language_models(config: &Config) -> Check {
    const NAME: &str = "language models";
    if let Some(endpoint) = &config.llm_router.endpoint {
        return Check::ok(NAME, format!("the router at {endpoint}; `aerie backends --check` asks it"));
    }
    let router = match Router::create(RouterDeps::of_process(&config.llm)) {
        Ok(router) => router,
        Err(error) => return Check::problem(NAME, error.to_string(), "do what the message says"),
    };
    router.look().await;
    let current = router.current();
    let mut usable = Vec::new();
    let mut notes = Vec::new();
    for known in &current.known {
        let place = if known.local { "local" } else { "REMOTE" };
        match &known.note {
            Some(note) => notes.push(format!("{}: {note}", known.name)),
            None if known.settings.enabled => usable.push(format!("{} ({place})", known.name)),
            None => {}
        }
    }
    if let Some(file) = &config.llm.earlier {
        notes.extend(file.notes.iter().map(|note| format!("{}: {note}", file.path.display())));
    }
    match (usable.is_empty(), notes.is_empty()) {
        (true, true) => Check::note(NAME, "none", "optional: start Ollama, or see docs/llm-router.md"),
        (true, false) => Check::note(NAME, "none that can be asked", notes.join("; ")),
        (false, true) => Check::ok(NAME, usable.join(", ")),
        (false, false) => Check::note(NAME, usable.join(", "), notes.join("; ")),
    }
}
