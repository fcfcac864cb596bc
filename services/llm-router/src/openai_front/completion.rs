//! A whole answer as `chat.completion`.

use http::{Response, StatusCode};

use super::{
    body::FrontBody,
    chat::own_id,
    error::json_response,
    trail::{self, UsageBody},
};
use crate::{
    answer::{Completion, FinishReason, Trail},
    json::JsonWriter,
    wire::tool_calls,
};

/// Bytes of an answer besides its texts.
const FRAME: usize = 512;

/// Writes an answer.
pub(super) fn response(completion: &Completion, trail: &Trail, untold: &[String], created: u64) -> Response<FrontBody> {
    let mut json = JsonWriter::with_capacity(FRAME + length(completion));
    json.open_object();
    json.key("id");
    if completion.id.is_empty() {
        json.string(&own_id());
    } else {
        json.string(&completion.id);
    }
    json.key("object");
    json.string("chat.completion");
    json.key("created");
    json.count(created);
    json.key("model");
    json.string(if completion.model.is_empty() { &trail.model } else { &completion.model });
    json.key("choices");
    json.open_array();
    json.open_object();
    json.key("index");
    json.count(0);
    json.key("message");
    message(&mut json, completion);
    json.key("logprobs");
    json.null();
    json.key("finish_reason");
    json.string(finish_word(completion.finish));
    json.close_object();
    json.close_array();
    if let Some(usage) = completion.usage {
        json.key("usage");
        UsageBody::from(usage).write(&mut json);
    }
    json.close_object();
    let mut response = json_response(StatusCode::OK, json.finish_joined());
    trail::write_headers(trail, response.headers_mut());
    trail::write_untold(untold, response.headers_mut());
    response
}

/// About the bytes that the texts take, so that the answer is written without growing.
fn length(completion: &Completion) -> usize {
    let calls = completion.tool_calls.iter().map(|call| call.id.len() + call.name.len() + call.arguments.len() + 96);
    let texts = completion.content.len() + completion.reasoning.len();
    texts + texts / 16 + calls.sum::<usize>()
}

fn message(json: &mut JsonWriter, completion: &Completion) {
    json.open_object();
    json.key("role");
    json.string("assistant");
    json.key("content");
    if completion.content.is_empty() && !completion.tool_calls.is_empty() {
        json.null();
    } else {
        json.string(&completion.content);
    }
    if !completion.reasoning.is_empty() {
        json.key("reasoning_content");
        json.string(&completion.reasoning);
    }
    json.key("refusal");
    json.null();
    tool_calls(json, completion.tool_calls.iter());
    json.close_object();
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
