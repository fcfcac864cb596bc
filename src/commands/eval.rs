//! `aerie eval`: measure on labelled data of one's own.

use std::{
    fmt::Display,
    fs::{self, File},
    path::{Path, PathBuf},
    process::ExitCode,
};

use aerie_embedding::{CachedEmbedder, Embedder};
use aerie_eval::{
    boards::evaluate_boards, dedupe::evaluate_dedupe, mail::evaluate_mail, relevance::evaluate_relevance,
    resumes::evaluate_resumes, titles::evaluate_titles,
};
use anyhow::Context;
use chrono::Utc;
use serde::Serialize;

use crate::{
    cli::{Cli, Eval, EvalOutput},
    commands::load_config,
};

/// Measures and prints.
pub fn run(cli: &Cli, command: &Eval) -> anyhow::Result<ExitCode> {
    match command {
        Eval::Dedupe { file, hide_url, output } => {
            let evaluation = evaluate_dedupe(open(file)?, *hide_url).with_context(|| file.display().to_string())?;
            print(output, &evaluation.report, &evaluation.predictions)?;
        }
        Eval::Relevance { file, embedding, lexical, output } => {
            let embedder = embedder(cli, embedding.as_deref(), *lexical)?;
            let report =
                evaluate_relevance(open(file)?, embedder.as_ref()).with_context(|| file.display().to_string())?;
            print(output, &report, &report.predictions)?;
        }
        Eval::Titles { file, taxonomy, embedding, lexical, output } => {
            let embedder = embedder(cli, embedding.as_deref(), *lexical)?.map(cached).transpose()?;
            let report = evaluate_titles(open(file)?, open(taxonomy)?, embedder.as_ref())
                .with_context(|| format!("{} with {}", file.display(), taxonomy.display()))?;
            print(output, &report, &report.predictions)?;
        }
        Eval::Mail { file, output } => {
            let evaluation = evaluate_mail(open(file)?).with_context(|| file.display().to_string())?;
            print(output, &evaluation.report, &evaluation.predictions)?;
        }
        Eval::Boards { folder, output } => {
            let report = evaluate_boards(folder, Utc::now())?;
            print(output, &report, &report.predictions)?;
        }
        Eval::Resumes { folder, output } => {
            let report = evaluate_resumes(folder)?;
            print(output, &report, &report.predictions)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| path.display().to_string())
}

fn embedder(cli: &Cli, folder: Option<&Path>, lexical: bool) -> anyhow::Result<Option<Embedder>> {
    if lexical {
        return Ok(None);
    }
    let folder: Option<PathBuf> = match folder {
        Some(folder) => Some(folder.to_owned()),
        None => load_config(cli)?.matching.embedding_model,
    };
    folder.map(Embedder::load).transpose().map_err(Into::into)
}

/// The names of a taxonomy are thousands and change rarely: their vectors are kept in the user's cache folder.
fn cached(embedder: Embedder) -> anyhow::Result<CachedEmbedder> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    match base {
        Some(base) => Ok(CachedEmbedder::open(embedder, &base.join("aerie/vectors"))?),
        None => Ok(CachedEmbedder::in_memory(embedder)),
    }
}

fn print(
    output: &EvalOutput,
    report: &(impl Serialize + Display),
    predictions: &[impl Serialize],
) -> anyhow::Result<()> {
    if let Some(path) = &output.predictions {
        write_lines(path, predictions)?;
    }
    if output.json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        println!("{}", report.to_string().trim_end());
    }
    Ok(())
}

/// One JSON value a line; the file is there whole or not at all.
fn write_lines(path: &Path, rows: &[impl Serialize]) -> anyhow::Result<()> {
    let mut text = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut text, row)?;
        text.push(b'\n');
    }
    let partial = path.with_extension("partial");
    fs::write(&partial, text).with_context(|| partial.display().to_string())?;
    fs::rename(&partial, path).with_context(|| path.display().to_string())
}
