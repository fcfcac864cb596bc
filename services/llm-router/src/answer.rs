//! What a model answers, whole or piece by piece, in no provider's words.

use std::time::Duration;

use crate::{chat::ToolCall, fault::FaultKind};

/// A whole answer of one backend.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// The provider's id of the answer; empty when it gives none.
    pub id: String,
    /// Model that answered, in the provider's words; empty when it does not say.
    pub model: String,
    /// The text. Never holds reasoning.
    pub content: String,
    /// What the model thought before, where the provider shows it or the model wrote it in a `<think>` block.
    pub reasoning: String,
    /// Functions it wants run.
    pub tool_calls: Vec<ToolCall>,
    /// Why it stopped.
    pub finish: FinishReason,
    /// What it cost in tokens; none when the provider does not say.
    pub usage: Option<Usage>,
}

impl Completion {
    /// The answer as the pieces of a stream, for providers that answer whole whatever is asked.
    pub fn into_pieces(self) -> impl Iterator<Item = Piece> {
        let Self { id, model, content, reasoning, tool_calls, finish, usage } = self;
        let started = Piece::Started { id, model };
        let reasoning = (!reasoning.is_empty()).then_some(Piece::Reasoning(reasoning));
        let content = (!content.is_empty()).then_some(Piece::Content(content));
        let calls = tool_calls.into_iter().zip(0..).map(|(call, index)| {
            let (id, name) = (Some(call.id), Some(call.name));
            Piece::ToolCall(ToolCallPiece { index, id, name, arguments: call.arguments })
        });
        let end = std::iter::once(Piece::Finish(finish)).chain(usage.map(Piece::Usage));
        std::iter::once(started).chain(reasoning).chain(content).chain(calls).chain(end)
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum FinishReason {
    /// It was finished.
    #[default]
    Stop,
    /// The token limit was reached.
    Length,
    /// Functions are to be run.
    ToolCalls,
    /// The provider withheld the rest.
    ContentFilter,
}

/// Tokens of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the question, those read from the provider's cache included.
    pub input_tokens: u64,
    /// Of the answer, reasoning included.
    pub output_tokens: u64,
    /// Of the question, read from the provider's prompt cache.
    pub cached_input_tokens: u64,
    /// Of the answer, reasoning.
    pub reasoning_tokens: u64,
}

/// A piece of a streamed answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// The provider is alive but has nothing to say yet.
    KeepAlive,
    /// The answer has an id and a model (a role-only frame, `message_start`); no content yet.
    Started {
        /// The provider's id of the answer.
        id: String,
        /// The model.
        model: String,
    },
    /// Text.
    Content(String),
    /// Thought.
    Reasoning(String),
    /// A part of a function call.
    ToolCall(ToolCallPiece),
    /// Why it ended.
    Finish(FinishReason),
    /// Tokens so far; a later one replaces an earlier one.
    Usage(Usage),
    /// One event could not be read and was left out.
    Dropped,
}

impl Piece {
    /// Whether the caller would see an answer begin: from here on no other backend can take over.
    #[must_use]
    pub fn is_content(&self) -> bool {
        matches!(self, Self::Content(_) | Self::Reasoning(_) | Self::ToolCall(_))
    }
}

/// A part of a function call; parts with one index belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCallPiece {
    /// Which call of the answer, from 0.
    pub index: u32,
    /// Its id, with the first part.
    pub id: Option<String>,
    /// Its function, with the first part.
    pub name: Option<String>,
    /// The next characters of the arguments.
    pub arguments: String,
}

/// Vectors for texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embeddings {
    /// One for each text, in the texts' order, all of one length.
    pub vectors: Vec<Vec<f32>>,
    /// Model that made them.
    pub model: String,
    /// Tokens read, where the provider says.
    pub usage: Option<Usage>,
}

/// One try at one backend.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Backend.
    pub backend: String,
    /// Model that was asked for.
    pub model: String,
    /// What went wrong; none for the try that answered.
    pub fault: Option<FaultKind>,
    /// What went wrong, in words.
    pub message: String,
    /// From sending to answer or fault.
    pub took: Duration,
    /// Whether it was a second request sent because the first was slow.
    pub hedge: bool,
}

/// How an answer came about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trail {
    /// Backend that answered; empty for an answer from the cache of one that is gone.
    pub backend: String,
    /// Model that was asked for there.
    pub model: String,
    /// Every try, in order.
    pub attempts: Vec<Attempt>,
    /// Cost in millionths of a US dollar by the configured prices; none when there is no price for the model.
    pub cost_micros: Option<u64>,
    /// Whether it came from the answer cache.
    pub cached: bool,
    /// Whether the answer is that of a hedge.
    pub hedged: bool,
}
