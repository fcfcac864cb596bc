//! The command line as a person or a script meets it: exit codes, JSON, and errors that say what to do.
#![allow(clippy::unwrap_used)]

use std::{fs, process::Stdio};

use aerie_tests::{program::Program, server::Server};
use serde_json::Value;
use tempfile::TempDir;

/// Exit codes, as `aerie --help` lists them.
const FAILED: i32 = 1;
const WRONG_USE: i32 = 2;
const NOT_FOUND: i32 = 3;
const NOT_ALLOWED: i32 = 4;

/// The program with a home of its own.
struct Shell {
    program: Program,
    home: TempDir,
    /// Data folder of a server that runs, when commands are to reach it.
    data: Option<String>,
}

impl Shell {
    fn open() -> anyhow::Result<Option<Self>> {
        let Some(program) = Program::find()? else { return Ok(None) };
        Ok(Some(Self { program, home: tempfile::tempdir()?, data: None }))
    }

    /// Runs a command, given as words, and checks how it ends; returns what it printed and what it said beside.
    fn run(&self, words: &str, code: i32) -> anyhow::Result<(String, String)> {
        let data = self.data.clone().unwrap_or_else(|| self.home.path().join("data").to_string_lossy().into_owned());
        let arguments = ["--data-dir", &data, "--log", "error"].into_iter().chain(words.split(' '));
        let finished = self.program.run(self.home.path(), arguments)?;
        let finished = finished.expect(code).map_err(|error| error.context(words.to_owned()))?;
        Ok((finished.stdout, finished.stderr))
    }

    fn json(&self, words: &str) -> anyhow::Result<Value> {
        let (printed, _) = self.run(words, 0)?;
        serde_json::from_str(&printed).map_err(|error| anyhow::anyhow!("{words}: {error}: {printed}"))
    }

