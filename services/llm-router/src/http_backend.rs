//! A backend over HTTP: a provider's form and the way there.

mod outcome;
mod pieces;
mod redaction;
mod retry_after;

use std::{borrow::Cow, fmt, time::SystemTime};

use aerie_config::Secret;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::time::{Instant, timeout_at};

pub(crate) use self::outcome::no_answer;
use self::{pieces::ProviderStream, redaction::without_keys};
use crate::{
    answer::{Completion, Embeddings},
    backend::{Backend, Hop, Pieces},
    chat::{ChatRequest, EmbedRequest, Schema},
    fault::{Fault, FaultKind, Stage},
    image_fetch::ImageFetcher,
    transport::{Answer, BodyError, Limits, Outgoing, Transport},
    wire::{Framing, Wire, WireRequest},
};

/// Most of an answer that is read.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Most of an error's answer that is read.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// Speaks one provider's form over HTTP.
pub struct HttpBackend {
    wire: Box<dyn Wire>,
    transport: Transport,
    key: Secret,
    /// Headers of every request without a body, with the configured key.
    headers: HeaderMap,
    /// The same of requests with a body.
    headers_with_body: HeaderMap,
    forward_trace: bool,
    /// Fetches pictures for a provider that does not.
    fetcher: Option<ImageFetcher>,
}

impl HttpBackend {
    /// A backend. An empty key sends none.
    ///
    /// # Errors
    /// A key that cannot stand in a header.
    pub fn new(wire: Box<dyn Wire>, transport: Transport, key: Secret) -> Result<Self, BadKey> {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("aerie/", env!("CARGO_PKG_VERSION"))));
        headers.extend(wire.headers());
        if key.is_set() {
            headers.extend([key_header(&*wire, &key)?]);
        }
        let mut headers_with_body = headers.clone();
        headers_with_body.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Self { wire, transport, key, headers, headers_with_body, forward_trace: false, fetcher: None })
    }

    /// Also sends the trace context along: for servers of one's own.
    #[must_use]
    pub fn forwarding_trace(mut self) -> Self {
        self.forward_trace = true;
        self
    }

    /// Fetches pictures that are given by address where the provider takes pictures only.
    #[must_use]
    pub fn fetching_images(mut self, fetcher: ImageFetcher) -> Self {
        self.fetcher = Some(fetcher).filter(|_| !self.wire.takes_image_addresses());
        self
    }

    /// Writes a question, with its pictures at hand where the provider wants them so.
    async fn written(&self, request: &ChatRequest, hop: &Hop, stream: bool) -> Result<WireRequest, Fault> {
        let fetched = match &self.fetcher {
            // What few calls need is kept apart, so that the way of all the others stays small.
            Some(fetcher) => Box::pin(fetcher.with_pictures(request, hop.deadline)).await?,
            None => None,
        };
        self.wire.chat(fetched.as_ref().unwrap_or(request), &hop.model, stream)
    }

    fn outgoing(&self, written: WireRequest, hop: &Hop) -> Result<Outgoing<'_>, Fault> {
        let (method, headers) = match written.body.is_empty() {
            true => (Method::GET, &self.headers),
            false => (Method::POST, &self.headers_with_body),
        };
        let mut headers = Cow::Borrowed(headers);
        if let Some(key) = &hop.key {
            let (name, value) =
                key_header(&*self.wire, key).map_err(|error| Fault::new(FaultKind::KeyRefused, error.to_string()))?;
            headers.to_mut().insert(name, value);
        }
        if self.forward_trace && !hop.trace.is_empty() {
            headers.to_mut().extend(hop.trace.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Ok(Outgoing { method, path: written.path, headers, body: written.body })
    }

    /// Sends and gives the answer if its status is a success.
    async fn send(&self, written: WireRequest, hop: &Hop) -> Result<Answer, Fault> {
        let now = Instant::now();
        let is_total = hop.deadline <= now + hop.headers;
        let limits = Limits { connect: hop.connect, headers: hop.deadline.min(now + hop.headers) };
        let outgoing = self.outgoing(written, hop)?;
        let mut answer = self.transport.send(outgoing, limits).await.map_err(|error| no_answer(error, is_total))?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let wait = retry_after::read(&answer.headers, SystemTime::now());
        // An error whose text cannot be read is still the error that its status says.
        let body = match Box::pin(timeout_at(hop.deadline, answer.bytes(MAX_ERROR_BYTES))).await {
            Ok(Ok(body)) => body,
            _ => bytes::Bytes::new(),
        };
        Err(self.wire.failure(answer.status, &answer.headers, &body, wait))
    }

    async fn whole(&self, written: WireRequest, hop: &Hop) -> Result<bytes::Bytes, Fault> {
        let mut answer = self.send(written, hop).await?;
        read_whole(&mut answer, hop.deadline).await
    }

    /// Takes keys out of a fault's words.
    fn cleaned(&self, mut fault: Fault, hop: &Hop) -> Fault {
        fault.message = without_keys(&fault.message, &[Some(&self.key), hop.key.as_ref()]);
        fault
    }

    async fn begin(&self, request: &ChatRequest, hop: &Hop) -> Result<Pieces, Fault> {
        let mut answer = self.send(self.written(request, hop, true).await?, hop).await?;
        let is_json = answer.headers.get(header::CONTENT_TYPE).is_some_and(is_plain_json);
        if is_json && self.wire.framing() == Framing::ServerSentEvents {
            // Some servers answer whole whatever is asked.
            let completion = self.wire.completion(&read_whole(&mut answer, hop.deadline).await?)?;
            return Ok(Box::pin(futures::stream::iter(completion.into_pieces().map(Ok))));
        }
        let keys = [self.key.clone(), hop.key.clone().unwrap_or_default()];
        Ok(Box::pin(ProviderStream::new(answer, self.wire.framing(), self.wire.reader(), hop.deadline, keys)))
    }
}

