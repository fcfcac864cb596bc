//! Moondream2 of the 2025-06-21 generation, for one request or many at once, and an earlier revision beside it.
//!
//! A picture becomes [`Crops`](crate::image::Crops), then an [`ImageEmbedding`]
//! ([`Model::encode_images`]), then an [`ImagePrefix`] ([`Model::prefill_image`]) that any number of requests share.
//! [`Model::start`] makes a [`Generation`] of a request, and [`Model::step`] moves any set of generations on by one
//! step: those that have just come read (a part of) their prompt, the others decide on their next token. Generations
//! join and leave between steps as they like, and what one of them says does not depend on the others.
//!
//! Nothing here waits, locks for long or spawns: one thread owns the model and calls it.

mod cache;
mod config;
mod earlier_revision;
mod error;
pub(crate) mod files;
mod generation;
mod inference;
pub(crate) mod linear;
mod prompt;
mod region;
mod request;
mod revision;
mod sampling;
mod serving;
mod stream;
pub(crate) mod text;
mod tokenizer;
mod vision;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device};

pub use cache::{CacheUse, ImagePrefix};
pub use config::{
    CaptionTemplates, Config, RegionConfig, Template, Templates, TextConfig, TokenizerConfig, VisionConfig,
};
pub(crate) use earlier_revision::{EarlierMeasures, EarlierModel};
pub use error::{ModelError, TensorMismatch};
pub use generation::{Generation, PromptTrace, Transcript};
pub use inference::{EncodedImage, ImageEmbedding};
pub use prompt::Context;
pub use request::{
    BoundingBox, CaptionLength, DEFAULT_MAX_OBJECTS, Event, Finish, Grounding, Request, SpatialReference,
};
pub use revision::{Revision, Skill};
pub use sampling::Sampling;
pub(crate) use sampling::nucleus;
pub(crate) use serving::{Facts, ReadImage, ServedGeneration, ServedModel};
pub use tokenizer::Tokenizer;

use crate::kernels::Level;
use crate::weights::{Variant, Weights};
use cache::CachePool;
use linear::Builder;
use region::RegionModel;
use text::TextModel;
use vision::VisionEncoder;

/// Bytes for keys and values where nothing else is said.
const DEFAULT_CACHE_BUDGET: u64 = 4 << 30;

/// Parameters from which on it matters for speed how many bytes each takes.
const LARGE: usize = 256 << 20;

/// How a model is loaded.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Where it computes.
    pub device: Device,
    /// Type that weights are kept in, where they are not quantised: f32, bf16 or f16. Without it, the file's own type on
    /// a GPU; on a CPU f32, but bf16 for a large model in bf16 where the CPU has instructions for it. A CPU computes in
    /// f32 whatever the weights are kept in.
    pub dtype: Option<DType>,
    /// File with the weights, where it is not the folder's only one.
    pub weights: Option<PathBuf>,
    /// File with the tokenizer, where it is not the folder's `tokenizer.json`.
    pub tokenizer: Option<PathBuf>,
    /// Bytes for the keys and values of all images and requests together.
    pub cache_budget: u64,
    /// Whether the kernels of this crate compute: those for a CPU, or those for bf16 on a GPU. Without them candle's
    /// operations do, which is slow everywhere; on a CPU it is the way of a GPU with other weights than bf16, and shows
    /// what would come out there.
    pub own_kernels: bool,
    /// Whether a GPU records a decoding step as a graph and plays it again. Without graphs it starts each kernel anew.
    pub graphs: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            device: Device::Cpu,
            dtype: None,
            weights: None,
            tokenizer: None,
            cache_budget: DEFAULT_CACHE_BUDGET,
            own_kernels: true,
            graphs: true,
        }
    }
}

impl LoadOptions {
    fn tokenizer_file(&self, folder: &Path) -> Result<PathBuf, ModelError> {
        self.tokenizer.as_ref().map_or_else(|| find_tokenizer(folder), |file| Ok(file.clone()))
    }

    fn open_weights(&self, folder: &Path) -> Result<Weights, ModelError> {
        self.weights.as_ref().map_or_else(|| Weights::open_folder(folder), |file| Weights::open(file))
    }
}

/// A model of whatever revision its folder holds.
pub(crate) enum OpenedModel {
    Current(Box<Model>),
    Earlier(Box<EarlierModel>),
}

impl OpenedModel {
    pub(crate) fn open(folder: &Path, options: &LoadOptions) -> Result<Self, ModelError> {
        match options.open_weights(folder) {
            Ok(weights) if weights.revision()? == Revision::Spring2024 => {
                EarlierModel::of(folder, weights, options).map(|model| Self::Earlier(Box::new(model)))
            }
            // What else may be wrong is found in the order in which people put it right.
            _ => Model::load(folder, options).map(|model| Self::Current(Box::new(model))),
        }
    }
}

