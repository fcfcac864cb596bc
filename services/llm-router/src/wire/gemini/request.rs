//! Writing a question.

use super::{path, short};
use crate::{
    chat::{
        ChatRequest, ImageSource, MediaType, Message, OutputFormat, Part, ReasoningEffort, Role, Tool, ToolCall,
        ToolChoice,
    },
    fault::Fault,
    json::JsonWriter,
    wire::{WireRequest, chat_completions::text_length, failure::no_addresses, lenient::object_or_empty, schema},
};

/// The newer models want the signature of the thought behind a call back, which calls of other models lack; this word
/// stands for it (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// The request for an answer.
pub(super) fn chat(request: &ChatRequest, model: &str, stream: bool) -> Result<WireRequest, Fault> {
    let mut json = JsonWriter::with_capacity(768 + text_length(request));
    json.open_object();
    system(&mut json, request);
    contents(&mut json, request, is_signed(model))?;
    tools(&mut json, request);
    generation(&mut json, request, model);
    json.close_object();
    let path = if stream { path(model, "streamGenerateContent?alt=sse") } else { path(model, "generateContent") };
    Ok(WireRequest { path: path.into(), body: json.finish() })
}

/// Whether calls bear the signature of their thought.
fn is_signed(model: &str) -> bool {
    !["gemini-1", "gemini-2", "gemma"].iter().any(|old| short(model).starts_with(old))
}

/// What the operator says stands apart from the talk.
fn system(json: &mut JsonWriter, request: &ChatRequest) {
    let system = request.messages.iter().filter(|message| message.role == Role::System);
    let mut texts = system.flat_map(Message::texts).peekable();
    if texts.peek().is_none() {
        return;
    }
    json.key("systemInstruction");
    json.open_object();
    json.key("parts");
    json.open_array();
    texts.for_each(|text| text_part(json, text));
    json.close_array();
    json.close_object();
}

fn contents(json: &mut JsonWriter, request: &ChatRequest, is_signed: bool) -> Result<(), Fault> {
    json.key("contents");
    json.open_array();
    let said: Vec<&Message> = request.messages.iter().filter(|message| message.role != Role::System).collect();
    let is_model = |message: &Message| message.role == Role::Assistant;
    // Neighbours of one side are one content.
    for run in said.chunk_by(|one, next| is_model(one) == is_model(next)) {
        json.open_object();
        json.key("role");
        json.string(if run.first().is_some_and(|message| is_model(message)) { "model" } else { "user" });
        json.key("parts");
        json.open_array();
        for each in run.iter().flat_map(|message| &message.parts) {
            part(json, each, request, is_signed)?;
        }
        json.close_array();
        json.close_object();
    }
    json.close_array();
    Ok(())
}

fn part(json: &mut JsonWriter, part: &Part, request: &ChatRequest, is_signed: bool) -> Result<(), Fault> {
    match part {
        Part::Text(text) => text_part(json, text),
        Part::Image(image) => match &image.source {
            ImageSource::Base64 { media_type, data } => {
                open_picture(json, *media_type);
                json.string_with_shared("", data);
                close_picture(json);
            }
            ImageSource::Bytes { media_type, data } => {
                open_picture(json, *media_type);
                json.string_with_base64("", data);
                close_picture(json);
            }
            ImageSource::Url(_) => return Err(no_addresses(super::PROVIDER)),
        },
        Part::ToolCall(call) => tool_call(json, call, is_signed),
        Part::ToolResult { call_id, text } => result(json, request.tool_name(call_id).unwrap_or(call_id), text),
    }
    Ok(())
}

fn text_part(json: &mut JsonWriter, text: &str) {
    json.open_object();
    json.key("text");
    json.string(text);
    json.close_object();
}

fn open_picture(json: &mut JsonWriter, media_type: MediaType) {
    json.open_object();
    json.key("inlineData");
    json.open_object();
    json.key("mimeType");
    json.string(media_type.name());
    json.key("data");
}

fn close_picture(json: &mut JsonWriter) {
    json.close_object();
    json.close_object();
}

fn tool_call(json: &mut JsonWriter, call: &ToolCall, is_signed: bool) {
    json.open_object();
    json.key("functionCall");
    json.open_object();
    json.key("name");
    json.string(&call.name);
    json.key("args");
    json.raw(object_or_empty(&call.arguments));
    json.close_object();
    if is_signed {
        json.key("thoughtSignature");
        json.string(NO_SIGNATURE);
    }
    json.close_object();
}

