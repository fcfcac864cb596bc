//! The measures of a model: most of them from its tensors, for its `config.json` says next to nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use candle_transformers::models::moondream;
use serde::Deserialize;
use serde_json::json;

use crate::model::{ModelError, TensorMismatch, files};
use crate::weights::canonical_name;

/// Positions before an image, or before the prompt where there is none.
pub(super) const FIRST_POSITION: usize = 1;
/// Pixels of a patch's side, and numbers in it: the network has no other.
const PATCH: usize = 14;
const PATCH_NUMBERS: usize = 3 * PATCH * PATCH;
/// Width of a patch's vector: the network has no other.
const ENCODER_WIDTH: usize = 1152;
/// Positions that the network has angles for.
const MOST_POSITIONS: usize = 4096;
/// Largest configuration file that is read.
const LARGEST_FILE: u64 = 1 << 20;

const VISUAL: &str = "vision_encoder.encoder.model.visual";
const PROJECTION: &str = "vision_encoder.projection.mlp";
const DECODER: &str = "text_model.transformer";

/// The measures of a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measures {
    /// Patches of the picture, which is a square.
    pub(crate) patches: usize,
    pub(crate) encoder_blocks: usize,
    pub(crate) encoder_heads: usize,
    /// Width inside the encoder's MLP.
    pub(crate) encoder_inner: usize,
    /// Width inside the projection.
    pub(crate) projection_inner: usize,
    /// Width of a token's vector.
    pub(crate) dim: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    /// Numbers of a head that are turned by the position.
    pub(crate) rotary: usize,
    /// Width inside the decoder's MLP.
    pub(crate) inner: usize,
    pub(crate) vocabulary: usize,
    pub(crate) context: usize,
    pub(crate) epsilon: f64,
}

/// What tensors do not tell, in the words of the releases.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ConfigFile {
    #[serde(alias = "phi_config")]
    text_config: TextPart,
    vision_config: VisionPart,
}

#[derive(Deserialize)]
#[serde(default)]
struct TextPart {
    #[serde(alias = "n_head")]
    num_attention_heads: usize,
    partial_rotary_factor: f64,
    rotary_dim: Option<usize>,
    #[serde(alias = "n_positions")]
    max_position_embeddings: usize,
    #[serde(alias = "layer_norm_epsilon")]
    layer_norm_eps: f64,
}

#[derive(Deserialize)]
#[serde(default)]
struct VisionPart {
    num_heads: usize,
}

impl Default for TextPart {
    fn default() -> Self {
        Self {
            num_attention_heads: 32,
            partial_rotary_factor: 0.5,
            rotary_dim: None,
            max_position_embeddings: 2048,
            layer_norm_eps: 1e-5,
        }
    }
}

impl Default for VisionPart {
    fn default() -> Self {
        Self { num_heads: 16 }
    }
}

impl Measures {
    /// The measures of tensors of these shapes, by canonical name, and of a `config.json`.
    ///
    /// # Errors
    /// [`ModelError::Weights`] naming tensors that are missing or do not fit the others, [`ModelError::File`] for a
    /// configuration that does not fit them.
    pub(super) fn read(file: &Path, shapes: &BTreeMap<String, Vec<usize>>) -> Result<Self, ModelError> {
        let bytes = files::read_bounded(file, LARGEST_FILE)?;
        let ConfigFile { text_config: text, vision_config: vision } =
            serde_json::from_slice(&bytes).map_err(|error| ModelError::file(file, error))?;
        let side = |name: String, axis: usize| {
            let found = shapes.get(&canonical_name(&name).0).and_then(|shape| shape.get(axis));
            found.copied().ok_or_else(|| missing(name))
        };
        let dim = side(format!("{DECODER}.embd.wte.weight"), 1)?;
        let head = dim / text.num_attention_heads.max(1);
        let measures = Self {
            patches: side(format!("{VISUAL}.pos_embed"), 1)?,
            encoder_blocks: blocks(shapes, "vision.blocks."),
            encoder_heads: vision.num_heads,
            encoder_inner: side(format!("{VISUAL}.blocks.0.mlp.fc1.weight"), 0)?,
            projection_inner: side(format!("{PROJECTION}.fc1.weight"), 0)?,
            dim,
            layers: blocks(shapes, "text.blocks."),
            heads: text.num_attention_heads,
            rotary: text.rotary_dim.unwrap_or((head as f64 * text.partial_rotary_factor) as usize),
            inner: side(format!("{DECODER}.h.0.mlp.fc1.weight"), 0)?,
            vocabulary: side(format!("{DECODER}.embd.wte.weight"), 0)?,
            context: text.max_position_embeddings,
            epsilon: text.layer_norm_eps,
        };
        measures.check_tensors(shapes)?;
        measures.check().map_err(|reason| ModelError::file(file, reason))?;
        Ok(measures)
    }

