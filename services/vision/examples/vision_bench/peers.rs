//! The same network in other programs on a CPU. A peer that cannot be had is left out, with a line that says so.

use std::path::Path;
use std::process::Command;

use crate::{Result, numbers, text_of};

/// Kinds of weights that candle's own model is measured with.
const CANDLE: [&str; 4] = ["bf16", "f32", "q8_0", "q4_k"];
/// Kinds that llama.cpp is measured with.
const LLAMA: [&str; 3] = ["q8_0", "q4_0", "q4_k"];

/// The figures of the same network elsewhere; llama.cpp reads no pictures.
pub struct Peer {
    pub name: &'static str,
    pub kind: &'static str,
    pub crop_seconds: Option<f64>,
    pub prefill_seconds: f64,
    pub decode_rate: f64,
}

impl Peer {
    /// The better figures of two measurements.
    pub fn or_better(&self, other: &Self) -> Self {
        Self {
            name: self.name,
            kind: self.kind,
            crop_seconds: self.crop_seconds.into_iter().chain(other.crop_seconds).reduce(f64::min),
            prefill_seconds: self.prefill_seconds.min(other.prefill_seconds),
            decode_rate: self.decode_rate.max(other.decode_rate),
        }
    }
}

/// PyTorch, where `python` has it.
pub fn pytorch(python: Option<&Path>) -> Option<Peer> {
    let Some(python) = python else {
        eprintln!("PyTorch is left out: no Python with it is named");
        return None;
    };
    peer("PyTorch", "bf16", script(python, "peer.py", &[]))
}

/// llama.cpp and candle's own model, where they can be measured.
pub fn others(llama: Option<&Path>, candle: bool, folder: &Path) -> Vec<Peer> {
    let mut peers = Vec::new();
    match llama {
        Some(python) => peers.extend(LLAMA.iter().filter_map(|kind| {
            let figures = text_of(folder).and_then(|folder| script(python, "llama.py", &[folder, kind]));
            peer("llama.cpp", kind, figures)
        })),
        None => eprintln!("llama.cpp is left out: no Python with llama-cpp-python is named"),
    }
    if candle {
        peers.extend(CANDLE.iter().filter_map(|kind| {
            eprintln!("measure candle {kind}");
            peer("candle", kind, text_of(folder).and_then(|folder| numbers(&["candle", folder, kind])))
        }));
    } else {
        eprintln!("candle's own model is left out");
    }
    peers
}

/// A peer with its figures; without them a line says why it is left out.
fn peer(name: &'static str, kind: &'static str, figures: Result<Vec<f64>>) -> Option<Peer> {
    let (crop_seconds, prefill_seconds, decode_rate) = match figures.as_deref() {
        Ok([crop_seconds, prefill_seconds, decode_rate]) => (Some(*crop_seconds), *prefill_seconds, *decode_rate),
        Ok([prefill_seconds, decode_rate]) => (None, *prefill_seconds, *decode_rate),
        Ok(other) => {
            eprintln!("{name} {kind} is left out: {other:?} are no figures");
            return None;
        }
        Err(error) => {
            eprintln!("{name} {kind} is left out: {error}");
            return None;
        }
    };
    Some(Peer { name, kind, crop_seconds, prefill_seconds, decode_rate })
}

/// The figures that a script beside this file prints.
fn script(python: &Path, name: &str, arguments: &[&str]) -> Result<Vec<f64>> {
    eprintln!("run {name} {}", arguments.join(" "));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/vision_bench").join(name);
    let output = Command::new(python).arg(script).arg(threads).args(arguments).output()?;
    let text = String::from_utf8(output.stdout)?;
    eprintln!("{}", text.trim());
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(text.split_whitespace().filter_map(|word| word.parse().ok()).collect())
}
