//! One call over many backends. Knows neither a provider's form nor the protocol in which callers ask.
//!
//! Everything happens in the caller's task: nothing is spawned on the way, so that dropping a future or a stream of the
//! engine drops the connection to the provider at once.

mod admission;
mod answers;
mod blame;
mod breaker;
mod cache;
mod chain;
mod delivery;
mod deps;
mod dice;
mod emitter;
mod estimate;
mod fingerprint;
mod health;
mod lane;
mod log;
mod meters;
mod model;
mod opening;
mod plan;
mod price;
mod route;
mod said;
mod share;
mod silence;
mod speed;
mod status;
mod telemetry;
mod vectors;
mod visit;
mod whole;

use std::{future::Future, pin::Pin, sync::Arc};

use aerie_config::Llm;
use futures::Stream;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use self::{
    cache::Cache,
    chain::Chains,
    dice::Dice,
    lane::Lane,
    price::Prices,
    share::ShareBucket,
    telemetry::{Operation, Recording},
};
pub use self::{
    chain::EngineError,
    deps::{Capabilities, EngineBackend, EngineDeps, SystemWallClock, WallClock},
    status::{BackendCheck, BackendStatus, BreakerState},
};
use crate::{
    call::{Answer, AnswerEvent, Call, CallError, EmbedAnswer},
    chat::{ChatRequest, EmbedRequest, OutputFormat, Schema, ToolChoice},
    extract::{Extraction, validate::Validators},
};

/// A streamed answer of the engine: pieces, then either one [`AnswerEvent::End`] or one error, then nothing.
pub type AnswerStream = Pin<Box<dyn Stream<Item = Result<AnswerEvent, CallError>> + Send>>;

/// Where a streamed answer is written to.
type Emitter = emitter::Emitter<Result<AnswerEvent, CallError>>;

/// The router's engine. Cheap to clone; clones share limits, breakers and cache.
#[derive(Debug, Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Llm,
    lanes: Vec<Arc<Lane>>,
    chains: Chains,
    prices: Prices,
    cache: Cache,
    validators: Validators,
    dice: Dice,
    hedges: ShareBucket,
    recording: Recording,
}

impl Engine {
    /// Builds the chains.
    ///
    /// # Errors
    /// A chain that names an unknown backend, names one twice, or is empty; two backends of one name.
    pub fn new(deps: EngineDeps<'_>) -> Result<Self, EngineError> {
        Self::build(deps, &[])
    }

