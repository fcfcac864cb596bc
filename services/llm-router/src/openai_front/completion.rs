//! A whole answer as `chat.completion`.

use http::{Response, StatusCode};
use serde::Serialize;

use super::{
    body::FrontBody,
    error::json,
    trail::{self, UsageBody},
};
use crate::{
    answer::{Completion, FinishReason, Trail},
    chat::ToolCall,
};

#[derive(Serialize)]
struct CompletionBody<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageBody>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    message: MessageBody<'a>,
    logprobs: (),
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct MessageBody<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reasoning_content: &'a str,
    refusal: (),
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallBody<'a>>,
}

#[derive(Serialize)]
struct ToolCallBody<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: FunctionBody<'a>,
}

#[derive(Serialize)]
struct FunctionBody<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// Writes an answer. `id` and `model` stand in for what the provider did not say.
pub(super) fn response(
    completion: &Completion,
    trail: &Trail,
    untold: &[String],
    id: &str,
    created: u64,
) -> Response<FrontBody> {
    let body = CompletionBody {
        id: or(&completion.id, id),
        object: "chat.completion",
        created,
        model: or(&completion.model, &trail.model),
        choices: [Choice {
            index: 0,
            message: MessageBody {
                role: "assistant",
                content: (!completion.content.is_empty() || completion.tool_calls.is_empty())
                    .then_some(completion.content.as_str()),
                reasoning_content: &completion.reasoning,
                refusal: (),
                tool_calls: completion.tool_calls.iter().map(tool_call).collect(),
            },
            logprobs: (),
            finish_reason: finish_word(completion.finish),
        }],
        usage: completion.usage.map(UsageBody::from),
    };
    let mut response = json(StatusCode::OK, &body);
    trail::write_headers(trail, response.headers_mut());
    trail::write_untold(untold, response.headers_mut());
    response
}

/// What was said, or else something that stands for it.
fn or<'a>(said: &'a str, otherwise: &'a str) -> &'a str {
    if said.is_empty() { otherwise } else { said }
}

fn tool_call(call: &ToolCall) -> ToolCallBody<'_> {
    ToolCallBody {
        id: &call.id,
        kind: "function",
        function: FunctionBody { name: &call.name, arguments: &call.arguments },
    }
}

/// OpenAI's word for why an answer ended.
pub(super) fn finish_word(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
    }
}
