//! Chains, built from the settings.

use std::{collections::HashMap, sync::Arc};

use aerie_config::{Llm, LlmChain};
use thiserror::Error;

use super::{breaker::Breaker, lane::Lane};
use crate::call::Call;

/// Name of the chain that is asked for work that has none of its own.
pub(crate) const DEFAULT: &str = "default";

/// A mistake in the settings that keeps the engine from starting.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum EngineError {
    /// A chain names a backend that is not configured.
    #[error("chain {chain} names the backend {backend}, which is not configured; {known}")]
    UnknownBackend {
        /// The chain.
        chain: String,
        /// The name.
        backend: String,
        /// The names that there are, in words.
        known: String,
    },
    /// A chain names one backend twice.
    #[error("chain {chain} names the backend {backend} twice; leave one out")]
    NamedTwice {
        /// The chain.
        chain: String,
        /// The name.
        backend: String,
    },
    /// A chain without backends.
    #[error("chain {chain} is empty; name a backend or leave the chain out")]
    EmptyChain {
        /// The chain.
        chain: String,
    },
    /// Two backends of one name.
    #[error("two backends are named {backend}; rename one")]
    SameName {
        /// The name.
        backend: String,
    },
}

/// Backends that stand in for one another.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) name: Arc<str>,
    pub(crate) entries: Vec<Arc<Entry>>,
    /// Whether the first to be asked is drawn by weight.
    pub(crate) weighted: bool,
}

/// A backend in a chain.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) lane: Arc<Lane>,
    pub(crate) weight: u32,
    /// Counts the failures of this backend in this chain.
    pub(crate) breaker: Breaker,
}

impl Entry {
    fn new(lane: &Arc<Lane>, weight: u32, settings: &Llm) -> Self {
        Self { lane: lane.clone(), weight, breaker: Breaker::counting(settings.breaker) }
    }
}

/// All chains by name; `default` is always there.
#[derive(Debug)]
pub(crate) struct Chains {
    by_name: HashMap<String, Arc<Chain>>,
    default: Arc<Chain>,
    /// Every backend for itself, for calls that name backends instead of a chain.
    direct: HashMap<String, Arc<Entry>>,
    direct_name: Arc<str>,
}

impl Chains {
    pub(crate) fn build(settings: &Llm, lanes: &[Arc<Lane>]) -> Result<Self, EngineError> {
        let entry = |lane: &Arc<Lane>, weight| Arc::new(Entry::new(lane, weight, settings));
        let mut direct = HashMap::new();
        for lane in lanes {
            if direct.insert(lane.name.to_string(), entry(lane, 1)).is_some() {
                return Err(EngineError::SameName { backend: lane.name.to_string() });
            }
        }
        let mut by_name = HashMap::new();
        for (name, chain) in &settings.chains {
            by_name.insert(name.clone(), Arc::new(compile(name, chain, settings, lanes)?));
        }
        let default = by_name.get(DEFAULT).cloned().unwrap_or_else(|| {
            let entries = lanes.iter().map(|lane| entry(lane, 1)).collect();
            Arc::new(Chain { name: DEFAULT.into(), entries, weighted: false })
        });
        Ok(Self { by_name, default, direct, direct_name: "direct".into() })
    }

    /// The chain of a kind of work.
    pub(crate) fn of(&self, work: &str) -> &Arc<Chain> {
        self.by_name.get(work).unwrap_or(&self.default)
    }

    /// What a call's chain is called in traces and metrics, whatever its caller wrote.
    pub(crate) fn name_for(&self, call: &Call) -> Arc<str> {
        if call.backends.is_empty() { self.of(&call.chain).name.clone() } else { self.direct_name.clone() }
    }

    /// A chain of these backends in this order; an unknown name is the error.
    pub(crate) fn direct(&self, names: &[String]) -> Result<Arc<Chain>, String> {
        let mut entries: Vec<Arc<Entry>> = Vec::with_capacity(names.len());
        for name in names {
            let entry = self.direct.get(name).ok_or_else(|| name.clone())?;
            if !entries.iter().any(|known| Arc::ptr_eq(known, entry)) {
                entries.push(entry.clone());
            }
        }
        Ok(Arc::new(Chain { name: self.direct_name.clone(), entries, weighted: false }))
    }

    /// Every place of every chain, those of direct calls included.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let named = self.by_name.values().flat_map(|chain| &chain.entries);
        let default = self.default.entries.iter().filter(|_| !self.by_name.contains_key(DEFAULT));
        named.chain(default).chain(self.direct.values())
    }

    /// The names that there are, in words.
    pub(crate) fn known(lanes: &[Arc<Lane>]) -> String {
        if lanes.is_empty() {
            return "no backend is configured".to_owned();
        }
        let names: Vec<&str> = lanes.iter().map(|lane| &*lane.name).collect();
        format!("there are: {}", names.join(", "))
    }
}

fn compile(name: &str, chain: &LlmChain, settings: &Llm, lanes: &[Arc<Lane>]) -> Result<Chain, EngineError> {
    let mut entries: Vec<Arc<Entry>> = Vec::new();
    for backend in chain.names() {
        let lane = lanes.iter().find(|lane| &*lane.name == backend).ok_or_else(|| EngineError::UnknownBackend {
            chain: name.to_owned(),
            backend: backend.clone(),
            known: Chains::known(lanes),
        })?;
        if entries.iter().any(|entry| Arc::ptr_eq(&entry.lane, lane)) {
            return Err(EngineError::NamedTwice { chain: name.to_owned(), backend: backend.clone() });
        }
        let weight = match chain {
            LlmChain::Order(_) => 1,
            LlmChain::Weighted { weights } => weights.get(backend).copied().unwrap_or(1),
        };
        entries.push(Arc::new(Entry::new(lane, weight, settings)));
    }
    if entries.is_empty() {
        return Err(EngineError::EmptyChain { chain: name.to_owned() });
    }
    Ok(Chain { name: name.into(), entries, weighted: matches!(chain, LlmChain::Weighted { .. }) })
}
