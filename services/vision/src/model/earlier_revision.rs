//! Moondream2 of spring 2024, with the network of candle-transformers, for those whose weights are of that time.
//!
//! It reads the whole picture as one square, puts every question into words, and gives text and nothing else. Requests
//! are answered one after another: that network takes one sequence at a time. Each has a decoder of its own, which
//! shares the weights and keeps its own keys and values, so that nothing of a request is left when it ends.

mod answer;
mod measures;
mod network;

use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device};

use self::answer::{Answered, EarlierGeneration, EarlierImage, Words};
use self::measures::{FIRST_POSITION, Measures};
use self::network::{Encoder, Network};
use super::cache::CachePool;
use super::prompt::{check_sampling, check_text};
use super::{CacheUse, CaptionLength, Facts, LoadOptions, ModelError, Request, Revision, Sampling, ServedModel, Skill};
use super::{TextConfig, Tokenizer};
use crate::image::{Crops, Preparation};
use crate::weights::{Variant, Weights};

pub(crate) use measures::Measures as EarlierMeasures;

/// The token that begins every sequence and ends every answer.
const END_OF_TEXT: &str = "<|endoftext|>";
/// What the first of these releases write where an answer ends.
const END_MARK: &str = "<END>";
/// What it can do.
const SKILLS: [Skill; 2] = [Skill::Caption, Skill::Query];

/// A loaded model.
pub(crate) struct EarlierModel {
    measures: Measures,
    words: Arc<Words>,
    network: Network,
    pool: Arc<CachePool>,
    device: Device,
    dtype: DType,
}

impl EarlierModel {
    /// Makes a model of `weights`, and of `config.json` and `tokenizer.json` of `folder`.
    ///
    /// # Errors
    /// [`ModelError`] naming the file or the tensors that do not fit.
    pub(crate) fn of(folder: &Path, weights: Weights, options: &LoadOptions) -> Result<Self, ModelError> {
        let measures = Measures::read(&folder.join("config.json"), &weights.shapes())?;
        let tokenizer_file = options.tokenizer_file(folder)?;
        let tokenizer = Tokenizer::read(&tokenizer_file, measures.vocabulary)?;
        let end_of_text = tokenizer.id_of(END_OF_TEXT).ok_or_else(|| {
            let reason = format!("it has no token {END_OF_TEXT}; take the tokenizer that belongs to the weights");
            ModelError::file(&tokenizer_file, reason)
        })?;
        let end_mark = tokenizer.encode_plain(END_MARK)?;
        let device = options.device.clone();
        let dtype = match options.dtype {
            // Quantised ones are computed with in f32.
            _ if weights.is_quantized() => DType::F32,
            Some(dtype @ (DType::F32 | DType::F16 | DType::BF16)) => dtype,
            Some(other) => {
                let message = format!("weights cannot be kept as {}; use f32, bf16 or f16", other.as_str());
                return Err(ModelError::Request(message));
            }
            // Others are slower on a CPU, and not by little.
            None if device.is_cpu() => DType::F32,
            None => weights.stored_dtype(),
        };
        let text = TextConfig {
            dim: measures.dim,
            n_layers: measures.layers,
            n_heads: measures.heads,
            n_kv_heads: measures.heads,
            ..TextConfig::default()
        };
        Ok(Self {
            network: Network::load(weights, &measures, dtype, &device)?,
            pool: CachePool::new(&text, dtype, &device, options.cache_budget),
            words: Arc::new(Words { tokenizer, end_of_text, end_mark }),
            measures,
            device,
            dtype,
        })
    }

    /// What is asked in words, and how the answer is drawn.
    fn question<'a>(&self, request: &'a Request) -> Result<(&'a str, &'a Sampling), ModelError> {
        let cannot = |skill: Skill| {
            let revision = Revision::Spring2024.name();
            Err(ModelError::Request(format!("Moondream2 {revision} cannot {}; use the current one", skill.words())))
        };
        match request {
            Request::Caption { length, sampling } => Ok((wish(*length), sampling)),
            Request::Query { references, .. } if !references.is_empty() => cannot(Skill::References),
            Request::Query { reasoning: true, .. } => cannot(Skill::Reasoning),
            Request::Query { question, sampling, .. } => Ok((question, sampling)),
            Request::Detect { .. } => cannot(Skill::Detect),
            Request::Point { .. } => cannot(Skill::Point),
        }
    }
}

