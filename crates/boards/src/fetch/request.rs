//! A request as a source describes it.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::source::CompanyBoard;

/// A request as a source describes it. Build addresses with the real hosts: [`super::Endpoints`] are applied when it is sent.
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

    /// Lets redirects lead to these hosts too (`*.example.com` for any tenant, `*` for anywhere public).
    #[must_use]
    pub fn redirecting_to(mut self, hosts: &[&str]) -> Self {
        self.redirect_hosts.extend(hosts.iter().map(|&host| host.to_owned()));
        self
    }

    /// Sets the longest body after decompression, bytes.
    #[must_use]
    pub fn at_most(mut self, limit_bytes: usize) -> Self {
        self.limit_bytes = Some(limit_bytes);
        self
    }

    /// The real host.
    pub fn host(&self) -> String {
        self.url.host_str().unwrap_or_default().to_ascii_lowercase()
    }
}
