//! OpenAI's clients at `/v1/`, passed on to the language-model router.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use aerie_rpc::{ErrorCode, RpcError};
use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use serde_json::json;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tonic::{Status, body::Body};
use tower::ServiceExt;

use crate::{answer, app::Inner, metadata};

/// Where the paths begin.
pub(crate) const PREFIX: &str = "/v1/";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Answers one request. The guard has looked at its host and origin.
pub(crate) async fn answer(inner: Arc<Inner>, mut request: Request<Body>) -> Response<Body> {
    let Some(router) = inner.openai.clone() else {
        return refused(&RpcError::not_found("PATH_UNKNOWN", "no language-model router is behind this gateway"));
    };
    let permit = match inner.admission.enter(&inner.person, Instant::now()) {
        Ok(permit) => permit,
        Err(error) => return refused(&error),
    };
    metadata::prepare(request.headers_mut(), &inner.person);
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
    response.map(|body| Body::new(Held { body, _permit: permit }))
}

/// An error as OpenAI's clients expect it.
fn refused(error: &RpcError) -> Response<Body> {
    let kind = match error.code {
        ErrorCode::ResourceExhausted => "rate_limit_error",
        ErrorCode::NotFound => "not_found_error",
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

/// A body that keeps the call's place until it is done.
struct Held {
    body: Body,
    _permit: OwnedSemaphorePermit,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
