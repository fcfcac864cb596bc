//! vLLM (<https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>).
//!
//! Its guided decoding is reached through `response_format`, which every version takes; the fields of its own were
//! renamed between versions (`guided_json`, then `structured_outputs`), and an unknown field is ignored without a word.

use super::{
    chat_completions::{ChatCompletions, Dialect, JSON_OBJECT, response_format},
    schema::{GRAMMAR, unknown},
};
use crate::{chat::ReasoningEffort, json::JsonWriter};

/// The form.
pub(super) fn wire() -> ChatCompletions {
    ChatCompletions(Dialect {
        provider: "vLLM",
        token_limit: "max_completion_tokens",
        schema: response_format,
        json_object: JSON_OBJECT,
        untold: |schema| unknown(schema, GRAMMAR),
        effort,
        think_blocks: true,
        most_top_p: 1.0,
        chat_path: "/chat/completions",
        embeddings_path: "/embeddings",
        models_path: "/models",
    })
}

/// Models are told through their template whether to think, and by `reasoning_effort` how long.
fn effort(json: &mut JsonWriter, effort: ReasoningEffort) {
    let word = match effort {
        ReasoningEffort::None => {
            json.key("chat_template_kwargs");
            return json.raw(r#"{"enable_thinking":false,"thinking":false}"#);
        }
        ReasoningEffort::Minimal | ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High => "high",
    };
    json.key("reasoning_effort");
    json.string(word);
}
