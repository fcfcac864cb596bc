//! A backend that does what a test says, and a router over some.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aerie_config::{Llm, Loader};
use futures::{FutureExt, StreamExt, stream};

use crate::{
    answer::{Completion, Embeddings, Piece},
    backend::{Backend, Hop, Pieces},
    chat::{ChatRequest, EmbedRequest},
    engine::SystemWallClock,
    fault::{Fault, FaultKind},
    router::{DetectOptions, OrderPlace, Router, RouterDeps, Variables},
};

/// What a backend answers, and what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    pub(crate) completion: Mutex<Option<Result<Completion, Fault>>>,
    pub(crate) pieces: Mutex<Vec<Result<Piece, Fault>>>,
    /// Time before each piece.
    pub(crate) pause: Mutex<Duration>,
    pub(crate) models: Mutex<Vec<String>>,
    pub(crate) asked: Mutex<Vec<(ChatRequest, Hop)>>,
}

impl Scripted {
    pub(crate) fn says(text: &str) -> Arc<Self> {
        let scripted = Self::default();
        *scripted.completion.lock().unwrap() =
            Some(Ok(Completion { content: text.to_owned(), ..Completion::default() }));
        Arc::new(scripted)
    }

    pub(crate) fn fails(kind: FaultKind) -> Arc<Self> {
        let scripted = Self::default();
        *scripted.completion.lock().unwrap() = Some(Err(Fault::new(kind, "as asked")));
        Arc::new(scripted)
    }

    pub(crate) fn streams(pieces: Vec<Result<Piece, Fault>>) -> Arc<Self> {
        let scripted = Self::default();
        *scripted.pieces.lock().unwrap() = pieces;
        Arc::new(scripted)
    }

    pub(crate) fn last(&self) -> (ChatRequest, Hop) {
        self.asked.lock().unwrap().last().cloned().unwrap()
    }
}

#[async_trait::async_trait]
impl Backend for Scripted {
    async fn complete(&self, request: &ChatRequest, hop: &Hop) -> Result<Completion, Fault> {
        self.asked.lock().unwrap().push((request.clone(), hop.clone()));
        self.completion.lock().unwrap().clone().unwrap()
    }

    async fn stream(&self, request: &ChatRequest, hop: &Hop) -> Result<Pieces, Fault> {
        self.asked.lock().unwrap().push((request.clone(), hop.clone()));
        if let Some(Err(fault)) = self.completion.lock().unwrap().clone() {
            return Err(fault);
        }
        let pieces = stream::iter(self.pieces.lock().unwrap().clone());
        let pause = *self.pause.lock().unwrap();
        if pause.is_zero() {
            return Ok(pieces.boxed());
        }
        Ok(pieces.then(move |piece| tokio::time::sleep(pause).map(|()| piece)).boxed())
    }

    async fn embed(&self, request: &EmbedRequest, _: &Hop) -> Result<Embeddings, Fault> {
        let vectors = request.inputs.iter().map(|text| vec![text.len() as f32, -0.5]).collect();
        Ok(Embeddings { vectors, model: "vectors".into(), usage: None })
    }

    async fn models(&self, _: &Hop) -> Result<Vec<String>, Fault> {
        Ok(self.models.lock().unwrap().clone())
    }
}

/// Settings of this YAML, without looking for model servers.
pub(crate) fn settings(yaml: &str) -> Llm {
    let llm: serde_json::Value = serde_json::from_str(yaml).unwrap();
    let loader = Loader::new().environment([("AERIE_HOME", "/nowhere"), ("AERIE__LLM__DETECT", "false")]);
    loader.overrides(&serde_json::json!({ "llm": llm })).unwrap().load().unwrap().llm
}

/// A router whose backends are these.
pub(crate) fn router_of(settings: &Llm, variables: Variables, backends: &[(&str, &Arc<Scripted>)]) -> Router {
    router_with(settings, variables, backends, OrderPlace::Fixed("the test sets the order"))
}

/// The same, with a place for an order that is chosen.
pub(crate) fn router_with(
    settings: &Llm,
    variables: Variables,
    backends: &[(&str, &Arc<Scripted>)],
    order: OrderPlace,
) -> Router {
    let by_name: BTreeMap<String, Arc<Scripted>> =
        backends.iter().map(|(name, backend)| ((*name).to_owned(), (*backend).clone())).collect();
    let deps = RouterDeps {
        settings,
        variables,
        vision: None,
        connect: Arc::new(move |name, _, _| {
            let backend: Arc<dyn Backend> = by_name.get(name).cloned().unwrap_or_default();
            Ok(backend)
        }),
        detect: DetectOptions { places: vec![], ..DetectOptions::default() },
        clock: Arc::new(SystemWallClock),
        seed: 1,
        order,
    };
    Router::create(deps).unwrap()
}

/// A router over backends of the form that OpenAI's servers have, asked in this order, with one try each. Answers are
/// kept for callers who ask for it.
pub(crate) fn router(backends: &[(&str, &Arc<Scripted>)]) -> Router {
    let entries: serde_json::Map<String, serde_json::Value> = backends
        .iter()
        .map(|(name, _)| {
            let entry = serde_json::json!({
                "kind": "openai_compatible",
                "base_url": "http://127.0.0.1:1/v1",
                "model": format!("{name}-model"),
                "images": true,
            });
            ((*name).to_owned(), entry)
        })
        .collect();
    let order: Vec<&str> = backends.iter().map(|(name, _)| *name).collect();
    let llm = serde_json::json!({
        "backends": entries,
        "chains": { "default": order, "research": [order.last()] },
        "retry": { "last_attempts": 1 },
        "cache": { "bytes": 100_000 },
    });
    router_of(&settings(&llm.to_string()), Variables::given(&[]), backends)
}
