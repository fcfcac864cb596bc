//! Unary calls in JSON, as the Connect protocol defines them (<https://connectrpc.com/docs/protocol>), for every method.

use std::{sync::Arc, time::Duration};

use aerie_rpc::{ErrorCode, RpcError};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, uri::PathAndQuery};
use http_body_util::{BodyExt, Limited};
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use tokio::time::Instant;
use tonic::{Extensions, Status, body::Body, client::Grpc, metadata::MetadataMap};

use crate::{answer, app::Inner, callers::Caller, codec::DynamicCodec, metadata, proxy::too_large};

/// Header with the caller's time limit in milliseconds, at most ten digits.
const CONNECT_TIMEOUT: &str = "connect-timeout-ms";

/// An error with the HTTP status to send, where that is not the code's own.
pub(crate) struct HttpError {
    status: StatusCode,
    error: Box<RpcError>,
}

impl HttpError {
    pub(crate) fn new(status: StatusCode, error: RpcError) -> Self {
        Self { status, error: Box::new(error) }
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<RpcError> for HttpError {
    fn from(error: RpcError) -> Self {
        Self::new(error.code.http(), error)
    }
}

impl From<HttpError> for Status {
    fn from(error: HttpError) -> Self {
        (*error.error).into()
    }
}

/// Answers a unary call.
pub(crate) async fn unary(
    inner: Arc<Inner>,
    caller: Caller,
    method: MethodDescriptor,
    request: Request<Body>,
) -> Response<Body> {
    let _place = match inner.admission.enter(&caller.person, Instant::now()) {
        Ok(place) => place,
        Err(error) => return refuse(&inner, error.into()),
    };
    let (parts, body) = request.into_parts();
    let message = match read_body(&inner, body).await.and_then(|bytes| Ok(read_json(method.input(), &bytes)?)) {
        Ok(message) => message,
        Err(error) => return refuse(&inner, error),
    };
    let (mut client, path) = match client(&inner, &method) {
        Ok(pair) => pair,
        Err(error) => return refuse(&inner, error.into()),
    };
    let Ok(()) = client.ready().await;
    let codec = DynamicCodec { answer: method.output() };
    match client.unary(call(caller, &parts.headers, message), path, codec).await {
        Ok(response) => match serde_json::to_value(response.get_ref()) {
            Ok(value) => answer::json(StatusCode::OK, &value),
            Err(error) => refuse(&inner, RpcError::internal(error).into()),
        },
        Err(status) => answer::error(&status, &inner.services.pool),
    }
}

/// Sends an error.
pub(crate) fn refuse(inner: &Inner, error: HttpError) -> Response<Body> {
    answer::error_as(error.status, *error.error, &inner.services.pool)
}

/// A client for the service that has this method.
pub(crate) fn client(
    inner: &Inner,
    method: &MethodDescriptor,
) -> Result<(Grpc<aerie_rpc::Backend>, PathAndQuery), RpcError> {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let backend = inner.services.backend(&path).unwrap_or_else(|| inner.own.backend());
    let client = Grpc::new(backend).max_decoding_message_size(inner.limits.message_bytes);
    Ok((client, PathAndQuery::try_from(path).map_err(RpcError::internal)?))
}

/// The call to the service on behalf of an HTTP request. The gateway's own services learn from it how the caller proved who
/// they are.
pub(crate) fn call<M>(caller: Caller, headers: &HeaderMap, message: M) -> tonic::Request<M> {
    let metadata = MetadataMap::from_headers(metadata::fresh(headers, &caller.person));
    let mut call = tonic::Request::from_parts(metadata, Extensions::default(), message);
    call.extensions_mut().insert(caller);
    if let Some(limit) = time_limit(headers) {
        call.set_timeout(limit);
    }
    call
}

/// Reads the whole body within the limits of size and time.
pub(crate) async fn read_body(inner: &Inner, body: Body) -> Result<Bytes, HttpError> {
    let limit = inner.limits.message_bytes;
    let collected = tokio::time::timeout(inner.body_timeout, Limited::new(body, limit).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, too_large(limit)))
        }
        Ok(Err(error)) => {
            let message = format!("the request broke off: {error}");
            Err(RpcError::new(ErrorCode::Cancelled, "REQUEST_INCOMPLETE", message).into())
        }
        Err(_) => {
            let message = format!("the request did not arrive within {} seconds", inner.body_timeout.as_secs());
            let error = RpcError::new(ErrorCode::DeadlineExceeded, "REQUEST_TOO_SLOW", message);
            Err(HttpError::new(StatusCode::REQUEST_TIMEOUT, error))
        }
    }
}

/// Reads a message from JSON; nothing at all is an empty message.
pub(crate) fn read_json(descriptor: MessageDescriptor, bytes: &[u8]) -> Result<DynamicMessage, RpcError> {
    let name = descriptor.full_name().to_owned();
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(DynamicMessage::new(descriptor));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let message = DynamicMessage::deserialize(descriptor, &mut reader);
    message.and_then(|message| reader.end().map(|()| message)).map_err(|error| {
        let message = format!("the request is not a {name} in JSON: {error}");
        RpcError::new(ErrorCode::InvalidArgument, "MALFORMED_JSON", message).with("message", name)
    })
}

fn time_limit(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(CONNECT_TIMEOUT)?.to_str().ok()?;
    if text.len() > 10 {
        return None;
    }
    text.parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::services::Services;

    static SERVICES: LazyLock<Services> = LazyLock::new(|| Services::new(Vec::new()).unwrap());

    fn request(name: &str) -> MessageDescriptor {
        SERVICES.pool.get_message_by_name(name).unwrap()
    }

    #[test]
    fn every_request_of_every_service_survives_the_way_through_json() {
        for method in SERVICES.pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let empty = read_json(method.input(), b"{}").unwrap();
            let written = serde_json::to_vec(&empty).unwrap();
            assert_eq!(read_json(method.input(), &written).unwrap(), empty, "{}", method.full_name());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\":,a-z0-9.eE+-]{0,200}") {
            for name in ["aerie.pipeline.v1.SubscribeRequest", "google.rpc.ErrorInfo", "google.protobuf.Struct"] {
                let _ = read_json(request(name), &bytes);
                let _ = read_json(request(name), text.as_bytes());
            }
        }
    }
}
