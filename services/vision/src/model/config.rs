//! The model's measures, prompts and special tokens, from its `config.json`.
//!
//! What the file leaves out has the values of the 2025-06-21 release, whose own file says nothing at all.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ModelError;
use crate::image::CropGeometry;

/// Sides and counts above this are a damaged file, not a model.
const LARGEST: usize = 1 << 20;
/// Largest configuration file that is read.
const LARGEST_FILE: u64 = 1 << 20;

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Config {
    /// The text decoder.
    pub text: TextConfig,
    /// The image encoder and its projection.
    pub vision: VisionConfig,
    /// The encoder and decoder of coordinates and sizes.
    pub region: RegionConfig,
    /// Special tokens and prompts.
    pub tokenizer: TokenizerConfig,
}

/// Measures of the text decoder.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct TextConfig {
    /// Width of a token's vector.
    pub dim: usize,
    /// Width inside the MLP.
    pub ff_dim: usize,
    /// Number of blocks.
    pub n_layers: usize,
    /// Number of tokens there are.
    pub vocab_size: usize,
    /// Positions a sequence may have, the image's included.
    pub max_context: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; query heads share them where there are fewer.
    pub n_kv_heads: usize,
    /// Positions of an image prefix (the first token and the image) that all see each other.
    pub prefix_attn: usize,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            dim: 2048,
            ff_dim: 8192,
            n_layers: 24,
            vocab_size: 51_200,
            max_context: 2048,
            n_heads: 32,
            n_kv_heads: 32,
            prefix_attn: 730,
        }
    }
}

impl TextConfig {
    /// Width of one head.
    pub fn head_dim(&self) -> usize {
        self.dim / self.n_heads
    }

    /// Width of all keys, or all values, of a token.
    pub fn kv_dim(&self) -> usize {
        self.head_dim() * self.n_kv_heads
    }
}

/// Measures of the image encoder.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct VisionConfig {
    /// Width of a patch's vector.
    pub enc_dim: usize,
    /// Side of a patch in pixels.
    pub enc_patch_size: usize,
    /// Number of blocks.
    pub enc_n_layers: usize,
    /// Width inside the MLP.
    pub enc_ff_dim: usize,
    /// Attention heads.
    pub enc_n_heads: usize,
    /// Width of an image token, which is the text decoder's.
    pub proj_out_dim: usize,
    /// Side of a crop in pixels.
    pub crop_size: usize,
    /// Colour channels.
    pub in_channels: usize,
    /// Local crops at most.
    pub max_crops: usize,
    /// Patches by which neighbouring crops reach into each other, on each side.
    pub overlap_margin: usize,
    /// Width inside the projection's MLP.
    pub proj_inner_dim: usize,
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self {
            enc_dim: 1152,
            enc_patch_size: 14,
            enc_n_layers: 27,
            enc_ff_dim: 4304,
            enc_n_heads: 16,
            proj_out_dim: 2048,
            crop_size: 378,
            in_channels: 3,
            max_crops: 12,
            overlap_margin: 4,
            proj_inner_dim: 8192,
        }
    }
}

impl VisionConfig {
    /// Patches along a crop's side.
    pub fn grid(&self) -> usize {
        self.crop_size / self.enc_patch_size
    }

    /// Patches of a crop, and tokens of an image.
    pub fn patches(&self) -> usize {
        self.grid() * self.grid()
    }

    /// Numbers in one patch: channel, row, column.
    pub fn patch_dim(&self) -> usize {
        self.enc_patch_size * self.enc_patch_size * self.in_channels
    }

    /// How pictures are cut.
    pub fn geometry(&self) -> CropGeometry {
        CropGeometry {
            crop: self.crop_size,
            patch: self.enc_patch_size,
            margin: self.overlap_margin,
            most: self.max_crops,
        }
    }
}

/// Measures of the coordinate and size networks.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct RegionConfig {
    /// Width of the text decoder's vectors.
    pub dim: usize,
    /// Fourier features of a coordinate.
    pub coord_feat_dim: usize,
    /// Bins of a coordinate.
    pub coord_out_dim: usize,
    /// Fourier features of a size.
    pub size_feat_dim: usize,
    /// Bins of a width and of a height together.
    pub size_out_dim: usize,
    /// Width inside the decoders' MLPs.
    pub inner_dim: usize,
}

