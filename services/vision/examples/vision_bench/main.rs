//! Measures a model of full size with random weights: encoding, reading a picture's tokens, decoding, many callers, and
//! memory.
//!
//! `vision_bench run [--folder FOLDER] [--device cuda:0] [--only bf16,q8_0] [--python PYTHON] [--llama PYTHON]
//! [--candle yes] [--requests 1000] [--out FILE]` makes the models one after the other, measures each in a process of
//! its own, and prints a table. On a CPU the same network stands beside it in PyTorch and llama.cpp, where a Python that
//! has them is named, and in candle's own model of the year before.

mod agree;
mod candle_peer;
mod figures;
mod limits;
mod load;
mod peers;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;

use aerie_vision::model::Config;
use aerie_vision::weights::{Quantization, WeightType, quantize, write_random_model};
use table::{Measured, Table};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How often everything is measured on a CPU.
const ROUNDS: usize = 2;
/// The kinds of quantised weights.
const QUANTIZED: [(&str, Quantization); 3] =
    [("q8_0", Quantization::Q8_0), ("q4_0", Quantization::Q4_0), ("q4_k", Quantization::Q4K)];
/// Requests after which memory should be what it was.
const USUAL_REQUESTS: usize = 1_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["measure", folder, kind, device] => {
            println!("{}", figures::measure(Path::new(folder), kind, device)?.to_line());
            Ok(())
        }
        ["verify", folder, device, dtype, rest @ ..] => {
            let mut options = aerie_vision::load_options(device, Some(dtype))?;
            options.own_kernels = rest.is_empty();
            let report = aerie_vision::verify::verify(Path::new(folder), &options)?;
            println!("{report}");
            if report.holds() { Ok(()) } else { Err(format!("{folder} on {device} in {dtype} differs").into()) }
        }
        ["drawn", folder, kind, device] => print_numbers(&[figures::drawn(Path::new(folder), kind, device)?]),
        ["agree", folder, device] => print_numbers(&agree::measure(Path::new(folder), device)?),
        ["limits", device] => print_numbers(&limits::measure(device)?),
        ["steady", folder, kind, device, requests] => {
            print_numbers(&load::steady(Path::new(folder), kind, device, requests.parse()?)?)
        }
        ["pictures"] => print_numbers(&load::pictures()?),
        ["charts", folder, kind, device] => print_numbers(&load::charts(Path::new(folder), kind, device)?),
        ["candle", folder, kind] => print_numbers(&candle_peer::measure(Path::new(folder), kind)?),
        ["run", options @ ..] => Options::read(options)?.run(),
        _ => Err("use: vision_bench run [--folder FOLDER] [--device cuda:0] [--only bf16,q8_0] [--python PYTHON] \
                  [--llama PYTHON] [--candle yes] [--requests 1000] [--out FILE]"
            .into()),
    }
}

/// What is to be measured.
struct Options {
    folder: PathBuf,
    device: String,
    only: Option<Vec<String>>,
    python: Option<PathBuf>,
    llama: Option<PathBuf>,
    candle: bool,
    requests: usize,
    out: Option<PathBuf>,
}

