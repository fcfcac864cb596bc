//! How the backends are, for people and health pages.

use std::time::Duration;

use aerie_config::BackendKind;

use super::Capabilities;
use crate::fault::Fault;

/// One backend as the engine sees it now.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendStatus {
    /// Name.
    pub name: String,
    /// Form.
    pub kind: BackendKind,
    /// Model that is asked for; `__auto__` until the backend was asked which it has.
    pub model: String,
    /// Whether it is on this machine or network.
    pub local: bool,
    /// Whether it is switched on.
    pub enabled: bool,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Whether it is asked: the worst state over all chains.
    pub breaker: BreakerState,
    /// How long it is still left alone.
    pub resting: Option<Duration>,
    /// Calls that are being answered.
    pub in_flight: u32,
    /// Calls that wait for a place.
    pub queued: u32,
    /// Time to the first token, a weighted mean that follows rises at once; none before the first answer.
    pub first_token: Option<Duration>,
    /// Requests in the last minute.
    pub requests_last_minute: u64,
    /// Tokens in the last minute, those of running calls estimated.
    pub tokens_last_minute: u64,
    /// Spent today (UTC), in millionths of a US dollar, running calls not included.
    pub spent_today_micros: u64,
    /// Answers since the start.
    pub answers: u64,
    /// Failed tries since the start.
    pub failures: u64,
    /// The last failure.
    pub last_fault: Option<Fault>,
}

/// Whether a backend is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BreakerState {
    /// It is.
    Closed,
    /// One call tries whether it is well again.
    HalfOpen,
    /// It failed often, or asked for a pause, and is left alone for a while.
    Open,
    /// It refused our key, or our money there is spent.
    HardDown,
}

impl BreakerState {
    /// A stable word for metrics and pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
            Self::HardDown => "hard_down",
        }
    }
}

/// What a backend said when it was asked for its models.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendCheck {
    /// Name.
    pub name: String,
    /// Models that it lists.
    pub models: Vec<String>,
    /// Model that calls ask it for; none when that could not be found out.
    pub model: Option<String>,
    /// From asking to the answer.
    pub latency: Duration,
    /// What went wrong; none when it is well.
    pub fault: Option<Fault>,
}
