//! Reading a whole answer, and the parts that it shares with the events of a streamed one.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Dialect, refused};
use crate::{
    answer::{Completion, FinishReason, Usage},
    chat::ToolCall,
    fault::{Fault, FaultKind},
    wire::{
        failure,
        lenient::{Arguments, Text, Word, call_id, list, nullable},
        think::split_whole,
    },
};

/// An answer or an event: they differ in the name of the message.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default)]
    pub(super) id: Word<'a>,
    #[serde(borrow, default)]
    pub(super) model: Word<'a>,
    #[serde(borrow, default, deserialize_with = "list")]
    pub(super) choices: Vec<Choice<'a>>,
    #[serde(default)]
    pub(super) usage: Option<WireUsage>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(borrow, default, alias = "delta", deserialize_with = "nullable")]
    pub(super) message: WireMessage<'a>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Word<'a>,
}

#[derive(Deserialize, Default)]
pub(super) struct WireMessage<'a> {
    #[serde(default)]
    pub(super) content: Text,
    /// vLLM before 0.11, llama.cpp, DeepSeek.
    #[serde(default)]
    pub(super) reasoning_content: Text,
    /// vLLM, OpenRouter, TGI.
    #[serde(default)]
    pub(super) reasoning: Text,
    #[serde(borrow, default)]
    pub(super) refusal: Word<'a>,
    #[serde(borrow, default, deserialize_with = "list")]
    pub(super) tool_calls: Vec<WireCall<'a>>,
}

impl WireMessage<'_> {
    /// Thought from whichever field holds it.
    pub(super) fn take_reasoning(&mut self) -> String {
        // Servers that write both fields write the same into them.
        let mut thought = std::mem::take(&mut self.reasoning_content.text);
        if thought.is_empty() {
            thought = std::mem::take(&mut self.reasoning.text);
        }
        thought.push_str(&self.content.thought);
        thought
    }
}

#[derive(Deserialize)]
pub(in crate::wire) struct WireCall<'a> {
    #[serde(default)]
    pub(super) index: Option<u32>,
    #[serde(borrow, default)]
    pub(in crate::wire) id: Word<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub(in crate::wire) function: WireFunction<'a>,
}

#[derive(Deserialize, Default)]
pub(in crate::wire) struct WireFunction<'a> {
    #[serde(borrow, default)]
    pub(in crate::wire) name: Word<'a>,
    #[serde(default)]
    pub(in crate::wire) arguments: Arguments,
}

#[derive(Deserialize)]
pub(super) struct WireUsage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl From<WireUsage> for Usage {
    fn from(usage: WireUsage) -> Self {
        Self {
            input_tokens: usage.prompt_tokens.unwrap_or_default(),
            output_tokens: usage.completion_tokens.unwrap_or_default(),
            cached_input_tokens: usage.prompt_tokens_details.and_then(|some| some.cached_tokens).unwrap_or_default(),
            reasoning_tokens: usage
                .completion_tokens_details
                .and_then(|some| some.reasoning_tokens)
                .unwrap_or_default(),
        }
    }
}

/// What a reason to stop means; `error` is none.
pub(super) fn finish(word: &str) -> Option<FinishReason> {
    match word {
        "error" => None,
        "length" | "max_tokens" => Some(FinishReason::Length),
        "tool_calls" | "function_call" => Some(FinishReason::ToolCalls),
        "content_filter" => Some(FinishReason::ContentFilter),
        // `stop`, TGI's `eos_token` and `stop_sequence`, and what may come.
        _ => Some(FinishReason::Stop),
    }
}

/// An error inside a 200; none for null.
pub(in crate::wire) fn error_inside(provider: &str, error: Option<&RawValue>) -> Option<Fault> {
    let error = error?.get();
    (error != "null").then(|| failure::fault(provider, 200, &failure::Report::read(error.as_bytes()), None))
}

/// Reads a whole answer.
pub(super) fn completion(dialect: &Dialect, body: &[u8]) -> Result<Completion, Fault> {
    let provider = dialect.provider;
    let envelope: Envelope = serde_json::from_slice(body).map_err(|error| failure::malformed(provider, &error))?;
    if let Some(fault) = error_inside(provider, envelope.error) {
        return Err(fault);
    }
    let Some(mut choice) = envelope.choices.into_iter().next() else {
        return Err(Fault::new(FaultKind::Malformed, format!("{provider}'s answer holds no choice")));
    };
    let Some(finish) = finish(choice.finish_reason.as_str()) else {
        return Err(Fault::new(FaultKind::Unavailable, format!("{provider} broke off its answer with an error")));
    };
    let reasoning = choice.message.take_reasoning();
    let content = choice.message.content.text;
    let (content, reasoning) =
        if dialect.think_blocks { split_thought(content, reasoning) } else { (content, reasoning) };
    let tool_calls: Vec<ToolCall> = choice.message.tool_calls.into_iter().map(tool_call).collect();
    let is_empty = content.is_empty() && tool_calls.is_empty();
    if is_empty && (finish == FinishReason::ContentFilter || !choice.message.refusal.is_empty()) {
        return Err(refused(provider, choice.message.refusal.as_str()));
    }
    // Some servers say "stop" beside calls.
    let finish = if finish == FinishReason::Stop && !tool_calls.is_empty() { FinishReason::ToolCalls } else { finish };
    Ok(Completion {
        id: envelope.id.into_string(),
        model: envelope.model.into_string(),
        content,
        reasoning,
        tool_calls,
        finish,
        usage: envelope.usage.map(Usage::from),
    })
}

/// Takes thought out of a text and puts it to that which came apart.
pub(in crate::wire) fn split_thought(text: String, mut reasoning: String) -> (String, String) {
    let (content, thought) = split_whole(text);
    reasoning.push_str(&thought);
    (content, reasoning)
}

fn tool_call(call: WireCall<'_>) -> ToolCall {
    let id = call.id.given().unwrap_or_else(call_id);
    ToolCall { id, name: call.function.name.into_string(), arguments: call.function.arguments.0 }
}
