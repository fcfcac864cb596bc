//! One call over many backends. Knows neither a provider's form nor the protocol in which callers ask.
//!
//! Everything happens in the caller's task: nothing is spawned on the way, so that dropping a future or a stream of the
//! engine drops the connection to the provider at once.

mod chain;
mod deps;
mod emitter;
mod lane;
mod status;

use std::{pin::Pin, sync::Arc, time::Duration};

use aerie_config::Llm;
use futures::{Stream, StreamExt};
use tokio::time::Instant;

pub use self::{
    chain::EngineError,
    deps::{Capabilities, EngineBackend, EngineDeps, SystemWallClock, WallClock},
    status::{BackendCheck, BackendStatus, BreakerState},
};
use self::{
    chain::{Chain, Chains},
    lane::{AUTOMATIC, Lane},
};
use crate::{
    answer::{Attempt, Piece, Trail},
    backend::Hop,
    call::{Answer, AnswerEvent, Call, CallError, CallErrorKind, EmbedAnswer},
    chat::{ChatRequest, EmbedRequest, OutputFormat, Schema},
    extract::Extraction,
    fault::{Fault, FaultKind},
};

/// A streamed answer of the engine: pieces, then either one [`AnswerEvent::End`] or one error, then nothing.
pub type AnswerStream = Pin<Box<dyn Stream<Item = Result<AnswerEvent, CallError>> + Send>>;

/// The router's engine. Cheap to clone; clones share limits, breakers and cache.
#[derive(Debug, Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
#[allow(dead_code)]
struct Shared {
    settings: Llm,
    lanes: Vec<Arc<Lane>>,
    chains: Chains,
}

impl Engine {
    /// Builds the chains.
    ///
    /// # Errors
    /// A chain that names an unknown backend, names one twice, or is empty; two backends of one name.
    pub fn new(deps: EngineDeps<'_>) -> Result<Self, EngineError> {
        let settings = deps.settings.clone();
        let lanes: Vec<Arc<Lane>> =
            deps.backends.into_iter().map(|backend| Arc::new(Lane::new(backend, settings.timeouts))).collect();
        let chains = Chains::build(&settings, &lanes)?;
        Ok(Self { shared: Arc::new(Shared { settings, lanes, chains }) })
    }

    /// Answers whole.
    ///
    /// # Errors
    /// See [`CallErrorKind`].
    pub async fn complete(&self, request: ChatRequest, call: Call) -> Result<Answer, CallError> {
        let chain = self.shared.chain(&call)?;
        let mut trail = Trail::default();
        for entry in &chain.entries {
            let (lane, hop) = (&entry.lane, self.shared.hop(&entry.lane, &call));
            match lane.backend.complete(&request, &hop).await {
                Ok(completion) => {
                    trail.answered(lane, hop.model);
                    return Ok(Answer { completion, trail });
                }
                Err(fault) => trail.failed(lane, hop.model, &fault)?,
            }
        }
        Err(trail.exhausted())
    }

    /// Answers piece by piece. Nothing happens before the stream is polled.
    #[must_use]
    pub fn stream(&self, request: ChatRequest, call: Call) -> AnswerStream {
        let shared = self.shared.clone();
        Box::pin(emitter::stream(|emitter| async move {
            match stream(&shared, &request, &call, &emitter).await {
                Ok(trail) => Some(Ok(AnswerEvent::End(trail))),
                Err(error) => Some(Err(error)),
            }
        }))
    }

    /// Answers with a document that fits `schema`, checked whatever the backend claims.
    ///
    /// # Errors
    /// See [`CallErrorKind`]; [`CallErrorKind::InvalidDocument`] when no backend gave one that fits.
    pub async fn extract(&self, request: ChatRequest, schema: Schema, call: Call) -> Result<Extraction, CallError> {
        let output = OutputFormat::Schema { name: "document".to_owned(), schema, strict: false };
        let Answer { completion, trail } = self.complete(ChatRequest { output, ..request }, call).await?;
        Ok(Extraction { document: completion.content.clone(), completion, trail, ..Extraction::default() })
    }

    /// Like [`Self::extract`], piece by piece: the text is partial until [`AnswerEvent::End`], which comes only after a
    /// document that fits; one that does not ends with an error.
    #[must_use]
    pub fn extract_stream(&self, request: ChatRequest, schema: Schema, call: Call) -> AnswerStream {
        let output = OutputFormat::Schema { name: "document".to_owned(), schema, strict: false };
        self.stream(ChatRequest { output, ..request }, call)
    }

    /// Turns texts into vectors.
    ///
    /// # Errors
    /// See [`CallErrorKind`].
    pub async fn embed(&self, request: EmbedRequest, call: Call) -> Result<EmbedAnswer, CallError> {
        let chain = self.shared.chain(&call)?;
        let mut trail = Trail::default();
        for entry in &chain.entries {
            let (lane, hop) = (&entry.lane, self.shared.hop(&entry.lane, &call));
            match lane.backend.embed(&request, &hop).await {
                Ok(embeddings) => {
                    trail.answered(lane, hop.model);
                    return Ok(EmbedAnswer { embeddings, trail });
                }
                Err(fault) => trail.failed(lane, hop.model, &fault)?,
            }
        }
        Err(trail.exhausted())
    }

