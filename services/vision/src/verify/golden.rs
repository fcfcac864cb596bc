//! The form of the expected numbers.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::{ModelError, files};

/// Largest table or list of answers that is read.
const LARGEST_JSON: u64 = 256 << 20;
/// Largest error allowed where a set does not say.
const DEFAULT_FEATURE_TOLERANCE: f32 = 1e-4;
const DEFAULT_LOGIT_TOLERANCE: f32 = 2e-4;
/// Tokens of an answer where no answer of a set was cut.
const DEFAULT_MAX_TOKENS: usize = 24;

/// A folder with expected numbers.
pub(crate) struct GoldenSet {
    pub(crate) folder: PathBuf,
    pub(crate) answers: Answers,
    pub(crate) tensors: HashMap<String, Tensor>,
}

/// `golden.json`.
#[derive(Deserialize)]
pub(crate) struct Answers {
    #[serde(default)]
    pub(crate) images: BTreeMap<String, GoldenImage>,
    #[serde(default)]
    pub(crate) sampling: BTreeMap<String, GoldenSampling>,
    #[serde(default)]
    pub(crate) text_only: Option<GoldenRequest>,
    #[serde(default)]
    pub(crate) lora: Option<GoldenVariant>,
    #[serde(default)]
    tolerance: Tolerances,
}

#[derive(Default, Deserialize)]
struct Tolerances {
    #[serde(default)]
    f32: BTreeMap<String, f32>,
}

#[derive(Deserialize)]
pub(crate) struct GoldenImage {
    pub(crate) file: String,
    pub(crate) crops_file: String,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) tiling: [usize; 2],
    pub(crate) n_crops: usize,
    pub(crate) prefix_len: usize,
    pub(crate) requests: BTreeMap<String, GoldenRequest>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct GoldenRequest {
    pub(crate) kind: String,
    pub(crate) length: Option<String>,
    pub(crate) question: Option<String>,
    pub(crate) reasoning: bool,
    pub(crate) spatial_refs: Option<Vec<Vec<f64>>>,
    pub(crate) object: Option<String>,
    pub(crate) max_objects: Option<usize>,
    pub(crate) prompt_ids: Vec<u32>,
    pub(crate) pos: usize,
    pub(crate) generated_ids: Vec<u32>,
    pub(crate) stop: Option<String>,
    pub(crate) decoded: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) stream_chunks: Vec<String>,
    pub(crate) reasoning_ids: Vec<u32>,
    pub(crate) reasoning_stop: Option<String>,
    pub(crate) coord_bins: Vec<u32>,
    pub(crate) reasoning_text: Option<String>,
    pub(crate) grounding: Vec<GoldenGrounding>,
    pub(crate) answer_prompt_ids: Vec<u32>,
    pub(crate) answer_pos: usize,
    pub(crate) answer_ids: Vec<u32>,
    pub(crate) answer_stop: Option<String>,
    pub(crate) answer: Option<String>,
    pub(crate) x_bins: Vec<u32>,
    pub(crate) y_bins: Vec<u32>,
    pub(crate) w_bins: Vec<u32>,
    pub(crate) h_bins: Vec<u32>,
    pub(crate) result: Vec<BTreeMap<String, f64>>,
    /// The smallest lead of the first place over the second in all decisions.
    pub(crate) min_margin: f32,
}

#[derive(Clone, Deserialize)]
pub(crate) struct GoldenGrounding {
    pub(crate) start_idx: usize,
    pub(crate) end_idx: usize,
    pub(crate) points: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
pub(crate) struct GoldenSampling {
    pub(crate) temperature: f32,
    pub(crate) top_p: f32,
    pub(crate) logits: String,
    pub(crate) ids: Vec<u32>,
    pub(crate) probs: Vec<f32>,
}

#[derive(Deserialize)]
pub(crate) struct GoldenVariant {
    pub(crate) file: String,
    pub(crate) image: String,
    pub(crate) request: GoldenRequest,
}

/// A line of `tiling.json`.
#[derive(Deserialize)]
pub(crate) struct TilingCase {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) crop_size: usize,
    pub(crate) patch_size: usize,
    pub(crate) overlap_margin: usize,
    pub(crate) max_crops: usize,
    pub(crate) tiling: [usize; 2],
    pub(crate) n_crops: usize,
    pub(crate) resized: [usize; 2],
    pub(crate) stitched_grid: [usize; 2],
}

/// A line of `tokenizer_cases.json`.
#[derive(Deserialize)]
pub(crate) struct TokenizerCase {
    pub(crate) text: String,
    pub(crate) ids: Vec<u32>,
    pub(crate) decoded: String,
}

impl GoldenSet {
    pub(crate) fn read(folder: &Path) -> Result<Self, ModelError> {
        if !folder.is_dir() {
            return Err(ModelError::NoFolder(folder.to_owned()));
        }
        let answers: Answers = read_json(&folder.join("golden.json"))?;
        let file = folder.join("golden.safetensors");
        let tensors = candle_core::safetensors::load(&file, &Device::Cpu);
        let tensors = tensors.map_err(|error| ModelError::File { file, reason: error.to_string() })?;
        Ok(Self { folder: folder.to_owned(), answers, tensors })
    }

    /// Tokens at which answers and reasonings of this set were cut: as many as the longest that was cut has.
    pub(crate) fn max_tokens(&self) -> usize {
        let answers = &self.answers;
        let of_images = answers.images.values().flat_map(|image| image.requests.values());
        let all = of_images.chain(&answers.text_only).chain(answers.lora.as_ref().map(|lora| &lora.request));
        let cut = |stop: &Option<String>, ids: &Vec<u32>| {
            if stop.as_deref() == Some("max_tokens") { ids.len() } else { 0 }
        };
        let longest = all.flat_map(|request| {
            [
                cut(&request.stop, &request.generated_ids),
                cut(&request.reasoning_stop, &request.reasoning_ids),
                cut(&request.answer_stop, &request.answer_ids),
            ]
        });
        longest.max().filter(|most| *most > 0).unwrap_or(DEFAULT_MAX_TOKENS)
    }

    /// The largest error allowed for the tensors of a `kind`, which is the last part of their name.
    pub(crate) fn tolerance(&self, kind: &str) -> f32 {
        let given = &self.answers.tolerance.f32;
        let (key, default) = match kind {
            kind if kind.contains("logits") => ("logits", DEFAULT_LOGIT_TOLERANCE),
            "prefill_hidden_last" => ("logits", DEFAULT_LOGIT_TOLERANCE),
            "vision_features" | "reconstructed" => ("vision_features", DEFAULT_FEATURE_TOLERANCE),
            _ => ("image_embeds", DEFAULT_FEATURE_TOLERANCE),
        };
        given.get(kind).or(given.get(key)).copied().unwrap_or(default)
    }
}

/// A table of the set, from its folder or the one above it; `None` where neither has one.
pub(crate) fn read_table<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, ModelError> {
    let above = folder.parent().map(|parent| parent.join(name));
    let file = [Some(folder.join(name)), above].into_iter().flatten().find(|file| file.is_file());
    file.map(|file| read_json(&file)).transpose()
}

fn read_json<T: DeserializeOwned>(file: &Path) -> Result<T, ModelError> {
    let bytes = files::read_bounded(file, LARGEST_JSON)?;
    serde_json::from_slice(&bytes).map_err(|error| ModelError::file(file, error))
}
