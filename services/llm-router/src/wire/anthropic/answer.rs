//! Reading a whole answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{DOCUMENT_TOOL, PROVIDER, finish};
use crate::{
    answer::{Completion, FinishReason, Usage},
    chat::ToolCall,
    fault::Fault,
    wire::{
        chat_completions::{error_inside, refused},
        failure,
        lenient::{Arguments, Text, Word, list},
    },
};

#[derive(Deserialize, Default)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    pub(super) id: Word<'a>,
    #[serde(borrow, default)]
    pub(super) model: Word<'a>,
    #[serde(borrow, default, deserialize_with = "list")]
    content: Vec<Block<'a>>,
    #[serde(borrow, default)]
    stop_reason: Word<'a>,
    #[serde(default)]
    pub(super) usage: Option<WireUsage>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
pub(super) struct Block<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Word<'a>,
    #[serde(default)]
    pub(super) text: Text,
    #[serde(default)]
    pub(super) thinking: Text,
    #[serde(borrow, default)]
    pub(super) id: Word<'a>,
    #[serde(borrow, default)]
    pub(super) name: Word<'a>,
    #[serde(default)]
    pub(super) input: Arguments,
}

#[derive(Deserialize, Clone, Copy)]
pub(super) struct WireUsage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
}

impl WireUsage {
    /// Puts these counts over those before; what is not said stays.
    pub(super) fn over(self, before: Usage) -> Usage {
        let cached = self.cache_read_input_tokens.unwrap_or(before.cached_input_tokens);
        // What is read from the cache, or written to it, is not in the first count.
        let input = self.input_tokens.map(|tokens| {
            tokens.saturating_add(cached).saturating_add(self.cache_creation_input_tokens.unwrap_or_default())
        });
        Usage {
            input_tokens: input.unwrap_or(before.input_tokens),
            output_tokens: self.output_tokens.unwrap_or(before.output_tokens),
            cached_input_tokens: cached,
            ..before
        }
    }
}

/// Reads a whole answer.
pub(super) fn completion(body: &[u8]) -> Result<Completion, Fault> {
    let message: Message = serde_json::from_slice(body).map_err(|error| failure::malformed(PROVIDER, &error))?;
    if let Some(fault) = error_inside(PROVIDER, message.error) {
        return Err(fault);
    }
    let mut answer =
        Completion { id: message.id.into_string(), model: message.model.into_string(), ..Completion::default() };
    for block in message.content {
        match block.kind.as_str() {
            "text" => answer.content.push_str(&block.text.text),
            "thinking" => answer.reasoning.push_str(&block.thinking.text),
            "tool_use" if block.name.as_str() == DOCUMENT_TOOL => answer.content.push_str(&block.input.0),
            "tool_use" => answer.tool_calls.push(ToolCall {
                id: block.id.into_string(),
                name: block.name.into_string(),
                arguments: block.input.0,
            }),
            // What the provider keeps to itself (`redacted_thinking`), and what may come.
            _ => {}
        }
    }
    let is_empty = answer.content.is_empty() && answer.tool_calls.is_empty();
    answer.finish = match finish(message.stop_reason.as_str()) {
        None if is_empty => return Err(refused(PROVIDER, "the model refused")),
        None => FinishReason::ContentFilter,
        // The document was handed over by a function that only we know of.
        Some(FinishReason::ToolCalls) if answer.tool_calls.is_empty() => FinishReason::Stop,
        Some(reason) => reason,
    };
    answer.usage = message.usage.map(|usage| usage.over(Usage::default()));
    Ok(answer)
}
