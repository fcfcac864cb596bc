//! What a streamed answer has said so far.

use crate::{
    answer::{Completion, FinishReason, Piece, ToolCallPiece, Usage},
    chat::ToolCall,
    engine::estimate::{Estimate, tokens_of},
};

/// The answer so far; its texts only where they are needed afterwards.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) completion: Completion,
    /// Whether texts are kept.
    keep: bool,
    /// Whether there was any text or function call.
    pub(crate) has_content: bool,
    /// Characters of text, thought and arguments.
    pub(crate) has_finish: bool,
    tokens: u64,
    /// Tokens of backends that broke off before.
    before: Usage,
}

impl Said {
    pub(crate) fn new(keep: bool) -> Self {
        Self { keep, ..Self::default() }
    }

    /// Takes a piece in.
    pub(crate) fn add(&mut self, piece: &Piece) {
        match piece {
            Piece::Started { id, model } => {
                self.completion.id.clone_from(id);
                self.completion.model.clone_from(model);
            }
            Piece::Content(text) => {
                self.has_content = true;
                self.tokens += tokens_of(text);
                if self.keep {
                    self.completion.content.push_str(text);
                }
            }
            Piece::Reasoning(text) => {
                self.tokens += tokens_of(text);
                if self.keep {
                    self.completion.reasoning.push_str(text);
                }
            }
            Piece::ToolCall(part) => {
                self.has_content = true;
                self.tokens += tokens_of(&part.arguments);
                self.tool_call(part);
            }
            Piece::Finish(finish) => {
                self.completion.finish = *finish;
                self.has_finish = true;
            }
            Piece::Usage(usage) => self.completion.usage = Some(*usage),
            Piece::KeepAlive | Piece::Dropped => {}
        }
    }

    fn tool_call(&mut self, part: &ToolCallPiece) {
        let index = part.index as usize;
        let calls = &mut self.completion.tool_calls;
        // Indexes come from outside: a call begins at the end or not at all.
        if index == calls.len() {
            calls.push(ToolCall { id: String::new(), name: String::new(), arguments: String::new() });
        }
        let Some(call) = calls.get_mut(index) else { return };
        if let Some(id) = &part.id {
            call.id.clone_from(id);
        }
        if let Some(name) = &part.name {
            call.name.clone_from(name);
        }
        if self.keep {
            call.arguments.push_str(&part.arguments);
        }
    }

    /// The finish reason, when the provider gave one.
    pub(crate) fn finish(&self) -> Option<FinishReason> {
        self.has_finish.then_some(self.completion.finish)
    }

    /// Tokens of this backend: as it says, else as estimated.
    pub(crate) fn settled(&self, estimate: &Estimate) -> Usage {
        self.completion.usage.unwrap_or_else(|| Usage {
            input_tokens: estimate.least.midpoint(estimate.most),
            output_tokens: self.tokens,
            ..Usage::default()
        })
    }

    /// Tokens of the whole answer, those of backends that broke off included.
    pub(crate) fn total(&self, usage: Usage) -> Usage {
        let before = &self.before;
        Usage {
            input_tokens: usage.input_tokens + before.input_tokens,
            output_tokens: usage.output_tokens + before.output_tokens,
            cached_input_tokens: usage.cached_input_tokens + before.cached_input_tokens,
            reasoning_tokens: usage.reasoning_tokens + before.reasoning_tokens,
        }
    }

    /// The backend broke off, and another one goes on.
    pub(crate) fn goes_on(&mut self, used: Usage) {
        self.before = self.total(used);
        self.completion.usage = None;
        self.tokens = 0;
        self.has_finish = false;
    }
}
