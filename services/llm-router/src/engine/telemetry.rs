//! Spans and metrics, in the words of OpenTelemetry's conventions for generative AI
//! (<https://github.com/open-telemetry/semantic-conventions-genai>), and the router's own.
//!
//! Prometheus names are those that OpenTelemetry's own exporter would write. Questions and answers are recorded only when
//! the settings ask for it.

use std::{sync::Arc, time::Duration};

use aerie_config::BackendKind;
use metrics::{SharedString, counter, gauge, histogram};
use tracing::{Span, field::Empty, info_span};

use super::{lane::Lane, status::BreakerState};
use crate::{
    answer::{Completion, FinishReason, Usage},
    call::{Call, CallErrorKind},
    chat::{ChatRequest, Message, Part, Role},
    fault::Fault,
};

/// Longest recorded question or answer, in bytes.
const LONGEST_RECORDED: usize = 16 * 1024;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Chat,
    Embeddings,
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
        }
    }
}

/// What is written into spans.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Recording {
    /// Questions and answers.
    pub(crate) prompts: bool,
    /// Names of version 1.36 of the conventions beside the current ones.
    pub(crate) older_names: bool,
}

impl Recording {
    /// The older names are asked for in the way that OpenTelemetry's other conventions have for it.
    pub(crate) fn new(prompts: bool, opted_in: Option<&str>) -> Self {
        let older_names = opted_in.is_some_and(|names| names.split(',').any(|name| name.trim() == "gen_ai/dup"));
        Self { prompts, older_names }
    }
}

/// The span of a whole call, above those of its tries.
pub(crate) fn call_span(call: &Call, operation: Operation, chain: &str) -> Span {
    info_span!(
        "route",
        otel.kind = "internal",
        gen_ai.operation.name = operation.name(),
        aerie.llm.chain = chain,
        aerie.llm.priority = ?call.priority,
        aerie.llm.backend = Empty,
        aerie.llm.cached = Empty,
        error.r#type = Empty,
    )
}

/// The span of one try.
pub(crate) fn attempt_span(
    lane: &Lane,
    model: &str,
    operation: Operation,
    request: Option<&ChatRequest>,
    recording: Recording,
) -> Span {
    let span = info_span!(
        "attempt",
        otel.name = Empty,
        otel.kind = "client",
        otel.status_code = Empty,
        gen_ai.operation.name = operation.name(),
        gen_ai.provider.name = provider(lane.kind),
        gen_ai.system = Empty,
        gen_ai.request.model = model,
        gen_ai.request.max_tokens = Empty,
        gen_ai.request.temperature = Empty,
        gen_ai.response.id = Empty,
        gen_ai.response.model = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        gen_ai.input.messages = Empty,
        gen_ai.output.messages = Empty,
        aerie.llm.backend = &*lane.name,
        error.r#type = Empty,
    );
    if span.is_disabled() {
        return span;
    }
    span.record("otel.name", format!("{} {model}", operation.name()));
    if recording.older_names {
        span.record("gen_ai.system", provider(lane.kind));
    }
    if let Some(request) = request {
        if let Some(tokens) = request.sampling.max_tokens {
            span.record("gen_ai.request.max_tokens", tokens);
        }
        if let Some(temperature) = request.sampling.temperature {
            span.record("gen_ai.request.temperature", f64::from(temperature));
        }
        if recording.prompts {
            span.record("gen_ai.input.messages", messages(&request.messages));
        }
    }
    span
}

/// What a try's answer said, into its span.
pub(crate) fn answered(span: &Span, completion: &Completion, recording: Recording) {
    if span.is_disabled() {
        return;
    }
    span.record("gen_ai.response.id", completion.id.as_str());
    span.record("gen_ai.response.model", completion.model.as_str());
    span.record("gen_ai.response.finish_reasons", finish(completion.finish));
    if let Some(usage) = &completion.usage {
        used(span, usage);
    }
    if recording.prompts {
        let answer = [Message::text(Role::Assistant, completion.content.as_str())];
        span.record("gen_ai.output.messages", messages(&answer));
    }
}

pub(crate) fn used(span: &Span, usage: &Usage) {
    span.record("gen_ai.usage.input_tokens", usage.input_tokens);
    span.record("gen_ai.usage.output_tokens", usage.output_tokens);
    span.record("gen_ai.usage.cache_read.input_tokens", usage.cached_input_tokens);
}

pub(crate) fn failed(span: &Span, fault: &Fault) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", fault.kind.name());
}

/// Counts a try that ended.
pub(crate) fn count_attempt(lane: &Lane, model: &str, operation: Operation, fault: Option<&Fault>, took: Duration) {
    let model = lane.meters.of(model);
    let Some(fault) = fault else {
        lane.meters.always().answered.increment(1);
        return model.operation(operation).took.record(took.as_secs_f64());
    };
    let backend = SharedString::from_shared(lane.name.clone());
    counter!("aerie_llm_attempts_total", "backend" => backend, "outcome" => fault.kind.name()).increment(1);
    histogram!(
        "gen_ai_client_operation_duration_seconds",
        "gen_ai_operation_name" => operation.name(),
        "gen_ai_provider_name" => provider(lane.kind),
        "gen_ai_request_model" => model.label.clone(),
        "error_type" => fault.kind.name(),
    )
    .record(took.as_secs_f64());
}

/// Counts a try's tokens and cost.
pub(crate) fn count_usage(lane: &Lane, model: &str, operation: Operation, usage: &Usage, micros: Option<u64>) {
    let model = lane.meters.of(model);
    let meters = model.operation(operation);
    meters.input.record(usage.input_tokens as f64);
    meters.output.record(usage.output_tokens as f64);
    if let Some(micros) = micros {
        lane.meters.always().cost.increment(micros);
    }
}

