//! Writing a question.

use std::borrow::Cow;

use super::{DOCUMENT_TOOL, generation::Generation};
use crate::{
    chat::{
        ChatRequest, Image, ImageSource, MediaType, Message, OutputFormat, Part, ReasoningEffort, Role, Schema, Tool,
        ToolCall, ToolChoice,
    },
    json::JsonWriter,
    wire::{WireRequest, chat_completions::text_length, lenient::object_or_empty, schema},
};

/// Longest answer where the caller sets none; the provider wants one, and this every model can give.
const MAX_TOKENS: u32 = 4_096;

/// How this model is asked.
struct Plan<'a> {
    /// The schema goes into `output_config`.
    format: Option<&'a Schema>,
    /// The schema goes into a function that must be called.
    document: Option<&'a Schema>,
    thinking: Thinking,
    takes_sampling: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Thinking {
    Off,
    /// So many tokens of it.
    Budget(u32),
    Adaptive(&'static str),
}

impl<'a> Plan<'a> {
    fn of(request: &'a ChatRequest, model: &str) -> Self {
        let generation = Generation::of(model);
        let thinking = thinking(request, generation);
        let schema = match &request.output {
            OutputFormat::Schema { schema, .. } => Some(schema),
            OutputFormat::Text | OutputFormat::JsonObject => None,
        };
        let is_native = generation.is_some_and(Generation::has_output_format);
        // A function can be forced neither beside the caller's own nor while thinking.
        let is_forced = !is_native && request.tools.is_empty() && thinking == Thinking::Off;
        Self {
            format: schema.filter(|_| is_native),
            document: schema.filter(|_| is_forced),
            thinking,
            takes_sampling: generation.is_none_or(Generation::takes_sampling),
        }
    }
}

fn thinking(request: &ChatRequest, generation: Option<Generation>) -> Thinking {
    let (Some(effort), Some(generation)) = (request.reasoning_effort, generation) else { return Thinking::Off };
    // Calls made while thinking want their thoughts back, which we do not keep.
    let has_results = request.messages.iter().any(|message| message.results().next().is_some());
    if has_results || !generation.thinks() || effort == ReasoningEffort::None {
        return Thinking::Off;
    }
    if generation.thinks_adaptively() {
        return Thinking::Adaptive(match effort {
            ReasoningEffort::None | ReasoningEffort::Minimal | ReasoningEffort::Low => "low",
            ReasoningEffort::Medium => "medium",
            ReasoningEffort::High => "high",
        });
    }
    // A forced function excludes thinking.
    if matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Function(_)) && !request.tools.is_empty() {
        return Thinking::Off;
    }
    Thinking::Budget(match effort {
        ReasoningEffort::None | ReasoningEffort::Minimal => 1_024,
        ReasoningEffort::Low => 2_048,
        ReasoningEffort::Medium => 8_192,
        ReasoningEffort::High => 16_384,
    })
}

/// The request for an answer.
pub(super) fn chat(request: &ChatRequest, model: &str, stream: bool) -> WireRequest {
    let plan = Plan::of(request, model);
    let mut json = JsonWriter::with_capacity(768 + text_length(request));
    json.open_object();
    json.key("model");
    json.string(model);
    json.key("max_tokens");
    let most = request.sampling.max_tokens.unwrap_or(MAX_TOKENS);
    // The limit counts thinking too; the caller's is for the answer.
    json.integer(i64::from(most) + if let Thinking::Budget(budget) = plan.thinking { i64::from(budget) } else { 0 });
    system(&mut json, request);
    messages(&mut json, request);
    sampling(&mut json, request, &plan);
    tools(&mut json, request, &plan);
    thinking_and_format(&mut json, &plan);
    if stream {
        json.key("stream");
        json.boolean(true);
    }
    json.close_object();
    WireRequest { path: "/v1/messages".into(), body: json.finish() }
}

