//! Reading a whole answer, and the parts that it shares with the events of a streamed one.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::PROVIDER;
use crate::{
    answer::{Completion, FinishReason, Usage},
    chat::ToolCall,
    fault::{Fault, FaultKind},
    wire::{
        chat_completions::{error_inside, refused},
        failure,
        lenient::{Arguments, Text, Word, call_id, list, nullable},
    },
};

/// An answer, or an event of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    #[serde(borrow, default, deserialize_with = "list")]
    pub(super) candidates: Vec<Candidate<'a>>,
    #[serde(borrow, default)]
    pub(super) prompt_feedback: Option<Feedback<'a>>,
    #[serde(default)]
    pub(super) usage_metadata: Option<WireUsage>,
    #[serde(borrow, default)]
    pub(super) model_version: Word<'a>,
    #[serde(borrow, default)]
    pub(super) response_id: Word<'a>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub(super) content: Content<'a>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Word<'a>,
}

#[derive(Deserialize, Default)]
pub(super) struct Content<'a> {
    #[serde(borrow, default, deserialize_with = "list")]
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(default)]
    pub(super) text: Text,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) thought: bool,
    #[serde(borrow, default)]
    pub(super) function_call: Option<Call<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Call<'a> {
    #[serde(borrow, default)]
    id: Word<'a>,
    #[serde(borrow, default)]
    name: Word<'a>,
    #[serde(default)]
    args: Arguments,
}

impl Call<'_> {
    pub(super) fn read(self) -> ToolCall {
        let arguments = if self.args.0.is_empty() { "{}".to_owned() } else { self.args.0 };
        ToolCall { id: self.id.given().unwrap_or_else(call_id), name: self.name.into_string(), arguments }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback<'a> {
    #[serde(borrow, default)]
    pub(super) block_reason: Word<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireUsage {
    #[serde(default)]
    prompt_token_count: Option<u64>,
    #[serde(default)]
    candidates_token_count: Option<u64>,
    #[serde(default)]
    thoughts_token_count: Option<u64>,
    #[serde(default)]
    cached_content_token_count: Option<u64>,
}

impl From<WireUsage> for Usage {
    fn from(usage: WireUsage) -> Self {
        let thoughts = usage.thoughts_token_count.unwrap_or_default();
        Self {
            input_tokens: usage.prompt_token_count.unwrap_or_default(),
            output_tokens: usage.candidates_token_count.unwrap_or_default().saturating_add(thoughts),
            cached_input_tokens: usage.cached_content_token_count.unwrap_or_default(),
            reasoning_tokens: thoughts,
        }
    }
}

/// What a reason to stop means.
pub(super) enum Ending {
    Finish(FinishReason),
    /// The provider withholds the answer.
    Withheld,
    /// The model wrote a call that is none.
    BadCall,
}

pub(super) fn ending(word: &str, has_calls: bool) -> Ending {
    match word {
        "MAX_TOKENS" => Ending::Finish(FinishReason::Length),
        "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY" | "LANGUAGE" => {
            Ending::Withheld
        }
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "MALFORMED_RESPONSE" => Ending::BadCall,
        _ if has_calls => Ending::Finish(FinishReason::ToolCalls),
        _ => Ending::Finish(FinishReason::Stop),
    }
}

/// The question itself was refused.
pub(super) fn blocked(feedback: Option<&Feedback<'_>>) -> Option<Fault> {
    let reason = feedback?.block_reason.as_str();
    (!reason.is_empty()).then(|| refused(PROVIDER, &format!("the question was blocked ({reason})")))
}

pub(super) fn bad_call() -> Fault {
    Fault::new(FaultKind::Malformed, "Gemini's model wrote a function call that cannot be read")
}

/// Reads a whole answer.
pub(super) fn completion(body: &[u8]) -> Result<Completion, Fault> {
    let response: Response = serde_json::from_slice(body).map_err(|error| failure::malformed(PROVIDER, &error))?;
    if let Some(fault) = error_inside(PROVIDER, response.error) {
        return Err(fault);
    }
    if let Some(fault) = blocked(response.prompt_feedback.as_ref()) {
        return Err(fault);
    }
    let Some(candidate) = response.candidates.into_iter().next() else {
        return Err(Fault::new(FaultKind::Malformed, "Gemini's answer holds no candidate"));
    };
    let mut answer = Completion {
        id: response.response_id.into_string(),
        model: response.model_version.into_string(),
        usage: response.usage_metadata.map(Usage::from),
        ..Completion::default()
    };
    for part in candidate.content.parts {
        if part.thought {
            answer.reasoning.push_str(&part.text.text);
        } else {
            answer.content.push_str(&part.text.text);
        }
        answer.tool_calls.extend(part.function_call.map(Call::read));
    }
    let is_empty = answer.content.is_empty() && answer.tool_calls.is_empty();
    let word = candidate.finish_reason.as_str();
    answer.finish = match ending(word, !answer.tool_calls.is_empty()) {
        Ending::Finish(reason) => reason,
        Ending::Withheld if is_empty => return Err(refused(PROVIDER, &format!("it was withheld ({word})"))),
        Ending::Withheld => FinishReason::ContentFilter,
        Ending::BadCall => return Err(bad_call()),
    };
    Ok(answer)
}
