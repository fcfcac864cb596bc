//! `POST /v1/chat/completions`: the request's form
//! (<https://platform.openai.com/docs/api-reference/chat/create>), parsed once and borrowed from the body.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    content::{Content, ContentPart},
    error::Problem,
    extension::Extension,
};
use crate::{
    chat::{
        ChatRequest, Image, Message, OutputFormat, Part, ReasoningEffort, Role, Sampling, Schema, Tool, ToolCall,
        ToolChoice,
    },
    pictures,
};

/// Most messages, tools or parts of a message.
const MOST_ENTRIES: usize = 4_096;

/// The body of a request. What is not named here has no meaning for a router and is left out.
#[derive(Debug, Deserialize)]
pub(super) struct ChatBody<'a> {
    #[serde(borrow, default)]
    pub(super) model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    messages: Vec<MessageBody<'a>>,
    #[serde(default)]
    pub(super) stream: Option<bool>,
    #[serde(default)]
    pub(super) stream_options: Option<StreamOptions>,
    #[serde(borrow, default)]
    tools: Option<Vec<ToolBody<'a>>>,
    #[serde(borrow, default)]
    tool_choice: Option<ToolChoiceBody<'a>>,
    #[serde(default)]
    parallel_tool_calls: Option<bool>,
    #[serde(borrow, default)]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(default)]
    temperature: Option<f32>,
    #[serde(default)]
    top_p: Option<f32>,
    #[serde(default)]
    max_tokens: Option<u32>,
    #[serde(default)]
    max_completion_tokens: Option<u32>,
    #[serde(borrow, default)]
    stop: Option<OneOrMany<'a>>,
    #[serde(default)]
    seed: Option<i64>,
    #[serde(default)]
    frequency_penalty: Option<f32>,
    #[serde(default)]
    presence_penalty: Option<f32>,
    #[serde(borrow, default)]
    reasoning_effort: Option<Cow<'a, str>>,
    #[serde(default)]
    n: Option<u32>,
    #[serde(default)]
    logprobs: Option<bool>,
    #[serde(default)]
    functions: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) aerie: Option<Extension>,
}

/// `stream_options`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct StreamOptions {
    #[serde(default)]
    pub(super) include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct MessageBody<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Content<'a>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<ToolCallBody<'a>>>,
    #[serde(borrow, default)]
    tool_call_id: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct ToolCallBody<'a> {
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    function: FunctionCallBody<'a>,
}

#[derive(Debug, Deserialize)]
struct FunctionCallBody<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    arguments: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct ToolBody<'a> {
    #[serde(borrow)]
    function: Option<FunctionBody<'a>>,
}

#[derive(Debug, Deserialize)]
struct FunctionBody<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    parameters: Option<&'a RawValue>,
    #[serde(default)]
    strict: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ToolChoiceBody<'a> {
    Word(#[serde(borrow)] Cow<'a, str>),
    Function { function: NameBody<'a> },
}

#[derive(Debug, Deserialize)]
struct NameBody<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<'a> {
    One(#[serde(borrow)] Cow<'a, str>),
    Many(#[serde(borrow)] Vec<Cow<'a, str>>),
}

#[derive(Debug, Deserialize)]
struct ResponseFormat<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    json_schema: Option<JsonSchemaBody<'a>>,
}

#[derive(Debug, Deserialize)]
struct JsonSchemaBody<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    schema: Option<&'a RawValue>,
    #[serde(default)]
    strict: Option<bool>,
}

/// Reads a body.
pub(super) fn parse(body: &Bytes) -> Result<ChatBody<'_>, Problem> {
    // Looked at once as a whole, texts need no look of their own.
    let text =
        std::str::from_utf8(body).map_err(|error| Problem::new("", format!("the request is no UTF-8: {error}")))?;
    serde_json::from_str(text).map_err(|error| Problem::new("", format!("the request cannot be read: {error}")))
}

