//! One backend inside the engine: what it is, its limits and its counters, shared by all chains.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use aerie_config::{BackendKind, LlmBackend, LlmTimeouts};

use super::{BackendStatus, BreakerState, Capabilities, deps::EngineBackend};
use crate::{backend::Backend, fault::Fault};

/// Stands for "the first model that the backend lists".
pub(crate) const AUTOMATIC: &str = "__auto__";

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
    pub(crate) record: Record,
}

impl Lane {
    pub(crate) fn new(backend: EngineBackend, timeouts: LlmTimeouts) -> Self {
        let EngineBackend { name, settings, backend, local, capabilities } = backend;
        Self {
            name: name.into(),
            kind: settings.kind,
            backend,
            timeouts: settings.timeouts.unwrap_or(timeouts),
            settings,
            local,
            capabilities,
            record: Record::default(),
        }
    }

    pub(crate) fn status(&self) -> BackendStatus {
        BackendStatus {
            name: self.name.to_string(),
            kind: self.kind,
            model: self.settings.model.clone(),
            local: self.local,
            enabled: self.settings.enabled,
            capabilities: self.capabilities,
            breaker: BreakerState::Closed,
            resting: None,
            in_flight: 0,
            queued: 0,
            first_token: None,
            requests_last_minute: 0,
            tokens_last_minute: 0,
            spent_today_micros: 0,
            answers: self.record.answers(),
            failures: self.record.failures(),
            last_fault: self.record.last_fault(),
        }
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
