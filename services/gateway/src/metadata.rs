//! What of a request's headers reaches a service.

use aerie_rpc::{INTERNAL_HEADER_PREFIX, PERSON_HEADER, PersonId};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::callers::FORGERY_HEADER;

/// Headers that concern one connection or the browser, not the call.
const NOT_FORWARDED: [HeaderName; 12] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
    header::AUTHORIZATION,
    header::ORIGIN,
    header::REFERER,
    header::EXPECT,
    HeaderName::from_static(FORGERY_HEADER),
];
const TRACE_HEADERS: [&str; 2] = ["traceparent", "tracestate"];

/// Cleans the headers of a gRPC request for the service and says who is asking.
///
/// Headers that only we may set are removed first, so that nobody outside can say to be somebody.
pub(crate) fn prepare(headers: &mut HeaderMap, person: &PersonId) {
    for name in &NOT_FORWARDED {
        headers.remove(name);
    }
    let internal: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with(INTERNAL_HEADER_PREFIX)).cloned().collect();
    for name in internal {
        headers.remove(name);
    }
    set_person(headers, person);
}

/// The headers of a call that we make on behalf of an HTTP request.
pub(crate) fn fresh(incoming: &HeaderMap, person: &PersonId) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in TRACE_HEADERS {
        if let Some(value) = incoming.get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    set_person(&mut headers, person);
    headers
}

fn set_person(headers: &mut HeaderMap, person: &PersonId) {
    // A person's id has only characters that a header may carry.
    if let Ok(value) = HeaderValue::from_str(person.as_str()) {
        headers.insert(HeaderName::from_static(PERSON_HEADER), value);
    }
}
