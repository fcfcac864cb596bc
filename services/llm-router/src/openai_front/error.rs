//! Errors as OpenAI's clients expect them: `{"error": {"message", "type", "param", "code"}}`
//! (<https://platform.openai.com/docs/guides/error-codes>), with every try that was made beside them.

use aerie_rpc::ErrorCode;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::{body::FrontBody, trail};
use crate::call::{CallError, CallErrorKind};

/// A mistake in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    /// Path of the field; empty for the request as a whole.
    pub(super) field: String,
    pub(super) message: String,
    pub(super) code: Option<&'static str>,
}

impl Problem {
    /// A field that is wrong.
    pub(super) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, field: field.into(), message: message.into(), code: None }
    }

    /// The same with a code for programs.
    pub(super) fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The same with another HTTP status.
    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// As an answer.
    pub(super) fn response(&self) -> Response<FrontBody> {
        let message =
            if self.field.is_empty() { self.message.clone() } else { format!("{} {}", self.field, self.message) };
        let kind = if self.status == StatusCode::NOT_FOUND { "not_found_error" } else { "invalid_request_error" };
        let param = (!self.field.is_empty()).then_some(self.field.as_str());
        let body = Envelope { error: ErrorBody { message: &message, kind, param, code: self.code, aerie: None } };
        json(self.status, &body)
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aerie: Option<trail::TrailBody<'a>>,
}

/// An error of a call before anything was sent.
pub(super) fn response(error: &CallError) -> Response<FrontBody> {
    let mut response = json(status(error.kind), &envelope(error));
    if let Some(wait) = error.retry_after {
        // The header counts whole seconds; rounding down would invite a call that fails again.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    trail::write_headers(&error.trail, response.headers_mut());
    response
}

/// The data of an error event within a stream.
pub(super) fn event_data(error: &CallError) -> Vec<u8> {
    // Texts and numbers can always be written.
    serde_json::to_vec(&envelope(error)).unwrap_or_default()
}

fn envelope(error: &CallError) -> Envelope<'_> {
    let (kind, code) = words(error.kind);
    let body = ErrorBody {
        message: &error.message,
        kind,
        param: None,
        code: Some(code),
        aerie: Some(trail::TrailBody::of(&error.trail, error.usage)),
    };
    Envelope { error: body }
}

fn status(kind: CallErrorKind) -> StatusCode {
    code(kind).http()
}

/// What an error of a call is in gRPC's codes; HTTP follows from it.
pub(crate) fn code(kind: CallErrorKind) -> ErrorCode {
    match kind {
        CallErrorKind::Invalid | CallErrorKind::ContextTooLong | CallErrorKind::ContentPolicy => {
            ErrorCode::InvalidArgument
        }
        CallErrorKind::NoBackend => ErrorCode::FailedPrecondition,
        CallErrorKind::Exhausted => ErrorCode::ResourceExhausted,
        CallErrorKind::Unavailable | CallErrorKind::Incomplete | CallErrorKind::InvalidDocument => {
            ErrorCode::Unavailable
        }
        CallErrorKind::DeadlineExceeded => ErrorCode::DeadlineExceeded,
    }
}

/// `type` and `code`: OpenAI's own words where it has them.
fn words(kind: CallErrorKind) -> (&'static str, &'static str) {
    match kind {
        CallErrorKind::Invalid => ("invalid_request_error", "invalid_request"),
        CallErrorKind::NoBackend => ("invalid_request_error", "no_backend"),
        CallErrorKind::ContextTooLong => ("invalid_request_error", "context_length_exceeded"),
        CallErrorKind::ContentPolicy => ("invalid_request_error", "content_filter"),
        CallErrorKind::Exhausted => ("rate_limit_error", "rate_limit_exceeded"),
        CallErrorKind::Unavailable => ("server_error", "unavailable"),
        CallErrorKind::DeadlineExceeded => ("server_error", "deadline_exceeded"),
        CallErrorKind::Incomplete => ("incomplete", "incomplete"),
        CallErrorKind::InvalidDocument => ("server_error", "invalid_document"),
    }
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response<FrontBody> {
    json_response(status, serde_json::to_vec(body).unwrap_or_default().into())
}

/// An answer of JSON that is written already.
pub(super) fn json_response(status: StatusCode, body: Bytes) -> Response<FrontBody> {
    let mut response = Response::new(FrontBody::whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
