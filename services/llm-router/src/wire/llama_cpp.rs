//! llama.cpp's server and its Python sibling.
//!
//! The grammar comes from `schema` beside `{"type": "json_object"}`, which both have had from the beginning
//! (<https://github.com/ggml-org/llama.cpp/tree/master/tools/server>,
//! <https://llama-cpp-python.readthedocs.io/en/latest/#json-schema-mode>); the sibling refuses OpenAI's `json_schema`.

use super::{
    chat_completions::{ChatCompletions, Dialect, JSON_OBJECT, SchemaForm, reasoning_effort},
    schema::{GRAMMAR, unknown},
};
use crate::json::JsonWriter;

/// The form.
pub(super) fn wire() -> ChatCompletions {
    ChatCompletions(Dialect {
        provider: "llama.cpp",
        token_limit: "max_tokens",
        schema,
        json_object: JSON_OBJECT,
        untold: |schema| unknown(schema, GRAMMAR),
        effort: reasoning_effort,
        think_blocks: true,
        most_top_p: 1.0,
        chat_path: "/chat/completions",
        embeddings_path: "/embeddings",
        models_path: "/models",
    })
}

fn schema(json: &mut JsonWriter, form: SchemaForm<'_>) {
    json.key("response_format");
    json.open_object();
    json.key("type");
    json.string("json_object");
    json.key("schema");
    json.raw(form.schema.json());
    json.close_object();
}
