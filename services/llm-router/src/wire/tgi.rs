//! Hugging Face's text-generation-inference, by its messages API
//! (<https://huggingface.co/docs/text-generation-inference/messages_api>). The base address is the server's root.
//!
//! It differs: a grammar is `{"type": "json", "value": SCHEMA}`, `top_p` must be below 1, and the one model is found
//! in `/info`.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::InvalidHeaderValue};
use serde::Deserialize;

use super::{
    EventReader, Framing, Wire, WireRequest,
    chat_completions::{ChatCompletions, Dialect},
    failure,
    lenient::Word,
    schema::{GRAMMAR, unknown},
};
use crate::{
    answer::{Completion, Embeddings},
    chat::{ChatRequest, EmbedRequest, Schema},
    fault::Fault,
};

/// The form.
#[derive(Debug)]
pub(super) struct Tgi(ChatCompletions);

/// The form.
pub(super) fn wire() -> Tgi {
    Tgi(ChatCompletions(Dialect {
        provider: "TGI",
        token_limit: "max_tokens",
        schema: |json, form| {
            json.key("response_format");
            json.open_object();
            json.key("type");
            json.string("json");
            json.key("value");
            json.raw(form.schema.json());
            json.close_object();
        },
        json_object: r#"{"type":"json","value":{"type":"object"}}"#,
        untold: |schema| unknown(schema, GRAMMAR),
        // It has no word for it.
        effort: |_, _| {},
        think_blocks: true,
        most_top_p: 0.99,
        chat_path: "/v1/chat/completions",
        embeddings_path: "/v1/embeddings",
        models_path: "/info",
    }))
}

#[derive(Deserialize)]
struct Info<'a> {
    #[serde(borrow)]
    model_id: Word<'a>,
}

impl Wire for Tgi {
    fn chat(&self, request: &ChatRequest, model: &str, stream: bool) -> Result<WireRequest, Fault> {
        self.0.chat(request, model, stream)
    }

    fn completion(&self, body: &[u8]) -> Result<Completion, Fault> {
        self.0.completion(body)
    }

    fn framing(&self) -> Framing {
        self.0.framing()
    }

    fn reader(&self) -> Box<dyn EventReader> {
        self.0.reader()
    }

    fn failure(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], wait: Option<Duration>) -> Fault {
        self.0.failure(status, headers, body, wait)
    }

    fn embed(&self, request: &EmbedRequest, model: &str) -> Result<WireRequest, Fault> {
        self.0.embed(request, model)
    }

    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, Fault> {
        self.0.embeddings(body)
    }

    fn models_path(&self) -> &'static str {
        self.0.models_path()
    }

    fn models(&self, body: &[u8]) -> Result<Vec<String>, Fault> {
        let info: Info = serde_json::from_slice(body).map_err(|error| failure::malformed("TGI", &error))?;
        Ok(info.model_id.given().into_iter().collect())
    }

    fn key_header(&self, key: &str) -> Result<(HeaderName, HeaderValue), InvalidHeaderValue> {
        self.0.key_header(key)
    }

    fn untold(&self, schema: &Schema) -> Vec<String> {
        self.0.untold(schema)
    }
}
