//! Vectors (<https://ai.google.dev/api/embeddings#method:-models.batchembedcontents>).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{PROVIDER, path, short};
use crate::{
    answer::Embeddings,
    chat::EmbedRequest,
    fault::Fault,
    json::JsonWriter,
    wire::{WireRequest, chat_completions::error_inside, failure, lenient::list},
};

/// The request for vectors.
pub(super) fn request(request: &EmbedRequest, model: &str) -> WireRequest {
    let length: usize = request.inputs.iter().map(|text| text.len() + 128).sum();
    let name = format!("models/{}", short(model));
    let mut json = JsonWriter::with_capacity(128 + length);
    json.open_object();
    json.key("requests");
    json.open_array();
    for text in &request.inputs {
        json.open_object();
        json.key("model");
        json.string(&name);
        json.key("content");
        json.open_object();
        json.key("parts");
        json.open_array();
        json.open_object();
        json.key("text");
        json.string(text);
        json.close_object();
        json.close_array();
        json.close_object();
        if let Some(dimensions) = request.dimensions {
            json.key("outputDimensionality");
            json.integer(i64::from(dimensions));
        }
        json.close_object();
    }
    json.close_array();
    json.close_object();
    WireRequest { path: path(model, "batchEmbedContents").into(), body: json.finish() }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default, deserialize_with = "list")]
    embeddings: Vec<Vector>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Vector {
    values: Vec<f32>,
}

/// Reads vectors.
pub(super) fn read(body: &[u8]) -> Result<Embeddings, Fault> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| failure::malformed(PROVIDER, &error))?;
    if let Some(fault) = error_inside(PROVIDER, answer.error) {
        return Err(fault);
    }
    let vectors = answer.embeddings.into_iter().map(|vector| vector.values).collect();
    Ok(Embeddings { vectors, ..Embeddings::default() })
}
