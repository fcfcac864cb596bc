//! What can go wrong at a backend, and whose fault it is.

use std::{fmt, time::Duration};

use thiserror::Error;

/// A failed try at one backend.
#[derive(Debug, Clone, Error, PartialEq)]
#[error("{message}")]
pub struct Fault {
    /// Whose fault it is, which decides what happens next.
    pub kind: FaultKind,
    /// What happened, for people: the provider's words, bounded and without keys.
    pub message: String,
    /// The provider's HTTP status, where there was one.
    pub status: Option<u16>,
    /// How long the provider asks to wait: the least time before it is tried again.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// A fault without status and waiting time.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, retry_after: None }
    }

    /// Adds the provider's HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds how long the provider asks to wait.
    #[must_use]
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// No connection: refused, reset before an answer, name not found, TLS. Nothing was done; the next backend is asked.
    Connect,
    /// A time limit passed.
    Timeout(Stage),
    /// Too many requests at the moment (429, 529, a 429 inside a 500).
    Overloaded,
    /// The provider is broken (5xx, 408, 409).
    Unavailable,
    /// Our key is refused (401, 403): hard down until the configuration changes.
    KeyRefused,
    /// Our account's money or usage cap is spent (402, `insufficient_quota`, usage caps that come as 400): hard down.
    UsageCap,
    /// The model does not exist there (404): a fault of our configuration, the next backend is asked.
    ModelUnknown,
    /// The request is wrong whichever backend gets it (400, 413, 422): returned to the caller, no fallback.
    Caller,
    /// The question is longer than this model reads; one that reads more is asked.
    ContextTooLong,
    /// The provider's policy refuses the content; configurable.
    ContentPolicy,
    /// The answer cannot be read, or ended in the middle before any content.
    Malformed,
    /// The answer was well formed and held nothing.
    Empty,
    /// The answer broke off after content was delivered.
    Incomplete,
    /// The backend cannot do what is asked (images, tools, schema, dimensions).
    Unsupported,
    /// The answer does not fit the schema that was asked for, also after it was asked again.
    InvalidDocument,
}

/// Which time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Connecting.
    Connect,
    /// Waiting for the answer's headers.
    Headers,
    /// Waiting for the first token.
    FirstToken,
    /// Waiting for the next token.
    BetweenTokens,
    /// The whole call.
    Total,
}

impl FaultKind {
    /// A stable word for metrics, traces and error details.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout(Stage::Connect) => "connect_timeout",
            Self::Timeout(Stage::Headers) => "headers_timeout",
            Self::Timeout(Stage::FirstToken) => "first_token_timeout",
            Self::Timeout(Stage::BetweenTokens) => "between_tokens_timeout",
            Self::Timeout(Stage::Total) => "total_timeout",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::KeyRefused => "key_refused",
            Self::UsageCap => "usage_cap",
            Self::ModelUnknown => "model_unknown",
            Self::Caller => "caller",
            Self::ContextTooLong => "context_too_long",
            Self::ContentPolicy => "content_policy",
            Self::Malformed => "malformed",
            Self::Empty => "empty",
            Self::Incomplete => "incomplete",
            Self::Unsupported => "unsupported",
            Self::InvalidDocument => "invalid_document",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