/// What the operator says stands apart from the talk.
fn system(json: &mut JsonWriter, request: &ChatRequest) {
    let system = request.messages.iter().filter(|message| message.role == Role::System);
    let mut texts = system.flat_map(Message::texts).filter(|text| !text.trim().is_empty()).peekable();
    if texts.peek().is_none() {
        return;
    }
    json.key("system");
    json.open_array();
    texts.for_each(|text| text_block(json, text));
    json.close_array();
}

fn messages(json: &mut JsonWriter, request: &ChatRequest) {
    json.key("messages");
    json.open_array();
    let said: Vec<&Message> =
        request.messages.iter().filter(|message| message.role != Role::System && !is_empty(message)).collect();
    // Functions' answers are the caller's words, and all answers to one message must stand in one.
    let is_model = |message: &Message| message.role == Role::Assistant;
    for (run, is_last) in runs(&said, is_model) {
        json.open_object();
        json.key("role");
        json.string(if run.first().is_some_and(|message| is_model(message)) { "assistant" } else { "user" });
        json.key("content");
        json.open_array();
        // Answers come first.
        run.iter().flat_map(|message| message.results()).for_each(|(call_id, text)| result(json, call_id, text));
        let parts = run.iter().flat_map(|message| &message.parts);
        parts.for_each(|part| block(json, part, is_last));
        json.close_array();
        json.close_object();
    }
    json.close_array();
}

/// Neighbours of one side, and whether they are the last.
fn runs<'a, 'b>(
    messages: &'a [&'b Message],
    is_model: impl Fn(&Message) -> bool + 'a,
) -> impl Iterator<Item = (&'a [&'b Message], bool)> {
    let runs: Vec<&[&Message]> = messages.chunk_by(|one, next| is_model(one) == is_model(next)).collect();
    let last = runs.len().saturating_sub(1);
    runs.into_iter().enumerate().map(move |(index, run)| (run, index == last))
}

/// Whether a message holds nothing that may be sent: empty texts are refused.
fn is_empty(message: &Message) -> bool {
    message.parts.iter().all(|part| matches!(part, Part::Text(text) if text.trim().is_empty()))
}

fn block(json: &mut JsonWriter, part: &Part, is_last: bool) {
    match part {
        Part::Text(text) if text.trim().is_empty() => {}
        // The beginning of an answer that is to go on must not end with white space.
        Part::Text(text) => text_block(json, if is_last { text.trim_end() } else { text }),
        Part::Image(image) => picture(json, image),
        Part::ToolCall(call) => tool_call(json, call),
        Part::ToolResult { .. } => {}
    }
}

fn text_block(json: &mut JsonWriter, text: &str) {
    json.open_object();
    json.key("type");
    json.string("text");
    json.key("text");
    json.string(text);
    json.close_object();
}

fn picture(json: &mut JsonWriter, image: &Image) {
    json.open_object();
    json.key("type");
    json.string("image");
    json.key("source");
    json.open_object();
    json.key("type");
    match &image.source {
        ImageSource::Url(url) => {
            json.string("url");
            json.key("url");
            json.string(url);
        }
        ImageSource::Base64 { media_type, data } => {
            content_of(json, *media_type);
            json.string_with_shared("", data);
        }
        ImageSource::Bytes { media_type, data } => {
            content_of(json, *media_type);
            json.string_with_base64("", data);
        }
    }
    json.close_object();
    json.close_object();
}

fn content_of(json: &mut JsonWriter, media_type: MediaType) {
    json.string("base64");
    json.key("media_type");
    json.string(media_type.name());
    json.key("data");
}

fn tool_call(json: &mut JsonWriter, call: &ToolCall) {
    json.open_object();
    json.key("type");
    json.string("tool_use");
    json.key("id");
    json.string(&allowed_id(&call.id));
    json.key("name");
    json.string(&call.name);
    json.key("input");
    json.raw(object_or_empty(&call.arguments));
    json.close_object();
}

/// An id of the characters that are allowed here; other providers' ids may hold dots and colons.
fn allowed_id(id: &str) -> Cow<'_, str> {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if !id.is_empty() && id.chars().all(is_allowed) {
        return Cow::Borrowed(id);
    }
    let allowed = id.chars().map(|character| if is_allowed(character) { character } else { '_' });
    Cow::Owned(std::iter::once('_').chain(allowed).collect())
}

