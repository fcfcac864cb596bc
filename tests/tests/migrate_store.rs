//! `aerie migrate-store` as an operator runs it: killed on its way, taken up again, and the server then served.
#![allow(clippy::unwrap_used)]

use std::{process::Stdio, thread, time::Duration};

use aerie_testkit::postgres::{PostgresServer, TestPostgres};
use aerie_tests::program::Program;
use anyhow::ensure;
use serde_json::Value;

#[tokio::test]
async fn an_installation_moves_although_the_move_is_killed() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    // Says whether there is a server, and skips or fails accordingly.
    if TestPostgres::start().await?.is_none() {
        return Ok(());
    }
    let home = tempfile::tempdir()?;
    let data = home.path().join("data").to_string_lossy().into_owned();
    let demo = program.run(home.path(), ["demo", "--exit", "--json", "--home", &data])?.expect(0)?;
    ensure!(serde_json::from_str::<Value>(&demo.stdout).is_ok(), "{}", demo.stdout);

    let server = PostgresServer::start()?;
    server.create_database("moved")?;
    let url = server.url("moved");
    let words = ["--data-dir", &data, "--log", "error", "migrate-store", "--from", "sqlite", "--to", &url, "--json"];
    let mut killed = 0;
    for milliseconds in [150, 400, 700, 1_000] {
        let mut command = program.command(home.path(), words);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill()?;
        killed += usize::from(child.wait()?.code().is_none());
    }
    ensure!(killed > 0, "every attempt was over before it was killed");
    let moved = program.run(home.path(), words)?.expect(0)?;
    let report: Value = serde_json::from_str(&moved.stdout)?;
    let rows = |table: &str| {
        let tables = report["tables"].as_array().into_iter().flatten();
        tables.filter(|row| row["table"] == table).filter_map(|row| row["rows"].as_u64()).sum::<u64>()
    };
    ensure!(rows("job") > 50 && rows("posting") > 50 && rows("task") > 5 && rows("event") > 10, "{report}");

    // What was there is there.
    let list = |settings: &[(&str, &str)]| -> anyhow::Result<Value> {
        let mut command =
            program.command(home.path(), ["--data-dir", &data, "--log", "error", "jobs", "list", "--json"]);
        command.envs(settings.iter().copied());
        let output = command.output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let (here, there) = (list(&[])?, list(&[("AERIE__STORE__URL", url.as_str())])?);
    ensure!(here == there, "{here}\n{there}");

    // Another installation is not mixed into it.
    let other = home.path().join("other").to_string_lossy().into_owned();
    program.run(home.path(), ["demo", "--exit", "--json", "--home", &other])?.expect(0)?;
    let words = ["--data-dir", &other, "--log", "error", "migrate-store", "--from", "sqlite", "--to", &url];
    let refused = program.run(home.path(), words)?.expect(1)?;
    ensure!(refused.stderr.contains("not empty"), "{}", refused.stderr);
    Ok(())
}