/// Counts the first piece of a streamed answer.
pub(crate) fn count_first_piece(lane: &Lane, model: &str, took: Duration) {
    lane.meters.of(model).first_piece.record(took.as_secs_f64());
}

/// Counts events of a streamed answer that could not be read.
pub(crate) fn count_dropped(lane: &Lane) {
    counter!("aerie_llm_dropped_events_total", "backend" => SharedString::from_shared(lane.name.clone())).increment(1);
}

/// Counts the time that a call waited for a place.
pub(crate) fn count_wait(lane: &Lane, waited: Duration) {
    lane.meters.always().wait.record(waited.as_secs_f64());
}

/// Counts a second request and whether it won.
pub(crate) fn count_hedge(won: bool) {
    counter!("aerie_llm_hedges_total", "won" => if won { "true" } else { "false" }).increment(1);
}

/// Counts a look into the answer cache.
pub(crate) fn count_cache(hit: bool) {
    counter!("aerie_llm_cache_total", "hit" => if hit { "true" } else { "false" }).increment(1);
}

/// Counts a whole call.
pub(crate) fn count_call(chain: &Arc<str>, operation: Operation, error: Option<CallErrorKind>, took: Duration) {
    let outcome = error.map_or("answered", CallErrorKind::name);
    let chain = SharedString::from_shared(chain.clone());
    counter!("aerie_llm_calls_total", "chain" => chain, "operation" => operation.name(), "outcome" => outcome)
        .increment(1);
    histogram!("aerie_llm_call_seconds", "operation" => operation.name()).record(took.as_secs_f64());
}

/// The conventions' names where they have one.
pub(crate) fn provider(kind: BackendKind) -> &'static str {
    match kind {
        BackendKind::OpenAi => "openai",
        BackendKind::OpenAiCompatible => "openai_compatible",
        BackendKind::LlamaCpp => "llama_cpp",
        BackendKind::Vllm => "vllm",
        BackendKind::Ollama => "ollama",
        BackendKind::Anthropic => "anthropic",
        BackendKind::Gemini => "gcp.gemini",
        BackendKind::Tgi => "tgi",
        BackendKind::Vision | BackendKind::VisionService => "aerie.vision",
    }
}

fn finish(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop => "[\"stop\"]",
        FinishReason::Length => "[\"length\"]",
        FinishReason::ToolCalls => "[\"tool_call\"]",
        FinishReason::ContentFilter => "[\"content_filter\"]",
    }
}

/// Whether a backend is asked: 1 when it is, 0 when it is left alone.
pub(crate) fn backend(name: &Arc<str>, breaker: BreakerState) {
    let is_asked = matches!(breaker, BreakerState::Closed | BreakerState::HalfOpen);
    let backend = SharedString::from_shared(name.clone());
    gauge!("aerie_llm_backend_available", "backend" => backend).set(f64::from(u8::from(is_asked)));
}

/// Messages in the conventions' JSON form, bounded; pictures only as such.
fn messages(messages: &[Message]) -> String {
    let mut left = LONGEST_RECORDED;
    let mut recorded = Vec::new();
    for message in messages {
        let parts: Vec<serde_json::Value> = message.parts.iter().map(|part| recorded_part(part, &mut left)).collect();
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        };
        recorded.push(serde_json::json!({"role": role, "parts": parts}));
    }
    serde_json::Value::Array(recorded).to_string()
}

fn recorded_part(part: &Part, left: &mut usize) -> serde_json::Value {
    let mut bounded = |text: &str| {
        let end = (0..=text.len().min(*left)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        *left -= end;
        text[..end].to_owned()
    };
    match part {
        Part::Text(text) => serde_json::json!({"type": "text", "content": bounded(text)}),
        Part::Image(_) => serde_json::json!({"type": "image"}),
        Part::ToolCall(call) => serde_json::json!({
            "type": "tool_call", "id": call.id, "name": call.name, "arguments": bounded(&call.arguments),
        }),
        Part::ToolResult { call_id, text } => serde_json::json!({
            "type": "tool_call_response", "id": call_id, "response": bounded(text),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn older_names_are_written_only_for_those_who_ask_for_both() {
        for (opted_in, older) in
            [(None, false), (Some("gen_ai_latest_experimental"), false), (Some("http/dup, gen_ai/dup"), true)]
        {
            assert_eq!(Recording::new(false, opted_in).older_names, older, "{opted_in:?}");
        }
    }

    #[test]
    fn a_backend_that_is_left_alone_is_told() {
        let metrics = aerie_telemetry::Metrics::install().unwrap();
        for (breaker, told) in [(BreakerState::Closed, 1), (BreakerState::HardDown, 0), (BreakerState::HalfOpen, 1)] {
            backend(&"told".into(), breaker);
            let line = format!("aerie_llm_backend_available{{backend=\"told\"}} {told}");
            assert!(metrics.render().lines().any(|found| found == line), "{breaker:?}: {}", metrics.render());
        }
    }

    #[test]
    fn recorded_messages_are_bounded_and_hold_no_pictures() {
        let parts = vec![Part::Text("é".repeat(LONGEST_RECORDED)), Part::Text("more".to_owned())];
        let recorded = messages(&[Message { role: Role::User, parts }]);
        assert!(recorded.len() < LONGEST_RECORDED + 200, "{}", recorded.len());
        assert!(recorded.starts_with("[{\"parts\":[{\"content\":\"éé"), "{}", &recorded[..40]);
    }
}