fn result(json: &mut JsonWriter, call_id: &str, text: &str) {
    json.open_object();
    json.key("type");
    json.string("tool_result");
    json.key("tool_use_id");
    json.string(&allowed_id(call_id));
    json.key("content");
    json.string(text);
    json.close_object();
}

fn sampling(json: &mut JsonWriter, request: &ChatRequest, plan: &Plan<'_>) {
    let sampling = &request.sampling;
    if plan.takes_sampling && plan.thinking == Thinking::Off {
        // The provider takes one of the two, and temperatures up to 1.
        if let Some(temperature) = sampling.temperature {
            json.key("temperature");
            json.number(temperature.clamp(0.0, 1.0));
        } else if let Some(top_p) = sampling.top_p {
            json.key("top_p");
            json.number(top_p);
        }
    }
    let mut stop = sampling.stop.iter().filter(|text| !text.trim().is_empty()).peekable();
    if stop.peek().is_some() {
        json.key("stop_sequences");
        json.open_array();
        stop.for_each(|text| json.string(text));
        json.close_array();
    }
}

fn tools(json: &mut JsonWriter, request: &ChatRequest, plan: &Plan<'_>) {
    if let Some(schema) = plan.document {
        json.key("tools");
        json.open_array();
        tool(json, DOCUMENT_TOOL, Some("Hands over the document that was asked for."), Some(schema));
        json.close_array();
        json.key("tool_choice");
        json.open_object();
        json.key("type");
        json.string("tool");
        json.key("name");
        json.string(DOCUMENT_TOOL);
        json.close_object();
        return;
    }
    if request.tools.is_empty() {
        return;
    }
    json.key("tools");
    json.open_array();
    for Tool { name, description, parameters, .. } in &request.tools {
        tool(json, name, description.as_deref(), parameters.as_ref());
    }
    json.close_array();
    json.key("tool_choice");
    json.open_object();
    json.key("type");
    match &request.tool_choice {
        ToolChoice::Auto => json.string("auto"),
        ToolChoice::None => json.string("none"),
        ToolChoice::Required => json.string("any"),
        ToolChoice::Function(name) => {
            json.string("tool");
            json.key("name");
            json.string(name);
        }
    }
    if let (Some(parallel), false) = (request.parallel_tool_calls, request.tool_choice == ToolChoice::None) {
        json.key("disable_parallel_tool_use");
        json.boolean(!parallel);
    }
    json.close_object();
}

fn tool(json: &mut JsonWriter, name: &str, description: Option<&str>, parameters: Option<&Schema>) {
    json.open_object();
    json.key("name");
    json.string(name);
    if let Some(description) = description {
        json.key("description");
        json.string(description);
    }
    json.key("input_schema");
    json.raw(parameters.map_or(r#"{"type":"object"}"#, Schema::json));
    json.close_object();
}

fn thinking_and_format(json: &mut JsonWriter, plan: &Plan<'_>) {
    let effort = match plan.thinking {
        Thinking::Off => None,
        Thinking::Budget(budget) => {
            json.key("thinking");
            json.open_object();
            json.key("type");
            json.string("enabled");
            json.key("budget_tokens");
            json.integer(i64::from(budget));
            json.close_object();
            None
        }
        Thinking::Adaptive(effort) => {
            json.key("thinking");
            json.raw(r#"{"type":"adaptive"}"#);
            Some(effort)
        }
    };
    if effort.is_none() && plan.format.is_none() {
        return;
    }
    json.key("output_config");
    json.open_object();
    if let Some(effort) = effort {
        json.key("effort");
        json.string(effort);
    }
    if let Some(form) = plan.format {
        json.key("format");
        json.open_object();
        json.key("type");
        json.string("json_schema");
        json.key("schema");
        json.raw(&schema::reduced(form, schema::ANTHROPIC, true));
        json.close_object();
    }
    json.close_object();
}
