//! The language-model router.

mod backend;
mod chain;
mod check;
pub(crate) mod earlier;
mod policy;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

pub use self::{
    backend::{BackendKind, LlmBackend, ModelPrice},
    chain::LlmChain,
    check::FOUND_NAMES,
    policy::{AfterBreak, LlmBreaker, LlmCache, LlmHedge, LlmQueue, LlmRetry, LlmStream, LlmTimeouts, PolicyRefusal},
};

/// Section `llm`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Llm {
    /// An `llm.yaml` of the earlier form to read as well; none looks for one beside the settings file.
    pub file: Option<PathBuf>,
    /// Look for model servers on their usual local ports and for keys in the environment.
    pub detect: bool,
    /// Backends by name.
    pub backends: BTreeMap<String, LlmBackend>,
    /// Chains by kind of work.
    pub chains: BTreeMap<String, LlmChain>,
    /// Time limits, which a backend may change.
    pub timeouts: LlmTimeouts,
    /// Tries at one backend.
    pub retry: LlmRetry,
    /// When a failing backend is left alone.
    pub breaker: LlmBreaker,
    /// A second request when the first is slow.
    pub hedge: LlmHedge,
    /// What happens when a streamed answer breaks off.
    pub stream: LlmStream,
    /// Waiting for a place at a busy backend.
    pub queue: LlmQueue,
    /// Answers given again to the same question.
    pub cache: LlmCache,
    /// What a provider's refusal of the content leads to.
    pub content_policy: PolicyRefusal,
    /// Prices by model, in US dollars for a million tokens.
    pub prices: BTreeMap<String, ModelPrice>,
    /// Times an answer that breaks the schema is asked for again at the same backend.
    pub extract_reasks: u32,
    /// Write prompts and answers into traces.
    pub record_prompts: bool,
    /// Where the router's own process listens for gRPC and OpenAI clients (`aerie llm-router`).
    pub listen: SocketAddr,
    /// The `llm.yaml` of the earlier form that was read; not a setting.
    #[serde(skip)]
    pub earlier: Option<EarlierFile>,
}

/// An `llm.yaml` of the earlier form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EarlierFile {
    /// The file.
    pub path: PathBuf,
    /// The backends that it defines.
    pub backends: BTreeSet<String>,
    /// What of it is not used, for people.
    pub notes: Vec<String>,
}
