//! How calls are tried, limited and broken off.

use serde::{Deserialize, Serialize};

/// Time limits of one try, in milliseconds. The caller's deadline caps all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlmTimeouts {
    /// To connect.
    pub connect_ms: u64,
    /// From sending to the answer's headers.
    pub headers_ms: u64,
    /// From sending to the first token of a streamed answer.
    pub first_token_ms: u64,
    /// Between two tokens of a streamed answer.
    pub between_tokens_ms: u64,
    /// For the whole call, all tries together.
    pub total_ms: u64,
}

impl Default for LlmTimeouts {
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            headers_ms: 120_000,
            first_token_ms: 120_000,
            between_tokens_ms: 30_000,
            total_ms: 600_000,
        }
    }
}

/// Tries at one backend before the next one is asked.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlmRetry {
    /// Tries at one backend when another is left to ask; 1 goes to the next at once.
    pub attempts: u32,
    /// Tries at the last backend of a chain.
    pub last_attempts: u32,
    /// First pause; doubles with each try, drawn between half and whole.
    pub base_delay_ms: u64,
    /// Longest pause; a longer `Retry-After` goes to the next backend instead.
    pub max_delay_ms: u64,
    /// Retries as a share of calls; what goes beyond is not retried.
    pub budget_share: f64,
}

impl Default for LlmRetry {
    fn default() -> Self {
        Self { attempts: 1, last_attempts: 3, base_delay_ms: 250, max_delay_ms: 8_000, budget_share: 0.2 }
    }
}

/// When a failing backend is left alone, by chain and backend.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlmBreaker {
    /// Failures in a row that open it.
    pub consecutive: u32,
    /// Share of failures within the window that opens it.
    pub error_share: f64,
    /// Fewest calls in the window for the share to count.
    pub least_calls: u32,
    /// Length of the window.
    pub window_ms: u64,
    /// First time it stays open; doubles each time the probe fails. `Retry-After` is a floor.
    pub cooldown_ms: u64,
    /// Longest time it stays open.
    pub max_cooldown_ms: u64,
    /// Time a backend is left alone that refused our key or whose cap is spent.
    pub hard_down_ms: u64,
}

impl Default for LlmBreaker {
    fn default() -> Self {
        Self {
            consecutive: 5,
            error_share: 0.5,
            least_calls: 10,
            window_ms: 30_000,
            cooldown_ms: 1_000,
            max_cooldown_ms: 60_000,
            hard_down_ms: 1_800_000,
        }
    }
}

/// A second request to another backend when the first one is slow; the faster wins, the other is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlmHedge {
    /// Time to wait for the first token before the second request; none never sends one.
    pub after_ms: Option<u64>,
    /// Second requests as a share of calls.
    pub share: f64,
}

/// Streamed answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlmStream {
    /// Tokens (pieces) held back before the answer is shown, so that another backend can still take over.
    pub hold_pieces: u32,
    /// Longest time they are held back.
    pub hold_ms: u64,
    /// Characters a second below which the held beginning is given up for the next backend; 0 never.
    pub least_characters_per_second: u32,
    /// What happens when an answer breaks off after it was shown in part.
    pub after_break: AfterBreak,
}

/// What happens when an answer breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterBreak {
    /// The caller gets an error that says so.
    #[default]
    Terminate,
    /// The next backend goes on where it broke off (never for function calls and JSON).
    Continue,
}

/// Waiting for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlmQueue {
    /// Calls that may wait for one backend; further ones are refused.
    pub depth: u32,
    /// Longest time to wait before the next backend is asked or the call refused.
    pub wait_ms: u64,
}

impl Default for LlmQueue {
    fn default() -> Self {
        Self { depth: 256, wait_ms: 120_000 }
    }
}

/// Answers given again to exactly the same question of the same person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlmCache {
    /// Bytes of answers kept; 0 switches it off.
    pub bytes: usize,
    /// Longest time an answer is kept.
    pub ttl_seconds: u64,
}

impl Default for LlmCache {
    fn default() -> Self {
        Self { bytes: 0, ttl_seconds: 3_600 }
    }
}

/// What a provider's refusal of the content leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyRefusal {
    /// The caller gets it.
    #[default]
    Return,
    /// The next backend is asked.
    Fallback,
}
