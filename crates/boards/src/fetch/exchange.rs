//! One request and its answer, redirects included.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
    RETRY_AFTER, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;
use xxhash_rust::xxh3::xxh3_64;

use super::body::{self, BodyError};
use super::request::{Agent, Request};
use super::transport::{TransportError, WireRequest, WireResponse};
use super::{Shared, retry};
use crate::source::{SourceError, Validators};

/// Most redirects followed.
const MOST_REDIRECTS: usize = 5;

/// How a browser presents itself.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// A whole answer.
pub(super) struct Answer {
    pub url: Url,
    pub content_type: Option<String>,
    pub body: Bytes,
    pub validators: Validators,
}

/// Why there is none.
pub(super) enum Failure {
    /// Another try would bring the same.
    Final(SourceError),
    /// Another try may help, after the wait that the host asked for.
    Again { error: SourceError, wait: Option<Duration> },
}

impl Shared {
    /// Sends a request and reads its answer within the time allowed; `None` when it is unchanged.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        known: Option<&Validators>,
    ) -> Result<Option<Answer>, Failure> {
        let timeout = request.timeout.unwrap_or(self.options.timeout);
        match tokio::time::timeout(timeout, self.follow(request, known)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Final(SourceError::Timeout { host: request.host(), seconds: timeout.as_secs() })),
        }
    }

    async fn follow(&self, request: &Request, known: Option<&Validators>) -> Result<Option<Answer>, Failure> {
        let mut url = request.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let wire = self.options.endpoints.to_wire(&url);
            self.guard.check_url(&wire).map_err(|refused| {
                Failure::Final(SourceError::Address { url: url.to_string(), reason: refused.reason })
            })?;
            let response = self.send_once(request, &url, wire.clone(), known).await?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return self.read(request, url, response).await;
            }
            url = self.redirect(request, &url, &wire, &response)?;
        }
        Err(Failure::Final(SourceError::Redirect { url: request.url.to_string(), to: format!("{url} in circles") }))
    }

    async fn send_once(
        &self,
        request: &Request,
        url: &Url,
        wire: Url,
        known: Option<&Validators>,
    ) -> Result<WireResponse, Failure> {
        let headers = self.headers(request, known);
        let body = request.body.as_ref().map(|body| Bytes::from(body.to_string()));
        self.transport.send(WireRequest { url: wire, headers, body }).await.map_err(|error| match error {
            TransportError::Refused(refused) => {
                Failure::Final(SourceError::Address { url: url.to_string(), reason: refused.reason })
            }
            TransportError::Failed(reason) => {
                Failure::Again { error: SourceError::Network { host: request.host(), reason }, wait: None }
            }
        })
    }

    fn headers(&self, request: &Request, known: Option<&Validators>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        match request.agent {
            Agent::Product => set(USER_AGENT, &self.options.user_agent),
            Agent::Browser => set(USER_AGENT, BROWSER),
        }
        set(ACCEPT_LANGUAGE, "en-US,en;q=0.9");
        set(
            ACCEPT,
            if request.robots { "text/html,application/xhtml+xml,*/*;q=0.8" } else { "application/json, */*;q=0.8" },
        );
        if request.body.is_some() {
            set(CONTENT_TYPE, "application/json");
        }
        if let Some(etag) = known.and_then(|known| known.etag.as_deref()) {
            set(IF_NONE_MATCH, etag);
        }
        if let Some(moment) = known.and_then(|known| known.last_modified.as_deref()) {
            set(IF_MODIFIED_SINCE, moment);
        }
        for (name, value) in &request.headers {
            if let Ok(name) = HeaderName::try_from(name.as_str()) {
                set(name, value);
            }
        }
        headers
    }

    /// Where a redirect leads, when it may be followed.
    fn redirect(&self, request: &Request, url: &Url, wire: &Url, response: &WireResponse) -> Result<Url, Failure> {
        let location = header(response, LOCATION).unwrap_or_default();
        let refused = |to: String| Failure::Final(SourceError::Redirect { url: request.url.to_string(), to });
        let target = wire.join(&location).map_err(|_| refused(location.clone()))?;
        let real = self.options.endpoints.from_wire(url.host_str().unwrap_or_default(), &target);
        let changes_method = request.body.is_some() && response.status < 307;
        let host = real.host_str().unwrap_or_default();
        if location.is_empty() || changes_method || !may_lead_to(request, host) {
            return Err(refused(real.to_string()));
        }
        Ok(real)
    }

    async fn read(&self, request: &Request, url: Url, response: WireResponse) -> Result<Option<Answer>, Failure> {
        let host = request.host();
        let status = response.status;
        let wait = header(&response, RETRY_AFTER).and_then(|value| retry::retry_after(&value, (self.clock)()));
        match status {
            200..=299 => {}
            304 if request.conditional => return Ok(None),
            404 | 410 => return Err(Failure::Final(SourceError::NotFound { url: url.to_string() })),
            429 => return Err(Failure::Again { error: SourceError::RateLimited { host, retry_after: wait }, wait }),
            _ if retry::is_retryable(status) => {
                let error = SourceError::Network { host, reason: format!("it answered with status {status}") };
                return Err(Failure::Again { error, wait });
            }
            _ => return Err(Failure::Final(SourceError::Blocked { host, status })),
        }
        let limit_bytes = request.limit_bytes.unwrap_or(self.options.limit_bytes);
        let content_type = header(&response, CONTENT_TYPE);
        let (etag, last_modified) = (header(&response, ETAG), header(&response, LAST_MODIFIED));
        let body = body::read(response.body, limit_bytes).await.map_err(|error| match error {
            BodyError::TooLarge => Failure::Final(SourceError::TooLarge { host: host.clone(), limit_bytes }),
            BodyError::Broken(reason) => {
                let reason = format!("the answer broke off: {reason}");
                Failure::Again { error: SourceError::Network { host: host.clone(), reason }, wait: None }
            }
        })?;
        let body = body::to_utf8(body, content_type.as_deref());
        let validators = Validators { etag, last_modified, body_hash: xxh3_64(&body) };
        Ok(Some(Answer { url, content_type, body, validators }))
    }
}

fn header(response: &WireResponse, name: HeaderName) -> Option<String> {
    response.headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Whether a redirect may lead to a host: the same one (with or without `www.`), or one that the request names.
fn may_lead_to(request: &Request, host: &str) -> bool {
    let plain = |host: &str| host.to_ascii_lowercase().trim_start_matches("www.").to_owned();
    let host = plain(host);
    host == plain(&request.host())
        || request.redirect_hosts.iter().any(|allowed| match allowed.strip_prefix('*') {
            Some(suffix) => host.ends_with(&suffix.to_ascii_lowercase()),
            None => host == plain(allowed),
        })
}
