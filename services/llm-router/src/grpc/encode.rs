//! From answers to messages.

mod backends;

use std::time::Duration;

use aerie_proto::llm::v1 as pb;
use pb::stream_complete_response::Event;

pub(super) use self::backends::{backends, chain, check};
use crate::{
    answer::{Attempt, FinishReason, Piece, Trail, Usage},
    call::{Answer, AnswerEvent, EmbedAnswer},
    chat::ToolCall,
    extract::Extraction,
};

/// A whole answer.
pub(super) fn completion(answer: Answer) -> pb::CompleteResponse {
    let Answer { completion, trail: made } = answer;
    pb::CompleteResponse {
        text: completion.content,
        reasoning: completion.reasoning,
        tool_calls: completion.tool_calls.into_iter().map(tool_call).collect(),
        finish_reason: finish(completion.finish) as i32,
        usage: completion.usage.map(usage),
        id: completion.id,
        model: completion.model,
        trail: Some(trail(made)),
    }
}

/// A checked document.
pub(super) fn extraction(extraction: Extraction) -> pb::ExtractResponse {
    pb::ExtractResponse {
        document: extraction.document,
        dropped_schema_features: extraction.untold,
        reasoning: extraction.completion.reasoning,
        usage: extraction.completion.usage.map(usage),
        model: extraction.completion.model,
        trail: Some(trail(extraction.trail)),
    }
}

/// A piece of a streamed answer; none for what only the router needs to know.
pub(super) fn event(event: AnswerEvent) -> Option<pb::StreamCompleteResponse> {
    let event = match event {
        AnswerEvent::End(made) => Event::End(trail(made)),
        AnswerEvent::Piece(piece) => match piece {
            Piece::KeepAlive => Event::KeepAlive(pb::KeepAlive {}),
            Piece::Started { id, model } => Event::Started(pb::Started { id, model }),
            Piece::Content(text) => Event::Text(text),
            Piece::Reasoning(text) => Event::Reasoning(text),
            Piece::ToolCall(part) => Event::ToolCall(pb::ToolCallPart {
                index: part.index,
                id: part.id.unwrap_or_default(),
                name: part.name.unwrap_or_default(),
                arguments: part.arguments,
            }),
            Piece::Finish(reason) => Event::FinishReason(finish(reason) as i32),
            Piece::Usage(used) => Event::Usage(usage(used)),
            Piece::Dropped => return None,
        },
    };
    Some(pb::StreamCompleteResponse { event: Some(event) })
}

/// Vectors.
pub(super) fn embeddings(answer: EmbedAnswer) -> pb::EmbedResponse {
    let EmbedAnswer { embeddings, trail: made } = answer;
    pb::EmbedResponse {
        embeddings: embeddings.vectors.into_iter().map(|values| pb::Embedding { values }).collect(),
        model: embeddings.model,
        usage: embeddings.usage.map(usage),
        trail: Some(trail(made)),
    }
}

/// How an answer came about.
pub(super) fn trail(trail: Trail) -> pb::Trail {
    pb::Trail {
        backend: trail.backend,
        model: trail.model,
        attempts: trail.attempts.into_iter().map(attempt).collect(),
        cost_micros: trail.cost_micros.map(signed),
        cached: trail.cached,
        hedged: trail.hedged,
    }
}

fn attempt(attempt: Attempt) -> pb::Attempt {
    pb::Attempt {
        backend: attempt.backend,
        model: attempt.model,
        fault: attempt.fault.map(|fault| fault.name().to_owned()).unwrap_or_default(),
        message: attempt.message,
        duration: Some(duration(attempt.took)),
        hedge: attempt.hedge,
    }
}

/// Tokens.
pub(super) fn usage(usage: Usage) -> pb::Usage {
    pb::Usage {
        input_tokens: signed(usage.input_tokens),
        output_tokens: signed(usage.output_tokens),
        cached_input_tokens: signed(usage.cached_input_tokens),
        reasoning_tokens: signed(usage.reasoning_tokens),
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn duration(took: Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(took).unwrap_or(prost_types::Duration { seconds: i64::MAX, nanos: 0 })
}

fn tool_call(call: ToolCall) -> pb::ToolCall {
    pb::ToolCall { id: call.id, name: call.name, arguments: call.arguments }
}

fn finish(reason: FinishReason) -> pb::FinishReason {
    match reason {
        FinishReason::Stop => pb::FinishReason::Stop,
        FinishReason::Length => pb::FinishReason::Length,
        FinishReason::ToolCalls => pb::FinishReason::ToolCalls,
        FinishReason::ContentFilter => pb::FinishReason::ContentFilter,
    }
}
