//! Anthropic's messages (<https://docs.anthropic.com/en/api/messages>). The base address is the server's root.

mod answer;
mod generation;
mod request;
mod stream;

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::InvalidHeaderValue};

use super::{EventReader, Framing, Wire, WireRequest, chat_completions::models, failure, schema};
use crate::{
    answer::{Completion, Embeddings, FinishReason},
    chat::{ChatRequest, EmbedRequest, Schema},
    fault::{Fault, FaultKind},
};

/// In messages.
const PROVIDER: &str = "Anthropic";
/// Function by which older models hand over a document that must fit a schema.
const DOCUMENT_TOOL: &str = "hand_over_document";

/// The form.
#[derive(Debug)]
pub(super) struct Anthropic;

impl Wire for Anthropic {
    fn chat(&self, request: &ChatRequest, model: &str, stream: bool) -> Result<WireRequest, Fault> {
        Ok(request::chat(request, model, stream))
    }

    fn completion(&self, body: &[u8]) -> Result<Completion, Fault> {
        answer::completion(body)
    }

    fn framing(&self) -> Framing {
        Framing::ServerSentEvents
    }

    fn reader(&self) -> Box<dyn EventReader> {
        Box::<stream::Reader>::default()
    }

    fn failure(&self, status: StatusCode, _: &HeaderMap, body: &[u8], wait: Option<Duration>) -> Fault {
        failure::fault(PROVIDER, status.as_u16(), &failure::Report::read(body), wait)
    }

    fn embed(&self, _: &EmbedRequest, _: &str) -> Result<WireRequest, Fault> {
        Err(Fault::new(FaultKind::Unsupported, "Anthropic makes no vectors"))
    }

    fn embeddings(&self, _: &[u8]) -> Result<Embeddings, Fault> {
        Err(Fault::new(FaultKind::Unsupported, "Anthropic makes no vectors"))
    }

    fn models_path(&self) -> &'static str {
        "/v1/models?limit=1000"
    }

    fn models(&self, body: &[u8]) -> Result<Vec<String>, Fault> {
        models(PROVIDER, body)
    }

    fn key_header(&self, key: &str) -> Result<(HeaderName, HeaderValue), InvalidHeaderValue> {
        Ok((HeaderName::from_static("x-api-key"), HeaderValue::from_str(key)?))
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        vec![(HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"))]
    }

    fn untold(&self, schema: &Schema) -> Vec<String> {
        schema::unknown(schema, schema::ANTHROPIC)
    }
}

/// What a reason to stop means; none for a refusal.
fn finish(word: &str) -> Option<FinishReason> {
    match word {
        "refusal" => None,
        "max_tokens" | "model_context_window_exceeded" => Some(FinishReason::Length),
        "tool_use" => Some(FinishReason::ToolCalls),
        // `end_turn`, `stop_sequence`, `pause_turn`, and what may come.
        _ => Some(FinishReason::Stop),
    }
}