    fn file(&self, name: &str, text: &str) -> anyhow::Result<String> {
        let path = self.home.path().join(name);
        fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() -> anyhow::Result<()> {
    let Some(shell) = Shell::open()? else { return Ok(()) };
    let mut command = shell.program.command(shell.home.path(), ["profile", "example"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    drop(child.stdout.take());
    let output = child.wait_with_output()?;
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    Ok(())
}

#[test]
fn wrong_use_is_told_apart_from_failure() -> anyhow::Result<()> {
    let Some(shell) = Shell::open()? else { return Ok(()) };
    for words in ["", "fly", "jobs", "jobs show", "jobs list --limit many", "up --port 99999", "config", "eval dedupe"]
    {
        let (_, said) = shell.run(words.trim(), WRONG_USE)?;
        assert!(!said.is_empty(), "{words}");
    }
    let (printed, _) = shell.run("--help", 0)?;
    assert!(printed.contains("Exit codes") && printed.contains("preflight"), "{printed}");
    let (printed, _) = shell.run("--version", 0)?;
    assert!(printed.starts_with("aerie "), "{printed}");
    Ok(())
}

#[test]
fn settings_are_shown_and_checked() -> anyhow::Result<()> {
    let Some(shell) = Shell::open()? else { return Ok(()) };
    let (defaults, _) = shell.run("config print-default", 0)?;
    assert!(defaults.contains("server:") && defaults.contains("port: 8700"), "{defaults}");
    // What is printed can be used as a file.
    let file = shell.file("settings.yaml", &defaults)?;
    let (checked, _) = shell.run(&format!("--config {file} config check"), 0)?;
    assert!(checked.contains("settings are fine") && checked.contains("embedded"), "{checked}");
    let misspelt = shell.file("misspelt.yaml", "server:\n  prot: 8800\ntasks:\n  workers: none\n")?;
    let (_, said) = shell.run(&format!("--config {misspelt} config check"), FAILED)?;
    assert!(said.contains("server.prot"), "{said}");
    let (_, said) = shell.run("--config /nowhere/settings.yaml config check", FAILED)?;
    assert!(said.contains("/nowhere/settings.yaml"), "{said}");
    Ok(())
}

#[test]
fn a_machine_is_looked_over_before_anything_starts() -> anyhow::Result<()> {
    let Some(shell) = Shell::open()? else { return Ok(()) };
    let checks = shell.json("preflight --json")?;
    let names: Vec<&str> = checks.as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    for name in ["port", "memory", "disk", "store"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(checks.as_array().unwrap().iter().all(|check| check["verdict"] != "problem"), "{checks}");
    assert!(!shell.home.path().join("data/platform.db").exists(), "looking makes nothing");
    Ok(())
}

#[test]
fn stores_are_made_and_brought_up_to_date() -> anyhow::Result<()> {
    let Some(shell) = Shell::open()? else { return Ok(()) };
    for _ in 0..2 {
        let (printed, _) = shell.run("migrate", 0)?;
        assert!(printed.contains("up to date"), "{printed}");
    }
    assert!(shell.home.path().join("data/platform.db").exists());
    // A secret that did not make the stores does not open them, and says so.
    fs::remove_file(shell.home.path().join("data/secret.key"))?;
    let (_, said) = shell.run("jobs count", FAILED)?;
    assert!(said.contains("secret.key"), "{said}");
    Ok(())
}

#[test]
fn a_data_folder_that_cannot_be_is_named() -> anyhow::Result<()> {
    let Some(mut shell) = Shell::open()? else { return Ok(()) };
    let file = shell.file("a-file", "not a folder")?;
    shell.data = Some(format!("{file}/data"));
    for words in ["jobs list", "migrate", "up --port 0"] {
        let (_, said) = shell.run(words, FAILED)?;
        assert!(said.contains("a-file"), "{words}: {said}");
    }
    Ok(())
}

#[test]
fn profiles_are_read_from_files_and_mistakes_are_named() -> anyhow::Result<()> {
    let Some(shell) = Shell::open()? else { return Ok(()) };
    let (example, _) = shell.run("profile example", 0)?;
    let file = shell.file("me.yaml", &example)?;
    let (printed, _) = shell.run(&format!("profile load {file}"), 0)?;
    assert!(printed.contains("1 search profile"), "{printed}");
    assert_eq!(shell.json("profile show --json")?["profile"]["fullName"], "Ada Example");
    let searches = shell.json("profile searches --json")?;
    assert_eq!(searches["searchProfiles"][0]["name"], "backend");
    // The same file again replaces; it does not add.
    shell.run(&format!("profile load {file}"), 0)?;
    assert_eq!(shell.json("profile searches --json")?["searchProfiles"].as_array().unwrap().len(), 1);

    let misspelt = shell.file("misspelt.yaml", "searches:\n  - name: a\n    tittles: [Engineer]\n")?;
    let (_, said) = shell.run(&format!("profile load {misspelt}"), FAILED)?;
    assert!(said.contains("searches.0.tittles") && said.contains("titles"), "{said}");
    let broken = shell.file("broken.yaml", "profile: [unclosed\n")?;
    let (_, said) = shell.run(&format!("profile load {broken}"), FAILED)?;
    assert!(said.contains("broken.yaml") && said.contains("line"), "{said}");
    let (_, said) = shell.run("profile load nowhere.yaml", FAILED)?;
    assert!(said.contains("nowhere.yaml"), "{said}");
    let (_, said) = shell.run("profile delete-search nothing", NOT_FOUND)?;
    assert!(said.contains("backend"), "{said}");
    Ok(())
}

#[test]
fn without_a_server_commands_work_and_health_says_what_to_do() -> anyhow::Result<()> {
    let Some(shell) = Shell::open()? else { return Ok(()) };
    let (_, said) = shell.run("healthcheck", FAILED)?;
    assert!(said.contains("aerie up"), "{said}");
    let (_, said) = shell.run("healthcheck --url http://127.0.0.1:9", FAILED)?;
    assert!(said.contains("127.0.0.1:9"), "{said}");
    let (_, said) = shell.run("discover", NOT_FOUND)?;
    assert!(said.contains("search profile"), "{said}");
    assert_eq!(shell.json("jobs list --json")?["jobs"].as_array().map_or(0, Vec::len), 0);
    let file = shell.file(
        "jobs.csv",
        "title,company,url\nRust Engineer,Quillmoor Freight,https://careers.quillmoor.example/jobs/17\n",
    )?;
    assert_eq!(shell.json(&format!("import {file} --json"))?["newJobs"], 1);
    let listed = shell.json("jobs list --json")?;
    assert_eq!(listed["jobs"][0]["posting"]["company"], "Quillmoor Freight");
    Ok(())
}

#[test]
fn commands_reach_the_server_of_their_data_folder() -> anyhow::Result<()> {
    let Some(mut shell) = Shell::open()? else { return Ok(()) };
    let server = Server::demo(&shell.program)?;
    shell.data = Some(server.data());
    assert!(shell.run("healthcheck", 0)?.0.contains(server.url()));
    shell.run(&format!("healthcheck --url {}", server.url()), 0)?;
    let (_, said) = shell.run("up --port 0", FAILED)?;
    assert!(said.contains("already runs") && said.contains(server.url()), "{said}");

    let listed = shell.json("jobs list --limit 3 --json")?;
    let jobs = listed["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 3);
    let id = jobs[0]["id"].as_str().unwrap();
    for words in [
        "jobs count --json".to_owned(),
        "jobs list --status all --order new --limit 500 --json".to_owned(),
        "jobs list --query rust --minimum-score 20 --remote --source lever --json".to_owned(),
        format!("jobs show {id} --json"),
        format!("jobs explain {id} --json"),
        "tasks list --json".to_owned(),
        "tasks list --active --json".to_owned(),
        "sources --json".to_owned(),
        "sources list --json".to_owned(),
        "profile show --json".to_owned(),
        "profile searches --json".to_owned(),
        "discover --json".to_owned(),
    ] {
        assert!(shell.json(&words)?.is_object(), "{words}");
    }
    let task = shell.json("tasks list --limit 1 --json")?["tasks"][0]["id"].as_str().unwrap().to_owned();
    assert!(shell.json(&format!("tasks show {task} --json"))?["task"].is_object());
    for words in ["jobs list", "jobs count", "tasks list", "sources", "profile show"] {
        assert!(shell.run(words, 0)?.0.lines().count() > 1, "{words}");
    }

    // The end of an id is enough, as tables print it.
    let short = &id[id.len() - 8..];
    assert_eq!(shell.json(&format!("jobs approve {short} --json"))?["status"], "JOB_STATUS_APPROVED");
    let (_, said) = shell.run(&format!("jobs move {short} hired"), NOT_ALLOWED)?;
    assert!(said.contains("applied") && said.contains("rejected"), "{said}");
    let (_, said) = shell.run(&format!("jobs move {short} synced"), WRONG_USE)?;
    assert!(said.contains("synced") && said.contains("phone_screen"), "{said}");
    assert_eq!(shell.json(&format!("jobs revert {short} --json"))?["status"], "JOB_STATUS_PENDING");
    shell.run(&format!("jobs revert {short}"), NOT_ALLOWED)?;
    shell.run(&format!("jobs note {short} later"), 0)?;
    assert_eq!(shell.json(&format!("jobs show {short} --json"))?["job"]["notes"], "later");

    let missing = "00000000-0000-7000-8000-000000000000";
    for words in [format!("jobs show {missing}"), "jobs show zzzzzz".to_owned(), format!("tasks show {missing}")] {
        shell.run(&words, NOT_FOUND)?;
    }
    for words in ["tasks show nonsense", "jobs list --order luck", "discover --source nowhere"] {
        shell.run(words, WRONG_USE)?;
    }
    Ok(())
}
