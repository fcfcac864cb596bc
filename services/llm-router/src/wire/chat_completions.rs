//! OpenAI's chat completions (<https://platform.openai.com/docs/api-reference/chat>), which many servers speak with
//! small differences: a [`Dialect`] says which.

mod answer;
mod embeddings;
mod request;
mod stream;

pub(crate) use self::request::tool_calls;
pub(super) use self::{
    answer::{WireCall, error_inside, split_thought},
    request::{role_name, text_length, tool},
};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::{
    EventReader, Framing, Wire, WireRequest, failure,
    lenient::{Word, list},
};
use crate::{
    answer::{Completion, Embeddings},
    chat::{ChatRequest, EmbedRequest, ReasoningEffort, Schema},
    fault::{Fault, FaultKind},
    json::JsonWriter,
};

/// How one server's form differs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// The server, in messages.
    pub(super) provider: &'static str,
    /// Name of the field for the longest answer.
    pub(super) token_limit: &'static str,
    /// Writes the fields that hold an answer to a schema.
    pub(super) schema: fn(&mut JsonWriter, SchemaForm<'_>),
    /// `response_format` for any JSON object.
    pub(super) json_object: &'static str,
    /// What of a schema is not enforced.
    pub(super) untold: fn(&Schema) -> Vec<String>,
    /// Writes the fields that say how long to think.
    pub(super) effort: fn(&mut JsonWriter, ReasoningEffort),
    /// Whether models write their thoughts into the text.
    pub(super) think_blocks: bool,
    /// Highest `top_p` that is taken; a higher one means all tokens and is left out.
    pub(super) most_top_p: f32,
    /// Path of the calls for answers.
    pub(super) chat_path: &'static str,
    /// Path of the calls for vectors.
    pub(super) embeddings_path: &'static str,
    /// Path of the list of models.
    pub(super) models_path: &'static str,
}

/// `response_format` for any JSON object, as OpenAI documents it.
pub(super) const JSON_OBJECT: &str = r#"{"type":"json_object"}"#;

/// A document's form as the caller gave it.
pub(super) struct SchemaForm<'a> {
    pub(super) name: &'a str,
    pub(super) schema: &'a Schema,
    pub(super) strict: bool,
}

/// The form of chat completions in one dialect.
#[derive(Debug)]
pub(super) struct ChatCompletions(pub(super) Dialect);

impl Wire for ChatCompletions {
    fn chat(&self, request: &ChatRequest, model: &str, stream: bool) -> Result<WireRequest, Fault> {
        request::chat(&self.0, request, model, stream)
    }

    fn completion(&self, body: &[u8]) -> Result<Completion, Fault> {
        answer::completion(&self.0, body)
    }

    fn framing(&self) -> Framing {
        Framing::ServerSentEvents
    }

    fn reader(&self) -> Box<dyn EventReader> {
        Box::new(stream::Reader::new(self.0))
    }

    fn failure(&self, status: StatusCode, _: &HeaderMap, body: &[u8], wait: Option<Duration>) -> Fault {
        failure::fault(self.0.provider, status.as_u16(), &failure::Report::read(body), wait)
    }

    fn embed(&self, request: &EmbedRequest, model: &str) -> Result<WireRequest, Fault> {
        Ok(embeddings::request(&self.0, request, model))
    }

    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, Fault> {
        embeddings::read(self.0.provider, body)
    }

    fn models_path(&self) -> &'static str {
        self.0.models_path
    }

    fn models(&self, body: &[u8]) -> Result<Vec<String>, Fault> {
        models(self.0.provider, body)
    }

    fn key_header(&self, key: &str) -> Result<(HeaderName, HeaderValue), header::InvalidHeaderValue> {
        bearer(key)
    }

    fn untold(&self, schema: &Schema) -> Vec<String> {
        (self.0.untold)(schema)
    }
}

/// `Authorization: Bearer …`
pub(super) fn bearer(key: &str) -> Result<(HeaderName, HeaderValue), header::InvalidHeaderValue> {
    Ok((header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {key}"))?))
}

#[derive(Deserialize)]
struct ModelList<'a> {
    #[serde(borrow, default, deserialize_with = "list")]
    data: Vec<Model<'a>>,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(borrow, default)]
    id: Word<'a>,
}

/// Reads `{"data": [{"id": …}]}`.
pub(super) fn models(provider: &str, body: &[u8]) -> Result<Vec<String>, Fault> {
    let list: ModelList = serde_json::from_slice(body).map_err(|error| failure::malformed(provider, &error))?;
    Ok(list.data.into_iter().filter_map(|model| model.id.given()).collect())
}

/// `response_format` with the schema, as OpenAI documents it.
pub(super) fn response_format(json: &mut JsonWriter, form: SchemaForm<'_>) {
    json.key("response_format");
    json.open_object();
    json.key("type");
    json.string("json_schema");
    json.key("json_schema");
    json.open_object();
    json.key("name");
    json.string(&document_name(form.name));
    json.key("schema");
    json.raw(form.schema.json());
    json.key("strict");
    json.boolean(form.strict);
    json.close_object();
    json.close_object();
}

/// A name of the characters that providers allow (letters, digits, `_`, `-`; at most 64).
pub(super) fn document_name(name: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let name: String =
        name.chars().take(64).map(|character| if allowed(character) { character } else { '_' }).collect();
    if name.is_empty() { "document".to_owned() } else { name }
}

/// `reasoning_effort`, as OpenAI documents it.
pub(super) fn reasoning_effort(json: &mut JsonWriter, effort: ReasoningEffort) {
    json.key("reasoning_effort");
    json.string(match effort {
        ReasoningEffort::None => "none",
        ReasoningEffort::Minimal => "minimal",
        ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High => "high",
    });
}

/// The provider withheld its answer, or the model declined.
pub(super) fn refused(provider: &str, words: &str) -> Fault {
    let words = if words.is_empty() { "the content filter stopped it before it began" } else { words };
    Fault::new(FaultKind::ContentPolicy, format!("{provider} did not answer: {words}"))
}
