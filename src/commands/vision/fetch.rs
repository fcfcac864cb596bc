//! `aerie vision fetch`: the model's files from the hub into its cache.

use std::process::ExitCode;

use aerie_hub::{Cache, Hub, Progress, Snapshot, Source, default_cache};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::{cli::VisionFetch, output};

const TOKENIZER: &str = "tokenizer.json";

/// Downloads, or checks what an earlier download left.
pub async fn run(arguments: &VisionFetch) -> anyhow::Result<ExitCode> {
    let cache =
        arguments.cache.clone().or_else(default_cache).context("no home folder is known; name one with --cache")?;
    let hub = Hub::new(&arguments.endpoint, Cache::new(cache))?;
    let source = Source::new(&arguments.repository, &arguments.revision).map_err(output::wrong_use)?;
    let mut model = fetch(&hub, &source, arguments.offline, is_model_file).await?;
    if !model.files.iter().any(|file| file == TOKENIZER) {
        let source = Source::new(&arguments.tokenizer, &arguments.tokenizer_revision).map_err(output::wrong_use)?;
        let tokenizer = fetch(&hub, &source, arguments.offline, |name| name == TOKENIZER).await?;
        if !arguments.offline {
            hub.share(&tokenizer, TOKENIZER, &model)?;
        }
        model.files.push(TOKENIZER.to_owned());
    }
    if arguments.json {
        let value = json!({"folder": model.folder, "commit": model.commit, "files": model.files});
        println!("{}", serde_json::to_string_pretty(&value)?);
    } else {
        println!("{}", model.folder.display());
        eprintln!("every file has its checksum; name the folder in vision.model, or try it with --model");
    }
    Ok(ExitCode::SUCCESS)
}

fn is_model_file(name: &str) -> bool {
    let is_weights = name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json");
    is_weights || name == "config.json" || name == TOKENIZER
}

async fn fetch(hub: &Hub, source: &Source, offline: bool, wanted: fn(&str) -> bool) -> anyhow::Result<Snapshot> {
    if offline {
        return Ok(hub.offline(source, wanted)?);
    }
    let mut bars = Bars::default();
    let snapshot = hub.fetch(source, wanted, |progress| bars.show(progress)).await;
    bars.end();
    Ok(snapshot?)
}

/// A bar for the file that is being downloaded.
#[derive(Default)]
struct Bars {
    current: Option<(String, ProgressBar)>,
}

impl Bars {
    fn show(&mut self, progress: Progress<'_>) {
        if self.current.as_ref().is_none_or(|(file, _)| file != progress.file) {
            self.end();
            let style = "{msg:24} {bar:30} {bytes:>10} of {total_bytes} {bytes_per_sec:>12} {eta:>4}";
            let bar = ProgressBar::new(progress.total).with_message(progress.file.to_owned());
            // A bar without a style of its own is a bar too.
            let bar = match ProgressStyle::with_template(style) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            };
            bar.set_position(progress.done);
            bar.reset_eta();
            self.current = Some((progress.file.to_owned(), bar));
        }
        if let Some((_, bar)) = &self.current {
            bar.set_position(progress.done);
        }
    }

    fn end(&mut self) {
        if let Some((_, bar)) = self.current.take() {
            bar.finish();
        }
    }
}
