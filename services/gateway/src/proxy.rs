//! gRPC and gRPC-Web, passed on byte by byte.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use aerie_rpc::{GuardedBody, RpcError};
use futures::future::BoxFuture;
use http::{Request, Response, Uri, Version, uri::PathAndQuery};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::Instant;
use tonic::{Status, body::Body};
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service, ServiceExt};

use crate::{app::Inner, callers::Caller, metadata, stream::watch};

/// Length of a gRPC frame's header: a flag and the message's length.
const FRAME_HEADER_BYTES: usize = 5;

/// Answers a gRPC call.
pub(crate) async fn grpc(inner: Arc<Inner>, caller: Caller, request: Request<Body>) -> Response<Body> {
    if request.version() < Version::HTTP_2 {
        let message = "gRPC needs HTTP/2; over HTTP/1.1 send application/grpc-web or application/json";
        return Status::failed_precondition(message).into_http();
    }
    pass_on(inner, caller, request).await
}

/// Answers a gRPC-Web call: the layer turns it into gRPC and the answer back.
pub(crate) async fn grpc_web(inner: Arc<Inner>, caller: Caller, request: Request<Body>) -> Response<Body> {
    let Ok(response) = GrpcWebLayer::new().layer(Proxy(inner, caller)).oneshot(request).await;
    response
}

struct Proxy(Arc<Inner>, Caller);

impl Service<Request<Body>> for Proxy {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (inner, caller) = (self.0.clone(), self.1.clone());
        Box::pin(async move { Ok(pass_on(inner, caller, request).await) })
    }
}

async fn pass_on(inner: Arc<Inner>, caller: Caller, mut request: Request<Body>) -> Response<Body> {
    let place = match inner.admission.enter(&caller.person, Instant::now()) {
        Ok(place) => place,
        Err(error) => return Status::from(error).into_http(),
    };
    let path = request.uri().path().to_owned();
    let backend = inner.services.backend(&path).unwrap_or_else(|| inner.own.backend());
    metadata::prepare(request.headers_mut(), &caller.person);
    let method = inner.services.method(&path);
    let streams = method.as_ref().is_some_and(|method| method.is_server_streaming());
    let (place, stop) = if streams { watch(&inner, &caller, place) } else { (place, inner.lifecycle.soft()) };
    request.extensions_mut().insert(caller);
    // The backend's connection adds its own scheme and host.
    let path_only = PathAndQuery::try_from(path.as_str()).map(Uri::from);
    if let Ok(uri) = path_only {
        *request.uri_mut() = uri;
    }
    let sends_many = method.is_some_and(|method| method.is_client_streaming());
    let request = if sends_many { request } else { bounded(request, inner.limits.message_bytes) };
    let Ok(response) = backend.oneshot(request).await;
    response.map(|body| place.until_end_of(Body::new(GuardedBody::new(body).until_stop(stop))))
}

/// A call with one request message may not send more than one message's bytes.
fn bounded(request: Request<Body>, message_bytes: usize) -> Request<Body> {
    request.map(|body| {
        let limited = Limited::new(body, message_bytes.saturating_add(FRAME_HEADER_BYTES));
        Body::new(limited.map_err(move |error| match error.downcast::<Status>() {
            Ok(status) => *status,
            Err(error) if error.is::<LengthLimitError>() => Status::from(too_large(message_bytes)),
            Err(error) => Status::from_error(error),
        }))
    })
}

/// The request is larger than a message may be.
pub(crate) fn too_large(message_bytes: usize) -> RpcError {
    let message = format!("the request is larger than {message_bytes} bytes (limits.message_bytes)");
    RpcError::new(aerie_rpc::ErrorCode::ResourceExhausted, "MESSAGE_TOO_LARGE", message)
}