    /// Builds an engine that takes this one's place, because other backends were found. Limits and what is used of them
    /// go on for backends that stay, so that calls of both engines together keep to them.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn followed_by(&self, deps: EngineDeps<'_>) -> Result<Self, EngineError> {
        Self::build(deps, &self.shared.lanes)
    }

    fn build(deps: EngineDeps<'_>, before: &[Arc<Lane>]) -> Result<Self, EngineError> {
        let settings = deps.settings.clone();
        let lane = |backend: EngineBackend| {
            let before = before.iter().find(|lane| *lane.name == *backend.name);
            Arc::new(Lane::new(backend, &settings, deps.clock.clone(), before.map(|lane| &lane.admission)))
        };
        let lanes: Vec<Arc<Lane>> = deps.backends.into_iter().map(lane).collect();
        let shared = Shared {
            chains: Chains::build(&settings, &lanes)?,
            lanes,
            prices: Prices::new(settings.prices.clone()),
            cache: Cache::new(settings.cache),
            validators: Validators::default(),
            dice: Dice::new(deps.seed),
            hedges: ShareBucket::new(settings.hedge.share, 1),
            recording: Recording::new(settings.record_prompts, deps.conventions.as_deref()),
            settings,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Answers whole. Where the request asks for JSON, the content is JSON of that form.
    ///
    /// # Errors
    /// See [`crate::call::CallErrorKind`].
    pub async fn complete(&self, request: ChatRequest, call: Call) -> Result<Answer, CallError> {
        let Extraction { completion, trail, .. } =
            self.observed(&call, Operation::Chat, self.shared.whole(&request, &call)).await?;
        Ok(Answer { completion, trail })
    }

    /// Answers piece by piece. Nothing happens before the stream is polled. Where the request asks for JSON, the content
    /// is the beginning of a document; only [`AnswerEvent::End`] says that it is one.
    #[must_use]
    pub fn stream(&self, request: ChatRequest, call: Call) -> AnswerStream {
        let engine = self.clone();
        Box::pin(emitter::stream(|emitter| async move {
            let streamed = engine.shared.streamed(&request, &call, &emitter);
            Some(engine.observed(&call, Operation::Chat, streamed).await.map(AnswerEvent::End))
        }))
    }

    /// Answers with a document that fits `schema`, checked whatever the backend claims.
    ///
    /// # Errors
    /// See [`crate::call::CallErrorKind`]; `InvalidDocument` when no backend gave one that fits.
    pub async fn extract(&self, request: ChatRequest, schema: Schema, call: Call) -> Result<Extraction, CallError> {
        let request = with_schema(request, schema);
        let extraction = self.observed(&call, Operation::Chat, self.shared.whole(&request, &call)).await?;
        Ok(Extraction { document: extraction.completion.content.clone(), ..extraction })
    }

    /// Like [`Self::extract`], piece by piece: the text is partial until [`AnswerEvent::End`], which comes only after a
    /// document that fits; one that does not ends with an error.
    #[must_use]
    pub fn extract_stream(&self, request: ChatRequest, schema: Schema, call: Call) -> AnswerStream {
        self.stream(with_schema(request, schema), call)
    }

    /// Turns texts into vectors.
    ///
    /// # Errors
    /// See [`crate::call::CallErrorKind`].
    pub async fn embed(&self, request: EmbedRequest, call: Call) -> Result<EmbedAnswer, CallError> {
        self.observed(&call, Operation::Embeddings, self.shared.vectors(&request, &call)).await
    }

    /// Every backend and how it is.
    #[must_use]
    pub fn backends(&self) -> Vec<BackendStatus> {
        self.shared.lanes.iter().map(|lane| self.shared.status(lane)).collect()
    }

    /// Asks a backend for its models now. None when there is no backend of that name.
    pub async fn check(&self, name: &str) -> Option<BackendCheck> {
        let lane = self.shared.lanes.iter().find(|lane| &*lane.name == name)?;
        Some(self.shared.check(lane).await)
    }

    /// Checks the backends whose settings ask for it, and publishes how all of them are, for ever: to be run beside the
    /// calls.
    pub async fn watch_health(&self) {
        self.shared.watch().await;
    }

    /// Runs a call in its span and counts it.
    async fn observed<T: Outcome>(
        &self,
        call: &Call,
        operation: Operation,
        work: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let began = Instant::now();
        let chain = self.shared.chains.name_for(call);
        let span = telemetry::call_span(call, operation, &chain);
        let outcome = work.instrument(span.clone()).await;
        telemetry::count_call(&chain, operation, outcome.as_ref().err().map(|error| error.kind), began.elapsed());
        match &outcome {
            Ok(answer) => answer.record(&span),
            Err(error) => drop(span.record("error.type", error.kind.name())),
        }
        outcome
    }
}

fn with_schema(request: ChatRequest, schema: Schema) -> ChatRequest {
    let output = OutputFormat::Schema { name: "document".to_owned(), schema, strict: false };
    // A call would be no document.
    ChatRequest { output, tools: Vec::new(), tool_choice: ToolChoice::Auto, ..request }
}

/// What a call's span is told in the end.
trait Outcome {
    fn record(&self, span: &Span);
}

impl Outcome for crate::answer::Trail {
    fn record(&self, span: &Span) {
        span.record("aerie.llm.backend", self.backend.as_str());
        span.record("aerie.llm.cached", self.cached);
    }
}

impl Outcome for Extraction {
    fn record(&self, span: &Span) {
        self.trail.record(span);
    }
}

impl Outcome for EmbedAnswer {
    fn record(&self, span: &Span) {
        self.trail.record(span);
    }
}
