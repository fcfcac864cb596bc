//! One backend inside the engine: what it is, its limits and its counters, shared by all chains.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aerie_config::{BackendKind, Llm, LlmBackend, LlmTimeouts};
use tokio::time::Instant;

use super::{
    Capabilities,
    admission::{Admission, Limits},
    breaker::Breaker,
    deps::{EngineBackend, WallClock},
    meters::Meters,
    model::Listed,
    share::ShareBucket,
    speed::Speed,
    telemetry::provider,
};
use crate::{
    backend::{Backend, Hop},
    fault::Fault,
};

/// Stands for "the first model that the backend lists".
pub(crate) const AUTOMATIC: &str = "__auto__";
/// Calls at once at a backend that says nothing of its own.
const CONCURRENCY: u32 = 64;
/// Retries that are allowed before enough calls were made to earn some.
const FIRST_RETRIES: u64 = 10;

/// One backend.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) name: Arc<str>,
    pub(crate) kind: BackendKind,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) settings: LlmBackend,
    pub(crate) local: bool,
    pub(crate) capabilities: Capabilities,
    pub(crate) timeouts: LlmTimeouts,
    pub(crate) admission: Admission,
    /// Pauses that the provider asked for and refusals of our key, for all chains.
    pub(crate) rest: Breaker,
    pub(crate) retries: ShareBucket,
    pub(crate) first_token: Speed,
    pub(crate) whole: Speed,
    pub(crate) listed: Listed,
    pub(crate) record: Record,
    pub(crate) meters: Meters,
}

impl Lane {
    /// `before` is the door of the backend of this name in the engine whose place is taken.
    pub(crate) fn new(
        backend: EngineBackend,
        settings: &Llm,
        clock: Arc<dyn WallClock>,
        before: Option<&Admission>,
    ) -> Self {
        let EngineBackend { name, settings: own, backend, local, capabilities } = backend;
        let limits = Limits {
            concurrency: own.concurrency.unwrap_or(if local { at_once(own.kind) } else { CONCURRENCY }).max(1),
            requests_per_minute: own.requests_per_minute.map(u64::from),
            tokens_per_minute: own.tokens_per_minute,
            micros_per_day: own.dollars_per_day.map(|dollars| (dollars * 1e6) as u64),
        };
        let name: Arc<str> = name.into();
        Self {
            meters: Meters::new(name.clone(), provider(own.kind)),
            name,
            kind: own.kind,
            backend,
            timeouts: own.timeouts.unwrap_or(settings.timeouts),
            settings: own,
            local,
            capabilities,
            admission: before
                .filter(|before| before.limits() == limits)
                .cloned()
                .unwrap_or_else(|| Admission::new(limits, settings.queue.depth, clock)),
            rest: Breaker::told(),
            retries: ShareBucket::new(settings.retry.budget_share, FIRST_RETRIES),
            first_token: Speed::default(),
            whole: Speed::default(),
            listed: Listed::default(),
            record: Record::default(),
        }
    }

    /// How long a call is expected to wait here, in seconds: the usual time, times everybody who is before it.
    pub(crate) fn load(&self, now: Instant) -> f64 {
        let speed = if self.first_token.usual().is_some() { &self.first_token } else { &self.whole };
        speed.expected(now) * (f64::from(self.admission.in_flight()) + 1.0)
    }

    /// Model that the settings name.
    pub(crate) fn configured_model(&self, vectors: bool) -> &str {
        let vector_model = self.settings.embedding_model.as_ref().filter(|_| vectors);
        vector_model.unwrap_or(&self.settings.model)
    }

    /// A try's share of the call; without key, person and trace.
    pub(crate) fn hop(&self, model: String, deadline: Instant) -> Hop {
        Hop {
            model,
            key: None,
            connect: Duration::from_millis(self.timeouts.connect_ms),
            headers: Duration::from_millis(self.timeouts.headers_ms),
            deadline,
            person: String::new(),
            trace: http::HeaderMap::new(),
        }
    }
}

/// Local servers of these kinds answer one call after another; the others batch.
fn at_once(kind: BackendKind) -> u32 {
    match kind {
        BackendKind::Ollama
        | BackendKind::OpenAiCompatible
        | BackendKind::LlamaCpp
        | BackendKind::Vision
        | BackendKind::VisionService => 1,
        _ => CONCURRENCY,
    }
}

/// What a backend did since the start.
#[derive(Debug, Default)]
pub(crate) struct Record {
    answers: AtomicU64,
    failures: AtomicU64,
    last_fault: Mutex<Option<Fault>>,
}

impl Record {
    pub(crate) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, fault: &Fault) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        *self.last_fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.clone());
    }

    pub(crate) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(crate) fn last_fault(&self) -> Option<Fault> {
        self.last_fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
