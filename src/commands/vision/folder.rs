//! `aerie vision verify`, `quantize` and `random`: work on model folders.

use std::{path::Path, process::ExitCode};

use aerie_vision::{
    load_options,
    model::Config,
    testing::tiny_config,
    verify::verify as compare,
    weights::{Quantization, WeightType, quantize as convert, write_random_model},
};
use anyhow::{Context, ensure};
use serde_json::json;

use crate::{
    cli::{Size, VisionQuantize, VisionRandom, VisionVerify},
    output,
};

/// Compares a model with a reference's numbers; exit code 1 when anything differs.
pub fn verify(arguments: &VisionVerify) -> anyhow::Result<ExitCode> {
    let mut options = load_options(&arguments.device, Some(&arguments.dtype)).map_err(output::wrong_use)?;
    options.own_kernels = !arguments.as_on_gpu;
    let report = compare(&arguments.folder, &options)?;
    if arguments.json {
        let mut value = serde_json::to_value(&report)?;
        value["holds"] = report.holds().into();
        println!("{}", serde_json::to_string_pretty(&value)?);
    } else {
        println!("{report}");
    }
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes a smaller model.
pub fn quantize(arguments: &VisionQuantize) -> anyhow::Result<ExitCode> {
    let quantization: Quantization = arguments.quantization.parse().map_err(output::wrong_use)?;
    ensure_empty(&arguments.target)?;
    let report = convert(&arguments.source, &arguments.target, quantization)?;
    if arguments.json {
        let value = json!({"tensors": report.tensors, "quantized": report.quantized, "bytes": report.bytes});
        println!("{}", serde_json::to_string_pretty(&value)?);
    } else {
        let (folder, megabytes) = (arguments.target.display(), report.bytes / 1_000_000);
        println!("{folder}: {} tensors, {} of them quantised, {megabytes} MB", report.tensors, report.quantized);
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a model with random weights.
pub fn random(arguments: &VisionRandom) -> anyhow::Result<ExitCode> {
    ensure_empty(&arguments.folder)?;
    let (config, kind) = match arguments.size {
        Size::Tiny => (tiny_config(), WeightType::F32),
        Size::Full => (Config::default(), WeightType::BF16),
    };
    write_random_model(&arguments.folder, &config, kind, arguments.seed)?;
    println!("{} holds a model of random weights", arguments.folder.display());
    Ok(ExitCode::SUCCESS)
}

fn ensure_empty(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        let mut entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        ensure!(entries.next().is_none(), "{} is not empty; name a new folder", folder.display());
    }
    Ok(())
}
