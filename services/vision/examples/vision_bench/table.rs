//! What was measured, as lines between processes and as a table for people.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::figures::batch;
use crate::peers::Peer;

/// Parameters of the linear layers that a decoding step reads: the text decoder and its head.
const DECODED: f64 = 1.313e9;
/// Parameters of all linear layers of picture and text, and of what is never quantised.
const LINEAR: f64 = 448.6e6 + DECODED;
/// Parameters of the embedding table and of the networks of coordinates and sizes.
const REST: f64 = 104.9e6 + 60.3e6;

/// The figures of one kind of weights.
pub struct Measured {
    pub kind: String,
    pub load_seconds: f64,
    pub peak_bytes: f64,
    pub loaded_bytes: f64,
    pub crop_seconds: f64,
    pub prefill_seconds: f64,
    pub decode_rate: f64,
    pub batch_rate: f64,
}

impl Measured {
    fn numbers(&self) -> [f64; 7] {
        [
            self.load_seconds,
            self.peak_bytes,
            self.loaded_bytes,
            self.crop_seconds,
            self.prefill_seconds,
            self.decode_rate,
            self.batch_rate,
        ]
    }

    pub fn to_line(&self) -> String {
        let mut line = self.kind.clone();
        for number in self.numbers() {
            line.push(' ');
            line.push_str(&number.to_string());
        }
        line
    }

    pub fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let kind = words.next()?.to_owned();
        let numbers: Vec<f64> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        let [load_seconds, peak_bytes, loaded_bytes, crop_seconds, prefill_seconds, decode_rate, batch_rate] =
            numbers.try_into().ok()?;
        Some(Self {
            kind,
            load_seconds,
            peak_bytes,
            loaded_bytes,
            crop_seconds,
            prefill_seconds,
            decode_rate,
            batch_rate,
        })
    }

    /// The better figures of two measurements, and the larger memory.
    fn or_better(&self, other: &Self) -> Self {
        Self {
            kind: self.kind.clone(),
            load_seconds: self.load_seconds.min(other.load_seconds),
            peak_bytes: self.peak_bytes.max(other.peak_bytes),
            loaded_bytes: self.loaded_bytes.max(other.loaded_bytes),
            crop_seconds: self.crop_seconds.min(other.crop_seconds),
            prefill_seconds: self.prefill_seconds.min(other.prefill_seconds),
            decode_rate: self.decode_rate.max(other.decode_rate),
            batch_rate: self.batch_rate.max(other.batch_rate),
        }
    }

    /// Bytes of a parameter of a linear layer.
    fn width(&self) -> f64 {
        match self.kind.as_str() {
            "f32" => 4.0,
            "q8_0" => 34.0 / 32.0,
            "q4_0" => 18.0 / 32.0,
            "q4_k" => 148.0 / 256.0,
            _ => 2.0,
        }
    }

    /// Bytes of all weights as they are kept.
    fn weights(&self) -> f64 {
        let rest = if self.kind == "f32" { 4.0 } else { 2.0 };
        LINEAR * self.width() + REST * rest
    }
}

/// Operations of a crop in the encoder, in 10^12.
const CROP_OPERATIONS: f64 = 0.666;

/// All that was measured on one device.
pub struct Table {
    device: String,
    /// Gigabytes a second; on a GPU also the operations of a product in a second, in 10^12.
    pub limits: Vec<f64>,
    measured: Vec<Measured>,
    peers: Vec<Peer>,
    /// Bytes early and late, seconds, requests.
    pub steady: Vec<f64>,
    /// Requests a second, seconds of one alone, seconds to the first token of a known picture.
    pub charts: Vec<f64>,
    /// Tokens a second of 64 requests whose tokens are drawn.
    pub drawn: Vec<f64>,
    /// Relative errors against f32, see `agree`.
    pub errors: Vec<f64>,
}

