//! Reading a streamed answer (<https://docs.anthropic.com/en/docs/build-with-claude/streaming>).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    DOCUMENT_TOOL, PROVIDER,
    answer::{Block, Message, WireUsage},
    finish,
};
use crate::{
    answer::{FinishReason, Piece, ToolCallPiece, Usage},
    fault::Fault,
    wire::{
        EventReader,
        chat_completions::{error_inside, refused},
        lenient::{Text, Word},
    },
};

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(default)]
    index: Option<u32>,
    #[serde(borrow, default)]
    content_block: Option<Block<'a>>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Delta<'a> {
    #[serde(default)]
    text: Text,
    #[serde(default)]
    thinking: Text,
    #[serde(default)]
    partial_json: Text,
    #[serde(borrow, default)]
    stop_reason: Word<'a>,
}

/// A function call that is being written.
#[derive(Clone, Copy)]
struct OpenCall {
    /// Which block of the answer.
    block: u32,
    /// Which call of the answer.
    call: u32,
    /// Whether it hands over the document.
    is_document: bool,
}

#[derive(Default)]
pub(super) struct Reader {
    usage: Usage,
    open: Option<OpenCall>,
    calls: u32,
    has_content: bool,
    is_finished: bool,
    is_done: bool,
}

impl Reader {
    fn begin(&mut self, index: u32, block: Block<'_>, pieces: &mut Vec<Piece>) {
        match block.kind.as_str() {
            "tool_use" => {
                let is_document = block.name.as_str() == DOCUMENT_TOOL;
                self.open = Some(OpenCall { block: index, call: self.calls, is_document });
                // An answer to an older question may hold its input here already; `{}` says that it follows.
                let input = if block.input.0.trim() == "{}" { String::new() } else { block.input.0 };
                if is_document {
                    content(input, pieces);
                    return;
                }
                pieces.push(Piece::ToolCall(ToolCallPiece {
                    index: self.calls,
                    id: Some(block.id.into_string()),
                    name: Some(block.name.into_string()),
                    arguments: input,
                }));
                self.calls += 1;
            }
            "text" => content(block.text.text, pieces),
            "thinking" => thought(block.thinking.text, pieces),
            _ => {}
        }
    }

    fn go_on(&mut self, index: u32, delta: Delta<'_>, pieces: &mut Vec<Piece>) {
        content(delta.text.text, pieces);
        thought(delta.thinking.text, pieces);
        let Some(open) = self.open.filter(|open| open.block == index) else { return };
        if delta.partial_json.text.is_empty() {
            return;
        }
        if open.is_document {
            content(delta.partial_json.text, pieces);
        } else {
            let arguments = delta.partial_json.text;
            pieces.push(Piece::ToolCall(ToolCallPiece { index: open.call, arguments, ..ToolCallPiece::default() }));
        }
    }

    fn end(&mut self, reason: &str, pieces: &mut Vec<Piece>) -> Result<(), Fault> {
        if reason.is_empty() || self.is_finished {
            return Ok(());
        }
        self.is_finished = true;
        pieces.push(Piece::Finish(match finish(reason) {
            None if !self.has_content => return Err(refused(PROVIDER, "the model refused")),
            None => FinishReason::ContentFilter,
            Some(FinishReason::ToolCalls) if self.calls == 0 => FinishReason::Stop,
            Some(reason) => reason,
        }));
        Ok(())
    }
}

impl EventReader for Reader {
    fn read(&mut self, _: &str, data: &[u8], pieces: &mut Vec<Piece>) -> Result<(), Fault> {
        let Ok(event) = serde_json::from_slice::<Event<'_>>(data) else {
            pieces.push(Piece::Dropped);
            return Ok(());
        };
        if let Some(fault) = error_inside(PROVIDER, event.error) {
            return Err(fault);
        }
        if let Some(usage) = event.usage.or(event.message.as_ref().and_then(|message| message.usage)) {
            self.usage = usage.over(self.usage);
        }
        let before = pieces.len();
        let index = event.index.unwrap_or_default();
        match event.kind.as_str() {
            "message_start" => {
                let message = event.message.unwrap_or_default();
                pieces.push(Piece::Started { id: message.id.into_string(), model: message.model.into_string() });
                pieces.push(Piece::Usage(self.usage));
            }
            "content_block_start" => self.begin(index, event.content_block.unwrap_or_default(), pieces),
            "content_block_delta" => self.go_on(index, event.delta.unwrap_or_default(), pieces),
            "content_block_stop" => self.open = None,
            "message_delta" => {
                self.end(event.delta.unwrap_or_default().stop_reason.as_str(), pieces)?;
                pieces.push(Piece::Usage(self.usage));
            }
            "message_stop" => {
                self.is_finished = true;
                self.is_done = true;
            }
            // `ping`, and what may come.
            _ => pieces.push(Piece::KeepAlive),
        }
        self.has_content |= pieces.iter().skip(before).any(Piece::is_content);
        Ok(())
    }

    fn is_finished(&self) -> bool {
        self.is_finished
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

fn content(text: String, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Content(text));
    }
}

fn thought(text: String, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Reasoning(text));
    }
}
