//! Writing a question.

use super::{Dialect, SchemaForm};
use crate::{
    chat::{ChatRequest, Image, ImageSource, Message, OutputFormat, Part, Role, Sampling, Tool, ToolCall, ToolChoice},
    fault::Fault,
    json::JsonWriter,
    wire::WireRequest,
};

/// The request for an answer.
pub(super) fn chat(dialect: &Dialect, request: &ChatRequest, model: &str, stream: bool) -> Result<WireRequest, Fault> {
    let mut json = JsonWriter::with_capacity(512 + text_length(request));
    json.open_object();
    json.key("model");
    json.string(model);
    json.key("messages");
    json.open_array();
    for each in &request.messages {
        message(&mut json, each);
    }
    json.close_array();
    sampling(&mut json, dialect, &request.sampling);
    tools(&mut json, request);
    match &request.output {
        OutputFormat::Text => {}
        OutputFormat::JsonObject => {
            json.key("response_format");
            json.raw(dialect.json_object);
        }
        OutputFormat::Schema { name, schema, strict } => {
            (dialect.schema)(&mut json, SchemaForm { name, schema, strict: *strict });
        }
    }
    if let Some(effort) = request.reasoning_effort {
        (dialect.effort)(&mut json, effort);
    }
    if stream {
        json.key("stream");
        json.boolean(true);
        json.key("stream_options");
        json.raw(r#"{"include_usage":true}"#);
    }
    json.close_object();
    Ok(WireRequest { path: dialect.chat_path.into(), body: json.finish() })
}

/// Bytes of text, so that the request is written without growing.
pub(in crate::wire) fn text_length(request: &ChatRequest) -> usize {
    let part = |part: &Part| match part {
        Part::Text(text) | Part::ToolResult { text, .. } => text.len() + 64,
        Part::Image(_) => 128,
        Part::ToolCall(call) => call.arguments.len() + call.name.len() + 96,
    };
    let messages: usize = request.messages.iter().flat_map(|message| &message.parts).map(part).sum();
    let tools: usize =
        request.tools.iter().map(|tool| 128 + tool.parameters.as_ref().map_or(0, |schema| schema.json().len())).sum();
    messages + messages / 16 + tools
}

fn message(json: &mut JsonWriter, message: &Message) {
    // Every result of a function is a message of its own.
    for (call_id, text) in message.results() {
        json.open_object();
        json.key("role");
        json.string("tool");
        json.key("tool_call_id");
        json.string(call_id);
        json.key("content");
        json.string(text);
        json.close_object();
    }
    if message.is_results_only() {
        return;
    }
    json.open_object();
    json.key("role");
    json.string(role_name(message.role));
    json.key("content");
    content(json, message);
    tool_calls(json, message.calls());
    json.close_object();
}

/// A role as chat completions, and Ollama, name it.
pub(in crate::wire) fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

/// A text where there is nothing but text, else parts; null beside calls alone.
fn content(json: &mut JsonWriter, message: &Message) {
    if message.images().next().is_none() {
        let texts: Vec<&str> = message.texts().collect();
        return if texts.is_empty() && message.calls().next().is_some() { json.null() } else { json.strings(&texts) };
    }
    json.open_array();
    for part in &message.parts {
        match part {
            Part::Text(text) => {
                json.open_object();
                json.key("type");
                json.string("text");
                json.key("text");
                json.string(text);
                json.close_object();
            }
            Part::Image(image) => picture(json, image),
            Part::ToolCall(_) | Part::ToolResult { .. } => {}
        }
    }
    json.close_array();
}

fn picture(json: &mut JsonWriter, image: &Image) {
    json.open_object();
    json.key("type");
    json.string("image_url");
    json.key("image_url");
    json.open_object();
    json.key("url");
    match &image.source {
        ImageSource::Url(url) => json.string(url),
        ImageSource::Base64 { media_type, data } => json.string_with_shared(media_type.data_url_beginning(), data),
        ImageSource::Bytes { media_type, data } => json.string_with_base64(media_type.data_url_beginning(), data),
    }
    if let Some(detail) = &image.detail {
        json.key("detail");
        json.string(detail);
    }
    json.close_object();
    json.close_object();
}

/// The calls of functions in a message, as OpenAI writes them in questions and in answers; nothing when there are none. A
/// call without arguments is given an empty object, since an empty text is no JSON.
pub(crate) fn tool_calls<'a>(json: &mut JsonWriter, calls: impl Iterator<Item = &'a ToolCall>) {
    let mut calls = calls.peekable();
    if calls.peek().is_none() {
        return;
    }
    json.key("tool_calls");
    json.open_array();
    for call in calls {
        json.open_object();
        json.key("id");
        json.string(&call.id);
        json.key("type");
        json.string("function");
        json.key("function");
        json.open_object();
        json.key("name");
        json.string(&call.name);
        json.key("arguments");
        json.string(if call.arguments.is_empty() { "{}" } else { &call.arguments });
        json.close_object();
        json.close_object();
    }
    json.close_array();
}

fn sampling(json: &mut JsonWriter, dialect: &Dialect, sampling: &Sampling) {
    let numbers = [
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p.filter(|value| *value <= dialect.most_top_p)),
        ("frequency_penalty", sampling.frequency_penalty),
        ("presence_penalty", sampling.presence_penalty),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            json.key(name);
            json.number(value);
        }
    }
    if let Some(most) = sampling.max_tokens {
        json.key(dialect.token_limit);
        json.integer(i64::from(most));
    }
    if let Some(seed) = sampling.seed {
        json.key("seed");
        json.integer(seed);
    }
    if !sampling.stop.is_empty() {
        json.key("stop");
        json.open_array();
        sampling.stop.iter().for_each(|text| json.string(text));
        json.close_array();
    }
}

fn tools(json: &mut JsonWriter, request: &ChatRequest) {
    if request.tools.is_empty() {
        return;
    }
    json.key("tools");
    json.open_array();
    request.tools.iter().for_each(|each| tool(json, each));
    json.close_array();
    match &request.tool_choice {
        ToolChoice::Auto => {}
        ToolChoice::None => {
            json.key("tool_choice");
            json.string("none");
        }
        ToolChoice::Required => {
            json.key("tool_choice");
            json.string("required");
        }
        ToolChoice::Function(name) => {
            json.key("tool_choice");
            json.open_object();
            json.key("type");
            json.string("function");
            json.key("function");
            json.open_object();
            json.key("name");
            json.string(name);
            json.close_object();
            json.close_object();
        }
    }
    if let Some(parallel) = request.parallel_tool_calls {
        json.key("parallel_tool_calls");
        json.boolean(parallel);
    }
}

/// A function as chat completions, and Ollama, take it.
pub(in crate::wire) fn tool(json: &mut JsonWriter, tool: &Tool) {
    json.open_object();
    json.key("type");
    json.string("function");
    json.key("function");
    json.open_object();
    json.key("name");
    json.string(&tool.name);
    if let Some(description) = &tool.description {
        json.key("description");
        json.string(description);
    }
    if let Some(parameters) = &tool.parameters {
        json.key("parameters");
        json.raw(parameters.json());
    }
    if let Some(strict) = tool.strict {
        json.key("strict");
        json.boolean(strict);
    }
    json.close_object();
    json.close_object();
}