async fn read_whole(answer: &mut Answer, deadline: Instant) -> Result<bytes::Bytes, Fault> {
    match timeout_at(deadline, answer.bytes(MAX_ANSWER_BYTES)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error @ (BodyError::Broken(_) | BodyError::TooLong(_)))) => {
            Err(Fault::new(FaultKind::Malformed, error.to_string()).with_status(answer.status.as_u16()))
        }
        Err(_) => Err(Fault::new(FaultKind::Timeout(Stage::Total), "the answer did not end in time")),
    }
}

fn is_plain_json(value: &HeaderValue) -> bool {
    value.as_bytes().to_ascii_lowercase().starts_with(b"application/json")
}

/// A key that cannot be sent.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("the key holds characters that a header cannot carry; copy it again without line breaks")]
pub struct BadKey;

fn key_header(wire: &dyn Wire, key: &Secret) -> Result<(http::HeaderName, HeaderValue), BadKey> {
    let (name, mut value) = wire.key_header(key.reveal()).map_err(|_| BadKey)?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[async_trait::async_trait]
impl Backend for HttpBackend {
    async fn complete(&self, request: &ChatRequest, hop: &Hop) -> Result<Completion, Fault> {
        let answer = async {
            let body = self.whole(self.written(request, hop, false).await?, hop).await?;
            self.wire.completion(&body)
        };
        answer.await.map_err(|fault| self.cleaned(fault, hop))
    }

    async fn stream(&self, request: &ChatRequest, hop: &Hop) -> Result<Pieces, Fault> {
        self.begin(request, hop).await.map_err(|fault| self.cleaned(fault, hop))
    }

    async fn embed(&self, request: &EmbedRequest, hop: &Hop) -> Result<Embeddings, Fault> {
        let answer = async {
            let body = self.whole(self.wire.embed(request, &hop.model)?, hop).await?;
            let embeddings = self.wire.embeddings(&body)?;
            outcome::check_vectors(&embeddings, request)?;
            Ok(embeddings)
        };
        answer.await.map_err(|fault| self.cleaned(fault, hop))
    }

    async fn models(&self, hop: &Hop) -> Result<Vec<String>, Fault> {
        let answer = async {
            let request = WireRequest { path: self.wire.models_path().into(), body: Vec::new() };
            self.wire.models(&self.whole(request, hop).await?)
        };
        answer.await.map_err(|fault| self.cleaned(fault, hop))
    }

    fn untold(&self, schema: &Schema) -> Vec<String> {
        self.wire.untold(schema)
    }
}

impl fmt::Debug for HttpBackend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HttpBackend({:?} at {})", self.wire, self.transport.origin())
    }
}

#[cfg(test)]
mod tests;