impl Default for RegionConfig {
    fn default() -> Self {
        Self {
            dim: 2048,
            coord_feat_dim: 256,
            coord_out_dim: 1024,
            size_feat_dim: 512,
            size_out_dim: 2048,
            inner_dim: 8192,
        }
    }
}

/// Special tokens and prompts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct TokenizerConfig {
    /// First token of every sequence.
    pub bos_id: u32,
    /// Token that ends an answer.
    pub eos_id: u32,
    /// Token that ends the reasoning and starts the answer.
    pub answer_id: u32,
    /// Token that starts the reasoning.
    pub thinking_id: u32,
    /// Token in whose place a coordinate stands.
    pub coord_id: u32,
    /// Token in whose place a width and height stand.
    pub size_id: u32,
    /// Token after which the reasoning says where something is.
    pub start_ground_points_id: u32,
    /// Token that ends such a place.
    pub end_ground_id: u32,
    /// The prompts.
    pub templates: Templates,
}

impl Default for TokenizerConfig {
    fn default() -> Self {
        Self {
            bos_id: 0,
            eos_id: 0,
            answer_id: 3,
            thinking_id: 4,
            coord_id: 5,
            size_id: 6,
            start_ground_points_id: 7,
            end_ground_id: 9,
            templates: Templates::default(),
        }
    }
}

/// The prompts, as token ids. A skill without one is not offered by the model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Templates {
    /// Prompts of captions.
    pub caption: Option<CaptionTemplates>,
    /// Prompt around a question.
    pub query: Option<Template>,
    /// Prompt around the name of what is to be boxed.
    pub detect: Option<Template>,
    /// Prompt around the name of what is to be pointed at.
    pub point: Option<Template>,
}

impl Default for Templates {
    fn default() -> Self {
        let template = |prefix: &[u32]| Some(Template { prefix: prefix.to_vec(), suffix: vec![3] });
        let caption = |length: u32| vec![1, 32_708, 2, length, 3];
        Self {
            caption: Some(CaptionTemplates { short: caption(12_492), normal: caption(6382), long: caption(4059) }),
            query: template(&[1, 15_381, 2]),
            detect: template(&[1, 7235, 476, 2]),
            point: template(&[1, 2581, 2]),
        }
    }
}

/// One prompt for each length of a caption.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct CaptionTemplates {
    /// A sentence.
    pub short: Vec<u32>,
    /// A few sentences.
    pub normal: Vec<u32>,
    /// A paragraph or more.
    pub long: Vec<u32>,
}

/// Tokens before and after what the caller says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Template {
    /// Before.
    pub prefix: Vec<u32>,
    /// After.
    pub suffix: Vec<u32>,
}

impl Config {
    /// Reads a `config.json`: the four sections at its top, or under a key `config` as the release's own file has it.
    ///
    /// # Errors
    /// [`ModelError::File`] for a file that cannot be read, is not JSON or has measures that do not fit together.
    pub fn read(file: &Path) -> Result<Self, ModelError> {
        let bytes = super::files::read_bounded(file, LARGEST_FILE)?;
        Self::parse(&bytes).map_err(|reason| ModelError::file(file, reason))
    }

