//! Writing a question.

use crate::{
    chat::{
        ChatRequest, EmbedRequest, ImageSource, Message, OutputFormat, ReasoningEffort, Tool, ToolCall, ToolChoice,
    },
    fault::Fault,
    json::JsonWriter,
    wire::{
        WireRequest,
        chat_completions::{role_name, text_length, tool},
        failure::no_addresses,
        lenient::object_or_empty,
    },
};

/// The request for an answer.
pub(super) fn chat(request: &ChatRequest, model: &str, stream: bool) -> Result<WireRequest, Fault> {
    let mut json = JsonWriter::with_capacity(512 + text_length(request));
    json.open_object();
    json.key("model");
    json.string(model);
    json.key("messages");
    json.open_array();
    for each in &request.messages {
        message(&mut json, each, request)?;
    }
    json.close_array();
    json.key("stream");
    json.boolean(stream);
    match &request.output {
        OutputFormat::Text => {}
        OutputFormat::JsonObject => {
            json.key("format");
            json.string("json");
        }
        OutputFormat::Schema { schema, .. } => {
            json.key("format");
            json.raw(schema.json());
        }
    }
    tools(&mut json, request);
    if let Some(effort) = request.reasoning_effort {
        json.key("think");
        match effort {
            ReasoningEffort::None => json.boolean(false),
            ReasoningEffort::Minimal | ReasoningEffort::Low => json.string("low"),
            ReasoningEffort::Medium => json.string("medium"),
            ReasoningEffort::High => json.string("high"),
        }
    }
    options(&mut json, request);
    json.close_object();
    Ok(WireRequest { path: "/api/chat".into(), body: json.finish() })
}

fn message(json: &mut JsonWriter, message: &Message, request: &ChatRequest) -> Result<(), Fault> {
    for (call_id, text) in message.results() {
        json.open_object();
        json.key("role");
        json.string("tool");
        json.key("content");
        json.string(text);
        // It knows functions by their names, not calls by their ids.
        if let Some(name) = request.tool_name(call_id) {
            json.key("tool_name");
            json.string(name);
        }
        json.close_object();
    }
    if message.is_results_only() {
        return Ok(());
    }
    json.open_object();
    json.key("role");
    json.string(role_name(message.role));
    json.key("content");
    json.strings(&message.texts().collect::<Vec<_>>());
    images(json, message)?;
    if message.calls().next().is_some() {
        json.key("tool_calls");
        json.open_array();
        message.calls().for_each(|call| tool_call(json, call));
        json.close_array();
    }
    json.close_object();
    Ok(())
}

fn tool_call(json: &mut JsonWriter, call: &ToolCall) {
    json.open_object();
    json.key("function");
    json.open_object();
    json.key("name");
    json.string(&call.name);
    json.key("arguments");
    json.raw(object_or_empty(&call.arguments));
    json.close_object();
    json.close_object();
}

fn images(json: &mut JsonWriter, message: &Message) -> Result<(), Fault> {
    if message.images().next().is_none() {
        return Ok(());
    }
    json.key("images");
    json.open_array();
    for image in message.images() {
        match &image.source {
            ImageSource::Base64 { data, .. } => json.string_with_shared("", data),
            ImageSource::Bytes { data, .. } => json.string_with_base64("", data),
            ImageSource::Url(_) => return Err(no_addresses("Ollama")),
        }
    }
    json.close_array();
    Ok(())
}

/// It cannot be told to call a function; what it may not call is not shown to it.
fn tools(json: &mut JsonWriter, request: &ChatRequest) {
    let is_shown = |each: &&Tool| match &request.tool_choice {
        ToolChoice::None => false,
        ToolChoice::Function(name) => each.name == *name,
        ToolChoice::Auto | ToolChoice::Required => true,
    };
    if request.tools.iter().any(|each| is_shown(&each)) {
        json.key("tools");
        json.open_array();
        request.tools.iter().filter(is_shown).for_each(|each| tool(json, each));
        json.close_array();
    }
}

fn options(json: &mut JsonWriter, request: &ChatRequest) {
    let sampling = &request.sampling;
    let numbers = [
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p),
        ("frequency_penalty", sampling.frequency_penalty),
        ("presence_penalty", sampling.presence_penalty),
    ];
    let integers = [("num_predict", sampling.max_tokens.map(i64::from)), ("seed", sampling.seed)];
    if numbers.iter().all(|(_, value)| value.is_none())
        && integers.iter().all(|(_, value)| value.is_none())
        && sampling.stop.is_empty()
    {
        return;
    }
    json.key("options");
    json.open_object();
    for (name, value) in numbers {
        if let Some(value) = value {
            json.key(name);
            json.number(value);
        }
    }
    for (name, value) in integers {
        if let Some(value) = value {
            json.key(name);
            json.integer(value);
        }
    }
    if !sampling.stop.is_empty() {
        json.key("stop");
        json.open_array();
        sampling.stop.iter().for_each(|text| json.string(text));
        json.close_array();
    }
    json.close_object();
}

/// The request for vectors.
pub(super) fn embed(request: &EmbedRequest, model: &str) -> WireRequest {
    let length: usize = request.inputs.iter().map(|text| text.len() + 8).sum();
    let mut json = JsonWriter::with_capacity(128 + length);
    json.open_object();
    json.key("model");
    json.string(model);
    json.key("input");
    json.open_array();
    request.inputs.iter().for_each(|text| json.string(text));
    json.close_array();
    if let Some(dimensions) = request.dimensions {
        json.key("dimensions");
        json.integer(i64::from(dimensions));
    }
    json.close_object();
    WireRequest { path: "/api/embed".into(), body: json.finish() }
}