    /// Every backend and how it is.
    #[must_use]
    pub fn backends(&self) -> Vec<BackendStatus> {
        self.shared.lanes.iter().map(|lane| lane.status()).collect()
    }

    /// Asks a backend for its models now. None when there is no backend of that name.
    pub async fn check(&self, name: &str) -> Option<BackendCheck> {
        let lane = self.shared.lanes.iter().find(|lane| &*lane.name == name)?;
        let began = Instant::now();
        let hop = self.shared.hop(lane, &Call::default());
        let answer = lane.backend.models(&hop).await;
        let latency = began.elapsed();
        let (models, fault) = match answer {
            Ok(models) => (models, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let model = if hop.model == AUTOMATIC { models.first().cloned() } else { Some(hop.model) };
        Some(BackendCheck { name: name.to_owned(), models, model, latency, fault })
    }
}

impl Shared {
    fn chain(&self, call: &Call) -> Result<Arc<Chain>, CallError> {
        if call.backends.is_empty() {
            return Ok(self.chains.of(&call.chain).clone());
        }
        self.chains.direct(&call.backends).map_err(|name| CallError {
            kind: CallErrorKind::Invalid,
            message: format!("no backend is named {name}; {}", Chains::known(&self.lanes)),
            trail: Box::default(),
            usage: None,
            retry_after: None,
        })
    }

    fn hop(&self, lane: &Lane, call: &Call) -> Hop {
        let total = Instant::now() + Duration::from_millis(lane.timeouts.total_ms);
        Hop {
            model: call.model.clone().unwrap_or_else(|| lane.settings.model.clone()),
            key: call.consent.keys.get(&*lane.name).cloned(),
            connect: Duration::from_millis(lane.timeouts.connect_ms),
            headers: Duration::from_millis(lane.timeouts.headers_ms),
            deadline: call.deadline.map_or(total, |deadline| deadline.min(total)),
            trace: http::HeaderMap::new(),
        }
    }
}

type Emitter = emitter::Emitter<Result<AnswerEvent, CallError>>;

async fn stream(shared: &Shared, request: &ChatRequest, call: &Call, emitter: &Emitter) -> Result<Trail, CallError> {
    let chain = shared.chain(call)?;
    let mut trail = Trail::default();
    for entry in &chain.entries {
        let (lane, hop) = (&entry.lane, shared.hop(&entry.lane, call));
        let mut pieces = match lane.backend.stream(request, &hop).await {
            Ok(pieces) => pieces,
            Err(fault) => {
                trail.failed(lane, hop.model, &fault)?;
                continue;
            }
        };
        let mut begun = false;
        loop {
            match pieces.next().await {
                Some(Ok(Piece::KeepAlive)) => emitter.offer(Ok(AnswerEvent::Piece(Piece::KeepAlive))),
                Some(Ok(Piece::Started { .. } | Piece::Dropped)) if !begun => {}
                Some(Ok(piece)) => {
                    begun = true;
                    emitter.emit(Ok(AnswerEvent::Piece(piece))).await;
                }
                Some(Err(fault)) if begun => {
                    let error = trail.failed(lane, hop.model, &fault);
                    drop(error);
                    return Err(CallError { kind: CallErrorKind::Incomplete, ..trail.exhausted() });
                }
                Some(Err(fault)) => {
                    trail.failed(lane, hop.model, &fault)?;
                    break;
                }
                None => {
                    trail.answered(lane, hop.model);
                    return Ok(trail);
                }
            }
        }
    }
    Err(trail.exhausted())
}

impl Trail {
    fn answered(&mut self, lane: &Lane, model: String) {
        lane.record.answered();
        self.backend = lane.name.to_string();
        self.model.clone_from(&model);
        self.attempts.push(Attempt {
            backend: lane.name.to_string(),
            model,
            fault: None,
            message: String::new(),
            took: Duration::ZERO,
            hedge: false,
        });
    }

    fn failed(&mut self, lane: &Lane, model: String, fault: &Fault) -> Result<(), CallError> {
        lane.record.failed(fault);
        self.attempts.push(Attempt {
            backend: lane.name.to_string(),
            model,
            fault: Some(fault.kind),
            message: fault.message.clone(),
            took: Duration::ZERO,
            hedge: false,
        });
        if fault.kind == FaultKind::Caller { Err(self.clone().exhausted()) } else { Ok(()) }
    }

    fn exhausted(self) -> CallError {
        let last = self.attempts.last();
        let kind = last.and_then(|last| last.fault).map_or(CallErrorKind::NoBackend, CallErrorKind::of);
        let message = last.map_or("no backend is configured".to_owned(), |last| last.message.clone());
        CallError { kind, message, trail: Box::new(self), usage: None, retry_after: None }
    }
}
