//! A failed call as a gRPC status: `ErrorInfo`, `RetryInfo`, and a `CallFailure` with every try.

use std::time::Duration;

use aerie_proto::llm::v1 as pb;
use aerie_rpc::{ErrorCode, RpcError};
use prost::Message;
use tonic::Status;

use super::encode;
use crate::{
    answer::Attempt,
    call::{CallError, CallErrorKind},
    fault::FaultKind,
    openai_front::error::code,
    router::OrderError,
};

/// Asked of a caller who comes when everything is full and nobody says for how long.
const USUAL_WAIT: Duration = Duration::from_secs(1);
/// Tries that the short form in `ErrorInfo` tells of.
const MOST_IN_WORDS: usize = 16;

/// The status of an error. Every error of the engine becomes a status here and nowhere else.
pub(super) fn status(error: CallError) -> Status {
    let words: Vec<String> = error.trail.attempts.iter().take(MOST_IN_WORDS).map(attempt_words).collect();
    let mut rpc = RpcError::new(code(error.kind), reason(error.kind), error.message);
    if !words.is_empty() {
        rpc = rpc.with("attempts", words.join(", "));
    }
    rpc.retry_after = match error.kind {
        CallErrorKind::Exhausted => Some(error.retry_after.unwrap_or(USUAL_WAIT)),
        _ => error.retry_after,
    };
    let failure = pb::CallFailure { trail: Some(encode::trail(*error.trail)), usage: error.usage.map(encode::usage) };
    with_detail(rpc.into(), "aerie.llm.v1.CallFailure", &failure)
}

/// Why an order was not taken.
pub(super) fn order(error: OrderError) -> Status {
    let message = error.to_string();
    let error = match error {
        OrderError::Fixed(_) | OrderError::Weighted(_) => {
            RpcError::new(ErrorCode::FailedPrecondition, "ORDER_FIXED", message)
        }
        OrderError::UnknownChain(chain) => RpcError::not_found("CHAIN_NOT_FOUND", message).with("chain", chain),
        OrderError::OtherBackends { .. } => RpcError::invalid_field("backends", message),
        OrderError::Write { .. } | OrderError::Router(_) | OrderError::Thread(_) => {
            RpcError::new(ErrorCode::Internal, "ORDER_NOT_KEPT", message)
        }
    };
    error.into()
}

fn attempt_words(attempt: &Attempt) -> String {
    let fault = attempt.fault.map_or("ok", FaultKind::name);
    format!("{};{fault};{}", attempt.backend, attempt.took.as_millis())
}

fn reason(kind: CallErrorKind) -> &'static str {
    match kind {
        CallErrorKind::Invalid => "INVALID",
        CallErrorKind::NoBackend => "NO_BACKEND",
        CallErrorKind::ContextTooLong => "CONTEXT_TOO_LONG",
        CallErrorKind::ContentPolicy => "CONTENT_POLICY",
        CallErrorKind::Exhausted => "EXHAUSTED",
        CallErrorKind::Unavailable => "UNAVAILABLE",
        CallErrorKind::DeadlineExceeded => "DEADLINE_EXCEEDED",
        CallErrorKind::Incomplete => "INCOMPLETE",
        CallErrorKind::InvalidDocument => "INVALID_DOCUMENT",
    }
}

/// Adds a message to the details that a status already has.
fn with_detail(status: Status, name: &str, message: &impl Message) -> Status {
    let Ok(mut details) = tonic_types::pb::Status::decode(status.details()) else { return status };
    let type_url = format!("type.googleapis.com/{name}");
    details.details.push(prost_types::Any { type_url, value: message.encode_to_vec() });
    let (code, metadata) = (status.code(), status.metadata().clone());
    Status::with_details_and_metadata(code, status.message(), details.encode_to_vec().into(), metadata)
}
