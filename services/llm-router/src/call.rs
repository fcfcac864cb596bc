//! One call to the router: who asks, under which rules, and what comes back.

use std::{collections::BTreeMap, time::Duration};

use aerie_config::Secret;
use thiserror::Error;
use tokio::time::Instant;

use crate::{
    answer::{Completion, Embeddings, Piece, Trail, Usage},
    fault::FaultKind,
};

/// What surrounds a question.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// Kind of work, which names the chain; empty is `default`. A kind without a chain of its own uses `default`.
    pub chain: String,
    /// Backends to ask instead of the chain, in order; empty asks the chain.
    pub backends: Vec<String>,
    /// Model to ask for instead of each backend's own.
    pub model: Option<String>,
    /// Who asks: keys fairness, budgets and the answer cache; empty for the system itself.
    pub person: String,
    /// What that person allows.
    pub consent: Consent,
    /// Who goes first when there is a queue.
    pub priority: Priority,
    /// When the caller gives up; caps every other time limit.
    pub deadline: Option<Instant>,
    /// Whether an answer may come from, and go to, the cache (when the cache is switched on).
    pub cache: bool,
}

/// What a person allows. No fallback goes beyond it.
#[derive(Debug, Clone, Default)]
pub struct Consent {
    /// Only backends on this machine or network.
    pub local_only: bool,
    /// Backends elsewhere that the person agreed to; none allows all that are configured.
    pub acknowledged: Option<Vec<String>>,
    /// The person's own keys, by backend.
    pub keys: BTreeMap<String, Secret>,
}

/// Who goes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// A person waits.
    #[default]
    Interactive,
    /// A background task.
    Background,
}

/// A whole answer and how it came about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The answer.
    pub completion: Completion,
    /// How it came about.
    pub trail: Trail,
}

/// Vectors and how they came about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmbedAnswer {
    /// The vectors.
    pub embeddings: Embeddings,
    /// How they came about.
    pub trail: Trail,
}

/// What a streamed answer consists of.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerEvent {
    /// A piece of the answer. Keep-alives may come before a backend is chosen; content only after.
    Piece(Piece),
    /// The clean end: how the answer came about. Nothing follows.
    End(Trail),
}

/// Why a call has no answer, or no whole one.
#[derive(Debug, Clone, Error, PartialEq)]
#[error("{message}")]
pub struct CallError {
    /// What it means for the caller.
    pub kind: CallErrorKind,
    /// In words: what happened and what to do.
    pub message: String,
    /// Every try that was made.
    pub trail: Box<Trail>,
    /// Tokens that were used all the same ([`CallErrorKind::Incomplete`]).
    pub usage: Option<Usage>,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

/// What a failed call means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallErrorKind {
    /// The request is wrong.
    Invalid,
    /// No configured backend can do it, may do it, or is there at all.
    NoBackend,
    /// The question is longer than any allowed model reads.
    ContextTooLong,
    /// A provider's policy refuses the content.
    ContentPolicy,
    /// A limit of ours or of every backend is reached; try again later.
    Exhausted,
    /// Every backend failed.
    Unavailable,
    /// The time was up.
    DeadlineExceeded,
    /// The answer broke off after its beginning was delivered.
    Incomplete,
    /// No backend gave a document that fits the schema.
    InvalidDocument,
}

impl CallErrorKind {
    /// A stable word for error details and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NoBackend => "no_backend",
            Self::ContextTooLong => "context_too_long",
            Self::ContentPolicy => "content_policy",
            Self::Exhausted => "exhausted",
            Self::Unavailable => "unavailable",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Incomplete => "incomplete",
            Self::InvalidDocument => "invalid_document",
        }
    }

    /// What a fault means once no backend is left to try.
    #[must_use]
    pub fn of(fault: FaultKind) -> Self {
        match fault {
            FaultKind::Caller => Self::Invalid,
            FaultKind::ContextTooLong => Self::ContextTooLong,
            FaultKind::ContentPolicy => Self::ContentPolicy,
            FaultKind::Overloaded | FaultKind::UsageCap => Self::Exhausted,
            FaultKind::Incomplete => Self::Incomplete,
            FaultKind::Unsupported => Self::NoBackend,
            FaultKind::InvalidDocument => Self::InvalidDocument,
            FaultKind::Connect
            | FaultKind::Timeout(_)
            | FaultKind::Unavailable
            | FaultKind::KeyRefused
            | FaultKind::ModelUnknown
            | FaultKind::Malformed
            | FaultKind::Empty => Self::Unavailable,
        }
    }
}
