//! Servers that speak OpenAI's form: llama.cpp server, LM Studio, OpenRouter, Mistral and many more.
//!
//! What they document alike is what is used: `max_tokens`, `response_format` with a schema, `tools`, images as
//! `image_url` (<https://github.com/ggml-org/llama.cpp/tree/master/tools/server>,
//! <https://lmstudio.ai/docs/developer/openai-compat>).

use super::{
    chat_completions::{ChatCompletions, Dialect, JSON_OBJECT, reasoning_effort, response_format},
    schema::{GRAMMAR, unknown},
};

/// The form.
pub(super) fn wire() -> ChatCompletions {
    ChatCompletions(Dialect {
        provider: "the server",
        token_limit: "max_tokens",
        schema: response_format,
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
