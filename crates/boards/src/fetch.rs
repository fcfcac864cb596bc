//! Fetching, polite and safe: one client for all sources.
//!
//! A request passes, in this order: robots.txt (web pages only), the host's turn ([`pace`]), the address guard, the
//! transport with its guarded resolver, the size limit, the charset, and the comparison with what was seen last time.

pub mod body;
pub mod cache;
pub mod endpoints;
mod exchange;
pub mod pace;
pub mod request;
pub mod resolver;
pub mod retry;
pub mod robots;
pub mod transport;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use self::cache::{MemoryCache, ResponseCache};
pub use self::endpoints::Endpoints;
pub use self::request::{Agent, Request};
pub use self::transport::{NetworkTransport, ReplayTransport, Transport};

use self::exchange::{Answer, Failure};
use self::pace::Pace;
use self::resolver::{Lookup, SystemLookup};
use self::robots::{RobotsCache, Rules};
use crate::source::{Page, SourceError, Validators};
use aerie_network::AddressGuard;

/// Longest answer that holds a company's whole board with all descriptions, bytes: some thousand postings.
pub const WHOLE_BOARD_BYTES: usize = 32 << 20;

/// What a request brought.
// A page is taken apart at once; a box would only add an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone)]
pub enum Fetched {
    /// A new or changed answer, and what to remember of it.
    Page(Page, Option<(String, Validators)>),
    /// The same as when the validators were stored.
    Unchanged,
}

/// How to fetch.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// `User-Agent` for hosts that are not asked like by a browser.
    pub user_agent: String,
    /// Pause between two requests to one host.
    pub interval: Duration,
    /// Requests under way at the same time, all hosts together.
    pub concurrency: usize,
    /// Time for one whole answer, unless the request says otherwise.
    pub timeout: Duration,
    /// Longest body after decompression, bytes, unless the request says otherwise.
    pub limit_bytes: usize,
    /// Longest wait that a host's `Retry-After` can cause; a longer one ends the run for that host.
    pub longest_wait: Duration,
    /// Tries in all, the first included.
    pub attempts: u32,
    /// Whether robots.txt decides about web pages.
    pub robots: bool,
    /// Hosts that may be private or without TLS: `127.0.0.1:8701`, `intranet.example`.
    pub allowed_hosts: Vec<String>,
    /// Stand-in hosts; their addresses are allowed as well.
    pub endpoints: Endpoints,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            user_agent: concat!("Aerie/", env!("CARGO_PKG_VERSION"), " (self-hosted career agent)").to_owned(),
            interval: Duration::from_millis(250),
            concurrency: 16,
            timeout: Duration::from_secs(10),
            limit_bytes: 16 << 20,
            longest_wait: Duration::from_secs(32),
            attempts: 3,
            robots: true,
            allowed_hosts: Vec::new(),
            endpoints: Endpoints::none(),
        }
    }
}

impl FetchOptions {
    /// The address guard that these options ask for.
    pub fn guard(&self) -> AddressGuard {
        let mut guard = AddressGuard::new(self.allowed_hosts.iter().map(String::as_str));
        for base in self.endpoints.bases() {
            guard.allow_base(&base);
        }
        guard
    }
}

/// Tells the time for `Retry-After` dates.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Sends requests for all sources, politely and safely. Cheap to clone; clones share their pace and caches.
#[derive(Clone)]
pub struct Fetcher {
    shared: Arc<Shared>,
}

struct Shared {
    options: FetchOptions,
    guard: Arc<AddressGuard>,
    transport: Arc<dyn Transport>,
    cache: Arc<dyn ResponseCache>,
    clock: Clock,
    pace: Pace,
    robots: RobotsCache,
}

impl Fetcher {
    /// A fetcher over the network.
    ///
    /// # Errors
    /// [`SourceError::Network`] when the system's certificates cannot be loaded.
    pub fn new(options: FetchOptions, cache: Arc<dyn ResponseCache>) -> Result<Self, SourceError> {
        Self::with_lookup(options, cache, Arc::new(SystemLookup))
    }