/// A loaded model.
pub struct Model {
    config: Config,
    special: Arc<TokenizerConfig>,
    tokenizer: Arc<Tokenizer>,
    vision: VisionEncoder,
    text: TextModel,
    region: RegionModel,
    pool: Arc<CachePool>,
    device: Device,
    /// Whether the kernels of this crate compute.
    on_host: bool,
    stored: DType,
    computed: DType,
    /// Whether numbers on the way are narrower than f32.
    is_narrow: bool,
}

impl Model {
    /// Loads `config.json`, `tokenizer.json` and the weights of `folder`.
    ///
    /// # Errors
    /// [`ModelError`] naming the file or the tensors that do not fit.
    pub fn load(folder: &Path, options: &LoadOptions) -> Result<Self, ModelError> {
        if !folder.is_dir() {
            return Err(ModelError::NoFolder(folder.to_owned()));
        }
        let config = Config::read(&folder.join("config.json"))?;
        let tokenizer = Tokenizer::read(&options.tokenizer_file(folder)?, config.text.vocab_size)?;
        let weights = options.open_weights(folder)?;
        Self::build(config, tokenizer, &weights, options)
    }

    /// A model of weights that are open already.
    ///
    /// # Errors
    /// [`ModelError::Weights`] for weights that do not fit `config`, [`ModelError::Inference`] for a full device.
    pub fn build(
        config: Config,
        tokenizer: Tokenizer,
        weights: &Weights,
        options: &LoadOptions,
    ) -> Result<Self, ModelError> {
        weights.check(&config)?;
        let device = &options.device;
        let stored = options.dtype.unwrap_or_else(|| usual_dtype(device, weights));
        if !matches!(stored, DType::F32 | DType::F16 | DType::BF16) {
            let message = format!("weights cannot be kept as {}; use f32, bf16 or f16", stored.as_str());
            return Err(ModelError::Request(message));
        }
        let on_host = device.is_cpu() && options.own_kernels;
        let computed = if on_host { DType::F32 } else { stored };
        // What is read at every step is as narrow as the weights.
        let is_narrow = stored != DType::F32 || weights.is_quantized();
        let cached = if on_host && is_narrow { DType::BF16 } else { computed };
        let builder = Builder {
            weights,
            device,
            on_host,
            stored,
            computed,
            #[cfg(feature = "cuda")]
            fused: fused(options, computed)?,
            #[cfg(feature = "cuda")]
            graphs: options.graphs,
        };
        let special = Arc::new(config.tokenizer.clone());
        Ok(Self {
            vision: VisionEncoder::load(&builder, &config.vision)?,
            text: TextModel::load(&builder, &config.text)?,
            region: RegionModel::load(&builder, &config.region)?,
            pool: CachePool::new(&config.text, cached, device, options.cache_budget),
            tokenizer: Arc::new(tokenizer),
            special,
            config,
            device: device.clone(),
            on_host,
            stored,
            computed,
            is_narrow,
        })
    }

    /// Reads a variant: a safetensors file with adapters of the text decoder.
    ///
    /// # Errors
    /// [`ModelError::File`] or [`ModelError::Weights`].
    pub fn load_variant(&self, file: &Path) -> Result<Arc<Variant>, ModelError> {
        let device = &self.device;
        Variant::read(file, &self.config, self.computed, device, self.on_host).map(Arc::new)
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Type that weights are kept in, where they are not quantised.
    pub fn dtype(&self) -> DType {
        self.stored
    }

    /// Whether numbers on the way are narrower than f32, so that results differ from exact ones by more than rounding.
    pub fn is_narrow(&self) -> bool {
        self.is_narrow
    }

    /// The model's configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// How much of the memory for keys and values is promised.
    pub fn cache_use(&self) -> CacheUse {
        self.pool.usage()
    }

    /// Bytes of keys and values that `positions` positions take.
    pub fn cache_bytes(&self, positions: usize) -> u64 {
        self.pool.bytes(positions)
    }
}

/// The kernels for bf16 on a GPU, where they are to be used.
#[cfg(feature = "cuda")]
fn fused(options: &LoadOptions, computed: DType) -> candle_core::Result<Option<Arc<crate::cuda::Gpu>>> {
    let wanted = options.device.is_cuda() && options.own_kernels && computed == DType::BF16;
    wanted.then(|| crate::cuda::Gpu::new(&options.device)).transpose()
}

/// Type that weights are kept in where nothing else is said.
fn usual_dtype(device: &Device, weights: &Weights) -> DType {
    let stored = weights.stored_dtype();
    let is_exact_for_free = weights.parameters() < LARGE;
    let gains = stored == DType::BF16 && Level::detect() == Level::Avx512 && !is_exact_for_free;
    if device.is_cpu() && !gains { DType::F32 } else { stored }
}

/// The tokenizer of `folder`; sets of test models share one in the folder above.
fn find_tokenizer(folder: &Path) -> Result<PathBuf, ModelError> {
    let own = folder.join("tokenizer.json");
    let shared = folder.parent().map(|parent| parent.join("tokenizer.json"));
    [Some(own), shared]
        .into_iter()
        .flatten()
        .find(|file| file.is_file())
        .ok_or(ModelError::MissingFile { folder: folder.to_owned(), wanted: "tokenizer.json" })
}
