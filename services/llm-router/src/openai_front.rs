//! The OpenAI-compatible front: `/v1/chat/completions`, `/v1/embeddings`, `/v1/models`.
//!
//! Written on HTTP messages directly, so that it can stand alone on a port or behind the gateway. A request is parsed
//! once, borrowed from its body; pictures stay slices of that body.

mod body;
mod chat;
mod completion;
mod content;
mod embeddings;
pub(crate) mod error;
mod event_stream;
mod extension;
mod models;
mod request;
#[cfg(test)]
mod tests;
mod trail;

use std::{
    convert::Infallible,
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aerie_rpc::{PERSON_HEADER, parse_timeout};
use bytes::{Bytes, BytesMut};
use futures::{FutureExt, future::BoxFuture};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};
use tower::Service;

pub use self::body::FrontBody;
use self::error::Problem;
use crate::{call::Call, router::Router};

/// Where the front's paths begin.
pub const PREFIX: &str = "/v1/";
/// Space for a body that does not say how long it is.
const FIRST_BUFFER: usize = 16 * 1024;

/// Limits of the front.
#[derive(Debug, Clone, Copy)]
pub struct FrontLimits {
    /// Largest request body in bytes.
    pub body_bytes: usize,
    /// Time a client has to send its body.
    pub body_timeout: Duration,
}

impl Default for FrontLimits {
    fn default() -> Self {
        Self { body_bytes: 16 << 20, body_timeout: Duration::from_secs(60) }
    }
}

/// Answers OpenAI's clients. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OpenAiFront {
    router: Router,
    limits: FrontLimits,
}

impl OpenAiFront {
    /// A front of this router.
    #[must_use]
    pub fn new(router: Router, limits: FrontLimits) -> Self {
        Self { router, limits }
    }

    /// Answers one request; every error is an answer too.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<FrontBody>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        match self.route(request).await {
            Ok(response) => response,
            Err(problem) => problem.response(),
        }
    }

    async fn route<B>(&self, request: Request<B>) -> Result<Response<FrontBody>, Problem>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (parts, body) = request.into_parts();
        refuse_web_pages(&parts.headers)?;
        let path = parts.uri.path();
        let post = ["/v1/chat/completions", "/v1/embeddings"];
        match (&parts.method, path) {
            (&Method::POST, "/v1/chat/completions") => {
                let bytes = self.read(&parts.headers, body).await?;
                chat::answer(&self.router, self.call(&parts.headers), &bytes).await
            }
            (&Method::POST, "/v1/embeddings") => {
                let bytes = self.read(&parts.headers, body).await?;
                embeddings::answer(&self.router, self.call(&parts.headers), &bytes).await
            }
            (&Method::GET, "/v1/models") => Ok(models::list(&self.router)),
            (&Method::GET, _) if path.starts_with("/v1/models/") => {
                models::one(&self.router, path.trim_start_matches("/v1/models/"))
            }
            (_, path) if post.contains(&path) => Err(not_allowed("POST")),
            (_, path) if path == "/v1/models" || path.starts_with("/v1/models/") => Err(not_allowed("GET")),
            _ => {
                let message = "there is nothing at this address; there are POST /v1/chat/completions, \
                               POST /v1/embeddings and GET /v1/models";
                Err(Problem::new("", message).status(StatusCode::NOT_FOUND).coded("unknown_url"))
            }
        }
    }

    fn call(&self, headers: &HeaderMap) -> Call {
        let person = headers.get(PERSON_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let deadline = parse_timeout(headers).and_then(|limit| Instant::now().checked_add(limit));
        Call { person: person.to_owned(), deadline, ..Call::default() }
    }

    /// The body in one piece. A body that came in one piece is not copied.
    async fn read<B>(&self, headers: &HeaderMap, body: B) -> Result<Bytes, Problem>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let is_json = headers.get(header::CONTENT_TYPE).is_some_and(|value| {
            let text = value.as_bytes();
            text.get(..16).is_some_and(|start| start.eq_ignore_ascii_case(b"application/json"))
        });
        if !is_json {
            let problem = Problem::new("", "send the request as Content-Type: application/json");
            return Err(problem.status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        match timeout(self.limits.body_timeout, whole(body, self.limits.body_bytes)).await {
            Ok(read) => read,
            Err(_) => Err(Problem::new("", "the request did not come in time").status(StatusCode::REQUEST_TIMEOUT)),
        }
    }
}

async fn whole<B>(mut body: B, most: usize) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > most {
        return Err(too_large(most));
    }
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(Problem::new("", "the request broke off")) };
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + joined.len() + data.len() > most {
            return Err(too_large(most));
        }
        if first.is_empty() && joined.is_empty() {
            first = data;
            continue;
        }
        if joined.is_empty() {
            joined.reserve(announced.max(FIRST_BUFFER));
            joined.extend_from_slice(&std::mem::take(&mut first));
        }
        joined.extend_from_slice(&data);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

fn too_large(most: usize) -> Problem {
    let message = format!("the request is larger than {most} bytes (limits.message_bytes)");
    Problem::new("", message).status(StatusCode::PAYLOAD_TOO_LARGE)
}

fn not_allowed(method: &str) -> Problem {
    Problem::new("", format!("this address takes {method} only")).status(StatusCode::METHOD_NOT_ALLOWED)
}

/// Web pages of other hosts must not use a router on this machine; programs send neither header. Behind the gateway,
/// which looks at both more closely, neither arrives here.
fn refuse_web_pages(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site") {
        let problem = Problem::new("", "web pages may not use this server; ask it from a program");
        return Err(problem.status(StatusCode::FORBIDDEN));
    }
    Ok(())
}

/// Seconds since 1970, for `created`.
fn seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl<B> Service<Request<B>> for OpenAiFront
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
{
    type Response = Response<FrontBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let front = self.clone();
        async move { Ok(front.answer(request).await) }.boxed()
    }
}

/// A stream's headers.
fn event_stream_headers(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
