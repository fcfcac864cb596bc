//! Calls to a service behind a network: balanced over the addresses of its name, repeated where that is safe.
//!
//! The name is looked up again and again; when that fails, the addresses that were known stay. A call goes to the address
//! with the fewest calls in progress; one that fails is left out for a while. What never left this process is sent to
//! another address whatever it is; what a server may have begun is repeated only where the call has no side effects
//! (`idempotency_level` in its description), the answer was `Unavailable`, and the caller's time allows it.

mod member;
mod members;
mod target;

use std::{sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Request, Response, header::HeaderMap, request::Parts};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::{Instant, sleep, timeout_at};
use tonic::{Code, Status, body::Body};

pub(crate) use self::target::Target;
use self::{
    member::{Entered, SendError},
    members::Members,
};
use crate::{
    body::deadline_exceeded,
    context::time_left,
    identity::{PERSON_HEADER, PersonId},
    server::methods::Methods,
    signature::{IDENTITY_HEADER, Signer},
    timeout::{GRPC_TIMEOUT, format_timeout, parse_timeout},
};

/// Most tries of one call.
const TRIES: u32 = 3;
/// Pause before a call is repeated; it doubles, and half of it is chance.
const PAUSE: Duration = Duration::from_millis(40);
/// A request up to this size is kept to be sent again.
const KEPT_BYTES: usize = 256 * 1024;

/// A service elsewhere. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    target: Arc<Target>,
    members: Arc<Members>,
    signer: Option<Arc<Signer>>,
}

/// A request body that is sent once, or as often as needed.
enum Message {
    Once(Option<Body>),
    Kept(bytes::Bytes, Option<HeaderMap>),
}

impl Remote {
    pub(crate) fn new(target: Target, signer: Option<Arc<Signer>>) -> Self {
        let target = Arc::new(target);
        Self { members: Arc::new(Members::new(Arc::clone(&target))), target, signer }
    }

    /// Makes the call; whatever goes wrong is an answer.
    pub(crate) async fn call(&self, request: Request<Body>) -> Response<Body> {
        match self.tried(request).await {
            Ok(response) => response,
            Err(status) => status.into_http(),
        }
    }

    async fn tried(&self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let (mut parts, body) = request.into_parts();
        let limit = [parse_timeout(&parts.headers), time_left()].into_iter().flatten().min();
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        self.sign(&mut parts.headers)?;
        let is_safe = Methods::shared().is_ok_and(|methods| methods.find(parts.uri.path()).is_safe);
        let mut message = if is_safe { keep(body).await? } else { Message::Once(Some(body)) };
        let mut last = Status::unavailable("there is nobody to ask");
        for attempt in 1..=TRIES {
            let member = within(deadline, self.members.pick()).await??;
            let sender = match within(deadline, member.connection()).await? {
                Ok(sender) => sender,
                Err(error) => {
                    // Nothing was sent, so another may be asked at once.
                    last = Status::unavailable(error.to_string());
                    self.pause(attempt, deadline, self.members.has_another()).await?;
                    continue;
                }
            };
            let Some(body) = message.take() else { break };
            let request = self.request(&parts, body, deadline);
            match within(deadline, sender.send(request)).await {
                // A server that does not answer in time may be one that hangs.
                Err(late) => {
                    member.failed();
                    return Err(late);
                }
                Ok(Ok(response)) => {
                    let status = Status::from_header_map(response.headers());
                    let is_gone = status.as_ref().is_some_and(|status| status.code() == Code::Unavailable);
                    if !is_gone {
                        member.succeeded();
                        return Ok(response.map(|body| member.holding(body)));
                    }
                    member.failed();
                    if !message.is_left() || attempt == TRIES {
                        return Ok(response.map(|body| member.holding(body)));
                    }
                }
                Ok(Err(SendError { error, unsent })) => {
                    member.failed();
                    last = Status::unavailable(format!("the connection broke: {error}"));
                    if let Some(body) = unsent {
                        message.give_back(body);
                    }
                    if !message.is_left() {
                        return Err(last);
                    }
                }
            }
            self.pause(attempt, deadline, false).await?;
        }
        Err(last)
    }

    /// Says in a way that holds on a network who is asking.
    fn sign(&self, headers: &mut HeaderMap) -> Result<(), Status> {
        let Some(signer) = &self.signer else { return Ok(()) };
        let Some(person) = headers.remove(PERSON_HEADER) else { return Ok(()) };
        let person = PersonId::new(String::from_utf8_lossy(person.as_bytes())).map_err(Status::from)?;
        if let Ok(token) = HeaderValue::from_str(&signer.sign(&person)) {
            headers.insert(HeaderName::from_static(IDENTITY_HEADER), token);
        }
        Ok(())
    }

    fn request(&self, parts: &Parts, body: Body, deadline: Option<Instant>) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = self.target.uri(&parts.uri);
        *request.headers_mut() = parts.headers.clone();
        *request.extensions_mut() = parts.extensions.clone();
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if let Some(Ok(left)) = left.map(|left| HeaderValue::from_str(&format_timeout(left))) {
            request.headers_mut().insert(HeaderName::from_static(GRPC_TIMEOUT), left);
        }
        request
    }

    /// Waits before the next try, unless the caller's time would be up meanwhile.
    async fn pause(&self, attempt: u32, deadline: Option<Instant>, at_once: bool) -> Result<(), Status> {
        if at_once || attempt == TRIES {
            return Ok(());
        }
        let full = PAUSE * 2_u32.saturating_pow(attempt - 1);
        let pause = full.mul_f64(0.5 + 0.5 * rand::random::<f64>());
        within(deadline, sleep(pause)).await
    }
}

impl Message {
    fn is_left(&self) -> bool {
        matches!(self, Self::Once(Some(_)) | Self::Kept(..))
    }

    fn take(&mut self) -> Option<Body> {
        match self {
            Self::Once(body) => body.take(),
            Self::Kept(bytes, trailers) => {
                let body = Full::new(bytes.clone());
                let trailers = trailers.clone();
                Some(match trailers {
                    None => Body::new(body),
                    Some(trailers) => Body::new(body.with_trailers(async move { Some(Ok(trailers)) })),
                })
            }
        }
    }

    fn give_back(&mut self, body: Body) {
        if let Self::Once(place) = self {
            *place = Some(body);
        }
    }
}

/// Reads the request, so that it can be sent again; one that is larger than expected is sent once.
async fn keep(body: Body) -> Result<Message, Status> {
    use http_body::Body as _;
    if body.size_hint().lower() > KEPT_BYTES as u64 {
        return Ok(Message::Once(Some(body)));
    }
    let collected = Limited::new(body, MOST_BYTES).collect().await.map_err(Status::from_error)?;
    let trailers = collected.trailers().cloned();
    Ok(Message::Kept(collected.to_bytes(), trailers))
}

/// Requests beyond this are refused before they get here (`limits.message_bytes`).
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// Waits no longer than the caller does.
async fn within<F: Future>(deadline: Option<Instant>, work: F) -> Result<F::Output, Status> {
    match deadline {
        None => Ok(work.await),
        Some(deadline) => timeout_at(deadline, work).await.map_err(|_| Status::from(deadline_exceeded())),
    }
}

#[cfg(test)]
mod tests;