fn result(json: &mut JsonWriter, name: &str, text: &str) {
    json.open_object();
    json.key("functionResponse");
    json.open_object();
    json.key("name");
    json.string(name);
    json.key("response");
    json.open_object();
    json.key("result");
    json.string(text);
    json.close_object();
    json.close_object();
    json.close_object();
}

fn tools(json: &mut JsonWriter, request: &ChatRequest) {
    if request.tools.is_empty() {
        return;
    }
    json.key("tools");
    json.open_array();
    json.open_object();
    json.key("functionDeclarations");
    json.open_array();
    for Tool { name, description, parameters, .. } in &request.tools {
        json.open_object();
        json.key("name");
        json.string(name);
        if let Some(description) = description {
            json.key("description");
            json.string(description);
        }
        if let Some(parameters) = parameters {
            json.key("parametersJsonSchema");
            json.raw(&schema::reduced(parameters, schema::GEMINI, false));
        }
        json.close_object();
    }
    json.close_array();
    json.close_object();
    json.close_array();
    let (mode, only) = match &request.tool_choice {
        ToolChoice::Auto => return,
        ToolChoice::None => ("NONE", None),
        ToolChoice::Required => ("ANY", None),
        ToolChoice::Function(name) => ("ANY", Some(name)),
    };
    json.key("toolConfig");
    json.open_object();
    json.key("functionCallingConfig");
    json.open_object();
    json.key("mode");
    json.string(mode);
    if let Some(name) = only {
        json.key("allowedFunctionNames");
        json.open_array();
        json.string(name);
        json.close_array();
    }
    json.close_object();
    json.close_object();
}

fn generation(json: &mut JsonWriter, request: &ChatRequest, model: &str) {
    let sampling = &request.sampling;
    json.key("generationConfig");
    json.open_object();
    let numbers = [
        ("temperature", sampling.temperature),
        ("topP", sampling.top_p),
        ("frequencyPenalty", sampling.frequency_penalty),
        ("presencePenalty", sampling.presence_penalty),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            json.key(name);
            json.number(value);
        }
    }
    // The provider's seed has 32 bits.
    let seed = sampling.seed.map(|seed| seed & i64::from(i32::MAX));
    for (name, value) in [("maxOutputTokens", sampling.max_tokens.map(i64::from)), ("seed", seed)] {
        if let Some(value) = value {
            json.key(name);
            json.integer(value);
        }
    }
    if !sampling.stop.is_empty() {
        json.key("stopSequences");
        json.open_array();
        sampling.stop.iter().for_each(|text| json.string(text));
        json.close_array();
    }
    if !matches!(request.output, OutputFormat::Text) {
        json.key("responseMimeType");
        json.string("application/json");
    }
    if let OutputFormat::Schema { schema: form, .. } = &request.output {
        json.key("responseJsonSchema");
        json.raw(&schema::reduced(form, schema::GEMINI, false));
    }
    if let Some(effort) = request.reasoning_effort {
        thinking(json, effort, model);
    }
    json.close_object();
}

/// Older models are given a number of tokens, newer ones a level.
fn thinking(json: &mut JsonWriter, effort: ReasoningEffort, model: &str) {
    let model = short(model);
    if model.starts_with("gemini-1") || model.starts_with("gemini-2.0") || model.starts_with("gemma") {
        return;
    }
    json.key("thinkingConfig");
    json.open_object();
    if model.starts_with("gemini-2") {
        json.key("thinkingBudget");
        json.integer(match effort {
            // The largest of them cannot be kept from thinking.
            ReasoningEffort::None if model.contains("pro") => 128,
            ReasoningEffort::None => 0,
            ReasoningEffort::Minimal => 512,
            ReasoningEffort::Low => 1_024,
            ReasoningEffort::Medium => 8_192,
            ReasoningEffort::High => 24_576,
        });
    } else {
        json.key("thinkingLevel");
        json.string(match effort {
            ReasoningEffort::None | ReasoningEffort::Minimal if model.contains("flash") => "minimal",
            ReasoningEffort::None | ReasoningEffort::Minimal | ReasoningEffort::Low => "low",
            ReasoningEffort::Medium if model.contains("flash") => "medium",
            ReasoningEffort::Medium | ReasoningEffort::High => "high",
        });
    }
    json.key("includeThoughts");
    json.boolean(effort != ReasoningEffort::None);
    json.close_object();
}
