//! What the engine needs of a model, whichever revision it is.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use candle_core::DType;

use super::{CacheUse, Context, Event, Generation, ImageEmbedding, ImagePrefix, Model, ModelError, Request};
use super::{Revision, Skill};
use crate::image::{Crops, Preparation};
use crate::weights::Variant;

/// A model that the engine's thread owns and calls.
///
/// An image is encoded, then read, then any number of requests about it start. A step moves requests on together;
/// they join and leave between steps, and what one of them says does not depend on the others.
pub(crate) trait ServedModel: Sized + 'static {
    /// An image on its way.
    type Embedding;
    /// An image that was read; it counts in the cache.
    type Image: ReadImage;
    /// A request that is being answered.
    type Generation: ServedGeneration;

    /// What it is and can do.
    fn facts(&self) -> Facts;

    /// How much of the memory for keys and values is promised.
    fn cache_use(&self) -> CacheUse;

    /// Bytes of it that an image takes.
    fn image_bytes(&self) -> u64;

    /// Reads the file of a variant.
    fn load_variant(&self, file: &Path) -> Result<Arc<Variant>, ModelError>;

    /// Encodes images, at most `token_budget` patches in one pass (but always a crop).
    fn encode(&self, images: &[&Crops], token_budget: usize) -> Result<Vec<Self::Embedding>, ModelError>;

    /// Reads encoded images, all or none.
    fn read(&self, images: &[(&Self::Embedding, Option<Arc<Variant>>)]) -> Result<Vec<Arc<Self::Image>>, ModelError>;

    /// Starts a request and reserves all the cache that it may need. A variant is only given where there is no image.
    fn begin(
        &self,
        request: &Request,
        image: Option<Arc<Self::Image>>,
        variant: Option<Arc<Variant>>,
    ) -> Result<Self::Generation, ModelError>;

    /// Moves requests on by one step.
    fn advance(&self, generations: &mut [&mut Self::Generation]) -> Result<(), ModelError>;
}

/// An image that a model has read.
pub(crate) trait ReadImage: Any + Send + Sync {
    /// Bytes of the cache that it holds.
    fn bytes(&self) -> u64;

    /// Positions that it takes of the context.
    fn positions(&self) -> usize;
}

/// A request that a model is answering.
pub(crate) trait ServedGeneration {
    /// The events since the last call, in order.
    fn take_events(&mut self) -> Vec<Event>;

    /// Whether the last event was given.
    fn is_finished(&self) -> bool;

    /// Tokens of the prompts so far.
    fn prompt_tokens(&self) -> usize;

    /// Tokens and parts of objects that were decided so far.
    fn generated_tokens(&self) -> usize;
}

/// What a model is and can do.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) revision: Revision,
    pub(crate) skills: Vec<Skill>,
    /// Type that its weights are kept in.
    pub(crate) dtype: DType,
    /// Positions of its context.
    pub(crate) context: usize,
    /// Positions of an image.
    pub(crate) image_positions: usize,
    /// Patches of a crop.
    pub(crate) crop_patches: usize,
    /// How it wants its pictures.
    pub(crate) preparation: Preparation,
    /// Requests that it gains from answering together.
    pub(crate) most_together: usize,
}

impl ServedModel for Model {
    type Embedding = ImageEmbedding;
    type Image = ImagePrefix;
    type Generation = Generation;

    fn facts(&self) -> Facts {
        let config = self.config();
        let templates = &config.tokenizer.templates;
        let has = |skill: &Skill| match skill {
            Skill::Caption => templates.caption.is_some(),
            Skill::Query | Skill::Reasoning | Skill::References => templates.query.is_some(),
            Skill::Detect => templates.detect.is_some(),
            Skill::Point => templates.point.is_some(),
        };
        Facts {
            revision: Revision::Current,
            skills: Skill::ALL.into_iter().filter(has).collect(),
            dtype: self.dtype(),
            context: config.text.max_context,
            image_positions: config.text.prefix_attn,
            crop_patches: config.vision.patches(),
            preparation: Preparation::Crops(config.vision.geometry()),
            most_together: usize::MAX,
        }
    }

    fn cache_use(&self) -> CacheUse {
        Self::cache_use(self)
    }

    fn image_bytes(&self) -> u64 {
        self.cache_bytes(self.config().text.prefix_attn)
    }

    fn load_variant(&self, file: &Path) -> Result<Arc<Variant>, ModelError> {
        Self::load_variant(self, file)
    }

    fn encode(&self, images: &[&Crops], token_budget: usize) -> Result<Vec<ImageEmbedding>, ModelError> {
        self.encode_images(images, token_budget)
    }

    fn read(&self, images: &[(&ImageEmbedding, Option<Arc<Variant>>)]) -> Result<Vec<Arc<ImagePrefix>>, ModelError> {
        self.prefill_images(images)
    }

    fn begin(
        &self,
        request: &Request,
        image: Option<Arc<ImagePrefix>>,
        variant: Option<Arc<Variant>>,
    ) -> Result<Generation, ModelError> {
        self.start(request, image.map_or(Context::NoImage(variant), Context::Image))
    }

    fn advance(&self, generations: &mut [&mut Generation]) -> Result<(), ModelError> {
        self.step(generations)
    }
}

impl ReadImage for ImagePrefix {
    fn bytes(&self) -> u64 {
        Self::bytes(self)
    }

    fn positions(&self) -> usize {
        Self::positions(self)
    }
}

impl ServedGeneration for Generation {
    fn take_events(&mut self) -> Vec<Event> {
        Self::take_events(self)
    }

    fn is_finished(&self) -> bool {
        Self::is_finished(self)
    }

    fn prompt_tokens(&self) -> usize {
        self.transcript().prompt_tokens()
    }

    fn generated_tokens(&self) -> usize {
        self.transcript().generated_tokens()
    }
}
