//! `aerie data delete`: everything of the person who asks.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use aerie_proto::pipeline::v1 as pb;
use anyhow::Context;

use crate::{
    cli::{Cli, Data},
    output,
    session::Session,
};

/// Deletes, once the person has said so.
pub async fn run(cli: &Cli, command: &Data) -> anyhow::Result<ExitCode> {
    let Data::Delete { yes, json } = command;
    let session = Session::open(cli).await?;
    let result = delete(&session, *yes, *json).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn delete(session: &Session, yes: bool, json: bool) -> anyhow::Result<()> {
    let preview = session.deletion().preview_deletion(pb::PreviewDeletionRequest {}).await?.into_inner();
    let mut confirmation = preview.confirmation.clone();
    if !yes {
        let rows = preview.tables.iter().map(|table| (table.table.as_str(), table.rows.unsigned_abs()));
        confirmation = ask(rows, &preview.confirmation)?;
    }
    let request = pb::DeleteEverythingRequest { confirmation };
    let deleted = session.deletion().delete_everything(request).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.DeleteEverythingResponse", &deleted);
    }
    let rows = deleted.tables.iter().map(|table| (table.table.as_str(), table.rows.unsigned_abs()));
    println!("{}", said(rows));
    if !deleted.is_complete {
        println!("the account is gone; the rest is removed by itself, as soon as Aerie runs");
    }
    Ok(())
}

/// Shows what would go, and has the person type the words that mean it.
pub fn ask<'a>(rows: impl Iterator<Item = (&'a str, u64)>, words: &str) -> anyhow::Result<String> {
    anyhow::ensure!(std::io::stdin().is_terminal(), "there is nobody to ask: say --yes to delete everything");
    for (table, rows) in rows {
        println!("{rows:>8} {table}");
    }
    print!("All of this goes for good. To delete it, type \"{words}\": ");
    std::io::stdout().flush().context("standard output")?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).context("standard input")?;
    anyhow::ensure!(typed.trim() == words, "nothing was deleted: that was not \"{words}\"");
    Ok(words.to_owned())
}

/// What was removed, in one line.
pub fn said<'a>(rows: impl Iterator<Item = (&'a str, u64)>) -> String {
    let (mut tables, mut all, mut jobs) = (0, 0, 0);
    for (table, rows) in rows {
        tables += 1;
        all += rows;
        jobs += if table == "job" { rows } else { 0 };
    }
    format!("deleted {all} rows of {tables} tables, {jobs} jobs among them, with all files")
}
