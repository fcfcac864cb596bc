//! Whose fault a provider's error is, from its status, its code words and, where those are not enough, its sentences.

use std::time::Duration;

use serde_json::Value;

use crate::fault::{Fault, FaultKind};

/// What an error says, whatever form it has.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Report {
    /// Code words (`code`, `type`, `status`, `reason`, `error_type`), in lower case.
    pub(super) codes: Vec<String>,
    /// The sentence for people.
    pub(super) message: String,
    /// A status inside the body.
    pub(super) status: Option<u16>,
    /// A waiting time inside the body.
    pub(super) wait: Option<Duration>,
}

/// Longest text that is taken when the body is no JSON.
const MOST_PLAIN_TEXT: usize = 300;
/// Deepest nesting that is looked at.
const DEEPEST: usize = 6;

impl Report {
    /// Reads an error's body: the forms of OpenAI, Anthropic, Google, vLLM, Ollama, TGI, FastAPI, and plain text.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut report = Self::default();
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => report.add(&value, 0),
            Err(_) => {
                let text = String::from_utf8_lossy(body);
                // A proxy's web page says nothing to a person.
                if !text.trim_start().starts_with('<') {
                    report.message = text.trim().chars().take(MOST_PLAIN_TEXT).collect();
                }
            }
        }
        report
    }

    fn add(&mut self, value: &Value, depth: usize) {
        match value {
            Value::String(text) if self.message.is_empty() => self.message.clone_from(text),
            Value::Array(list) if depth < DEEPEST => list.iter().take(4).for_each(|one| self.add(one, depth + 1)),
            Value::Object(fields) => {
                for name in ["code", "type", "status", "reason", "error_type", "param"] {
                    self.add_code(name, fields.get(name));
                }
                if let Some(delay) = fields.get("retryDelay").and_then(Value::as_str) {
                    self.wait = seconds(delay);
                }
                for name in ["quotaId", "@type"] {
                    if let Some(word) = fields.get(name).and_then(Value::as_str) {
                        self.codes.push(word.to_ascii_lowercase());
                    }
                }
                if depth < DEEPEST {
                    let inner = ["error", "message", "msg", "detail", "details", "violations", "metadata"];
                    inner.iter().filter_map(|name| fields.get(*name)).for_each(|value| self.add(value, depth + 1));
                }
            }
            _ => {}
        }
    }

    fn add_code(&mut self, name: &str, value: Option<&Value>) {
        match value {
            // What `param` names matters only for telling which field is wrong.
            Some(Value::String(word)) if name != "param" => {
                self.status = self.status.or_else(|| http_status(word.parse().ok()?));
                self.codes.push(word.to_ascii_lowercase());
            }
            Some(Value::Number(number)) => {
                self.status = self.status.or_else(|| http_status(number.as_u64()?));
            }
            _ => {}
        }
    }

    fn has_code(&self, words: &[&str]) -> bool {
        self.codes.iter().any(|code| words.contains(&code.as_str()))
    }

    fn says(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }
}

fn http_status(number: u64) -> Option<u16> {
    u16::try_from(number).ok().filter(|status| (400..600).contains(status))
}

fn seconds(text: &str) -> Option<Duration> {
    let number: f64 = text.strip_suffix('s')?.parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| Duration::from_secs_f64(number.min(86_400.0)))
}

/// The account is spent. A cap is no passing limit, whatever status it comes with.
const CAP_CODES: [&str; 6] = [
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
    "billing_disabled",
    "insufficient_balance",
];
const CAP_PHRASES: [&str; 12] = [
    "credit balance is too low",
    "api usage limits",
    "usage limit reached",
    "spending limit",
    "spend limit",
    "billing hard limit",
    "insufficient credits",
    "insufficient balance",
    "insufficient funds",
    "requires more credits",
    "run out of credits",
    "used all available credits",
];

/// Our key is refused.
const KEY_CODES: [&str; 8] = [
    "invalid_api_key",
    "authentication_error",
    "permission_error",
    "invalid_authentication",
    "api_key_invalid",
    "unauthenticated",
    "permission_denied",
    "account_deactivated",
];
const KEY_PHRASES: [&str; 4] =
    ["api key not valid", "invalid api key", "incorrect api key", "invalid authentication credentials"];

/// The question is too long for the model.
const CONTEXT_CODES: [&str; 4] = [
    "context_length_exceeded",
    "exceed_context_size_error",
    "context_window_exceeded",
    "model_max_prompt_tokens_exceeded",
];
const CONTEXT_PHRASES: [&str; 17] = [
    "maximum context length",
    "context length",
    "context window",
    "context size",
    "context_length",
    "max_model_len",
    "maximum model length",
    "prompt is too long",
    "prompt too long",
    "input is too long",
    "input too long",
    "inputs must have less than",
    "`inputs` tokens + `max_new_tokens` must be",
    "exceeds the maximum number of tokens",
    "exceed the maximum number of tokens",
    "input token count",
    "too many tokens in the prompt",
];

