//! What an engine is made of.

use std::{fmt::Debug, sync::Arc, time::SystemTime};

use aerie_config::{BackendKind, Llm, LlmBackend};

use crate::backend::Backend;

/// Everything that an [`super::Engine`] needs.
#[derive(Debug)]
pub struct EngineDeps<'a> {
    /// Limits, chains and policies. Backends of it that are not in `backends` are unknown to the engine.
    pub settings: &'a Llm,
    /// The backends, in the order in which they are asked where there is no chain.
    pub backends: Vec<EngineBackend>,
    /// Tells the day of budgets.
    pub clock: Arc<dyn WallClock>,
    /// What the environment says of OpenTelemetry's conventions (`OTEL_SEMCONV_STABILITY_OPT_IN`); `gen_ai/dup` adds the
    /// older names to spans.
    pub conventions: Option<String>,
    /// Where chance begins (weights, pauses between tries); a test takes a fixed one.
    pub seed: u64,
}

/// One backend and what is known of it.
#[derive(Debug, Clone)]
pub struct EngineBackend {
    /// Name in chains and trails.
    pub name: String,
    /// Its settings.
    pub settings: LlmBackend,
    /// What asks it.
    pub backend: Arc<dyn Backend>,
    /// Whether it is on this machine or network and passes nothing on, by its resolved address or by its settings.
    pub local: bool,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// What a backend can do. A backend that cannot do what a call needs is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Answers questions (not only vectors).
    pub chat: bool,
    /// Takes images.
    pub images: bool,
    /// Calls functions.
    pub tools: bool,
    /// Can be held to a JSON Schema.
    pub schema: bool,
    /// Makes vectors.
    pub embeddings: bool,
    /// Tokens of question and answer together that it reads; none is unknown and never excludes it.
    pub context_tokens: Option<u32>,
    /// Length of its vectors; none is unknown and never excludes it.
    pub embedding_dimensions: Option<u32>,
}

impl Capabilities {
    /// What the settings say, and the kind's usual answer where they say nothing.
    #[must_use]
    pub fn of(settings: &LlmBackend) -> Self {
        let vision = matches!(settings.kind, BackendKind::Vision | BackendKind::VisionService);
        let remote = matches!(settings.kind, BackendKind::OpenAi | BackendKind::Anthropic | BackendKind::Gemini);
        Self {
            chat: true,
            images: settings.images.unwrap_or(vision || remote),
            tools: settings.tools.unwrap_or(!vision),
            schema: settings.schema.unwrap_or(!vision),
            embeddings: !vision && settings.kind != BackendKind::Anthropic,
            context_tokens: settings.context_tokens,
            embedding_dimensions: settings.embedding_dimensions,
        }
    }
}

/// Tells the time of day.
pub trait WallClock: Debug + Send + Sync {
    /// The present.
    fn now(&self) -> SystemTime;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemWallClock;

impl WallClock for SystemWallClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
