//! Google's Gemini (<https://ai.google.dev/api/generate-content>). The base address is the server's root.

mod answer;
mod embeddings;
mod request;
mod stream;

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::InvalidHeaderValue};
use serde::Deserialize;

use super::{
    EventReader, Framing, Wire, WireRequest, failure,
    lenient::{Word, list},
    schema,
};
use crate::{
    answer::{Completion, Embeddings},
    chat::{ChatRequest, EmbedRequest, Schema},
    fault::{Fault, FaultKind},
};

/// In messages.
const PROVIDER: &str = "Gemini";

/// The form.
#[derive(Debug)]
pub(super) struct Gemini;

#[derive(Deserialize)]
struct ModelList<'a> {
    #[serde(borrow, default, deserialize_with = "list")]
    models: Vec<Model<'a>>,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(borrow, default)]
    name: Word<'a>,
}

impl Wire for Gemini {
    fn chat(&self, request: &ChatRequest, model: &str, stream: bool) -> Result<WireRequest, Fault> {
        request::chat(request, model, stream)
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
        let report = failure::Report::read(body);
        // Every quota has one status; its name says whether it is that of a minute or that of a day.
        let is_daily =
            status == StatusCode::TOO_MANY_REQUESTS && report.codes.iter().any(|code| code.contains("perday"));
        let kind = if is_daily { FaultKind::UsageCap } else { failure::kind(status.as_u16(), &report) };
        failure::fault_of(kind, PROVIDER, status.as_u16(), &report, wait)
    }

    fn embed(&self, request: &EmbedRequest, model: &str) -> Result<WireRequest, Fault> {
        Ok(embeddings::request(request, model))
    }

    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, Fault> {
        embeddings::read(body)
    }

    fn models_path(&self) -> &'static str {
        "/v1beta/models?pageSize=1000"
    }

    fn models(&self, body: &[u8]) -> Result<Vec<String>, Fault> {
        let list: ModelList = serde_json::from_slice(body).map_err(|error| failure::malformed(PROVIDER, &error))?;
        let names = list.models.into_iter().filter_map(|model| model.name.given());
        Ok(names.map(|name| short(&name).to_owned()).collect())
    }

    fn key_header(&self, key: &str) -> Result<(HeaderName, HeaderValue), InvalidHeaderValue> {
        Ok((HeaderName::from_static("x-goog-api-key"), HeaderValue::from_str(key)?))
    }

    fn untold(&self, schema: &Schema) -> Vec<String> {
        schema::unknown(schema, schema::GEMINI)
    }

    fn takes_image_addresses(&self) -> bool {
        false
    }
}

/// A model's name without the collection it stands in.
fn short(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// The path of a model's method; what may not stand in a path is written with percent signs.
fn path(model: &str, method: &str) -> String {
    let mut path = "/v1beta/models/".to_owned();
    for byte in short(model).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path.push(':');
    path.push_str(method);
    path
}
