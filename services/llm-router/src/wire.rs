//! The providers' own forms: how a question is written and an answer read. Pure; no I/O.
//!
//! A new provider is one file here that implements [`Wire`] and one line in [`of`].

mod anthropic;
mod chat_completions;
mod failure;
mod gemini;
mod lenient;
mod llama_cpp;
mod ollama;
mod openai;
mod openai_compatible;
mod schema;
mod tgi;
mod think;
mod vllm;

use std::{borrow::Cow, fmt, time::Duration};

use aerie_config::BackendKind;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

pub(crate) use self::chat_completions::tool_calls;
use crate::{
    answer::{Completion, Embeddings, Piece},
    chat::{ChatRequest, EmbedRequest, Schema},
    fault::Fault,
};

/// One provider's form.
pub trait Wire: fmt::Debug + Send + Sync {
    /// Writes a question.
    ///
    /// # Errors
    /// [`crate::fault::FaultKind::Unsupported`] for what the form cannot say.
    fn chat(&self, request: &ChatRequest, model: &str, stream: bool) -> Result<WireRequest, Fault>;

    /// Reads a whole answer of status 200.
    ///
    /// # Errors
    /// An answer that cannot be read, or an error inside a 200.
    fn completion(&self, body: &[u8]) -> Result<Completion, Fault>;

    /// How a streamed answer is cut into events.
    fn framing(&self) -> Framing;

    /// A reader of one streamed answer's events.
    fn reader(&self) -> Box<dyn EventReader>;

    /// Reads an answer of another status: whose fault it is. `wait` is the parsed `Retry-After`.
    fn failure(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], wait: Option<Duration>) -> Fault;

    /// Writes a request for vectors.
    ///
    /// # Errors
    /// [`crate::fault::FaultKind::Unsupported`] where there is none.
    fn embed(&self, request: &EmbedRequest, model: &str) -> Result<WireRequest, Fault>;

    /// Reads vectors.
    ///
    /// # Errors
    /// An answer that cannot be read.
    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, Fault>;

    /// Path of the list of models, below the base address, which is also the health check.
    fn models_path(&self) -> &'static str;

    /// Reads the list of models.
    ///
    /// # Errors
    /// An answer that cannot be read.
    fn models(&self, body: &[u8]) -> Result<Vec<String>, Fault>;

    /// The header that carries the key.
    ///
    /// # Errors
    /// A key that cannot stand in a header.
    fn key_header(&self, key: &str) -> Result<(HeaderName, HeaderValue), http::header::InvalidHeaderValue>;

    /// What of a schema the provider does not hold its answers to, one line each: what had to be left out or is only
    /// a hint. Empty when all of it is enforced.
    fn untold(&self, schema: &Schema) -> Vec<String> {
        let _ = schema;
        Vec::new()
    }

    /// Whether the provider fetches images by their address; otherwise they are fetched before [`Wire::chat`] is asked.
    fn takes_image_addresses(&self) -> bool {
        true
    }

    /// Headers that go with every request (a provider's version).
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }
}

/// The form of a kind of backend; none for those that are no HTTP form of a provider.
#[must_use]
pub fn of(kind: BackendKind) -> Option<Box<dyn Wire>> {
    match kind {
        BackendKind::OpenAi => Some(Box::new(openai::wire())),
        BackendKind::OpenAiCompatible => Some(Box::new(openai_compatible::wire())),
        BackendKind::LlamaCpp => Some(Box::new(llama_cpp::wire())),
        BackendKind::Vllm => Some(Box::new(vllm::wire())),
        BackendKind::Anthropic => Some(Box::new(anthropic::Anthropic)),
        BackendKind::Gemini => Some(Box::new(gemini::Gemini)),
        BackendKind::Ollama => Some(Box::new(ollama::Ollama)),
        BackendKind::Tgi => Some(Box::new(tgi::wire())),
        _ => None,
    }
}

/// The fault of an answer of another status, for backends without a form here.
pub(crate) fn failure_of(provider: &str, status: StatusCode, body: &[u8]) -> Fault {
    failure::fault(provider, status.as_u16(), &failure::Report::read(body), None)
}

/// A request, written.
#[derive(Debug, Clone)]
pub struct WireRequest {
    /// Path and query below the base address, with a leading slash.
    pub path: Cow<'static, str>,
    /// The body in segments: our JSON, and between it the shared bytes of images that came as base64.
    pub body: Vec<Bytes>,
}

/// How events are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
    ServerSentEvents,
    /// One JSON document a line.
    JsonLines,
}

/// Reads one streamed answer, event by event.
pub trait EventReader: Send {
    /// Reads one event's data; appends what it says to `pieces`. `event` is the SSE event name, empty if none.
    ///
    /// # Errors
    /// An error that the provider reports inside the stream. An event that cannot be read is no error but a
    /// [`Piece::Dropped`].
    fn read(&mut self, event: &str, data: &[u8], pieces: &mut Vec<Piece>) -> Result<(), Fault>;

    /// Whether the provider said that the answer is finished. A stream that ends before was cut.
    fn is_finished(&self) -> bool;

    /// Whether no further event can follow, so that the connection need not be waited for to close.
    fn is_done(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