impl ChatBody<'_> {
    /// The question that it asks. Pictures are slices of `body`.
    pub(super) fn question(self, body: &Bytes) -> Result<ChatRequest, Problem> {
        self.refuse_what_no_router_can_do()?;
        let mut request = ChatRequest {
            messages: Vec::with_capacity(self.messages.len()),
            parallel_tool_calls: self.parallel_tool_calls,
            ..ChatRequest::default()
        };
        if self.messages.is_empty() {
            return Err(Problem::new("messages", "is empty; send at least one message"));
        }
        at_most("messages", self.messages.len())?;
        for (index, message) in self.messages.into_iter().enumerate() {
            request.messages.push(message.read(index, body)?);
        }
        let tools = self.tools.unwrap_or_default();
        at_most("tools", tools.len())?;
        for (index, tool) in tools.into_iter().enumerate() {
            let Some(function) = tool.function else {
                return Err(Problem::new(format!("tools[{index}].function"), "is missing; only functions are known"));
            };
            request.tools.push(function.read());
        }
        request.tool_choice = self.tool_choice.map_or(Ok(ToolChoice::Auto), ToolChoiceBody::read)?;
        request.output = self.response_format.map_or(Ok(OutputFormat::Text), ResponseFormat::read)?;
        request.reasoning_effort = self.reasoning_effort.as_deref().map(effort).transpose()?;
        request.sampling = Sampling {
            temperature: in_range("temperature", self.temperature, 0.0, 2.0)?,
            top_p: in_range("top_p", self.top_p, 0.0, 1.0)?,
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            stop: self.stop.map(OneOrMany::read).unwrap_or_default(),
            seed: self.seed,
            frequency_penalty: in_range("frequency_penalty", self.frequency_penalty, -2.0, 2.0)?,
            presence_penalty: in_range("presence_penalty", self.presence_penalty, -2.0, 2.0)?,
        };
        Ok(request)
    }

    fn refuse_what_no_router_can_do(&self) -> Result<(), Problem> {
        if self.n.is_some_and(|number| number != 1) {
            return Err(Problem::new("n", "is not 1; ask several times for several answers"));
        }
        if self.logprobs == Some(true) {
            return Err(Problem::new("logprobs", "is not offered"));
        }
        if self.functions.is_some() {
            return Err(Problem::new("functions", "is the form before tools; send tools"));
        }
        Ok(())
    }
}

impl MessageBody<'_> {
    fn read(self, index: usize, body: &Bytes) -> Result<Message, Problem> {
        let role = match &*self.role {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" => Role::Tool,
            other => {
                let message = format!("is \"{}\"; write system, developer, user, assistant or tool", shown(other));
                return Err(Problem::new(format!("messages[{index}].role"), message));
            }
        };
        let mut parts = match (role, self.content) {
            (Role::Tool, content) => vec![tool_result(index, self.tool_call_id, content)?],
            (_, Content::Absent) => Vec::new(),
            (_, Content::Text(text)) => vec![Part::Text(text.into_owned())],
            (_, Content::Parts(parts)) => read_parts(index, parts, body)?,
        };
        for call in self.tool_calls.unwrap_or_default() {
            parts.push(Part::ToolCall(ToolCall {
                id: call.id.into_owned(),
                name: call.function.name.into_owned(),
                arguments: call.function.arguments.into_owned(),
            }));
        }
        Ok(Message { role, parts })
    }
}

fn tool_result(index: usize, call_id: Option<Cow<'_, str>>, content: Content<'_>) -> Result<Part, Problem> {
    let field = |name: &str| format!("messages[{index}].{name}");
    let Some(call_id) = call_id else {
        return Err(Problem::new(field("tool_call_id"), "is missing; a tool's message names the call it answers"));
    };
    let text = match content {
        Content::Absent => String::new(),
        Content::Text(text) => text.into_owned(),
        Content::Parts(parts) => {
            let mut whole = String::new();
            for part in parts {
                let ContentPart::Text(text) = part else {
                    return Err(Problem::new(field("content"), "of a tool's message has text only"));
                };
                whole.push_str(&text);
            }
            whole
        }
    };
    Ok(Part::ToolResult { call_id: call_id.into_owned(), text })
}

