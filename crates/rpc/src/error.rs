//! An error as every service returns it, and its form on the wire.

use std::{borrow::Cow, collections::BTreeMap, fmt, time::Duration};

use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::code::ErrorCode;

/// The `domain` of our `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "aerie";

/// An error with everything a caller needs to react: code, stable reason, readable message, and details.
///
/// On the wire it is a `Status` with `google.rpc.ErrorInfo`, and `BadRequest` and `RetryInfo` where they apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// What kind of error it is.
    pub code: ErrorCode,
    /// Stable name for programs, in upper case with underscores: `JOB_NOT_FOUND`.
    pub reason: Cow<'static, str>,
    /// Sentence for people, lower case, with the value that was wrong.
    pub message: String,
    /// Values that belong to the reason.
    pub metadata: BTreeMap<String, String>,
    /// Request fields that are wrong.
    pub fields: Vec<FieldProblem>,
    /// How long to wait before trying again.
    pub retry_after: Option<Duration>,
}

/// A request field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Path of the field: `page_size`, `profile.titles[2]`.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

impl RpcError {
    /// An error without details.
    pub fn new(code: ErrorCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: Cow::Borrowed(reason),
            message: message.into(),
            metadata: BTreeMap::new(),
            fields: Vec::new(),
            retry_after: None,
        }
    }

    /// What was asked for does not exist.
    pub fn not_found(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, reason, message)
    }

    /// One request field is wrong.
    pub fn invalid_field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::invalid_fields(vec![FieldProblem { field: field.into(), description: description.into() }])
    }

    /// Several request fields are wrong.
    #[must_use]
    pub fn invalid_fields(fields: Vec<FieldProblem>) -> Self {
        let sentences: Vec<String> =
            fields.iter().map(|problem| format!("{} {}", problem.field, problem.description)).collect();
        Self { fields, ..Self::new(ErrorCode::InvalidArgument, "INVALID_FIELD", sentences.join("; ")) }
    }

    /// A fault of ours. The cause goes to the log, not to the caller.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(error = %cause, "internal error: {cause}");
        Self::new(ErrorCode::Internal, "INTERNAL", "an internal error occurred; the server's log has the details")
    }

    /// A limit was reached; try again later.
    pub fn exhausted(reason: &'static str, message: impl Into<String>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(ErrorCode::ResourceExhausted, reason, message) }
    }

    /// The server is stopping; a stream can be continued after it started again.
    #[must_use]
    pub fn stopping() -> Self {
        let message = "the server is stopping; connect again and go on from the last message";
        Self::new(ErrorCode::Unavailable, "SERVER_STOPPING", message).retry_after(Duration::from_secs(1))
    }

    /// Adds a value that belongs to the reason.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        self.metadata.insert(key.into(), value.to_string());
        self
    }

    /// Says how long to wait before trying again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for RpcError {}

impl From<RpcError> for Status {
    fn from(error: RpcError) -> Self {
        let metadata: std::collections::HashMap<String, String> = error.metadata.into_iter().collect();
        let mut details = ErrorDetails::with_error_info(error.reason, DOMAIN, metadata);
        if !error.fields.is_empty() {
            let violations =
                error.fields.into_iter().map(|problem| FieldViolation::new(problem.field, problem.description));
            details.set_bad_request(violations.collect::<Vec<_>>());
        }
        if let Some(wait) = error.retry_after {
            details.set_retry_info(Some(wait));
        }
        Status::with_error_details(error.code.grpc(), error.message, details)
    }
}

impl From<&Status> for RpcError {
    fn from(status: &Status) -> Self {
        let code = ErrorCode::from_grpc(status.code()).unwrap_or(ErrorCode::Unknown);
        // Details that cannot be decoded are as good as none.
        let details = status.get_error_details();
        let (reason, metadata) = match details.error_info() {
            Some(info) => (info.reason.clone(), info.metadata.clone().into_iter().collect()),
            None => (code.name().to_ascii_uppercase(), BTreeMap::new()),
        };
        let violations = details.bad_request().map(|request| request.field_violations.clone()).unwrap_or_default();
        Self {
            code,
            reason: Cow::Owned(reason),
            message: status.message().to_owned(),
            metadata,
            fields: violations
                .into_iter()
                .map(|violation| FieldProblem { field: violation.field, description: violation.description })
                .collect(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}

impl From<Status> for RpcError {
    fn from(status: Status) -> Self {
        Self::from(&status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detail_survives_the_way_through_status() {
        for code in ErrorCode::ALL {
            let error = RpcError {
                fields: vec![FieldProblem { field: "page_size".into(), description: "is -1".into() }],
                ..RpcError::new(code, "EXAMPLE", "page_size is -1").with("legal", "1 to 1000")
            }
            .retry_after(Duration::from_millis(1500));
            let status = Status::from(error.clone());
            assert_eq!(status.code(), code.grpc());
            assert_eq!(RpcError::from(status), error);
        }
    }

    #[test]
    fn status_without_details_keeps_code_and_message() {
        let error = RpcError::from(Status::unavailable("no connection"));
        assert_eq!((error.code, error.reason.as_ref()), (ErrorCode::Unavailable, "UNAVAILABLE"));
        assert_eq!(error.to_string(), "no connection");
        let garbled = Status::with_details(tonic::Code::NotFound, "gone", bytes::Bytes::from_static(b"\xff\xff\xff"));
        assert_eq!(RpcError::from(garbled).code, ErrorCode::NotFound);
    }

    #[test]
    fn internal_errors_do_not_show_their_cause() {
        assert!(!RpcError::internal("password=hunter2").to_string().contains("hunter2"));
    }
}
