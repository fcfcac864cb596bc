//! How much the engine takes on.

use std::time::Duration;

use crate::image::ImageLimits;

/// Limits and shares of one engine.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Requests that may wait; further ones are refused.
    pub queue: usize,
    /// Requests of one caller that may wait.
    pub queue_per_caller: usize,
    /// Requests that are answered at once.
    pub batch: usize,
    /// Patches that one pass through the image encoder takes; its working memory grows with it.
    pub encode_tokens: usize,
    /// Part of the cache that images may hold, 0..1; requests have the rest.
    pub image_share: f64,
    /// Images decoded at once.
    pub decoders: usize,
    /// How large an image may be.
    pub image: ImageLimits,
    /// Tokens of one answer at most.
    pub max_tokens: usize,
    /// Longest time of one request where the caller does not say less.
    pub deadline: Duration,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            queue: 64,
            queue_per_caller: 32,
            batch: 16,
            encode_tokens: 4 * 729,
            image_share: 0.5,
            decoders: 2,
            image: ImageLimits::default(),
            max_tokens: 1024,
            deadline: Duration::from_secs(120),
        }
    }
}
