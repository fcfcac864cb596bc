//! Many callers at once.

use std::io::Cursor;
use std::path::Path;
use std::time::{Duration, Instant};

use aerie_vision::engine::{Ask, Engine, EngineSettings, EngineSource, Piece, State, Summary, start};
use aerie_vision::image::{Crops, ImageLimits, Picture};
use aerie_vision::model::{Config, LoadOptions, Request, Sampling};
use aerie_vision::testing::{ask_mixed, noise, resident_bytes};
use bytes::Bytes;
use futures::{StreamExt, stream};
use image::{ImageFormat, RgbImage};

use crate::{Result, best, figures};

/// Requests before memory is looked at for the first time.
const EARLY: usize = 200;
/// Requests in flight.
const MANY: usize = 64;
/// Charts that are encoded together.
const CHARTS_AT_ONCE: usize = 8;
/// Questions about charts that are timed.
const CHARTS: usize = 256;

/// Bytes resident after a fifth (at most 200) of `requests` mixed requests and after all of them, and their seconds.
pub fn steady(folder: &Path, kind: &str, device: &str, requests: usize) -> Result<Vec<f64>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let settings = EngineSettings { deadline: Duration::from_secs(600), ..EngineSettings::default() };
        // So little that images fill it before memory is looked at for the first time.
        let options = LoadOptions { cache_budget: 1 << 30, ..figures::options(kind, device)? };
        let engine = engine(folder, kind, options, settings).await?;
        let resident =
            || resident_bytes().map(|(_, now)| now).ok_or("the system does not say how much memory is taken");
        let began = Instant::now();
        let early = EARLY.min(requests / 5);
        ask_mixed(&engine, 0..early).await?;
        let first = resident()?;
        ask_mixed(&engine, early..requests).await?;
        Ok(vec![first, resident()?, began.elapsed().as_secs_f64(), requests as f64])
    })
}

/// Seconds of a chart's decoding and of cutting it.
pub fn pictures() -> Result<Vec<f64>> {
    let bytes = png(1)?;
    let geometry = Config::default().vision.geometry();
    let mut picture = None;
    let decode = best(8, || {
        picture = Some(Picture::decode(&bytes, &ImageLimits::default())?);
        Ok(())
    })?;
    let picture = picture.ok_or("no picture")?;
    let cut = best(8, || {
        std::hint::black_box(Crops::cut(&picture, &geometry)?);
        Ok(())
    })?;
    Ok(vec![decode, cut])
}

/// Questions about charts (9 crops, 3 tokens): requests a second with 64 in flight, seconds of one alone, and seconds to
/// the first token where the picture is known.
pub fn charts(folder: &Path, kind: &str, device: &str) -> Result<Vec<f64>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let settings = EngineSettings {
        queue: 2 * MANY,
        queue_per_caller: 2 * MANY,
        batch: MANY,
        encode_tokens: CHARTS_AT_ONCE * 9 * 729,
        decoders: threads,
        deadline: Duration::from_secs(600),
        ..EngineSettings::default()
    };
    let pictures = (0..CHARTS as u32).map(png).collect::<Result<Vec<_>>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let engine = engine(folder, kind, figures::options(kind, device)?, settings).await?;
        let mut alone = f64::INFINITY;
        for seed in 0..8 {
            alone = alone.min(question(&engine, png(1_000 + seed)?).await?.total_time.as_secs_f64());
        }
        let began = Instant::now();
        let mut answers =
            stream::iter(&pictures).map(|picture| question(&engine, picture.clone())).buffer_unordered(MANY);
        while let Some(answer) = answers.next().await {
            answer?;
        }
        let rate = pictures.len() as f64 / began.elapsed().as_secs_f64();
        let mut first = f64::INFINITY;
        if let Some(picture) = pictures.last() {
            for _ in 0..8 {
                let summary = question(&engine, picture.clone()).await?;
                if summary.image_cached {
                    first = first.min(summary.first_piece_time.as_secs_f64());
                }
            }
        }
        Ok(vec![rate, alone, first])
    })
}

async fn engine(folder: &Path, kind: &str, options: LoadOptions, settings: EngineSettings) -> Result<Engine> {
    let source = EngineSource::Folder {
        folder: folder.to_owned(),
        name: kind.to_owned(),
        options,
        variants: Default::default(),
    };
    let engine = start(source, settings)?;
    let mut state = engine.state();
    let state = state.wait_for(|state| !matches!(state, State::Loading)).await?.clone();
    if matches!(state, State::Ready(_)) { Ok(engine) } else { Err(format!("{state:?}").into()) }
}

/// Noise of a size that is cut into nine crops.
fn png(seed: u32) -> Result<Bytes> {
    let picture = noise(640, 480, seed).ok_or("no picture")?;
    let image = RgbImage::from_raw(640, 480, picture.pixels().to_vec()).ok_or("no picture")?;
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner().into())
}

async fn question(engine: &Engine, image: Bytes) -> Result<Summary> {
    let request = Request::Query {
        question: "What is the largest value?".to_owned(),
        references: Vec::new(),
        reasoning: false,
        sampling: Sampling::greedy(3),
    };
    let ask = Ask { caller: String::new(), image: Some(image), variant: String::new(), request, deadline: None };
    let mut answer = engine.ask(ask).await?;
    while let Some(piece) = answer.next().await {
        if let Piece::End(summary) = piece? {
            return Ok(summary);
        }
    }
    Err("an answer without an end".into())
}