impl Options {
    fn read(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            folder: std::env::temp_dir().join("aerie-vision-bench"),
            device: "cpu".to_owned(),
            only: None,
            python: None,
            llama: None,
            candle: false,
            requests: USUAL_REQUESTS,
            out: None,
        };
        for pair in words.chunks(2) {
            match pair {
                ["--folder", value] => options.folder = PathBuf::from(value),
                ["--device", value] => options.device = (*value).to_owned(),
                ["--only", value] => options.only = Some(value.split(',').map(str::to_owned).collect()),
                ["--python", value] => options.python = Some(PathBuf::from(value)),
                ["--llama", value] => options.llama = Some(PathBuf::from(value)),
                ["--candle", value] => options.candle = *value == "yes",
                ["--requests", value] => options.requests = value.parse()?,
                ["--out", value] => options.out = Some(PathBuf::from(value)),
                other => return Err(format!("{other:?} is not known").into()),
            }
        }
        Ok(options)
    }

    fn run(&self) -> Result<()> {
        let measured = self.measure_all();
        // The models are large: none is left behind, whatever happened.
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder)?;
        }
        let text = measured?.render();
        println!("{text}");
        if let Some(out) = &self.out {
            table::write(out, &text)?;
        }
        Ok(())
    }

    fn wants(&self, kind: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|one| one == kind))
    }

    fn is_cpu(&self) -> bool {
        self.device == "cpu"
    }

    fn measure_all(&self) -> Result<Table> {
        let plain = self.folder.join("bf16");
        eprintln!("write random weights to {}", plain.display());
        write_random_model(&plain, &Config::default(), WeightType::BF16, 1)?;
        let mut table = Table::new(&self.device);
        if self.is_cpu() {
            self.measure_cpu(&plain, &mut table)?
        } else {
            self.measure_gpu(&plain, &mut table)?
        }
        Ok(table)
    }

    fn measure_gpu(&self, plain: &Path, table: &mut Table) -> Result<()> {
        table.limits = self.limits()?;
        for kind in ["bf16", "bf16-no-graphs", "bf16-candle", "f32"].into_iter().filter(|kind| self.wants(kind)) {
            table.add(self.measure(plain, kind)?);
            if kind == "bf16" {
                table.charts = self.apart("charts", plain, kind, &[])?;
                if self.requests > 0 {
                    table.steady = self.apart("steady", plain, kind, &[&self.requests.to_string()])?;
                }
                // A random model may end an answer too soon to be timed.
                table.drawn = self.apart("drawn", plain, kind, &[]).unwrap_or_else(|error| {
                    eprintln!("no drawing was timed: {error}");
                    Vec::new()
                });
                table.errors = numbers(&["agree", text_of(plain)?, &self.device])?;
            }
        }
        for (kind, quantization) in QUANTIZED.into_iter().filter(|(kind, _)| self.wants(kind)) {
            let folder = self.quantized(plain, kind, quantization)?;
            table.add(self.measure(&folder, kind)?);
            std::fs::remove_dir_all(&folder)?;
        }
        Ok(())
    }

    /// In rounds, of which the best figures count: the memory of a shared machine is now and then half as fast for a
    /// minute, and then what came just before or after it would be compared with less.
    fn measure_cpu(&self, plain: &Path, table: &mut Table) -> Result<()> {
        let mut folders = vec![("f32", plain.to_path_buf())];
        for (kind, quantization) in QUANTIZED.into_iter().filter(|(kind, _)| self.wants(kind)) {
            folders.push((kind, self.quantized(plain, kind, quantization)?));
        }
        // Beside PyTorch, which it is compared with.
        folders.push(("bf16", plain.to_path_buf()));
        for _ in 0..ROUNDS {
            table.reach(self.limits()?);
            for (kind, folder) in folders.iter().filter(|(kind, _)| self.wants(kind)) {
                table.add(self.measure(folder, kind)?);
            }
            table.add_peer(peers::pytorch(self.python.as_deref()));
        }
        if let Some((kind, folder)) = folders.iter().find(|(kind, _)| *kind == "q8_0" && self.requests > 0) {
            table.steady = self.apart("steady", folder, kind, &[&self.requests.to_string()])?;
        }
        for peer in peers::others(self.llama.as_deref(), self.candle, &self.folder) {
            table.add_peer(Some(peer));
        }
        Ok(())
    }

    fn limits(&self) -> Result<Vec<f64>> {
        numbers(&["limits", &self.device])
    }

    /// The folder of the weights of `plain`, quantised.
    fn quantized(&self, plain: &Path, kind: &str, quantization: Quantization) -> Result<PathBuf> {
        let folder = self.folder.join(kind);
        eprintln!("quantise to {kind}");
        quantize(plain, &folder, quantization)?;
        Ok(folder)
    }

    /// Measures in a process of its own, so that its peak of memory is that of one model.
    fn measure(&self, folder: &Path, kind: &str) -> Result<Measured> {
        eprintln!("measure {kind}");
        let line = own_output(&["measure", text_of(folder)?, kind, &self.device])?;
        Measured::from_line(&line).ok_or_else(|| format!("{kind}: {line:?} is no measurement").into())
    }

    fn apart(&self, what: &str, folder: &Path, kind: &str, more: &[&str]) -> Result<Vec<f64>> {
        eprintln!("{what} with {kind}");
        let mut words = vec![what, text_of(folder)?, kind, &self.device];
        words.extend(more);
        numbers(&words)
    }
}

fn text_of(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| format!("{} is no text", path.display()).into())
}

/// The numbers that this program prints when it is called with `words`.
fn numbers(words: &[&str]) -> Result<Vec<f64>> {
    let line = own_output(words)?;
    line.split_whitespace().map(|word| word.parse().map_err(|_| format!("{word:?} is no number").into())).collect()
}

fn own_output(words: &[&str]) -> Result<String> {
    let output = Command::new(std::env::current_exe()?).args(words).output()?;
    if !output.status.success() {
        return Err(format!("{words:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let line = String::from_utf8(output.stdout)?;
    eprintln!("{}", line.trim());
    Ok(line)
}

fn print_numbers(numbers: &[f64]) -> Result<()> {
    let words: Vec<String> = numbers.iter().map(f64::to_string).collect();
    println!("{}", words.join(" "));
    Ok(())
}

/// The least of the times, in seconds, that `work` takes.
fn best(times: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..times {
        let start = std::time::Instant::now();
        work()?;
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok(least)
}
