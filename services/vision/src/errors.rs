//! The engine's errors as those that every service returns.

use std::time::Duration;

use aerie_rpc::{ErrorCode, RpcError};

use crate::engine::EngineError;

/// How long to wait for a model that is being loaded.
const LOADING_RETRY: Duration = Duration::from_secs(2);

pub(crate) fn rpc_error(error: EngineError) -> RpcError {
    let (reason, message) = (error.reason(), error.to_string());
    let of = |code: ErrorCode| RpcError::new(code, reason, message.clone());
    match error {
        EngineError::Missing(_) | EngineError::Failed(_) => of(ErrorCode::FailedPrecondition),
        EngineError::Loading => of(ErrorCode::Unavailable).retry_after(LOADING_RETRY),
        EngineError::Stopping => RpcError::stopping(),
        EngineError::Invalid { field, problem } => RpcError::invalid_field(field, problem),
        EngineError::NotOffered { .. } => of(ErrorCode::FailedPrecondition),
        EngineError::UnknownVariant { .. } => of(ErrorCode::NotFound),
        EngineError::QueueFull { retry_after, .. } | EngineError::DeadlineTooShort { retry_after, .. } => {
            of(ErrorCode::ResourceExhausted).retry_after(retry_after)
        }
        EngineError::TooLarge(_) => of(ErrorCode::ResourceExhausted),
        EngineError::DeadlineExceeded => of(ErrorCode::DeadlineExceeded),
        EngineError::NoNumbers(_) => of(ErrorCode::Internal),
        EngineError::Device(_) => of(ErrorCode::Unavailable).retry_after(LOADING_RETRY),
    }
}
