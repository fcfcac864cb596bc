//! Reading a streamed answer: every event is an answer with the next parts.

use super::{
    PROVIDER,
    answer::{Ending, Part, Response, bad_call, blocked, ending},
};
use crate::{
    answer::{FinishReason, Piece, ToolCallPiece},
    fault::Fault,
    wire::{
        EventReader,
        chat_completions::{error_inside, refused},
    },
};

#[derive(Default)]
pub(super) struct Reader {
    is_started: bool,
    has_content: bool,
    calls: u32,
    is_finished: bool,
}

impl Reader {
    fn part(&mut self, part: Part<'_>, pieces: &mut Vec<Piece>) {
        let text = part.text.text;
        if !text.is_empty() {
            pieces.push(if part.thought { Piece::Reasoning(text) } else { Piece::Content(text) });
        }
        if let Some(call) = part.function_call {
            // A call comes whole.
            let call = call.read();
            pieces.push(Piece::ToolCall(ToolCallPiece {
                index: self.calls,
                id: Some(call.id),
                name: Some(call.name),
                arguments: call.arguments,
            }));
            self.calls += 1;
        }
    }

    fn end(&mut self, word: &str, pieces: &mut Vec<Piece>) -> Result<(), Fault> {
        if word.is_empty() || self.is_finished {
            return Ok(());
        }
        self.is_finished = true;
        pieces.push(Piece::Finish(match ending(word, self.calls > 0) {
            Ending::Finish(reason) => reason,
            Ending::Withheld if self.has_content => FinishReason::ContentFilter,
            Ending::Withheld => return Err(refused(PROVIDER, &format!("it was withheld ({word})"))),
            Ending::BadCall => return Err(bad_call()),
        }));
        Ok(())
    }
}

impl EventReader for Reader {
    fn read(&mut self, _: &str, data: &[u8], pieces: &mut Vec<Piece>) -> Result<(), Fault> {
        let Ok(response) = serde_json::from_slice::<Response<'_>>(data) else {
            pieces.push(Piece::Dropped);
            return Ok(());
        };
        if let Some(fault) = error_inside(PROVIDER, response.error) {
            return Err(fault);
        }
        if let Some(fault) = blocked(response.prompt_feedback.as_ref()) {
            return Err(fault);
        }
        if !self.is_started {
            self.is_started = true;
            let (id, model) = (response.response_id.into_string(), response.model_version.into_string());
            pieces.push(Piece::Started { id, model });
        }
        if let Some(candidate) = response.candidates.into_iter().next() {
            let before = pieces.len();
            for part in candidate.content.parts {
                self.part(part, pieces);
            }
            self.has_content |= pieces.iter().skip(before).any(Piece::is_content);
            self.end(candidate.finish_reason.as_str(), pieces)?;
        }
        pieces.extend(response.usage_metadata.map(|usage| Piece::Usage(usage.into())));
        Ok(())
    }

    fn is_finished(&self) -> bool {
        self.is_finished
    }
}
