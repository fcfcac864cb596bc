//! Models of any size with random weights, for tests and for measurements that need no meaning.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use candle_core::DType;
use serde_json::{Map, Value, json};

use super::expected_tensors;
use crate::model::{Config, EarlierMeasures, ModelError};

/// Names of special tokens come before the bytes in the tokenizer written here.
const SPECIAL_TOKENS: usize = 10;

/// Writes `config.json`, `tokenizer.json` and `model.safetensors` to `folder`, the same for the same `seed`.
///
/// The weights, f32 or bf16, keep the size of what flows through them; the tokenizer knows ten special tokens and
/// single bytes. Nothing the model says means anything, but it takes as long as a real one.
///
/// # Errors
/// [`ModelError::File`] where a file cannot be written, [`ModelError::Request`] for another type.
pub fn write_random_model(folder: &Path, config: &Config, dtype: DType, seed: u64) -> Result<(), ModelError> {
    let config_json = serde_json::to_value(config).map_err(|error| ModelError::file(folder, error))?;
    let tensors = expected_tensors(config).into_iter().map(|tensor| (format!("model.{}", tensor.name), tensor.shape));
    write_folder(folder, &config_json, &byte_tokenizer(), &tensors.collect::<Vec<_>>(), dtype, seed)
}

/// As [`write_random_model`], a model of spring 2024, whose first special token is the end of a text.
pub(crate) fn write_random_earlier_model(
    folder: &Path,
    measures: &EarlierMeasures,
    dtype: DType,
    seed: u64,
) -> Result<(), ModelError> {
    let config = json!({
        "text_config": {"num_attention_heads": measures.heads, "rotary_dim": measures.rotary,
            "max_position_embeddings": measures.context, "layer_norm_eps": measures.epsilon},
        "vision_config": {"num_heads": measures.encoder_heads},
    });
    let tokenizer = byte_tokenizer().to_string().replace("<|special_0|>", "<|endoftext|>");
    let tokenizer = serde_json::from_str(&tokenizer).map_err(|error| ModelError::file(folder, error))?;
    write_folder(folder, &config, &tokenizer, &measures.tensors(), dtype, seed)
}

fn write_folder(
    folder: &Path,
    config: &Value,
    tokenizer: &Value,
    tensors: &[(String, Vec<usize>)],
    dtype: DType,
    seed: u64,
) -> Result<(), ModelError> {
    if !matches!(dtype, DType::F32 | DType::BF16) {
        return Err(ModelError::Request(format!("random weights of {} are not made; use f32 or bf16", dtype.as_str())));
    }
    std::fs::create_dir_all(folder).map_err(|error| ModelError::file(folder, error))?;
    for (name, value) in [("config.json", config), ("tokenizer.json", tokenizer)] {
        let file = folder.join(name);
        std::fs::write(&file, value.to_string()).map_err(|error| ModelError::file(&file, error))?;
    }
    let file = folder.join("model.safetensors");
    write_weights(&file, tensors, dtype, seed).map_err(|error| ModelError::file(&file, error))
}

fn write_weights(file: &Path, tensors: &[(String, Vec<usize>)], dtype: DType, seed: u64) -> std::io::Result<()> {
    let mut header = Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += shape.iter().product::<usize>() * dtype.size_in_bytes();
        let kind = if dtype == DType::F32 { "F32" } else { "BF16" };
        header.insert(name.clone(), json!({"dtype": kind, "shape": shape, "data_offsets": [start, end]}));
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut writer = BufWriter::with_capacity(1 << 20, File::create(file)?);
    writer.write_all(&(header.len() as u64).to_le_bytes())?;
    writer.write_all(&header)?;
    let mut random = Random(seed);
    for (name, shape) in tensors {
        let (centre, spread) = distribution(name, shape);
        for _ in 0..shape.iter().product() {
            let value = centre + spread * random.next();
            if dtype == DType::F32 {
                writer.write_all(&value.to_le_bytes())?;
            } else {
                // Cutting the lower half rounds towards zero, which is as good here as rounding to nearest.
                writer.write_all(&value.to_bits().to_le_bytes()[2..])?;
            }
        }
    }
    writer.flush()
}

/// The middle and half-width of the uniform distribution of a tensor's numbers.
fn distribution(name: &str, shape: &[usize]) -> (f32, f32) {
    let is_norm = shape.len() == 1 && name.ends_with(".weight");
    match shape {
        _ if is_norm => (1.0, 0.1),
        [_] => (0.0, 0.1),
        // A uniform distribution's deviation is its half-width by the root of three.
        [_, input] if name.ends_with(".weight") => (0.0, (3.0 / *input as f32).sqrt()),
        _ => (0.0, 1.0),
    }
}

/// Numbers of -1..1 by a multiplicative congruential step, of which the upper bits are used.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// A byte-level tokenizer without merges: ten special tokens, then one token for each byte.
pub(crate) fn byte_tokenizer() -> Value {
    let special = (0..SPECIAL_TOKENS).map(|id| {
        json!({"id": id, "content": format!("<|special_{id}|>"), "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    });
    let mut vocabulary = Map::new();
    for id in 0..SPECIAL_TOKENS {
        vocabulary.insert(format!("<|special_{id}|>"), json!(id));
    }
    for byte in 0..=u8::MAX {
        vocabulary.insert(byte_character(byte).to_string(), json!(SPECIAL_TOKENS + usize::from(byte)));
    }
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": special.collect::<Vec<_>>(),
        "normalizer": null, "pre_tokenizer": byte_level, "post_processor": null, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": []}})
}

/// The visible character that stands for a byte in byte-level vocabularies: itself where it is visible in Latin-1, and
/// the next free one from U+0100 on for all others, in order.
fn byte_character(byte: u8) -> char {
    let visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if visible(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|other| !visible(*other)).count() as u32;
    char::from_u32(256 + before).unwrap_or(char::REPLACEMENT_CHARACTER)
}
