//! Servers that speak OpenAI's form: llama.cpp server, LM Studio, OpenRouter, Mistral and many more.
//!
//! What they document alike is what is used: `max_tokens`, `response_format` with a schema, `tools`, images as
//! `image_url` (<https://github.com/ggml-org/llama.cpp/tree/master/tools/server>,
//! <https://lmstudio.ai/docs/developer/openai-compat>).

use super::chat_completions::{ChatCompletions, Dialect, reasoning_effort, response_format};

/// The form.
pub(super) fn wire() -> ChatCompletions {
    ChatCompletions(Dialect {
        provider: "the server",
        token_limit: "max_tokens",
        schema: response_format,
        untold: |_| Vec::new(),
        effort: reasoning_effort,
        think_blocks: true,
        models_path: "/models",
    })
}