    /// Side of the picture in pixels.
    pub(super) fn side(&self) -> usize {
        self.patches.isqrt() * PATCH
    }

    /// Positions of the first token and an image.
    pub(super) fn image_positions(&self) -> usize {
        FIRST_POSITION + self.patches
    }

    /// As candle-transformers wants them.
    ///
    /// # Errors
    /// Its own, where it wants others.
    pub(super) fn network(&self) -> serde_json::Result<moondream::Config> {
        // The fields are that crate's own, which only their names can set. Both GELUs are those of the releases.
        serde_json::from_value(json!({
            "phi_config": {
                "vocab_size": self.vocabulary, "n_positions": self.context, "n_embd": self.dim, "n_layer": self.layers,
                "n_inner": self.inner, "n_head": self.heads, "rotary_dim": self.rotary,
                "activation_function": "gelu_new", "layer_norm_epsilon": self.epsilon, "tie_word_embeddings": false,
                "pad_vocab_size_multiple": 64,
            },
            "vision_config": {
                "image_embedding_dim": ENCODER_WIDTH, "model_dim": self.dim, "hidden_dim": self.projection_inner,
                "hidden_features": self.encoder_inner, "embed_len": self.patches, "embed_dim": ENCODER_WIDTH,
                "num_blocks": self.encoder_blocks, "num_heads": self.encoder_heads, "act": "gelu_pytorch_tanh",
            },
        }))
    }

    /// Every tensor, by the name that the releases give it.
    pub(crate) fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut list = List(Vec::new());
        list.linear(&format!("{VISUAL}.patch_embed.linear"), PATCH_NUMBERS, ENCODER_WIDTH);
        list.add(format!("{VISUAL}.pos_embed"), &[1, self.patches, ENCODER_WIDTH]);
        for index in 0..self.encoder_blocks {
            let block = format!("{VISUAL}.blocks.{index}");
            list.norm(&format!("{block}.norm1"), ENCODER_WIDTH);
            list.linear(&format!("{block}.attn.qkv"), ENCODER_WIDTH, 3 * ENCODER_WIDTH);
            list.linear(&format!("{block}.attn.proj"), ENCODER_WIDTH, ENCODER_WIDTH);
            list.norm(&format!("{block}.norm2"), ENCODER_WIDTH);
            list.linear(&format!("{block}.mlp.fc1"), ENCODER_WIDTH, self.encoder_inner);
            list.linear(&format!("{block}.mlp.fc2"), self.encoder_inner, ENCODER_WIDTH);
        }
        list.norm(&format!("{VISUAL}.norm"), ENCODER_WIDTH);
        list.linear(&format!("{PROJECTION}.fc1"), ENCODER_WIDTH, self.projection_inner);
        list.linear(&format!("{PROJECTION}.fc2"), self.projection_inner, self.dim);
        list.add(format!("{DECODER}.embd.wte.weight"), &[self.vocabulary, self.dim]);
        for index in 0..self.layers {
            let block = format!("{DECODER}.h.{index}");
            list.norm(&format!("{block}.ln"), self.dim);
            list.linear(&format!("{block}.mixer.Wqkv"), self.dim, 3 * self.dim);
            list.linear(&format!("{block}.mixer.out_proj"), self.dim, self.dim);
            list.linear(&format!("{block}.mlp.fc1"), self.dim, self.inner);
            list.linear(&format!("{block}.mlp.fc2"), self.inner, self.dim);
        }
        list.norm("text_model.lm_head.ln", self.dim);
        list.linear("text_model.lm_head.linear", self.dim, self.vocabulary);
        list.0
    }

    /// What a release holds besides, such as angles, is not asked for.
    fn check_tensors(&self, shapes: &BTreeMap<String, Vec<usize>>) -> Result<(), ModelError> {
        let mut mismatch = TensorMismatch::default();
        for (name, shape) in self.tensors() {
            match shapes.get(&canonical_name(&name).0) {
                None => mismatch.missing.push((name, shape)),
                Some(found) if *found != shape => mismatch.wrong.push((name, format!("{found:?}"), shape)),
                Some(_) => {}
            }
        }
        if mismatch.is_empty() { Ok(()) } else { Err(ModelError::Weights(mismatch)) }
    }

    fn check(&self) -> Result<(), String> {
        let square = self.patches.isqrt();
        if square * square != self.patches {
            return Err(format!("the picture has {} patches; a square has not", self.patches));
        }
        for (name, heads, width) in [
            ("text_config.num_attention_heads", self.heads, self.dim),
            ("vision_config.num_heads", self.encoder_heads, ENCODER_WIDTH),
        ] {
            if heads == 0 || !width.is_multiple_of(heads) {
                return Err(format!("{name} is {heads}, and the width of the weights, {width}, is no multiple of it"));
            }
        }
        let head = self.dim / self.heads;
        if self.rotary == 0 || self.rotary > head || !self.rotary.is_multiple_of(2) {
            return Err(format!("text_config.rotary_dim is {}; it must be even and at most {head}", self.rotary));
        }
        if self.context <= self.image_positions() || self.context > MOST_POSITIONS {
            return Err(format!(
                "text_config.max_position_embeddings is {}; an image alone takes {}, and there are angles for {MOST_POSITIONS}",
                self.context,
                self.image_positions()
            ));
        }
        if !(self.epsilon > 0.0 && self.epsilon < 1.0) {
            return Err(format!("text_config.layer_norm_eps is {}; it must lie between 0 and 1", self.epsilon));
        }
        Ok(())
    }
}

