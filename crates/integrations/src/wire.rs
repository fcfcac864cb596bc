//! The client that all integrations share: guarded, bounded, without redirects.

mod answer;
mod resolver;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use aerie_network::{AddressGuard, AddressRefused};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use url::Url;

pub(crate) use answer::{Answer, said};

use crate::PushError;
use resolver::GuardedResolver;

/// How to reach services.
#[derive(Debug, Clone)]
pub struct WireOptions {
    /// Private hosts and hosts without TLS that may be reached: `192.168.1.20:8123`, `nextcloud.home.example`.
    pub allowed_hosts: Vec<String>,
    /// Other base addresses for hosts, for stand-ins and proxies of one's own; they are allowed as well.
    pub endpoints: BTreeMap<String, Url>,
    /// Longest time of one request with its answer.
    pub timeout: Duration,
    /// Longest answer that is read, in bytes after decompression.
    pub most_answer_bytes: usize,
    /// Longest wait that is taken from a `Retry-After`.
    pub longest_wait: Duration,
}

impl Default for WireOptions {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            endpoints: BTreeMap::new(),
            timeout: Duration::from_secs(30),
            most_answer_bytes: 4 << 20,
            longest_wait: Duration::from_secs(6 * 3_600),
        }
    }
}

/// No client can be made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no HTTP client for integrations: {0}")]
pub struct WireError(String);

/// The guarded client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Wire {
    client: reqwest::Client,
    guard: Arc<AddressGuard>,
    options: Arc<WireOptions>,
}

impl Wire {
    /// A client that connects to public addresses and to those that the options name.
    ///
    /// # Errors
    /// [`WireError`] when the system's certificates cannot be loaded.
    pub fn new(options: WireOptions) -> Result<Self, WireError> {
        let mut guard = AddressGuard::new(options.allowed_hosts.iter().map(String::as_str));
        options.endpoints.values().for_each(|base| guard.allow_base(base));
        let guard = Arc::new(guard);
        // Another part of the program may have installed the same provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(GuardedResolver::new(Arc::clone(&guard))))
            .redirect(reqwest::redirect::Policy::none())
            // Behind a system proxy the guard could not see the address that is connected to.
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Aerie/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(1)
            .connect_timeout(Duration::from_secs(10).min(options.timeout))
            .timeout(options.timeout)
            .build()
            .map_err(|error| WireError(causes(&error)))?;
        Ok(Self { client, guard, options: Arc::new(options) })
    }

    /// Begins a request. `service` names it in errors.
    pub(crate) fn call(&self, service: &'static str, method: Method, url: &Url) -> Call<'_> {
        Call {
            wire: self,
            service,
            method,
            url: self.place(url),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            bad: None,
        }
    }

    /// An address with its host's stand-in applied.
    fn place(&self, url: &Url) -> Url {
        let Some(base) = url.host_str().and_then(|host| self.options.endpoints.get(host)) else { return url.clone() };
        let mut placed = base.clone();
        let path = format!("{}{}", base.path().trim_end_matches('/'), url.path());
        placed.set_path(&path);
        placed.set_query(url.query());
        placed
    }

    /// The addresses of a host that may be connected to, for protocols other than HTTP.
    pub(crate) async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, PushError> {
        // The guard judges addresses of web servers; the scheme says only that the connection is encrypted.
        let place = Url::parse(&format!("https://{host}:{port}/")).map_err(|_| {
            PushError::setting("host", format!("{host:?} is no host; write a name such as smtp.example.com"))
        })?;
        if let Err(refused) = self.guard.check_url(&place) {
            let words = format!("{host}:{port} is not reached: {refused}; integrations.allow_addresses can name it");
            return Err(PushError::setting("host", words));
        }
        let found = tokio::net::lookup_host((host, port)).await;
        let found: Vec<SocketAddr> =
            found.map_err(|error| PushError::again(format!("{host} cannot be found: {error}")))?.collect();
        let permitted: Vec<SocketAddr> =
            found.iter().copied().filter(|address| self.guard.permits(host, address.ip())).collect();
        if permitted.is_empty() {
            return Err(PushError::setting("host", private_words(host)));
        }
        Ok(permitted)
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.options.timeout
    }
}

/// What to do about a private address.
fn private_words(host: &str) -> String {
    format!(
        "{host} leads into a private network; whoever runs this Aerie can allow it by naming it under \
         integrations.allow_addresses"
    )
}

/// A request.
pub(crate) struct Call<'a> {
    wire: &'a Wire,
    service: &'static str,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    bad: Option<PushError>,
}

impl Call<'_> {
    /// Adds a header; nobody prints its value.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.headers.insert(HeaderName::from_static(name), value);
            }
            Err(_) => {
                let words = format!("a value for the header {name} has characters that HTTP does not allow");
                self.bad = Some(PushError::refused(words));
            }
        }
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        use base64::{Engine, engine::general_purpose::STANDARD};
        self.header("authorization", &format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    /// Sets the content without saying of which type it is.
    pub(crate) fn content(self, body: Bytes) -> Self {
        Self { body, ..self }
    }

    pub(crate) fn json(self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body("application/json", bytes),
            Err(error) => {
                Self { bad: Some(PushError::refused(format!("the item cannot be written: {error}"))), ..self }
            }
        }
    }

    /// Sends. Any status is an answer.
    pub(crate) async fn send(self) -> Result<Answer, PushError> {
        let Self { wire, service, method, url, headers, body, bad } = self;
        if let Some(error) = bad {
            return Err(error);
        }
        if let Err(refused) = wire.guard.check_url(&url) {
            return Err(refusal(&url, &refused));
        }
        let request = wire.client.request(method, url.clone()).headers(headers).body(body);
        let response = request.send().await.map_err(|error| failure(service, &url, &error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read(response, wire.options.most_answer_bytes).await.map_err(|reason| PushError::Uncertain {
            reason: format!("{service} answered {status}, but its answer broke off: {reason}"),
        })?;
        Ok(Answer { service, status, headers, body, now: Utc::now(), longest_wait: wire.options.longest_wait })
    }
}

fn refusal(url: &Url, refused: &AddressRefused) -> PushError {
    let host = url.host_str().unwrap_or("it");
    PushError::setting(
        "address",
        format!(
            "{host} is not reached: {refused}; only https addresses of the public internet are, and those that \
             integrations.allow_addresses names"
        ),
    )
}

/// Why no answer came. The address is not named: it may be a credential.
fn failure(service: &str, url: &Url, error: &reqwest::Error) -> PushError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(one) = cause {
        if one.downcast_ref::<AddressRefused>().is_some() {
            return PushError::setting("address", private_words(url.host_str().unwrap_or("it")));
        }
        cause = one.source();
    }
    let host = url.host_str().unwrap_or_default();
    let reason = format!("{service} ({host}) could not be reached: {}", causes(error));
    // Before the connection stands nothing can have been delivered.
    if error.is_connect() { PushError::again(reason) } else { PushError::Uncertain { reason } }
}

async fn read(response: reqwest::Response, most: usize) -> Result<Bytes, String> {
    let mut stream = response.bytes_stream();
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| causes(&error))?;
        if body.len() + chunk.len() > most {
            return Err(format!("it is longer than {most} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// An error's causes, without the address.
fn causes(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
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

/// Appends segments to an address's path, each escaped, whether or not it ends with a slash.
pub(crate) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// An address of a service whose host is known.
pub(crate) fn known(text: &str) -> Result<Url, PushError> {
    Url::parse(text).map_err(|error| PushError::refused(format!("{text} is no address: {error}")))
}

/// RFC 3339 in UTC, to the second.
pub(crate) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
