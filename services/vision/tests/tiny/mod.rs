//! A model small enough for tests, with random weights.
#![allow(dead_code)]

use std::sync::Arc;

use aerie_vision::image::Picture;
use aerie_vision::model::{
    CaptionTemplates, Config, Context, Event, Finish, Generation, ImagePrefix, LoadOptions, Model, Request, Template,
};
use aerie_vision::weights::write_random_model;
use candle_core::DType;
use tempfile::TempDir;

/// The smallest configuration with every part: heads that share keys and values, several crops, overlap.
pub fn config() -> Config {
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
    let mut state = seed;
    let pixels = (0..width * height * 3).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    Picture::new(width, height, pixels.collect()).unwrap()
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