    /// Parses the bytes of a `config.json`; the error says what is wrong with them.
    ///
    /// # Errors
    /// A sentence for text that is not JSON or for measures that do not fit together.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if value.get("text").is_none()
            && let Some(inner) = value.get_mut("config")
        {
            value = inner.take();
        }
        let config: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let (text, vision, region) = (&self.text, &self.vision, &self.region);
        for (name, value) in [
            ("text.dim", text.dim),
            ("text.ff_dim", text.ff_dim),
            ("text.n_layers", text.n_layers),
            ("text.vocab_size", text.vocab_size),
            ("text.max_context", text.max_context),
            ("text.n_heads", text.n_heads),
            ("text.n_kv_heads", text.n_kv_heads),
            ("vision.enc_dim", vision.enc_dim),
            ("vision.enc_patch_size", vision.enc_patch_size),
            ("vision.enc_n_layers", vision.enc_n_layers),
            ("vision.enc_ff_dim", vision.enc_ff_dim),
            ("vision.enc_n_heads", vision.enc_n_heads),
            ("vision.crop_size", vision.crop_size),
            ("vision.max_crops", vision.max_crops),
            ("vision.proj_inner_dim", vision.proj_inner_dim),
            ("region.coord_feat_dim", region.coord_feat_dim),
            ("region.coord_out_dim", region.coord_out_dim),
            ("region.size_feat_dim", region.size_feat_dim),
            ("region.size_out_dim", region.size_out_dim),
            ("region.inner_dim", region.inner_dim),
        ] {
            if value == 0 || value > LARGEST {
                return Err(format!("{name} is {value}; it must lie between 1 and {LARGEST}"));
            }
        }
        let divides = |name: &str, whole: usize, part: usize| {
            if whole.is_multiple_of(part) { Ok(()) } else { Err(format!("{name}: {whole} is no multiple of {part}")) }
        };
        divides("text.dim by text.n_heads", text.dim, text.n_heads)?;
        divides("text.n_heads by text.n_kv_heads", text.n_heads, text.n_kv_heads)?;
        divides("half a text head by 2", text.head_dim(), 4)?;
        divides("vision.enc_dim by vision.enc_n_heads", vision.enc_dim, vision.enc_n_heads)?;
        divides("vision.crop_size by vision.enc_patch_size", vision.crop_size, vision.enc_patch_size)?;
        divides("region.coord_feat_dim by 2", region.coord_feat_dim, 2)?;
        divides("region.size_feat_dim by 2", region.size_feat_dim, 2)?;
        divides("region.size_out_dim by 2", region.size_out_dim, 2)?;
        let equal = |name: &str, one: usize, other: usize| {
            if one == other { Ok(()) } else { Err(format!("{name} differ: {one} and {other}")) }
        };
        equal("vision.in_channels and the channels of RGB", vision.in_channels, 3)?;
        equal("vision.proj_out_dim and text.dim", vision.proj_out_dim, text.dim)?;
        equal("region.dim and text.dim", region.dim, text.dim)?;
        equal("text.prefix_attn and one more than the image's tokens", text.prefix_attn, vision.patches() + 1)?;
        if 2 * vision.overlap_margin >= vision.grid() {
            return Err(format!(
                "vision.overlap_margin is {}; twice of it must be less than the {} patches of a crop's side",
                vision.overlap_margin,
                vision.grid()
            ));
        }
        if text.max_context <= text.prefix_attn {
            return Err(format!("text.max_context is {}; an image alone takes {}", text.max_context, text.prefix_attn));
        }
        self.check_tokens()
    }

    fn check_tokens(&self) -> Result<(), String> {
        let tokens = &self.tokenizer;
        let special = [
            tokens.bos_id,
            tokens.eos_id,
            tokens.answer_id,
            tokens.thinking_id,
            tokens.coord_id,
            tokens.size_id,
            tokens.start_ground_points_id,
            tokens.end_ground_id,
        ];
        let templates = &tokens.templates;
        let captions = templates.caption.iter().flat_map(|caption| [&caption.short, &caption.normal, &caption.long]);
        let others = [&templates.query, &templates.detect, &templates.point].into_iter().flatten();
        let prompts = captions.chain(others.flat_map(|template| [&template.prefix, &template.suffix])).flatten();
        match special.iter().chain(prompts).find(|id| **id as usize >= self.text.vocab_size) {
            Some(id) => Err(format!("token {id} is not in the vocabulary of {}", self.text.vocab_size)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_that_says_nothing_is_the_release() {
        for text in ["{}", r#"{"model_type": "moondream1", "config": {}}"#] {
            let config = Config::parse(text.as_bytes()).unwrap();
            assert_eq!((config.text.dim, config.vision.patches(), config.text.prefix_attn), (2048, 729, 730));
            assert_eq!(config.tokenizer.templates.query.unwrap().prefix, [1, 15_381, 2]);
        }
    }

    #[test]
    fn measures_that_do_not_fit_are_named() {
        for (text, part) in [
            ("{", "EOF"),
            (r#"{"text": {"n_heads": 0}}"#, "text.n_heads is 0"),
            (r#"{"text": {"dim": 2000}}"#, "text.dim by text.n_heads: 2000 is no multiple of 32"),
            (r#"{"text": {"prefix_attn": 700}}"#, "700 and 730"),
            (r#"{"text": {"max_context": 730}}"#, "an image alone takes 730"),
            (r#"{"vision": {"overlap_margin": 14}}"#, "less than the 27 patches"),
            (r#"{"region": {"dim": 7}}"#, "region.dim and text.dim differ: 7 and 2048"),
            (r#"{"tokenizer": {"eos_id": 51200}}"#, "token 51200 is not in the vocabulary of 51200"),
        ] {
            let message = Config::parse(text.as_bytes()).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
