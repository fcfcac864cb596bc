//! A model small enough for tests, with random weights: it runs through every part and says nothing that means anything.

use crate::image::Picture;
use crate::model::{CaptionTemplates, Config, Template};

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