    /// A fetcher over the network with a name resolver of its own.
    ///
    /// # Errors
    /// As [`Fetcher::new`].
    pub fn with_lookup(
        options: FetchOptions,
        cache: Arc<dyn ResponseCache>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, SourceError> {
        let transport = NetworkTransport::new(Arc::new(options.guard()), lookup)
            .map_err(|error| SourceError::Network { host: "this machine".to_owned(), reason: error.to_string() })?;
        Ok(Self::with_transport(options, Arc::new(transport), cache, Arc::new(Utc::now)))
    }

    /// A fetcher over any transport.
    pub fn with_transport(
        options: FetchOptions,
        transport: Arc<dyn Transport>,
        cache: Arc<dyn ResponseCache>,
        clock: Clock,
    ) -> Self {
        let guard = Arc::new(options.guard());
        let pace = Pace::new(options.interval, options.concurrency);
        let robots = RobotsCache::default();
        Self { shared: Arc::new(Shared { options, guard, transport, cache, clock, pace, robots }) }
    }

    /// A fetcher that answers out of a recording, without pauses.
    pub fn replay(transport: Arc<ReplayTransport>) -> Self {
        let options = FetchOptions { interval: Duration::ZERO, ..FetchOptions::default() };
        Self::with_transport(options, transport, Arc::new(MemoryCache::default()), Arc::new(Utc::now))
    }

    /// Sends a request; waits its turn for the host; retries; follows allowed redirects.
    ///
    /// # Errors
    /// [`SourceError`], never `BadFormat`, `Disabled`, `MissingKey` or `BadQuery`.
    pub async fn send(&self, request: Request) -> Result<Fetched, SourceError> {
        let crawl_delay =
            if request.robots && self.shared.options.robots { self.ask_robots(&request).await? } else { None };
        let key = request.url.as_str().to_owned();
        let known =
            if request.conditional && request.body.is_none() { self.shared.cache.get(&key).await } else { None };
        let Some(answer) = self.answer(&request, known.as_ref(), crawl_delay).await? else {
            return Ok(Fetched::Unchanged);
        };
        if request.conditional && known.as_ref().is_some_and(|known| known.body_hash == answer.validators.body_hash) {
            return Ok(Fetched::Unchanged);
        }
        let page = Page { url: answer.url, content_type: answer.content_type, body: answer.body, board: request.board };
        Ok(Fetched::Page(page, request.conditional.then_some((key, answer.validators))))
    }

    /// Sends a request whose answer must be a page: an unchanged one cannot occur.
    ///
    /// # Errors
    /// As [`Fetcher::send`].
    pub async fn page(&self, request: Request) -> Result<Page, SourceError> {
        let host = request.host();
        match self.send(Request { conditional: false, ..request }).await? {
            Fetched::Page(page, _) => Ok(page),
            Fetched::Unchanged => {
                Err(SourceError::Network { host, reason: "an unconditional request was answered 304".to_owned() })
            }
        }
    }

    /// Remembers validators once the postings they stand for are stored.
    pub async fn remember(&self, validators: &[(String, Validators)]) {
        for (key, validators) in validators {
            self.shared.cache.put(key, validators.clone()).await;
        }
    }

    /// One answer after as many tries as it takes; `None` when it is unchanged.
    async fn answer(
        &self,
        request: &Request,
        known: Option<&Validators>,
        crawl_delay: Option<Duration>,
    ) -> Result<Option<Answer>, SourceError> {
        let gate = self.shared.pace.gate(&request.host());
        let mut attempt = 1;
        loop {
            let Some(turn) = self.shared.pace.turn(&gate, crawl_delay).await else {
                return Err(SourceError::RateLimited { host: request.host(), retry_after: gate.rest() });
            };
            let outcome = self.shared.exchange(request, known).await;
            drop(turn);
            let (error, wait) = match outcome {
                Ok(answer) => return Ok(answer),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Again { error, wait }) => (error, wait),
            };
            if let Some(wait) = wait.filter(|wait| *wait > self.shared.options.longest_wait) {
                gate.close(wait);
                return Err(error);
            }
            if attempt >= self.shared.options.attempts {
                return Err(error);
            }
            tracing::debug!(host = request.host(), attempt, %error, "asking again");
            gate.delay(wait.unwrap_or_else(|| retry::backoff(attempt)));
            attempt += 1;
        }
    }

    /// Whether robots.txt lets this page be read, and the pause it asks for.
    async fn ask_robots(&self, request: &Request) -> Result<Option<Duration>, SourceError> {
        let host = request.host();
        let rules = match self.shared.robots.get(&host) {
            Some(rules) => rules,
            None => {
                let rules = Arc::new(self.read_robots(request).await?);
                self.shared.robots.put(&host, Arc::clone(&rules));
                rules
            }
        };
        if !rules.allows(&request.url) {
            return Err(SourceError::Robots { host, path: request.url.path().to_owned() });
        }
        Ok(rules.delay())
    }

    /// Reads robots.txt. A file that is not there forbids nothing; a host that fails is not asked for pages either.
    async fn read_robots(&self, request: &Request) -> Result<Rules, SourceError> {
        let mut url = request.url.clone();
        url.set_path("/robots.txt");
        url.set_query(None);
        url.set_fragment(None);
        let asked = Request::get(url).at_most(robots::LIMIT_BYTES).redirecting_to(&["*"]);
        match self.answer(&asked, None, None).await {
            Ok(Some(answer)) => Ok(Rules::of_file(&answer.body)),
            Ok(None) => Ok(Rules::none()),
            Err(SourceError::NotFound { .. } | SourceError::Blocked { .. } | SourceError::TooLarge { .. }) => {
                Ok(Rules::none())
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
