//! Reading answers: a whole one is the same document as the lines of a streamed one.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::PROVIDER;
use crate::{
    answer::{Completion, Embeddings, FinishReason, Piece, ToolCallPiece, Usage},
    chat::ToolCall,
    fault::{Fault, FaultKind},
    wire::{
        EventReader,
        chat_completions::{WireCall, error_inside, split_thought},
        failure,
        lenient::{Text, Word, call_id, list, nullable},
        think::ThinkSplitter,
    },
};

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    model: Word<'a>,
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(default, deserialize_with = "nullable")]
    done: bool,
    #[serde(borrow, default)]
    done_reason: Word<'a>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
    #[serde(default)]
    eval_count: Option<u64>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Message<'a> {
    #[serde(default)]
    content: Text,
    #[serde(default)]
    thinking: Text,
    #[serde(borrow, default, deserialize_with = "list")]
    tool_calls: Vec<WireCall<'a>>,
}

impl Line<'_> {
    fn finish(&self, has_calls: bool) -> FinishReason {
        match self.done_reason.as_str() {
            "length" => FinishReason::Length,
            _ if has_calls => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        }
    }

    fn usage(&self) -> Option<Usage> {
        // What it has in its cache it does not count.
        let counts = self.prompt_eval_count.is_some() || self.eval_count.is_some();
        counts.then(|| Usage {
            input_tokens: self.prompt_eval_count.unwrap_or_default(),
            output_tokens: self.eval_count.unwrap_or_default(),
            ..Usage::default()
        })
    }
}

/// Reads a whole answer.
pub(super) fn completion(body: &[u8]) -> Result<Completion, Fault> {
    let line: Line = serde_json::from_slice(body).map_err(|error| failure::malformed(PROVIDER, &error))?;
    if let Some(fault) = error_inside(PROVIDER, line.error) {
        return Err(fault);
    }
    let usage = line.usage();
    let Some(message) = &line.message else {
        return Err(Fault::new(FaultKind::Malformed, "Ollama's answer holds no message"));
    };
    let finish = line.finish(!message.tool_calls.is_empty());
    let message = line.message.unwrap_or_default();
    let (content, reasoning) = split_thought(message.content.text, message.thinking.text);
    let tool_calls = message.tool_calls.into_iter().map(|call| ToolCall {
        id: call.id.given().unwrap_or_else(call_id),
        name: call.function.name.into_string(),
        arguments: call.function.arguments.0,
    });
    Ok(Completion {
        id: String::new(),
        model: line.model.into_string(),
        content,
        reasoning,
        tool_calls: tool_calls.collect(),
        finish,
        usage,
    })
}

/// Reads the lines of a streamed answer.
#[derive(Default)]
pub(super) struct Reader {
    splitter: ThinkSplitter,
    is_started: bool,
    is_done: bool,
    calls: u32,
}

impl Reader {
    fn message(&mut self, message: Message<'_>, pieces: &mut Vec<Piece>) {
        if !message.thinking.text.is_empty() {
            pieces.push(Piece::Reasoning(message.thinking.text));
        }
        if !message.content.text.is_empty() {
            self.splitter.push(message.content.text, pieces);
        }
        for call in message.tool_calls {
            // A call comes whole.
            pieces.push(Piece::ToolCall(ToolCallPiece {
                index: self.calls,
                id: Some(call.id.given().unwrap_or_else(call_id)),
                name: Some(call.function.name.into_string()),
                arguments: call.function.arguments.0,
            }));
            self.calls += 1;
        }
    }
}

impl EventReader for Reader {
    fn read(&mut self, _: &str, data: &[u8], pieces: &mut Vec<Piece>) -> Result<(), Fault> {
        let Ok(mut line) = serde_json::from_slice::<Line<'_>>(data) else {
            pieces.push(Piece::Dropped);
            return Ok(());
        };
        if let Some(fault) = error_inside(PROVIDER, line.error) {
            return Err(fault);
        }
        if !self.is_started {
            self.is_started = true;
            pieces.push(Piece::Started { id: String::new(), model: std::mem::take(&mut line.model).into_string() });
        }
        if let Some(message) = line.message.take() {
            self.message(message, pieces);
        }
        if line.done {
            self.is_done = true;
            self.splitter.finish(pieces);
            pieces.push(Piece::Finish(line.finish(self.calls > 0)));
            pieces.extend(line.usage().map(Piece::Usage));
        }
        Ok(())
    }

    fn is_finished(&self) -> bool {
        self.is_done
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

#[derive(Deserialize)]
struct Vectors<'a> {
    #[serde(borrow, default)]
    model: Word<'a>,
    #[serde(default, deserialize_with = "list")]
    embeddings: Vec<Vec<f32>>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads vectors.
pub(super) fn embeddings(body: &[u8]) -> Result<Embeddings, Fault> {
    let answer: Vectors = serde_json::from_slice(body).map_err(|error| failure::malformed(PROVIDER, &error))?;
    if let Some(fault) = error_inside(PROVIDER, answer.error) {
        return Err(fault);
    }
    let usage = answer.prompt_eval_count.map(|input_tokens| Usage { input_tokens, ..Usage::default() });
    Ok(Embeddings { vectors: answer.embeddings, model: answer.model.into_string(), usage })
}
