//! How requests leave: over the network, or out of a recording.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

use super::body::BodyStream;
use super::resolver::{GuardedResolver, Lookup};
use aerie_network::{AddressGuard, AddressRefused};

/// A request as it goes out.
#[derive(Debug, Clone)]
pub struct WireRequest {
    /// Address, stand-ins applied.
    pub url: Url,
    /// Headers, all of them.
    pub headers: HeaderMap,
    /// JSON body; makes it a POST.
    pub body: Option<Bytes>,
}

/// An answer as it comes in.
pub struct WireResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, decompressed.
    pub body: BodyStream,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The address is refused.
    #[error("{0}")]
    Refused(#[from] AddressRefused),
    /// The connection failed.
    #[error("{0}")]
    Failed(String),
}

/// Sends single requests: no retries, no redirects.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request and gives its answer as soon as the headers are there.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn send(&self, request: WireRequest) -> Result<WireResponse, TransportError>;
}

/// The network.
pub struct NetworkTransport {
    client: reqwest::Client,
}

impl NetworkTransport {
    /// A client that connects only where the guard permits. System proxies are not used: behind one, the guard could
    /// not see the address that is connected to.
    ///
    /// # Errors
    /// [`TransportError::Failed`] when the system's certificates cannot be loaded.
    pub fn new(guard: Arc<AddressGuard>, lookup: Arc<dyn Lookup>) -> Result<Self, TransportError> {
        // Another part of the program may have installed the same provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(GuardedResolver::new(guard, lookup)))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(1)
            .connect_timeout(std::time::Duration::from_secs(10))
            .build()
            .map_err(|error| TransportError::Failed(format!("no HTTP client: {}", chain(&error))))?;
        Ok(Self { client })
    }
}

#[async_trait]
impl Transport for NetworkTransport {
    async fn send(&self, request: WireRequest) -> Result<WireResponse, TransportError> {
        let builder = match request.body {
            Some(body) => self.client.post(request.url).body(body),
            None => self.client.get(request.url),
        };
        let response = builder.headers(request.headers).send().await.map_err(|error| match refusal(&error) {
            Some(refused) => TransportError::Refused(refused),
            None => TransportError::Failed(chain(&error)),
        })?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.bytes_stream().map(|chunk| chunk.map_err(|error| chain(&error))).boxed();
        Ok(WireResponse { status, headers, body })
    }
}

fn refusal(error: &reqwest::Error) -> Option<AddressRefused> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<AddressRefused>() {
            return Some(refused.clone());
        }
        cause = error.source();
    }
    None
}

/// An error with its causes, without the address (the caller names it).
fn chain(error: &reqwest::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
        cause = error.source();
    }
    if words.is_empty() { "the connection failed".to_owned() } else { words.join(": ") }
}

/// One recorded answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recording {
    /// `GET` or `POST`.
    #[serde(default = "get")]
    pub method: String,
    /// Address at the real host.
    pub url: String,
    /// Status.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers.
    #[serde(default)]
    pub headers: HashMap<String, String>,
    /// File with the body, in the folder of the index.
    pub file: Option<String>,
    /// Body itself, when there is no file.
    #[serde(default)]
    pub body: String,
}

fn get() -> String {
    "GET".to_owned()
}

fn ok() -> u16 {
    200
}

/// Answers out of a recording; everything else is 404. Several answers for one address are given in turn, the last one
/// again and again.
#[derive(Default)]
pub struct ReplayTransport {
    answers: Mutex<HashMap<(String, String), VecDeque<Answer>>>,
    seen: Mutex<Vec<WireRequest>>,
}

#[derive(Clone)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl ReplayTransport {
    /// Reads a folder with an `index.json`: a list of [`Recording`]s.
    ///
    /// # Errors
    /// When the index or a body cannot be read; the message names the file.
    pub fn of_folder(folder: &Path) -> std::io::Result<Self> {
        let named = |path: &Path, error: std::io::Error| {
            std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        };
        let index = folder.join("index.json");
        let text = std::fs::read(&index).map_err(|error| named(&index, error))?;
        let recordings: Vec<Recording> =
            serde_json::from_slice(&text).map_err(|error| named(&index, std::io::Error::other(error)))?;
        let replay = Self::default();
        for recording in recordings {
            let body = match &recording.file {
                Some(file) => {
                    let path = folder.join(file);
                    std::fs::read(&path).map_err(|error| named(&path, error))?
                }
                None => recording.body.clone().into_bytes(),
            };
            let headers: Vec<(&str, &str)> =
                recording.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            replay.answer(&recording.method, &recording.url, recording.status, &headers, body);
        }
        Ok(replay)
    }

    /// Adds an answer.
    pub fn answer(
        &self,
        method: &str,
        url: &str,
        status: u16,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> &Self {
        let pairs = headers
            .iter()
            .filter_map(|(name, value)| Some((HeaderName::try_from(*name).ok()?, HeaderValue::try_from(*value).ok()?)));
        let answer = Answer { status, headers: pairs.collect(), body: body.into() };
        let key = (method.to_ascii_uppercase(), url.to_owned());
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().push_back(answer);
        self
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<WireRequest> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Transport for ReplayTransport {
    async fn send(&self, request: WireRequest) -> Result<WireResponse, TransportError> {
        let method = if request.body.is_some() { "POST" } else { "GET" };
        let key = (method.to_owned(), request.url.as_str().to_owned());
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = answers.get_mut(&key);
        let answer = queue.and_then(|queue| if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() });
        let answer = answer.unwrap_or_else(|| Answer { status: 404, headers: HeaderMap::new(), body: Bytes::new() });
        let body = futures::stream::iter([Ok(answer.body)]).boxed();
        Ok(WireResponse { status: answer.status, headers: answer.headers, body })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn ask(replay: &ReplayTransport, url: &str) -> (u16, Vec<u8>) {
        let request = WireRequest { url: Url::parse(url).unwrap(), headers: HeaderMap::new(), body: None };
        let mut answer = replay.send(request).await.unwrap();
        let mut body = Vec::new();
        while let Some(chunk) = answer.body.next().await {
            body.extend_from_slice(&chunk.unwrap());
        }
        (answer.status, body)
    }

    #[tokio::test]
    async fn a_folder_is_replayed_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("jobs.json"), b"{}").unwrap();
        let index = r#"[{"url": "https://boards.example/jobs", "status": 503},
            {"url": "https://boards.example/jobs", "file": "jobs.json", "headers": {"etag": "v1"}}]"#;
        std::fs::write(folder.path().join("index.json"), index).unwrap();
        let replay = ReplayTransport::of_folder(folder.path()).unwrap();
        assert_eq!(ask(&replay, "https://boards.example/jobs").await.0, 503);
        assert_eq!(ask(&replay, "https://boards.example/jobs").await, (200, b"{}".to_vec()));
        assert_eq!(ask(&replay, "https://boards.example/jobs").await.0, 200);
        assert_eq!(ask(&replay, "https://boards.example/other").await.0, 404);
        assert_eq!(replay.seen().len(), 4);
        assert!(ReplayTransport::of_folder(&folder.path().join("none")).is_err());
    }
}