/// A caption is asked for like anything else.
fn wish(length: CaptionLength) -> &'static str {
    match length {
        CaptionLength::Short => "Describe this image in one sentence.",
        CaptionLength::Normal => "Describe this image.",
        CaptionLength::Long => "Describe this image in detail.",
    }
}

impl ServedModel for EarlierModel {
    type Embedding = candle_core::Tensor;
    type Image = EarlierImage;
    type Generation = EarlierGeneration;

    fn facts(&self) -> Facts {
        Facts {
            revision: Revision::Spring2024,
            skills: SKILLS.to_vec(),
            dtype: self.dtype,
            context: self.measures.context,
            image_positions: self.measures.image_positions(),
            crop_patches: self.measures.patches,
            preparation: Preparation::Whole(self.measures.side()),
            most_together: 1,
        }
    }

    fn cache_use(&self) -> CacheUse {
        self.pool.usage()
    }

    fn image_bytes(&self) -> u64 {
        (self.measures.patches * self.measures.dim * self.dtype.size_in_bytes()) as u64
    }

    fn load_variant(&self, file: &Path) -> Result<Arc<Variant>, ModelError> {
        let revision = Revision::Spring2024.name();
        let reason =
            format!("Moondream2 {revision} has no variants; leave vision.variants out, or use the current model");
        Err(ModelError::file(file, reason))
    }

    fn encode(&self, images: &[&Crops], _: usize) -> Result<Vec<Self::Embedding>, ModelError> {
        let side = self.measures.side();
        let encode = |crops: &&Crops| {
            if crops.side() != side || crops.count() != 1 {
                let found = format!("{} of {} pixels", crops.count(), crops.side());
                let message = format!("this model reads a single square of {side} pixels, not {found}");
                return Err(ModelError::Request(message));
            }
            let pixels = Encoder::pixels(crops, self.dtype, &self.device)?;
            Ok(self.network.encoder.encode(&pixels)?)
        };
        images.iter().map(encode).collect()
    }

    fn read(&self, images: &[(&Self::Embedding, Option<Arc<Variant>>)]) -> Result<Vec<Arc<EarlierImage>>, ModelError> {
        // What an image costs is its encoding; its keys and values go with those of the question about it.
        let read = |(tokens, _): &(&Self::Embedding, Option<Arc<Variant>>)| {
            let reservation = self.pool.reserve(self.image_bytes())?;
            let positions = self.measures.image_positions();
            Ok(Arc::new(EarlierImage { tokens: (*tokens).clone(), positions, reservation }))
        };
        images.iter().map(read).collect()
    }

    fn begin(
        &self,
        request: &Request,
        image: Option<Arc<EarlierImage>>,
        _: Option<Arc<Variant>>,
    ) -> Result<EarlierGeneration, ModelError> {
        if matches!(request, Request::Caption { .. }) && image.is_none() {
            return Err(ModelError::Request("a caption needs an image; send one".to_owned()));
        }
        let (question, sampling) = self.question(request)?;
        check_sampling(sampling)?;
        check_text(question)?;
        let prompt = self.words.tokenizer.encode_plain(&format!("\n\nQuestion: {question}\n\nAnswer:"))?;
        let before = image.as_ref().map_or(FIRST_POSITION, |image| image.positions);
        let room = self.measures.context.saturating_sub(before);
        // One position has to be left, or nothing could be said.
        if prompt.len() >= room {
            return Err(ModelError::PromptTooLong { tokens: prompt.len(), limit: room.saturating_sub(1) });
        }
        let limit = before + prompt.len().saturating_add(sampling.max_tokens).min(room);
        let reservation = self.pool.reserve(self.pool.bytes(limit))?;
        let answered = Answered { limit, max_tokens: sampling.max_tokens };
        let decoder = self.network.decoder.clone();
        Ok(EarlierGeneration::new(Arc::clone(&self.words), decoder, prompt, image, sampling, answered, reservation))
    }

    fn advance(&self, generations: &mut [&mut EarlierGeneration]) -> Result<(), ModelError> {
        generations.iter_mut().try_for_each(|generation| generation.step(&self.device))
    }
}
