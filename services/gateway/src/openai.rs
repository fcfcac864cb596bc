//! OpenAI's clients at `/v1/`, passed on to the language-model router.

use std::sync::Arc;

use aerie_rpc::{ErrorCode, RpcError};
use http::{HeaderName, Request, Response, StatusCode, header};
use serde_json::json;
use tokio::time::Instant;
use tonic::{Status, body::Body};
use tower::ServiceExt;

use crate::{answer, app::Inner, callers::Caller, metadata};

/// Where the paths begin.
pub(crate) const PREFIX: &str = "/v1/";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Answers one request. The guard has looked at its host and origin.
pub(crate) async fn answer(inner: Arc<Inner>, caller: Caller, mut request: Request<Body>) -> Response<Body> {
    let Some(router) = inner.openai.clone() else {
        return refused(&RpcError::not_found("PATH_UNKNOWN", "no language-model router is behind this gateway"));
    };
    let place = match inner.admission.enter(&caller.person, Instant::now()) {
        Ok(place) => place,
        Err(error) => return refused(&error),
    };
    metadata::prepare(request.headers_mut(), &caller.person);
    // These are for the guard, which let the request pass.
    for name in
        request.headers().keys().filter(|name| name.as_str().starts_with("sec-fetch-")).cloned().collect::<Vec<_>>()
    {
        request.headers_mut().remove(name);
    }
    let Ok(response) = router.oneshot(request).await;
    // A router elsewhere that cannot be reached is answered for by the connection, which speaks gRPC.
    if response.headers().contains_key(GRPC_STATUS) {
        let status = Status::from_header_map(response.headers());
        return refused(&status.map_or_else(|| RpcError::internal("no status"), RpcError::from));
    }
    response.map(|body| place.until_end_of(body))
}

/// An error as OpenAI's clients expect it.
pub(crate) fn refused(error: &RpcError) -> Response<Body> {
    let kind = match error.code {
        ErrorCode::ResourceExhausted => "rate_limit_error",
        ErrorCode::NotFound => "not_found_error",
        ErrorCode::Unauthenticated => "authentication_error",
        ErrorCode::PermissionDenied => "permission_error",
        _ => "server_error",
    };
    let body = json!({ "error": { "message": error.message, "type": kind, "param": null, "code": error.reason } });
    let status = if error.code == ErrorCode::Unknown { StatusCode::BAD_GATEWAY } else { error.code.http() };
    let mut response = answer::json(status, &body);
    if let Some(wait) = error.retry_after {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.max(1).into());
    }
    response
}
