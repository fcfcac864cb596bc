//! Reading a streamed answer.

use super::{
    Dialect,
    answer::{Choice, Envelope, WireCall, error_inside, finish},
    refused,
};
use crate::{
    answer::{FinishReason, Piece, ToolCallPiece},
    fault::{Fault, FaultKind},
    wire::{EventReader, lenient::call_id, think::ThinkSplitter},
};

/// The provider's closing word.
const DONE: &[u8] = b"[DONE]";

pub(super) struct Reader {
    dialect: Dialect,
    splitter: ThinkSplitter,
    is_started: bool,
    has_content: bool,
    has_calls: bool,
    is_finished: bool,
    is_done: bool,
    /// The call that parts without an index belong to.
    current_call: u32,
}

impl Reader {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            splitter: ThinkSplitter::default(),
            is_started: false,
            has_content: false,
            has_calls: false,
            is_finished: false,
            is_done: false,
            current_call: 0,
        }
    }

    fn choice(&mut self, mut choice: Choice<'_>, pieces: &mut Vec<Piece>) -> Result<(), Fault> {
        let before = pieces.len();
        let reasoning = choice.message.take_reasoning();
        if !reasoning.is_empty() {
            pieces.push(Piece::Reasoning(reasoning));
        }
        let text = choice.message.content.text;
        if !text.is_empty() {
            if self.dialect.think_blocks {
                self.splitter.push(text, pieces);
            } else {
                pieces.push(Piece::Content(text));
            }
        }
        for call in choice.message.tool_calls {
            let piece = self.call(call);
            pieces.push(Piece::ToolCall(piece));
        }
        let word = choice.finish_reason.as_str();
        if !word.is_empty() {
            self.splitter.finish(pieces);
        }
        self.has_content |= pieces.iter().skip(before).any(Piece::is_content);
        if !self.has_content && (word == "content_filter" || !choice.message.refusal.is_empty()) {
            return Err(refused(self.dialect.provider, choice.message.refusal.as_str()));
        }
        if word.is_empty() {
            return Ok(());
        }
        let Some(reason) = finish(word) else {
            let message = format!("{} broke off its answer with an error", self.dialect.provider);
            return Err(Fault::new(FaultKind::Unavailable, message));
        };
        if !self.is_finished {
            self.is_finished = true;
            let is_calls = reason == FinishReason::Stop && self.has_calls;
            pieces.push(Piece::Finish(if is_calls { FinishReason::ToolCalls } else { reason }));
        }
        Ok(())
    }

    fn call(&mut self, call: WireCall<'_>) -> ToolCallPiece {
        let (mut id, name) = (call.id.given(), call.function.name.given());
        // Without an index, a name begins the next call.
        let index = call.index.unwrap_or(self.current_call + u32::from(name.is_some() && self.has_calls));
        let is_new = name.is_some() && (!self.has_calls || index != self.current_call);
        if is_new && id.is_none() {
            id = Some(call_id());
        }
        self.has_calls = true;
        self.current_call = index;
        ToolCallPiece { index, id, name, arguments: call.function.arguments.0 }
    }
}

impl EventReader for Reader {
    fn read(&mut self, _: &str, data: &[u8], pieces: &mut Vec<Piece>) -> Result<(), Fault> {
        if data.trim_ascii() == DONE {
            self.splitter.finish(pieces);
            self.is_finished = true;
            self.is_done = true;
            return Ok(());
        }
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(data) else {
            pieces.push(Piece::Dropped);
            return Ok(());
        };
        if let Some(fault) = error_inside(self.dialect.provider, envelope.error) {
            return Err(fault);
        }
        if !self.is_started {
            self.is_started = true;
            pieces.push(Piece::Started { id: envelope.id.into_string(), model: envelope.model.into_string() });
        }
        if let Some(choice) = envelope.choices.into_iter().next() {
            self.choice(choice, pieces)?;
        }
        if let Some(usage) = envelope.usage {
            pieces.push(Piece::Usage(usage.into()));
        }
        Ok(())
    }

    fn is_finished(&self) -> bool {
        self.is_finished
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}