/// How many blocks there are; a number that is left out shows as a missing tensor.
fn blocks(shapes: &BTreeMap<String, Vec<usize>>, prefix: &str) -> usize {
    let number = |name: &String| Some(name.strip_prefix(prefix)?.split_once('.')?.0.to_owned());
    shapes.keys().filter_map(number).collect::<BTreeSet<_>>().len()
}

fn missing(name: String) -> ModelError {
    ModelError::Weights(TensorMismatch { missing: vec![(name, Vec::new())], ..TensorMismatch::default() })
}

struct List(Vec<(String, Vec<usize>)>);

impl List {
    fn add(&mut self, name: String, shape: &[usize]) {
        self.0.push((name, shape.to_vec()));
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.add(format!("{name}.weight"), &[width]);
        self.add(format!("{name}.bias"), &[width]);
    }

    fn linear(&mut self, name: &str, input: usize, output: usize) {
        self.add(format!("{name}.weight"), &[output, input]);
        self.add(format!("{name}.bias"), &[output]);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn release() -> Measures {
        Measures {
            patches: 729,
            encoder_blocks: 27,
            encoder_heads: 16,
            encoder_inner: 4304,
            projection_inner: 8192,
            dim: 2048,
            layers: 24,
            heads: 32,
            rotary: 32,
            inner: 8192,
            vocabulary: 51_200,
            context: 2048,
            epsilon: 1e-5,
        }
    }

    #[test]
    fn the_release_is_measured_by_its_tensors_whatever_its_file_leaves_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        let tensors = release().tensors();
        assert_eq!(tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum::<usize>(), 1_857_482_608);
        let shapes = tensors.into_iter().map(|(name, shape)| (canonical_name(&name).0, shape)).collect();
        for text in [
            r#"{"model_type": "moondream1", "phi_config": {"model_type": "phi-msft"}}"#,
            r#"{"text_config": {"model_type": "phi"}, "torch_dtype": "float16"}"#,
        ] {
            std::fs::write(&file, text).unwrap();
            let measures = Measures::read(&file, &shapes).unwrap();
            assert_eq!(measures, release());
            assert_eq!((measures.side(), measures.image_positions()), (378, 730));
            assert_eq!(measures.network().unwrap().vision_config, moondream::VisionConfig::v2());
        }
        for (text, part) in [
            ("[", "EOF"),
            (r#"{"text_config": {"n_head": 0}}"#, "num_attention_heads is 0"),
            (r#"{"text_config": {"rotary_dim": 66}}"#, "rotary_dim is 66; it must be even and at most 64"),
            (r#"{"text_config": {"n_positions": 700}}"#, "max_position_embeddings is 700; an image alone takes 730"),
            (r#"{"text_config": {"layer_norm_eps": 0}}"#, "layer_norm_eps is 0"),
            (r#"{"vision_config": {"num_heads": 7}}"#, "vision_config.num_heads is 7"),
        ] {
            std::fs::write(&file, text).unwrap();
            let message = Measures::read(&file, &shapes).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
