//! What was measured, as lines between processes and as a table for people.

use std::fmt::Write;
use std::path::Path;

/// Parameters of the linear layers that a decoding step reads: the text decoder and its head.
const DECODED: f64 = 1.313e9;
/// Parameters of all linear layers of picture and text, and of what is never quantised.
const LINEAR: f64 = 448.6e6 + DECODED;
/// Parameters of the embedding table and of the networks of coordinates and sizes.
const REST: f64 = 104.9e6 + 60.3e6;

/// candle-transformers' own model of the same shape on two such cores, from an earlier run: seconds for a crop and for
/// 744 positions, tokens a second.
const CANDLE: [(&str, f64, f64, f64); 4] =
    [("bf16", 9.0, 21.0, 0.27), ("f32", 5.8, 12.6, 3.8), ("q8_0", 14.5, 10.0, 7.4), ("q4_k", 14.5, 9.8, 9.2)];

/// The figures of one kind of weights.
pub struct Measured {
    pub kind: String,
    pub load_seconds: f64,
    pub peak_bytes: f64,
    pub loaded_bytes: f64,
    pub steady_bytes: f64,
    pub crop_seconds: f64,
    pub prefill_seconds: f64,
    pub decode_rate: f64,
    pub batch_rate: f64,
}

/// The figures of the same network elsewhere.
pub struct Peer {
    pub crop_seconds: f64,
    pub prefill_seconds: f64,
    pub decode_rate: f64,
}

impl Measured {
    fn numbers(&self) -> [f64; 8] {
        let memory = [self.load_seconds, self.peak_bytes, self.loaded_bytes, self.steady_bytes];
        let speed = [self.crop_seconds, self.prefill_seconds, self.decode_rate, self.batch_rate];
        let [a, b, c, d] = memory;
        let [e, f, g, h] = speed;
        [a, b, c, d, e, f, g, h]
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
        let [
            load_seconds,
            peak_bytes,
            loaded_bytes,
            steady_bytes,
            crop_seconds,
            prefill_seconds,
            decode_rate,
            batch_rate,
        ] = numbers.try_into().ok()?;
        Some(Self {
            kind,
            load_seconds,
            peak_bytes,
            loaded_bytes,
            steady_bytes,
            crop_seconds,
            prefill_seconds,
            decode_rate,
            batch_rate,
        })
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

/// The whole table.
pub fn render(bandwidth: f64, measured: &[Measured], peer: Option<&Peer>) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_all(&mut text, bandwidth, measured, peer);
    text
}

fn write_all(text: &mut String, bandwidth: f64, measured: &[Measured], peer: Option<&Peer>) -> std::fmt::Result {
    writeln!(text, "Memory is read at {bandwidth:.1} GB/s by all cores together.\n")?;
    writeln!(
        text,
        "| weights | one crop, s | 730 positions, s | tokens/s, alone | of the bandwidth | tokens/s, 8 together | by alone | load, s | peak / weights |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|---|---|")?;
    for one in measured {
        let limit = bandwidth * 1e9 / (DECODED * one.width());
        writeln!(
            text,
            "| {} | {:.2} | {:.2} | {:.1} | {:.2} | {:.1} | {:.1} | {:.1} | {:.2} |",
            one.kind,
            one.crop_seconds,
            one.prefill_seconds,
            one.decode_rate,
            one.decode_rate / limit,
            one.batch_rate,
            one.batch_rate / one.decode_rate,
            one.load_seconds,
            one.peak_bytes / one.weights(),
        )?;
    }
    if let Some(peer) = peer {
        let Peer { crop_seconds, prefill_seconds, decode_rate } = peer;
        writeln!(text, "| PyTorch bf16 | {crop_seconds:.2} | {prefill_seconds:.2} | {decode_rate:.1} | | | | | |")?;
    }
    for (kind, crop, prefill, rate) in CANDLE {
        writeln!(text, "| candle {kind}, earlier run | {crop:.1} | {prefill:.1} | {rate} | | | | | |")?;
    }
    writeln!(text, "\n| goal | wanted | measured | |\n|---|---|---|---|")?;
    for (goal, wanted, reached) in goals(bandwidth, measured, peer) {
        let word = if reached >= wanted { "kept" } else { "missed" };
        writeln!(text, "| {goal} | {wanted} | {reached:.2} | {word} |")?;
    }
    Ok(())
}

/// Every goal as a ratio that should be at least the second number.
fn goals(bandwidth: f64, measured: &[Measured], peer: Option<&Peer>) -> Vec<(String, f64, f64)> {
    let of = |kind: &str| measured.iter().find(|one| one.kind == kind);
    let mut goals = Vec::new();
    if let (Some(bf16), Some(peer)) = (of("bf16"), peer) {
        goals.push(("bf16 encode, by PyTorch's".to_owned(), 0.9, peer.crop_seconds / bf16.crop_seconds));
        goals.push(("bf16 prefill, by PyTorch's".to_owned(), 0.9, peer.prefill_seconds / bf16.prefill_seconds));
        goals.push(("bf16 decode, by PyTorch's".to_owned(), 2.0, bf16.decode_rate / peer.decode_rate));
    }
    for one in measured.iter().filter(|one| one.kind != "f32") {
        let limit = bandwidth * 1e9 / (DECODED * one.width());
        goals.push((format!("{} decode, by the bandwidth's limit", one.kind), 0.7, one.decode_rate / limit));
    }
    for (kind, wanted) in [("bf16", 4.0), ("q8_0", 2.0), ("q4_k", 2.0)] {
        let candle = CANDLE.iter().find(|(name, ..)| *name == kind);
        if let (Some(one), Some((.., rate))) = (of(kind), candle) {
            goals.push((format!("{kind} decode, by candle's (earlier run)"), wanted, one.decode_rate / rate));
        }
    }
    if let (Some(bf16), Some(int8)) = (of("bf16"), of("q8_0")) {
        goals.push(("8-bit encode, by bf16".to_owned(), 1.5, bf16.crop_seconds / int8.crop_seconds));
    }
    for one in measured {
        goals.push((format!("{} decode of 8 together, by alone", one.kind), 4.0, one.batch_rate / one.decode_rate));
    }
    for one in measured {
        let name = format!("{} weights x 1.1, by the peak while loading", one.kind);
        goals.push((name, 1.0, 1.1 * one.weights() / one.peak_bytes));
    }
    goals
}

/// Replaces what stands below the line `<!-- measured -->` of a file, or makes the file.
pub fn write(file: &Path, text: &str) -> std::io::Result<()> {
    const MARK: &str = "<!-- measured -->\n";
    let before = std::fs::read_to_string(file).unwrap_or_default();
    let head = before.split(MARK).next().unwrap_or_default();
    std::fs::write(file, format!("{head}{MARK}\n{text}"))
}