/// The content is refused.
const POLICY_CODES: [&str; 7] = [
    "content_policy_violation",
    "content_filter",
    "responsibleaipolicyviolation",
    "moderation_blocked",
    "sensitive_content",
    "data_inspection_failed",
    "invalid_prompt",
];
const POLICY_PHRASES: [&str; 6] = [
    "content policy",
    "content management policy",
    "content filtering policy",
    "usage policies",
    "flagged as potentially violating",
    "safety system",
];

/// There is no such model.
const MODEL_CODES: [&str; 3] = ["model_not_found", "model_not_available", "model_decommissioned"];

/// Too much at the moment.
const OVERLOAD_CODES: [&str; 7] = [
    "rate_limit_error",
    "rate_limit_exceeded",
    "overloaded_error",
    "overloaded",
    "resource_exhausted",
    "too_many_requests",
    "slow_down",
];
const OVERLOAD_PHRASES: [&str; 10] = [
    "rate limit",
    "ratelimit",
    "too many requests",
    "code: 429",
    "code 429",
    "status 429",
    "overloaded",
    "server busy",
    "at capacity",
    "maximum pending requests exceeded",
];

/// The backend lacks what is asked of it.
const UNSUPPORTED_PHRASES: [&str; 14] = [
    "does not support image",
    "does not support vision",
    "does not support tool",
    "does not support function",
    "does not support thinking",
    "does not support embeddings",
    "does not support chat",
    "doesn't support image",
    "image input is not supported",
    "missing data required for image input",
    "multimodal is not supported",
    "is not a multimodal model",
    "this server does not support embeddings",
    "requires --jinja",
];

/// Whose fault an error with this status is (200 for one inside a good answer).
pub(super) fn kind(status: u16, report: &Report) -> FaultKind {
    // A gateway's 500 around another provider's answer, or an error inside a 200: the inner status is the real one.
    let status = match report.status {
        Some(inner) if !(400..500).contains(&status) => inner,
        _ => status,
    };
    let is_failure = |codes: &[&str], phrases: &[&str]| report.has_code(codes) || report.says(phrases);
    if status == 402 || is_failure(&CAP_CODES, &CAP_PHRASES) {
        return FaultKind::UsageCap;
    }
    if is_failure(&KEY_CODES, &KEY_PHRASES) {
        return FaultKind::KeyRefused;
    }
    if is_failure(&CONTEXT_CODES, &CONTEXT_PHRASES) && status != 429 {
        return FaultKind::ContextTooLong;
    }
    if is_failure(&POLICY_CODES, &POLICY_PHRASES) {
        return FaultKind::ContentPolicy;
    }
    if report.has_code(&MODEL_CODES) {
        return FaultKind::ModelUnknown;
    }
    if report.says(&UNSUPPORTED_PHRASES) {
        return FaultKind::Unsupported;
    }
    let is_overload = is_failure(&OVERLOAD_CODES, &OVERLOAD_PHRASES);
    match status {
        401 | 403 => FaultKind::KeyRefused,
        // A path that is not there, or not any more, is as good as a model that is not.
        404 | 405 | 410 => FaultKind::ModelUnknown,
        429 | 529 => FaultKind::Overloaded,
        // 424 is TGI's for an engine that failed.
        408 | 409 | 424 | 425 => FaultKind::Unavailable,
        400..=499 => FaultKind::Caller,
        _ if is_overload => FaultKind::Overloaded,
        _ => FaultKind::Unavailable,
    }
}

/// The fault of an error: its kind, the provider's words, and the longer of the waiting times given.
pub(super) fn fault(provider: &str, status: u16, report: &Report, wait: Option<Duration>) -> Fault {
    fault_of(kind(status, report), provider, status, report, wait)
}

/// The same with a kind that was found otherwise.
pub(super) fn fault_of(kind: FaultKind, provider: &str, status: u16, report: &Report, wait: Option<Duration>) -> Fault {
    let words = if report.message.is_empty() { "no reason given" } else { report.message.as_str() };
    let message = match status {
        200 => format!("{provider} reported an error: {words}"),
        status => format!("{provider} answered {status}: {words}"),
    };
    Fault::new(kind, message)
        .with_status(report.status.filter(|_| status == 200).unwrap_or(status))
        .retry_after(wait.max(report.wait))
}

/// The provider takes images only, and one came here by address: whoever asks it should have fetched it.
pub(super) fn no_addresses(provider: &str) -> Fault {
    Fault::new(FaultKind::Unsupported, format!("{provider} takes images, but no addresses of images"))
}

/// An answer that is not of the provider's form.
pub(super) fn malformed(provider: &str, error: &serde_json::Error) -> Fault {
    Fault::new(FaultKind::Malformed, format!("{provider}'s answer cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
