//! A model small enough for tests, with random weights.
#![allow(dead_code)]

use std::sync::Arc;

use aerie_vision::image::Picture;
use aerie_vision::model::{Config, Context, Event, Finish, Generation, ImagePrefix, LoadOptions, Model, Request};
use aerie_vision::weights::write_random_model;
use candle_core::DType;
use tempfile::TempDir;

pub fn config() -> Config {
    aerie_vision::testing::tiny_config()
}

/// A folder with a model of `config`.
pub fn folder(config: &Config, dtype: DType, seed: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_random_model(folder.path(), config, dtype, seed).unwrap();
    folder
}

pub fn model(seed: u64) -> Model {
    let folder = folder(&config(), DType::F32, seed);
    Model::load(folder.path(), &LoadOptions::default()).unwrap()
}

/// A picture of noise.
pub fn picture(width: usize, height: usize, seed: u32) -> Picture {
    aerie_vision::testing::noise(width, height, seed).unwrap()
}

pub fn prefix(model: &Model, picture: &Picture) -> Arc<ImagePrefix> {
    let crops = model.cut(picture).unwrap();
    let embedding = model.encode_images(&[&crops], 1).unwrap().pop().unwrap();
    model.prefill_image(&embedding, None).unwrap()
}

/// Runs one request to its end.
pub fn run(model: &Model, request: &Request, context: Context) -> (Generation, Vec<Event>) {
    let mut generation = model.start(request, context).unwrap();
    generation.keep_logits(usize::MAX);
    let mut events = Vec::new();
    while !generation.is_finished() {
        model.step(&mut [&mut generation]).unwrap();
        events.extend(generation.take_events());
    }
    (generation, events)
}

pub fn finish(events: &[Event]) -> &Finish {
    match events.last() {
        Some(Event::Finished(finish)) => finish,
        other => panic!("the last event is {other:?}"),
    }
}
