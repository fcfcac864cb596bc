//! Vectors (<https://platform.openai.com/docs/api-reference/embeddings>).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Dialect,
    answer::{WireUsage, error_inside},
};
use crate::{
    answer::{Embeddings, Usage},
    chat::EmbedRequest,
    fault::Fault,
    json::JsonWriter,
    wire::{
        WireRequest, failure,
        lenient::{Word, list},
    },
};

/// The request for vectors.
pub(super) fn request(dialect: &Dialect, request: &EmbedRequest, model: &str) -> WireRequest {
    let length: usize = request.inputs.iter().map(|text| text.len() + 8).sum();
    let mut json = JsonWriter::with_capacity(128 + length);
    json.open_object();
    json.key("model");
    json.string(model);
    json.key("input");
    json.open_array();
    request.inputs.iter().for_each(|text| json.string(text));
    json.close_array();
    json.key("encoding_format");
    json.string("float");
    if let Some(dimensions) = request.dimensions {
        json.key("dimensions");
        json.integer(i64::from(dimensions));
    }
    json.close_object();
    WireRequest { path: dialect.embeddings_path.into(), body: json.finish() }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default, deserialize_with = "list")]
    data: Vec<Vector>,
    #[serde(borrow, default)]
    model: Word<'a>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Vector {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// Reads vectors into the order of the texts.
pub(super) fn read(provider: &str, body: &[u8]) -> Result<Embeddings, Fault> {
    let mut answer: Answer = serde_json::from_slice(body).map_err(|error| failure::malformed(provider, &error))?;
    if let Some(fault) = error_inside(provider, answer.error) {
        return Err(fault);
    }
    answer.data.sort_by_key(|vector| vector.index.unwrap_or_default());
    Ok(Embeddings {
        vectors: answer.data.into_iter().map(|vector| vector.embedding).collect(),
        model: answer.model.into_string(),
        usage: answer.usage.map(Usage::from),
    })
}
