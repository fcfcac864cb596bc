//! Ollama's own form (<https://github.com/ollama/ollama/blob/main/docs/api.md>): JSON lines, images as bare base64, a
//! schema as `format`. The base address is the server's root.

mod answer;
mod request;

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::InvalidHeaderValue};
use serde::Deserialize;

use super::{
    EventReader, Framing, Wire, WireRequest,
    chat_completions::bearer,
    failure,
    lenient::{Word, list},
    schema::{GRAMMAR, unknown},
};
use crate::{
    answer::{Completion, Embeddings},
    chat::{ChatRequest, EmbedRequest, Schema},
    fault::Fault,
};

/// In messages.
const PROVIDER: &str = "Ollama";

/// The form.
#[derive(Debug)]
pub(super) struct Ollama;

#[derive(Deserialize)]
struct Tags<'a> {
    #[serde(borrow, default, deserialize_with = "list")]
    models: Vec<Tag<'a>>,
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow, default)]
    name: Word<'a>,
}

impl Wire for Ollama {
    fn chat(&self, request: &ChatRequest, model: &str, stream: bool) -> Result<WireRequest, Fault> {
        request::chat(request, model, stream)
    }

    fn completion(&self, body: &[u8]) -> Result<Completion, Fault> {
        answer::completion(body)
    }

    fn framing(&self) -> Framing {
        Framing::JsonLines
    }

    fn reader(&self) -> Box<dyn EventReader> {
        Box::<answer::Reader>::default()
    }

    fn failure(&self, status: StatusCode, _: &HeaderMap, body: &[u8], wait: Option<Duration>) -> Fault {
        failure::fault(PROVIDER, status.as_u16(), &failure::Report::read(body), wait)
    }

    fn embed(&self, request: &EmbedRequest, model: &str) -> Result<WireRequest, Fault> {
        Ok(request::embed(request, model))
    }

    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, Fault> {
        answer::embeddings(body)
    }

    fn models_path(&self) -> &'static str {
        "/api/tags"
    }

    fn models(&self, body: &[u8]) -> Result<Vec<String>, Fault> {
        let tags: Tags = serde_json::from_slice(body).map_err(|error| failure::malformed(PROVIDER, &error))?;
        Ok(tags.models.into_iter().filter_map(|tag| tag.name.given()).collect())
    }

    fn key_header(&self, key: &str) -> Result<(HeaderName, HeaderValue), InvalidHeaderValue> {
        bearer(key)
    }

    fn untold(&self, schema: &Schema) -> Vec<String> {
        unknown(schema, GRAMMAR)
    }

    fn takes_image_addresses(&self) -> bool {
        false
    }
}
