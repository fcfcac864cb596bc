//! A model small enough for tests, with random weights: it runs through every part and says nothing that means anything.

use std::io::Cursor;
use std::ops::Range;
use std::path::Path;

use ::image::{ImageFormat, RgbImage};
use bytes::Bytes;
use candle_core::DType;
use futures::{StreamExt, stream};

use crate::engine::{Ask, Engine, EngineError, Piece};
use crate::image::Picture;
use crate::model::{CaptionLength, CaptionTemplates, Config, EarlierMeasures, ModelError, Request, Sampling, Template};
use crate::weights::write_random_earlier_model;

/// Mixed requests that are in flight at once.
const IN_FLIGHT: usize = 24;
/// Pictures that most of them are about.
const KNOWN_PICTURES: usize = 4;
/// Every so many requests one is about a picture that nobody has seen.
const NEW_PICTURE_EVERY: usize = 50;

/// The smallest configuration with every part: heads that share keys and values, several crops, overlap.
#[must_use]
pub fn tiny_config() -> Config {
    let mut config = Config::default();
    let text = &mut config.text;
    (text.dim, text.ff_dim, text.n_layers, text.vocab_size) = (64, 96, 2, 300);
    (text.max_context, text.n_heads, text.n_kv_heads, text.prefix_attn) = (256, 4, 2, 17);
    let vision = &mut config.vision;
    (vision.enc_dim, vision.enc_patch_size, vision.enc_n_layers, vision.enc_ff_dim) = (24, 4, 2, 40);
    (vision.enc_n_heads, vision.proj_out_dim, vision.crop_size, vision.max_crops) = (2, 64, 16, 6);
    (vision.overlap_margin, vision.proj_inner_dim) = (1, 48);
    let region = &mut config.region;
    (region.dim, region.coord_feat_dim, region.coord_out_dim) = (64, 16, 1024);
    (region.size_feat_dim, region.size_out_dim, region.inner_dim) = (32, 2048, 48);
    let template = |prefix: &[u32]| Some(Template { prefix: prefix.to_vec(), suffix: vec![3] });
    let templates = &mut config.tokenizer.templates;
    let caption = |length: u32| vec![1, 20, 2, length, 3];
    templates.caption = Some(CaptionTemplates { short: caption(30), normal: caption(31), long: caption(32) });
    templates.query = template(&[1, 21, 2]);
    templates.detect = template(&[1, 22, 2]);
    templates.point = template(&[1, 23, 2]);
    config
}

/// Writes a folder with a model of spring 2024, as small as that network can be.
///
/// # Errors
/// A file that cannot be written.
pub fn write_tiny_earlier_model(folder: &Path, dtype: DType, seed: u64) -> Result<(), ModelError> {
    let measures = EarlierMeasures {
        patches: 4,
        encoder_blocks: 1,
        encoder_heads: 16,
        encoder_inner: 32,
        projection_inner: 32,
        dim: 64,
        layers: 2,
        heads: 4,
        rotary: 8,
        inner: 96,
        vocabulary: 300,
        context: 256,
        epsilon: 1e-5,
    };
    write_random_earlier_model(folder, &measures, dtype, seed)
}

/// A picture of noise, the same for the same `seed`; none without pixels.
#[must_use]
pub fn noise(width: usize, height: usize, seed: u32) -> Option<Picture> {
    let mut state = seed;
    let pixels = (0..width * height * 3).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    Picture::new(width, height, pixels.collect())
}

/// Asks for everything that the model can do, many requests at once: request after request of `numbers` another kind,
/// most of them about a few pictures, and some about new ones.
///
/// # Errors
/// The first request that is not answered.
pub async fn ask_mixed(engine: &Engine, numbers: Range<usize>) -> Result<(), EngineError> {
    let mut answers = stream::iter(numbers).map(|number| answer(engine, mixed(number))).buffer_unordered(IN_FLIGHT);
    while let Some(answer) = answers.next().await {
        answer?;
    }
    Ok(())
}

async fn answer(engine: &Engine, ask: Ask) -> Result<(), EngineError> {
    let mut answer = engine.ask(ask).await?;
    while let Some(piece) = answer.next().await {
        if matches!(piece?, Piece::End(_)) {
            break;
        }
    }
    Ok(())
}

fn mixed(number: usize) -> Ask {
    let tokens = 4 + number % 9;
    let greedy = Sampling::greedy(tokens);
    let drawn = Sampling { temperature: 1.0, top_p: 0.9, seed: number as u64, max_tokens: tokens };
    let object = || "thing".repeat(1 + number % 3);
    let query = |reasoning: bool, sampling: Sampling| Request::Query {
        question: "What is this? ".repeat(1 + number % 4),
        references: Vec::new(),
        reasoning,
        sampling,
    };
    let request = match number % 6 {
        0 => Request::Caption { length: CaptionLength::Short, sampling: greedy },
        1 => query(false, drawn),
        2 => Request::Detect { object: object(), max_objects: 2 },
        3 => query(true, greedy),
        4 => Request::Point { object: object(), max_objects: 3 },
        _ => Request::Caption { length: CaptionLength::Long, sampling: drawn },
    };
    let is_new = number % NEW_PICTURE_EVERY == NEW_PICTURE_EVERY - 1;
    let seed = if is_new { number } else { number % KNOWN_PICTURES };
    let caller = format!("caller {}", number % 5);
    Ask { caller, image: Some(picture(seed as u32)), variant: String::new(), request, deadline: None }
}

/// A small picture as PNG.
fn picture(seed: u32) -> Bytes {
    let (width, height) = (40 + seed % 7, 30);
    let pixels = noise(width as usize, height as usize, seed).map(|picture| picture.pixels().to_vec());
    let image = pixels.and_then(|pixels| RgbImage::from_raw(width, height, pixels)).unwrap_or_default();
    let mut bytes = Cursor::new(Vec::new());
    // Writing to memory does not fail; a picture that is not there would show as an error of the engine.
    let _ = image.write_to(&mut bytes, ImageFormat::Png);
    bytes.into_inner().into()
}

/// Bytes of this process in memory: the most there were, and those there are. None where the system does not say.
#[must_use]
pub fn resident_bytes() -> Option<(f64, f64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? * 1024.0)
    };
    Some((field("VmHWM:")?, field("VmRSS:")?))
}
