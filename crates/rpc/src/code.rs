//! One list of error codes with its two mappings, to gRPC and to HTTP.

use http::StatusCode;
use tonic::Code;

/// What kind of error it is: the canonical codes of gRPC without OK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    /// The caller gave up.
    Cancelled,
    /// Not known, usually from another system.
    Unknown,
    /// The request is wrong whatever the state of the system.
    InvalidArgument,
    /// The time was up first.
    DeadlineExceeded,
    /// What was asked for does not exist.
    NotFound,
    /// What was to be made exists.
    AlreadyExists,
    /// This caller may not.
    PermissionDenied,
    /// A limit was reached.
    ResourceExhausted,
    /// The system is not in the state that this needs.
    FailedPrecondition,
    /// A conflict with another change; try the whole again.
    Aborted,
    /// Past the end of what there is.
    OutOfRange,
    /// Not offered.
    Unimplemented,
    /// A fault of ours.
    Internal,
    /// Not at the moment; try again.
    Unavailable,
    /// Stored data is damaged.
    DataLoss,
    /// Nobody knows who is asking.
    Unauthenticated,
}

impl ErrorCode {
    /// All codes.
    pub const ALL: [Self; 16] = [
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// The gRPC code.
    #[must_use]
    pub fn grpc(self) -> Code {
        match self {
            Self::Cancelled => Code::Cancelled,
            Self::Unknown => Code::Unknown,
            Self::InvalidArgument => Code::InvalidArgument,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::NotFound => Code::NotFound,
            Self::AlreadyExists => Code::AlreadyExists,
            Self::PermissionDenied => Code::PermissionDenied,
            Self::ResourceExhausted => Code::ResourceExhausted,
            Self::FailedPrecondition => Code::FailedPrecondition,
            Self::Aborted => Code::Aborted,
            Self::OutOfRange => Code::OutOfRange,
            Self::Unimplemented => Code::Unimplemented,
            Self::Internal => Code::Internal,
            Self::Unavailable => Code::Unavailable,
            Self::DataLoss => Code::DataLoss,
            Self::Unauthenticated => Code::Unauthenticated,
        }
    }

    /// The error code of a gRPC code; none for OK.
    #[must_use]
    pub fn from_grpc(code: Code) -> Option<Self> {
        Self::ALL.into_iter().find(|candidate| candidate.grpc() == code)
    }

    /// The HTTP status, as the Connect protocol maps it (<https://connectrpc.com/docs/protocol#error-codes>).
    #[must_use]
    pub fn http(self) -> StatusCode {
        let number = match self {
            Self::Cancelled => 499,
            Self::InvalidArgument | Self::FailedPrecondition | Self::OutOfRange => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::AlreadyExists | Self::Aborted => 409,
            Self::ResourceExhausted => 429,
            Self::Unknown | Self::Internal | Self::DataLoss => 500,
            Self::Unimplemented => 501,
            Self::Unavailable => 503,
            Self::DeadlineExceeded => 504,
        };
        StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The name in JSON, as the Connect protocol spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "canceled",
            Self::Unknown => "unknown",
            Self::InvalidArgument => "invalid_argument",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::PermissionDenied => "permission_denied",
            Self::ResourceExhausted => "resource_exhausted",
            Self::FailedPrecondition => "failed_precondition",
            Self::Aborted => "aborted",
            Self::OutOfRange => "out_of_range",
            Self::Unimplemented => "unimplemented",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::DataLoss => "data_loss",
            Self::Unauthenticated => "unauthenticated",
        }
    }

    /// The code with this JSON name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_way_through_grpc_and_through_its_name() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_grpc(code.grpc()), Some(code));
            assert_eq!(ErrorCode::from_name(code.name()), Some(code));
            assert!(code.http().is_client_error() || code.http().is_server_error(), "{code:?}");
        }
        let numbers: std::collections::BTreeSet<i32> = ErrorCode::ALL.iter().map(|code| code.grpc() as i32).collect();
        assert_eq!(numbers, (1..=16).collect());
        assert_eq!(ErrorCode::from_grpc(Code::Ok), None);
    }

    #[test]
    fn http_statuses_are_those_of_the_connect_protocol() {
        let table = [
            (ErrorCode::Cancelled, 499),
            (ErrorCode::Unknown, 500),
            (ErrorCode::InvalidArgument, 400),
            (ErrorCode::DeadlineExceeded, 504),
            (ErrorCode::NotFound, 404),
            (ErrorCode::AlreadyExists, 409),
            (ErrorCode::PermissionDenied, 403),
            (ErrorCode::ResourceExhausted, 429),
            (ErrorCode::FailedPrecondition, 400),
            (ErrorCode::Aborted, 409),
            (ErrorCode::OutOfRange, 400),
            (ErrorCode::Unimplemented, 501),
            (ErrorCode::Internal, 500),
            (ErrorCode::Unavailable, 503),
            (ErrorCode::DataLoss, 500),
            (ErrorCode::Unauthenticated, 401),
        ];
        for (code, status) in table {
            assert_eq!(code.http().as_u16(), status, "{code:?}");
        }
    }
}
