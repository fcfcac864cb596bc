//! Deleting everything: over HTTP while the server runs, from the command line, and across a kill.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use aerie_tests::{http, program::Program, server::Server};
use anyhow::ensure;
use serde_json::{Value, json};

const PREVIEW: &str = "aerie.pipeline.v1.DeletionService/PreviewDeletion";
const DELETE: &str = "aerie.pipeline.v1.DeletionService/DeleteEverything";
const ACCOUNT: &str = "aerie.platform.v1.AccountsService/GetAccount";

/// A person with two jobs.
struct Place {
    program: Program,
    home: PathBuf,
}

impl Place {
    fn new(program: Program, home: &Path) -> anyhow::Result<Self> {
        let place = Self { program, home: home.to_owned() };
        place.fill()?;
        Ok(place)
    }

    fn fill(&self) -> anyhow::Result<()> {
        let row = |number: u32| {
            json!({ "title": format!("Loom Mechanic {number}"), "company": "Brasswick",
                    "url": format!("https://work.example.com/{number}"), "description": "Looms." })
        };
        let file = self.home.join("jobs.json");
        fs::write(&file, json!([row(1), row(2)]).to_string())?;
        self.run(&format!("import {}", file.display()), 0)?;
        ensure!(self.jobs()? == 2);
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn run(&self, words: &str, code: i32) -> anyhow::Result<(String, String)> {
        let data = self.data().display().to_string();
        let arguments = ["--data-dir", &data, "--log", "error"].into_iter().chain(words.split(' '));
        let finished = self.program.run(&self.home, arguments)?.expect(code)?;
        Ok((finished.stdout, finished.stderr))
    }

    fn json(&self, words: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.run(words, 0)?.0)?)
    }

    fn jobs(&self) -> anyhow::Result<usize> {
        Ok(self.json("jobs list --json")?["jobs"].as_array().map_or(0, Vec::len))
    }

    fn local(&self) -> anyhow::Result<String> {
        let people = self.json("accounts list --json")?["people"].clone();
        Ok(people.as_array().unwrap().iter().find(|one| one["isLocal"] == true).unwrap()["id"].as_str().unwrap().into())
    }

    fn folder(&self, person: &str) -> PathBuf {
        self.data().join("users").join(person)
    }
}

fn rows(answer: &Value, table: &str) -> Option<String> {
    let tables = answer["tables"].as_array()?;
    Some(tables.iter().find(|one| one["table"] == table)?["rows"].as_str()?.to_owned())
}

#[test]
fn a_running_server_deletes_and_goes_on_with_somebody_new() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let server = Server::up(&program, &[])?;
    let (place, at) = (Place::new(program, server.home())?, server.authority());
    let before = place.local()?;
    let preview = http::call(at, PREVIEW, &json!({}))?.json()?;
    ensure!(rows(&preview, "job").as_deref() == Some("2") && preview["canBackUp"] == true, "{preview:#}");
    let refused = http::call(at, DELETE, &json!({ "confirmation": "yes" }))?;
    ensure!(refused.status == 400 && place.jobs()? == 2, "{refused:?}");
    let deleted = http::call(at, DELETE, &json!({ "confirmation": preview["confirmation"] }))?.json()?;
    ensure!(deleted["isComplete"] == true && rows(&deleted, "job").as_deref() == Some("2"), "{deleted:#}");
    ensure!(!place.folder(&before).exists());
    let now = http::call(at, ACCOUNT, &json!({}))?.json()?;
    ensure!(now["personId"].as_str().is_some_and(|id| id != before), "{now:#}");
    ensure!(place.jobs()? == 0);
    place.fill()?;

    // The same from the command line, through the server and by an operator beside it.
    let (_, said) = place.run("data delete", 1)?;
    ensure!(said.contains("--yes") && place.jobs()? == 2, "{said}");
    let (printed, _) = place.run("data delete --yes", 0)?;
    ensure!(printed.contains("2 jobs among them") && place.jobs()? == 0, "{printed}");
    place.fill()?;
    let beside = place.local()?;
    let printed = place.json(&format!("accounts delete {beside} --yes --json"))?;
    ensure!(printed["deleted"] == *beside && printed["rows"]["job"] == 2, "{printed:#}");
    ensure!(!place.folder(&beside).exists());
    // The server hears of it within a second.
    let mut tries = 0;
    while http::call(at, ACCOUNT, &json!({}))?.json()?["personId"] == *beside {
        tries += 1;
        ensure!(tries < 100, "the server still believes in {beside}");
        thread::sleep(Duration::from_millis(50));
    }
    ensure!(place.jobs()? == 0);
    Ok(())
}

#[test]
fn without_a_server_the_command_deletes_by_itself() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let home = tempfile::tempdir()?;
    let place = Place::new(program, home.path())?;
    let before = place.local()?;
    let deleted = place.json("data delete --yes --json")?;
    ensure!(rows(&deleted, "job").as_deref() == Some("2") && deleted["isComplete"] == true, "{deleted:#}");
    ensure!(!place.folder(&before).exists() && place.jobs()? == 0);
    let (_, said) = place.run(&format!("accounts delete {before} --yes"), 3)?;
    ensure!(said.contains("names nobody"), "{said}");
    Ok(())
}