impl Table {
    pub fn new(device: &str) -> Self {
        Self {
            device: device.to_owned(),
            limits: Vec::new(),
            measured: Vec::new(),
            peers: Vec::new(),
            steady: Vec::new(),
            charts: Vec::new(),
            drawn: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Takes a limit that was reached, if it is higher than what was reached before.
    pub fn reach(&mut self, limits: Vec<f64>) {
        if self.limits.is_empty() {
            self.limits = limits;
        } else {
            self.limits.iter_mut().zip(limits).for_each(|(known, limit)| *known = known.max(limit));
        }
    }

    /// Adds a measurement, or what it has better than the one before of its kind.
    pub fn add(&mut self, measured: Measured) {
        match self.measured.iter_mut().find(|one| one.kind == measured.kind) {
            Some(known) => *known = known.or_better(&measured),
            None => self.measured.push(measured),
        }
    }

    /// As [`Self::add`], where the peer could be had.
    pub fn add_peer(&mut self, peer: Option<Peer>) {
        let Some(peer) = peer else { return };
        match self.peers.iter_mut().find(|known| (known.name, known.kind) == (peer.name, peer.kind)) {
            Some(known) => *known = known.or_better(&peer),
            None => self.peers.push(peer),
        }
    }

    /// The tables of figures and of goals, for people.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write_all(&mut text);
        text
    }

    /// Tokens a second that the memory allows.
    fn most_tokens(&self, one: &Measured) -> f64 {
        self.limits.first().copied().unwrap_or(f64::NAN) * 1e9 / (DECODED * one.width())
    }

    fn write_all(&self, text: &mut String) -> std::fmt::Result {
        let batch = batch(&self.device);
        match self.limits.as_slice() {
            [read, product] => writeln!(
                text,
                "On {}: memory is copied at {read:.0} GB/s, and bf16 matrices are multiplied at {product:.0} TFLOP/s.\n",
                gpu_name(&self.device)
            )?,
            limits => {
                let read = limits.first().copied().unwrap_or(f64::NAN);
                writeln!(text, "Memory is read at {read:.1} GB/s by all cores together.\n")?;
            }
        }
        writeln!(
            text,
            "| weights | one crop, s | 730 positions, s | tokens/s, alone | of the bandwidth | tokens/s, {batch} together | by alone | load, s | peak / weights |"
        )?;
        writeln!(text, "|---|---|---|---|---|---|---|---|---|")?;
        for one in &self.measured {
            writeln!(
                text,
                "| {} | {:.4} | {:.4} | {:.1} | {:.2} | {:.1} | {:.1} | {:.1} | {:.2} |",
                one.kind,
                one.crop_seconds,
                one.prefill_seconds,
                one.decode_rate,
                one.decode_rate / self.most_tokens(one),
                one.batch_rate,
                one.batch_rate / one.decode_rate,
                one.load_seconds,
                one.peak_bytes / one.weights(),
            )?;
        }
        for peer in &self.peers {
            let Peer { name, kind, crop_seconds, prefill_seconds, decode_rate } = peer;
            let crop = crop_seconds.map(|seconds| format!("{seconds:.2}")).unwrap_or_default();
            writeln!(text, "| {name} {kind} | {crop} | {prefill_seconds:.2} | {decode_rate:.2} | | | | | |")?;
        }
        if let [early, late, seconds, requests] = self.steady.as_slice() {
            let (early, late) = (early / 1e6, late / 1e6);
            let kind = if self.device == "cpu" { "q8_0" } else { "bf16" };
            writeln!(
                text,
                "\n{requests} mixed requests to {kind} took {seconds:.0} s; the process held {early:.0} MB after the first of them and {late:.0} MB after the last."
            )?;
        }
        if let [rate, alone, first] = self.charts.as_slice() {
            let (alone, first) = (alone * 1e3, first * 1e3);
            writeln!(
                text,
                "\nQuestions about charts (9 crops, 3 tokens, bf16): {rate:.1} a second with 64 in flight, {alone:.1} ms alone, {first:.1} ms to the first token of a known picture."
            )?;
        }
        if let [rate] = self.drawn.as_slice() {
            writeln!(
                text,
                "\nWhere tokens are drawn (temperature 0.5, top-p 0.3): {rate:.0} tokens/s of {batch} together."
            )?;
        }
        if !self.errors.is_empty() {
            writeln!(text, "\n| difference from f32 | image tokens | logits after the prompt | logits of steps |")?;
            writeln!(text, "|---|---|---|---|")?;
            for (way, errors) in
                ["kernels, alone", "kernels, among 63 others", "candle's operations"].iter().zip(self.errors.chunks(3))
            {
                let errors: Vec<String> = errors.iter().map(|error| format!("{error:.4}")).collect();
                writeln!(text, "| bf16, {way} | {} |", errors.join(" | "))?;
            }
        }
        writeln!(text, "\n| goal | wanted | measured | |\n|---|---|---|---|")?;
        for (goal, wanted, reached) in self.goals() {
            let word = if reached >= wanted { "kept" } else { "missed" };
            writeln!(text, "| {goal} | {wanted} | {reached:.2} | {word} |")?;
        }
        Ok(())
    }

    fn of(&self, kind: &str) -> Option<&Measured> {
        self.measured.iter().find(|one| one.kind == kind)
    }

    /// Every goal as a ratio that should be at least the second number.
    fn goals(&self) -> Vec<(String, f64, f64)> {
        let mut goals = if self.device == "cpu" { self.goals_of_cpu() } else { self.goals_of_gpu() };
        if let [early, late, ..] = self.steady.as_slice() {
            goals.push((
                "memory after the first requests x 1.05, by that after the last".to_owned(),
                1.0,
                1.05 * early / late,
            ));
        }
        goals
    }

    fn goals_of_cpu(&self) -> Vec<(String, f64, f64)> {
        let mut goals = Vec::new();
        let pairs = self.peers.iter().filter_map(|peer| Some((peer, self.of(peer.kind)?)));
        for (peer, own) in pairs {
            let Peer { name, kind, crop_seconds, prefill_seconds, decode_rate } = peer;
            let mut add = |what: &str, wanted: f64, reached: f64| {
                goals.push((format!("{kind} {what}, by {name}'s"), wanted, reached));
            };
            let decode = own.decode_rate / decode_rate;
            match (*name, *kind) {
                ("PyTorch", _) => {
                    if let Some(seconds) = crop_seconds {
                        add("encode", 0.9, seconds / own.crop_seconds);
                    }
                    add("prefill", 0.9, prefill_seconds / own.prefill_seconds);
                    add("decode", 2.0, decode);
                }
                ("candle", "bf16") => add("decode", 4.0, decode),
                ("candle", "q8_0" | "q4_k") => add("decode", 2.0, decode),
                ("llama.cpp", "q4_0" | "q4_k") => add("decode", 0.8, decode),
                _ => {}
            }
        }
        for one in self.measured.iter().filter(|one| one.kind != "f32") {
            let name = format!("{} decode, by the bandwidth's limit", one.kind);
            goals.push((name, 0.7, one.decode_rate / self.most_tokens(one)));
        }
        if let (Some(bf16), Some(int8)) = (self.of("bf16"), self.of("q8_0")) {
            goals.push(("8-bit encode, by bf16".to_owned(), 1.5, bf16.crop_seconds / int8.crop_seconds));
        }
        for one in &self.measured {
            goals.push((format!("{} decode of 8 together, by alone", one.kind), 4.0, one.batch_rate / one.decode_rate));
        }
        for one in &self.measured {
            let name = format!("{} weights x 1.1, by the peak while loading", one.kind);
            goals.push((name, 1.0, 1.1 * one.weights() / one.peak_bytes));
        }
        goals
    }

    fn goals_of_gpu(&self) -> Vec<(String, f64, f64)> {
        let mut goals = Vec::new();
        if let Some(bf16) = self.of("bf16") {
            let limit = bf16.decode_rate / self.most_tokens(bf16);
            goals.push(("bf16 decode, by the bandwidth's limit".to_owned(), 0.5, limit));
            if let Some(candle) = self.of("bf16-candle") {
                let name = "bf16 decode, by candle's operations without graphs".to_owned();
                goals.push((name, 2.0, bf16.decode_rate / candle.decode_rate));
            }
            goals.push(("bf16 tokens/s of 64 together, in thousands".to_owned(), 10.0, bf16.batch_rate / 1e3));
            if let Some(product) = self.limits.get(1) {
                let rate = CROP_OPERATIONS / bf16.crop_seconds;
                goals.push(("bf16 encode, by the rate of products".to_owned(), 0.5, rate / product));
            }
        }
        if let [rate, alone, first] = self.charts.as_slice() {
            goals.push(("questions about charts a second, 64 in flight".to_owned(), 57.0, *rate));
            goals.push(("37 ms, by a question about a chart alone".to_owned(), 1.0, 0.037 / alone));
            goals.push(("10 ms, by the first token of a known picture".to_owned(), 1.0, 0.010 / first));
        }
        goals
    }
}

/// What the driver calls the GPU, and its version; where it does not say, `device`.
fn gpu_name(device: &str) -> String {
    let number = device.strip_prefix("cuda:").unwrap_or("0");
    let mut command = Command::new("nvidia-smi");
    command.args(["--query-gpu=name,driver_version", "--format=csv,noheader", "--id", number]);
    let output = command.output().ok().filter(|output| output.status.success());
    let name = output.and_then(|output| String::from_utf8(output.stdout).ok());
    name.map_or_else(|| device.to_owned(), |name| name.trim().replace(", ", ", driver "))
}

/// Replaces what stands below the line `<!-- measured -->` of a file, or makes the file.
pub fn write(file: &Path, text: &str) -> std::io::Result<()> {
    const MARK: &str = "<!-- measured -->\n";
    let before = std::fs::read_to_string(file).unwrap_or_default();
    let head = before.split(MARK).next().unwrap_or_default();
    std::fs::write(file, format!("{head}{MARK}\n{text}"))
}
