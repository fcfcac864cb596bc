//! Measures a model of full size with random weights: encoding, reading a picture's tokens, decoding, and memory.
//!
//! `vision_bench run [--folder FOLDER] [--python PYTHON] [--only bf16,q8_0] [--out FILE]` makes the models one after the other, measures
//! each in a process of its own, and prints a table. With a Python that has PyTorch, the same network in PyTorch stands
//! beside it.

mod table;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use aerie_vision::model::{CaptionLength, Config, Context, Generation, LoadOptions, Model, Request, Sampling};
use aerie_vision::weights::{Quantization, quantize, write_random_model};
use candle_core::DType;
use table::{Measured, Peer};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Steps that are timed together.
const STEPS: usize = 8;
/// How often they are; the best time counts, since other work shares the machine.
const WINDOWS: usize = 5;
/// Sequences of the batch.
const BATCH: usize = 8;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["measure", folder, kind] => {
            println!("{}", measure(Path::new(folder), kind)?.to_line());
            Ok(())
        }
        ["run", options @ ..] => run(options),
        _ => Err("use: vision_bench run [--folder FOLDER] [--python PYTHON] [--only bf16,q8_0] [--out FILE]".into()),
    }
}

fn run(options: &[&str]) -> Result<()> {
    let mut folder = std::env::temp_dir().join("aerie-vision-bench");
    let (mut python, mut out, mut only) = (None, None, None);
    for pair in options.chunks(2) {
        match pair {
            ["--folder", value] => folder = PathBuf::from(value),
            ["--python", value] => python = Some(PathBuf::from(value)),
            ["--only", value] => only = Some(value.split(',').map(str::to_owned).collect::<Vec<_>>()),
            ["--out", value] => out = Some(PathBuf::from(value)),
            other => return Err(format!("{other:?} is not known").into()),
        }
    }
    let measured = measure_all(&folder, &|kind| only.as_ref().is_none_or(|only| only.iter().any(|one| one == kind)));
    // The models are large: none is left behind, whatever happened.
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let (bandwidth, measured) = measured?;
    let peer = python.map(|python| peer(&python)).transpose()?;
    let text = table::render(bandwidth, &measured, peer.as_ref());
    println!("{text}");
    if let Some(out) = out {
        table::write(&out, &text)?;
    }
    Ok(())
}

fn measure_all(folder: &Path, is_wanted: &dyn Fn(&str) -> bool) -> Result<(f64, Vec<Measured>)> {
    let plain = folder.join("bf16");
    eprintln!("write random weights to {}", plain.display());
    write_random_model(&plain, &Config::default(), DType::BF16, 1)?;
    let bandwidth = bandwidth();
    eprintln!("{bandwidth:.1} GB/s are read");
    let mut measured = Vec::new();
    for kind in ["bf16", "f32"].into_iter().filter(|kind| is_wanted(kind)) {
        measured.push(measure_apart(&plain, kind)?);
    }
    let quantized = [("q8_0", Quantization::Q8_0), ("q4_0", Quantization::Q4_0), ("q4_k", Quantization::Q4K)];
    for (name, quantization) in quantized.into_iter().filter(|(name, _)| is_wanted(name)) {
        let target = folder.join(name);
        eprintln!("quantise to {name}");
        quantize(&plain, &target, quantization)?;
        measured.push(measure_apart(&target, name)?);
        std::fs::remove_dir_all(&target)?;
    }
    Ok((bandwidth, measured))
}

/// Measures in a process of its own, so that its peak of memory is that of one model.
fn measure_apart(folder: &Path, kind: &str) -> Result<Measured> {
    eprintln!("measure {kind}");
    let output = Command::new(std::env::current_exe()?).arg("measure").arg(folder).arg(kind).output()?;
    if !output.status.success() {
        return Err(format!("{kind}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let line = String::from_utf8(output.stdout)?;
    eprintln!("{}", line.trim());
    Measured::from_line(&line).ok_or_else(|| format!("{kind}: {line:?} is no measurement").into())
}

fn measure(folder: &Path, kind: &str) -> Result<Measured> {
    let dtype = match kind {
        "f32" => DType::F32,
        _ => DType::BF16,
    };
    let start = Instant::now();
    let model = Model::load(folder, &LoadOptions { dtype: Some(dtype), ..LoadOptions::default() })?;
    let load_seconds = start.elapsed().as_secs_f64();
    let (peak, now) = memory()?;

    let picture = aerie_vision::testing::noise(378, 378, 1).ok_or("no picture")?;
    let crops = model.cut(&picture)?;
    let count = crops.count() as f64;
    let mut embedding = Vec::new();
    let encode = best(4, || {
        embedding = model.encode_images(&[&crops], 1)?;
        Ok(())
    })?;
    let embedding = embedding.pop().ok_or("no embedding")?;
    let mut prefix = None;
    let prefill = best(3, || {
        prefix = Some(model.prefill_image(&embedding, None)?);
        Ok(())
    })?;
    let prefix = prefix.ok_or("no prefix")?;
    let start = |_| {
        let sampling = Sampling::greedy(500);
        model.start(&Request::Caption { length: CaptionLength::Short, sampling }, Context::Image(prefix.clone()))
    };
    let mut decoded = [0.0; 2];
    for (rate, batch) in decoded.iter_mut().zip([1, BATCH]) {
        let mut running = (0..batch).map(start).collect::<std::result::Result<Vec<_>, _>>()?;
        *rate = decode(&model, &mut running)?;
    }
    let (_, steady) = memory()?;
    Ok(Measured {
        kind: kind.to_owned(),
        load_seconds,
        peak_bytes: peak,
        loaded_bytes: now,
        steady_bytes: steady,
        crop_seconds: encode / count,
        prefill_seconds: prefill,
        decode_rate: decoded[0],
        batch_rate: decoded[1],
    })
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

fn best(times: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..times {
        let start = Instant::now();
        work()?;
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok(least)
}

/// Peak and present resident bytes of this process.
fn memory() -> Result<(f64, f64)> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).map_or(0.0, |kib| kib * 1024.0)
    };
    Ok((field("VmHWM:"), field("VmRSS:")))
}

/// Gigabytes a second that all threads together read from memory.
fn bandwidth() -> f64 {
    const NUMBERS: usize = 64 << 20;
    let numbers: Vec<u64> = (0..NUMBERS as u64).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let pass = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for part in numbers.chunks(NUMBERS.div_ceil(threads)) {
                scope.spawn(|| std::hint::black_box(part.iter().fold(0u64, |sum, number| sum.wrapping_add(*number))));
            }
        });
        (NUMBERS * 8) as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..30).map(|_| pass()).fold(0.0, f64::max)
}

/// The same network in PyTorch.
fn peer(python: &Path) -> Result<Peer> {
    eprintln!("measure PyTorch");
    let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/vision_bench/peer.py");
    let output = Command::new(python).arg(script).arg(threads).output()?;
    let text = String::from_utf8(output.stdout)?;
    eprintln!("{}", text.trim());
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers.as_slice() {
        [crop_seconds, prefill_seconds, decode_rate] => {
            Ok(Peer { crop_seconds: *crop_seconds, prefill_seconds: *prefill_seconds, decode_rate: *decode_rate })
        }
        _ => Err(format!("PyTorch: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
