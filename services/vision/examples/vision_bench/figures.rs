//! The figures of one kind of weights.

use std::path::Path;
use std::time::Instant;

use aerie_vision::model::{CaptionLength, Context, Generation, LoadOptions, Model, Request, Sampling};
use aerie_vision::testing::{noise, resident_bytes};

use crate::table::Measured;
use crate::{Result, best};

/// Steps that are timed together.
const STEPS: usize = 8;
/// How often they are; the best time counts, since other work shares the machine.
const WINDOWS: usize = 5;

/// Pictures that a GPU encodes together.
const CHARTS: u32 = 4;

/// A picture of nine crops.
fn chart(seed: u32) -> Result<aerie_vision::image::Picture> {
    Ok(noise(640, 480, seed).ok_or("no picture")?)
}

/// Sequences of a batch on `device`.
pub fn batch(device: &str) -> usize {
    if device == "cpu" { 8 } else { 64 }
}

/// How weights of `kind` are loaded.
pub fn options(kind: &str, device: &str) -> Result<LoadOptions> {
    let dtype = if kind.starts_with("f32") { "f32" } else { "bf16" };
    let mut options = aerie_vision::load_options(device, Some(dtype))?;
    options.own_kernels = !kind.ends_with("-candle");
    options.graphs = !kind.ends_with("-no-graphs");
    if device != "cpu" {
        // What 64 pictures with their answers take.
        options.cache_budget = 24 << 30;
    }
    Ok(options)
}

/// Loads the model of `folder` and measures it.
pub fn measure(folder: &Path, kind: &str, device: &str) -> Result<Measured> {
    let start = Instant::now();
    let model = Model::load(folder, &options(kind, device)?)?;
    model.device().synchronize()?;
    let load_seconds = start.elapsed().as_secs_f64();
    let (peak_bytes, loaded_bytes) = resident_bytes().ok_or("the system does not say how much memory is taken")?;

    let picture = noise(378, 378, 1).ok_or("no picture")?;
    let crops = model.cut(&picture)?;
    let mut embedding = model.encode_images(&[&crops], usize::MAX)?;
    // A GPU is measured with as many crops as the service gives it at a time.
    let charts = if device == "cpu" { Vec::new() } else { (0..CHARTS).map(chart).collect::<Result<Vec<_>>>()? };
    let charts = charts.iter().map(|picture| model.cut(picture)).collect::<std::result::Result<Vec<_>, _>>()?;
    let pictures: Vec<_> = if charts.is_empty() { vec![&crops] } else { charts.iter().collect() };
    let encode = best(4, || {
        model.encode_images(&pictures, usize::MAX)?;
        Ok(model.device().synchronize()?)
    })?;
    let encoded: usize = pictures.iter().map(|crops| crops.count()).sum();
    let embedding = embedding.pop().ok_or("no embedding")?;
    let mut prefix = None;
    let prefill = best(3, || {
        prefix = Some(model.prefill_image(&embedding, None)?);
        Ok(model.device().synchronize()?)
    })?;
    let prefix = prefix.ok_or("no prefix")?;
    let start = |_| {
        let sampling = Sampling::greedy(500);
        model.start(&Request::Caption { length: CaptionLength::Short, sampling }, Context::Image(prefix.clone()))
    };
    let mut decoded = [0.0; 2];
    for (rate, batch) in decoded.iter_mut().zip([1, batch(device)]) {
        let mut running = (0..batch).map(start).collect::<std::result::Result<Vec<_>, _>>()?;
        *rate = decode(&model, &mut running)?;
    }
    Ok(Measured {
        kind: kind.to_owned(),
        load_seconds,
        peak_bytes,
        loaded_bytes,
        crop_seconds: encode / encoded as f64,
        prefill_seconds: prefill,
        decode_rate: decoded[0],
        batch_rate: decoded[1],
    })
}

/// Tokens a second of a batch whose tokens are drawn, as they are where a request does not say otherwise.
pub fn drawn(folder: &Path, kind: &str, device: &str) -> Result<f64> {
    let model = Model::load(folder, &options(kind, device)?)?;
    let crops = model.cut(&noise(378, 378, 1).ok_or("no picture")?)?;
    let embedding = model.encode_images(&[&crops], usize::MAX)?.pop().ok_or("no embedding")?;
    let prefix = model.prefill_image(&embedding, None)?;
    let start = |seed: usize| {
        let sampling = Sampling { seed: seed as u64, max_tokens: 500, ..Sampling::default() };
        model.start(&Request::Caption { length: CaptionLength::Short, sampling }, Context::Image(prefix.clone()))
    };
    let mut running = (0..batch(device)).map(start).collect::<std::result::Result<Vec<_>, _>>()?;
    decode(&model, &mut running)
}

/// Tokens a second of all generations together.
fn decode(model: &Model, running: &mut [Generation]) -> Result<f64> {
    let mut step = || model.step(&mut running.iter_mut().collect::<Vec<_>>());
    // The prompts, and a first step.
    step()?;
    step()?;
    let seconds = best(WINDOWS, || (0..STEPS).try_for_each(|_| Ok(step()?)))?;
    if running.iter().any(Generation::is_finished) {
        return Err("an answer ended before the measurement did".into());
    }
    Ok((STEPS * running.len()) as f64 / seconds)
}
