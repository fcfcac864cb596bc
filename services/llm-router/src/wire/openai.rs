//! OpenAI (<https://platform.openai.com/docs/api-reference/chat>).

use super::{
    chat_completions::{ChatCompletions, Dialect, JSON_OBJECT, SchemaForm, reasoning_effort, response_format},
    schema::strict_obstacles,
};

/// The form.
pub(super) fn wire() -> ChatCompletions {
    ChatCompletions(Dialect {
        provider: "OpenAI",
        token_limit: "max_completion_tokens",
        // A schema that strict mode does not take is refused as a whole, so that it is sent as a hint then.
        schema: |json, form| {
            let strict = strict_obstacles(form.schema).is_empty();
            response_format(json, SchemaForm { strict, ..form });
        },
        json_object: JSON_OBJECT,
        untold: strict_obstacles,
        effort: reasoning_effort,
        think_blocks: false,
        most_top_p: 1.0,
        chat_path: "/chat/completions",
        embeddings_path: "/embeddings",
        models_path: "/models",
    })
}
