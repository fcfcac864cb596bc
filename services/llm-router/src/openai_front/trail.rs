//! How an answer came about, in headers and JSON.

use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use crate::{
    answer::{Trail, Usage},
    json::JsonWriter,
};

const BACKEND: HeaderName = HeaderName::from_static("x-aerie-backend");
const MODEL: HeaderName = HeaderName::from_static("x-aerie-model");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-aerie-attempts");
const COST: HeaderName = HeaderName::from_static("x-aerie-cost-micros");
const CACHED: HeaderName = HeaderName::from_static("x-aerie-cached");
const HEDGED: HeaderName = HeaderName::from_static("x-aerie-hedged");
const UNTOLD: HeaderName = HeaderName::from_static("x-aerie-schema-dropped");
/// Tries that a header tells of.
const MOST_IN_HEADER: usize = 16;

/// Adds the headers. Tries read `backend;fault;milliseconds`, with `ok` for the one that answered.
pub(super) fn write_headers(trail: &Trail, headers: &mut HeaderMap) {
    let mut insert = |name: HeaderName, text: &str| {
        // A name with characters that no header can carry is left out; the body has it all the same.
        if let (false, Ok(value)) = (text.is_empty(), HeaderValue::from_str(text)) {
            headers.insert(name, value);
        }
    };
    insert(BACKEND, &trail.backend);
    insert(MODEL, &trail.model);
    let mut tries = String::new();
    for attempt in trail.attempts.iter().take(MOST_IN_HEADER) {
        let fault = attempt.fault.map_or("ok", crate::fault::FaultKind::name);
        let comma = if tries.is_empty() { "" } else { ", " };
        // Writing to a text cannot fail.
        let _ = write!(tries, "{comma}{};{fault};{}", attempt.backend, attempt.took.as_millis());
    }
    insert(ATTEMPTS, &tries);
    if let Some(micros) = trail.cost_micros {
        headers.insert(COST, HeaderValue::from(micros));
    }
    for (name, holds) in [(CACHED, trail.cached), (HEDGED, trail.hedged)] {
        if holds {
            headers.insert(name, HeaderValue::from_static("true"));
        }
    }
}

/// Says what of a schema the backend was not told; the answer was checked for it all the same.
pub(super) fn write_untold(untold: &[String], headers: &mut HeaderMap) {
    let words: Vec<&str> = untold.iter().take(MOST_IN_HEADER).map(String::as_str).collect();
    if let (false, Ok(value)) = (words.is_empty(), HeaderValue::from_str(&words.join(", "))) {
        headers.insert(UNTOLD, value);
    }
}

/// The same as JSON, under `aerie`.
#[derive(Debug, Serialize)]
pub(super) struct TrailBody<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    backend: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    model: &'a str,
    attempts: Vec<AttemptBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_micros: Option<u64>,
    cached: bool,
    hedged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_usage: Option<UsageBody>,
}

#[derive(Debug, Serialize)]
struct AttemptBody<'a> {
    backend: &'a str,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
    duration_ms: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hedge: bool,
}

impl<'a> TrailBody<'a> {
    pub(super) fn of(trail: &'a Trail, partial_usage: Option<Usage>) -> Self {
        let attempts = trail.attempts.iter().map(|attempt| AttemptBody {
            backend: &attempt.backend,
            model: &attempt.model,
            fault: attempt.fault.map(crate::fault::FaultKind::name),
            message: &attempt.message,
            duration_ms: u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
            hedge: attempt.hedge,
        });
        Self {
            backend: &trail.backend,
            model: &trail.model,
            attempts: attempts.collect(),
            cost_micros: trail.cost_micros,
            cached: trail.cached,
            hedged: trail.hedged,
            partial_usage: partial_usage.map(UsageBody::from),
        }
    }
}

/// Tokens in OpenAI's words.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct UsageBody {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct PromptDetails {
    cached_tokens: u64,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

impl UsageBody {
    /// Writes what serde would, without its detours: every answer has one.
    pub(super) fn write(&self, json: &mut JsonWriter) {
        json.open_object();
        let counts = [
            ("prompt_tokens", self.prompt_tokens),
            ("completion_tokens", self.completion_tokens),
            ("total_tokens", self.total_tokens),
        ];
        for (name, count) in counts {
            json.key(name);
            json.count(count);
        }
        let details = [
            ("prompt_tokens_details", "cached_tokens", self.prompt_tokens_details.cached_tokens),
            ("completion_tokens_details", "reasoning_tokens", self.completion_tokens_details.reasoning_tokens),
        ];
        for (name, detail, count) in details {
            json.key(name);
            json.open_object();
            json.key(detail);
            json.count(count);
            json.close_object();
        }
        json.close_object();
    }
}

impl From<Usage> for UsageBody {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
            prompt_tokens_details: PromptDetails { cached_tokens: usage.cached_input_tokens },
            completion_tokens_details: CompletionDetails { reasoning_tokens: usage.reasoning_tokens },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tokens_are_written_as_serde_writes_them() {
        let usage = Usage { input_tokens: 7, output_tokens: 30, cached_input_tokens: 2, reasoning_tokens: u64::MAX };
        let body = UsageBody::from(usage);
        let mut json = JsonWriter::default();
        body.write(&mut json);
        assert_eq!(json.finish_joined(), serde_json::to_vec(&body).unwrap());
    }

    #[test]
    fn cost_cache_second_request_and_what_was_not_told_are_headers() {
        let trail = Trail { cost_micros: Some(12), cached: true, hedged: true, ..Trail::default() };
        let mut headers = HeaderMap::new();
        write_headers(&trail, &mut headers);
        write_untold(&["minLength at /a".to_owned(), "not at the root".to_owned()], &mut headers);
        assert_eq!(headers[COST], "12");
        assert_eq!(headers[CACHED], "true");
        assert_eq!(headers[HEDGED], "true");
        assert_eq!(headers[UNTOLD], "minLength at /a, not at the root");

        let mut headers = HeaderMap::new();
        write_headers(&Trail::default(), &mut headers);
        write_untold(&[], &mut headers);
        assert!(headers.is_empty(), "{headers:?}");
    }
}