fn read_parts(index: usize, parts: Vec<ContentPart<'_>>, body: &Bytes) -> Result<Vec<Part>, Problem> {
    at_most(&format!("messages[{index}].content"), parts.len())?;
    let mut read = Vec::with_capacity(parts.len());
    for (place, part) in parts.into_iter().enumerate() {
        let field = || format!("messages[{index}].content[{place}]");
        read.push(match part {
            ContentPart::Text(text) => Part::Text(text.into_owned()),
            ContentPart::Image { url, detail } => {
                let address = match url {
                    Cow::Borrowed(text) => body.slice_ref(text.as_bytes()),
                    Cow::Owned(text) => Bytes::from(text),
                };
                let source = pictures::from_address(&address).map_err(|error| {
                    Problem::new(field() + ".image_url.url", error.to_string()).coded("invalid_image")
                })?;
                Part::Image(Image { source, detail: detail.map(Cow::into_owned) })
            }
            ContentPart::Other(kind) => {
                let message = format!("is of type \"{}\"; write text or image_url", shown(&kind));
                return Err(Problem::new(field(), message));
            }
        });
    }
    Ok(read)
}

impl FunctionBody<'_> {
    fn read(self) -> Tool {
        Tool {
            name: self.name.into_owned(),
            description: self.description.map(Cow::into_owned),
            parameters: self.parameters.map(|raw| Schema::from_raw(raw.to_owned())),
            strict: self.strict,
        }
    }
}

impl ToolChoiceBody<'_> {
    fn read(self) -> Result<ToolChoice, Problem> {
        match self {
            Self::Function { function } => Ok(ToolChoice::Function(function.name.into_owned())),
            Self::Word(word) => match &*word {
                "auto" => Ok(ToolChoice::Auto),
                "none" => Ok(ToolChoice::None),
                "required" => Ok(ToolChoice::Required),
                other => {
                    let message = format!("is \"{}\"; write auto, none, required or a function", shown(other));
                    Err(Problem::new("tool_choice", message))
                }
            },
        }
    }
}

impl ResponseFormat<'_> {
    fn read(self) -> Result<OutputFormat, Problem> {
        match (&*self.kind, self.json_schema) {
            ("text", _) => Ok(OutputFormat::Text),
            ("json_object", _) => Ok(OutputFormat::JsonObject),
            ("json_schema", Some(JsonSchemaBody { name, schema: Some(schema), strict })) => Ok(OutputFormat::Schema {
                name: name.map_or_else(|| "document".to_owned(), Cow::into_owned),
                schema: Schema::from_raw(schema.to_owned()),
                strict: strict.unwrap_or(false),
            }),
            ("json_schema", _) => Err(Problem::new("response_format.json_schema.schema", "is missing")),
            (other, _) => {
                let message = format!("is \"{}\"; write text, json_object or json_schema", shown(other));
                Err(Problem::new("response_format.type", message))
            }
        }
    }
}

impl OneOrMany<'_> {
    fn read(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.into_owned()],
            Self::Many(texts) => texts.into_iter().map(Cow::into_owned).collect(),
        }
    }
}

fn effort(word: &str) -> Result<ReasoningEffort, Problem> {
    Ok(match word {
        "none" => ReasoningEffort::None,
        "minimal" => ReasoningEffort::Minimal,
        "low" => ReasoningEffort::Low,
        "medium" => ReasoningEffort::Medium,
        "high" | "xhigh" => ReasoningEffort::High,
        other => {
            let message = format!("is \"{}\"; write none, minimal, low, medium or high", shown(other));
            return Err(Problem::new("reasoning_effort", message));
        }
    })
}

fn in_range(field: &str, value: Option<f32>, least: f32, most: f32) -> Result<Option<f32>, Problem> {
    match value {
        Some(value) if !(least..=most).contains(&value) => {
            Err(Problem::new(field, format!("is {value}; write a number from {least} to {most}")))
        }
        value => Ok(value),
    }
}

fn at_most(field: &str, entries: usize) -> Result<(), Problem> {
    if entries > MOST_ENTRIES {
        return Err(Problem::new(field, format!("has {entries} entries; at most {MOST_ENTRIES} are allowed")));
    }
    Ok(())
}

/// What a caller wrote, short and printable.
fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(40).collect()
}
