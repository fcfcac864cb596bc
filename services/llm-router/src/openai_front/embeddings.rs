//! `POST /v1/embeddings` (<https://platform.openai.com/docs/api-reference/embeddings/create>).

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    body::FrontBody,
    error::{self, Problem, json},
    extension::Extension,
    trail,
};
use crate::{call::Call, chat::EmbedRequest, directory::EMBEDDING_CHAIN, router::Router};

/// Most texts of one request, as OpenAI allows.
const MOST_INPUTS: usize = 2_048;

#[derive(Debug, Deserialize)]
struct EmbeddingsBody<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    input: Input,
    #[serde(default)]
    dimensions: Option<u32>,
    #[serde(default)]
    encoding_format: Option<Encoding>,
    #[serde(default)]
    aerie: Option<Extension>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
    /// Tokens, in one list or several.
    Other(IgnoredAny),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    #[default]
    Float,
    Base64,
}

#[derive(Serialize)]
struct ListBody<'a> {
    object: &'static str,
    data: Vec<VectorBody<'a>>,
    model: &'a str,
    usage: UsageBody,
}

#[derive(Serialize)]
struct VectorBody<'a> {
    object: &'static str,
    index: usize,
    embedding: Numbers<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Numbers<'a> {
    Floats(&'a [f32]),
    /// Little-endian 32-bit floats, one after another.
    Base64(String),
}

#[derive(Serialize)]
struct UsageBody {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// Answers.
pub(super) async fn answer(router: &Router, mut call: Call, body: &Bytes) -> Result<Response<FrontBody>, Problem> {
    let current = router.current();
    let read: EmbeddingsBody<'_> = serde_json::from_slice(body)
        .map_err(|error| Problem::new("", format!("the request cannot be read: {error}")))?;
    let inputs = match read.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
        Input::Other(_) => return Err(Problem::new("input", "is not text; send a text or a list of texts")),
    };
    if inputs.is_empty() || inputs.len() > MOST_INPUTS {
        return Err(Problem::new("input", format!("has {} texts; send 1 to {MOST_INPUTS}", inputs.len())));
    }
    if read.dimensions == Some(0) {
        return Err(Problem::new("dimensions", "is 0; write a positive number or leave it out"));
    }
    if let Some(model) = &read.model {
        let unknown = |error: crate::directory::UnknownModel| {
            Problem::new("model", error.to_string()).status(StatusCode::NOT_FOUND).coded("model_not_found")
        };
        current.directory.direct(model, &mut call).map_err(unknown)?;
    }
    if let Some(extension) = read.aerie {
        extension.apply(&mut call, &current.directory)?;
    }
    if call.chain.is_empty() {
        call.chain = EMBEDDING_CHAIN.to_owned();
    }
    let answer = match current.engine.embed(EmbedRequest { inputs, dimensions: read.dimensions }, call).await {
        Ok(answer) => answer,
        Err(error) => return Ok(error::response(&error)),
    };
    let encoding = read.encoding_format.unwrap_or_default();
    let vectors = answer.embeddings.vectors.iter().enumerate();
    let used = answer.embeddings.usage.map_or(0, |usage| usage.input_tokens);
    let body = ListBody {
        object: "list",
        data: vectors.map(|(index, vector)| vector_body(index, vector, encoding)).collect(),
        model: if answer.embeddings.model.is_empty() { &answer.trail.model } else { &answer.embeddings.model },
        usage: UsageBody { prompt_tokens: used, total_tokens: used },
    };
    let mut response = json(StatusCode::OK, &body);
    trail::write_headers(&answer.trail, response.headers_mut());
    Ok(response)
}

fn vector_body(index: usize, vector: &[f32], encoding: Encoding) -> VectorBody<'_> {
    let embedding = match encoding {
        Encoding::Float => Numbers::Floats(vector),
        Encoding::Base64 => {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            Numbers::Base64(STANDARD.encode(bytes))
        }
    };
    VectorBody { object: "embedding", index, embedding }
}
