//! What is asked of a model, in no provider's words.

mod image;

use std::fmt;

use serde_json::value::RawValue;

pub use self::image::{Image, ImageSource, MediaType};

/// One question to a model: the talk so far, what it may call, and the form the answer must have.
#[derive(Debug, Clone, Default)]
pub struct ChatRequest {
    /// The talk so far, oldest first. System messages stand where the caller put them.
    pub messages: Vec<Message>,
    /// Functions that the model may ask the caller to run.
    pub tools: Vec<Tool>,
    /// Whether it may, must or must not call one.
    pub tool_choice: ToolChoice,
    /// Whether several functions may be called in one answer; none leaves it to the provider.
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer.
    pub output: OutputFormat,
    /// How the answer is drawn.
    pub sampling: Sampling,
    /// How long to think first, for models that can be told.
    pub reasoning_effort: Option<ReasoningEffort>,
}

impl ChatRequest {
    /// Whether any message holds an image.
    #[must_use]
    pub fn has_images(&self) -> bool {
        self.images().next().is_some()
    }

    /// The function of the call with this id; the last call that bears it.
    #[must_use]
    pub fn tool_name(&self, call_id: &str) -> Option<&str> {
        let calls = self.messages.iter().rev().flat_map(Message::calls);
        calls.filter(|call| call.id == call_id).map(|call| call.name.as_str()).next()
    }

    /// All images, in the order of the messages.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.messages.iter().flat_map(Message::images)
    }
}

/// Who says it, and what.
#[derive(Debug, Clone)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said; an assistant's calls and a tool's answers are parts too.
    pub parts: Vec<Part>,
}

impl Message {
    /// A message of one text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::Text(text.into())] }
    }

    /// Its texts, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None })
    }

    /// Its pictures, in order.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.parts.iter().filter_map(|part| if let Part::Image(image) = part { Some(image) } else { None })
    }

    /// The function calls in it, in order.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| if let Part::ToolCall(call) = part { Some(call) } else { None })
    }

    /// Ids and answers of the functions in it, in order.
    pub fn results(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolResult { call_id, text } => Some((call_id.as_str(), text.as_str())),
            _ => None,
        })
    }

    /// Whether it holds functions' answers and nothing else.
    #[must_use]
    pub fn is_results_only(&self) -> bool {
        self.results().count() == self.parts.len() && !self.parts.is_empty()
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The operator's instruction.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A function's result.
    Tool,
}

/// A part of a message.
#[derive(Debug, Clone)]
pub enum Part {
    /// Text.
    Text(String),
    /// A picture.
    Image(Image),
    /// The model asks for a function to be run (assistant messages).
    ToolCall(ToolCall),
    /// What the function answered (tool messages).
    ToolResult {
        /// Id of the call that it answers.
        call_id: String,
        /// The answer.
        text: String,
    },
}

/// A function call as the model wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Id that the result refers to. Providers without ids get one from us.
    pub id: String,
    /// Function.
    pub name: String,
    /// Arguments as the model wrote them: usually, but not certainly, a JSON object.
    pub arguments: String,
}

/// A function that the model may call.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub parameters: Option<Schema>,
    /// Ask the provider to hold the arguments to the schema.
    pub strict: Option<bool>,
}

/// Whether functions are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// None is called.
    None,
    /// At least one is called.
    Required,
    /// This one is called.
    Function(String),
}

/// The form of an answer.
#[derive(Debug, Clone, Default)]
pub enum OutputFormat {
    /// Any text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that fits a schema.
    Schema {
        /// Name of the document, for providers that want one.
        name: String,
        /// The schema.
        schema: Schema,
        /// Ask the provider to hold the answer to the schema exactly.
        strict: bool,
    },
}

/// A JSON Schema, kept as text so that it is sent on as it came.
#[derive(Clone)]
pub struct Schema(Box<RawValue>);

impl Schema {
    /// Takes JSON text.
    ///
    /// # Errors
    /// Text that is not JSON.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text.to_owned()).map(Self)
    }

    /// Takes JSON that was parsed as part of something larger.
    #[must_use]
    pub fn from_raw(raw: Box<RawValue>) -> Self {
        Self(raw)
    }

    /// The JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        self.0.get()
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.json())
    }
}

/// How an answer is drawn. What is none is left to the provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sampling {
    /// Spread, 0 to 2.
    pub temperature: Option<f32>,
    /// Nucleus, above 0 to 1.
    pub top_p: Option<f32>,
    /// Longest answer in tokens.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// Seed for repeatable answers, where the provider has one.
    pub seed: Option<i64>,
    /// Penalty for words that occurred often, -2 to 2.
    pub frequency_penalty: Option<f32>,
    /// Penalty for words that occurred at all, -2 to 2.
    pub presence_penalty: Option<f32>,
}

/// How long to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasoningEffort {
    /// Not at all, where that can be said.
    None,
    /// As little as possible.
    Minimal,
    /// Briefly.
    Low,
    /// As usual.
    Medium,
    /// Long.
    High,
}

/// Texts to turn into vectors.
#[derive(Debug, Clone, Default)]
pub struct EmbedRequest {
    /// The texts.
    pub inputs: Vec<String>,
    /// Length of the vectors, for models that can be told.
    pub dimensions: Option<u32>,
}
