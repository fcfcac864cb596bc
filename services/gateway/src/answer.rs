//! Answers in HTTP: JSON, errors, plain text, and the headers that every answer carries.

use aerie_rpc::RpcError;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};
use tonic::{Status, body::Body};

/// No scripts at all, and nothing from elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; \
                                       frame-ancestors 'none'; base-uri 'none'";
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// A complete answer of one content type, never cached.
pub(crate) fn content(status: StatusCode, content_type: &'static str, bytes: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(bytes.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    content(status, "application/json", value.to_string())
}

/// An error as the Connect protocol writes it, with the HTTP status of its code.
pub(crate) fn error(status: &Status, pool: &DescriptorPool) -> Response<Body> {
    let error = RpcError::from(status);
    failure(error.code.http(), status, &error, pool)
}

/// The same for an error of our own, where HTTP has a more precise status than the code's.
pub(crate) fn error_as(http: StatusCode, error: RpcError, pool: &DescriptorPool) -> Response<Body> {
    failure(http, &Status::from(error.clone()), &error, pool)
}

fn failure(http: StatusCode, status: &Status, error: &RpcError, pool: &DescriptorPool) -> Response<Body> {
    let mut response = json(http, &error_json(status, pool));
    if let Some(wait) = error.retry_after {
        // The header counts whole seconds; rounding down would invite a call that fails again.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    response
}

/// `{code, message, details: [{type, value, debug}]}` (<https://connectrpc.com/docs/protocol#error-end-stream>).
pub(crate) fn error_json(status: &Status, pool: &DescriptorPool) -> Value {
    let code = RpcError::from(status).code.name();
    let mut object = json!({ "code": code, "message": status.message() });
    // Details that cannot be read are left out: code and message stand by themselves.
    let details = tonic_types::Status::decode(status.details()).map(|decoded| decoded.details).unwrap_or_default();
    if !details.is_empty() {
        let details = details.iter().map(|detail| {
            let name = detail.type_url.rsplit('/').next().unwrap_or_default();
            let mut entry = json!({ "type": name, "value": STANDARD_NO_PAD.encode(&detail.value) });
            let message = pool
                .get_message_by_name(name)
                .and_then(|descriptor| DynamicMessage::decode(descriptor, detail.value.as_slice()).ok());
            if let Some(debug) = message.and_then(|message| serde_json::to_value(message).ok()) {
                entry["debug"] = debug;
            }
            entry
        });
        object["details"] = details.collect();
    }
    object
}

/// Adds what keeps a browser careful, whatever the answer is.
pub(crate) fn secured(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in &SECURITY_HEADERS {
        // The web app's files come with a policy of their own.
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
