//! What a job source is: a description of itself, a pure parser for its answers, and a search that fetches them.

use std::sync::Arc;
use std::time::Duration;

use aerie_postings::RawPosting;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::fetch::Fetcher;

/// A place that lists postings. One file of this crate implements one source.
#[async_trait]
pub trait Source: Send + Sync {
    /// What this source is and how it behaves; the same value for the whole life of the object.
    fn info(&self) -> &SourceInfo;

    /// Fetches what the query asks for and gives every posting to `sink`, page by page.
    ///
    /// The first page failing is an error; a later page failing keeps what was gathered and sets
    /// [`Outcome::truncated`]. With several company boards, one board failing is recorded in [`Outcome::failures`] and
    /// the call fails only when all of them did.
    ///
    /// # Errors
    /// [`SourceError`], whose message says what to do next.
    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError>;

    /// Reads one answer of this source: list, feed or detail. Pure; never panics; a bad field drops that field, a row
    /// without title or address drops that row.
    ///
    /// # Errors
    /// [`ParseError`] when the answer as a whole is not in this source's format.
    fn parse(&self, page: &Page) -> Result<Parsed, ParseError>;

    /// How sure the source is that an answer is in its format: 0 not at all, 100 certain. Reads the content only.
    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let _ = sample;
        0
    }

    /// The address that a recorded answer without a known address is read under. `token` is what the file name says
    /// after the source's name. Needed where the format has no absolute addresses.
    fn recorded_url(&self, token: &str) -> Option<Url> {
        let _ = token;
        None
    }
}

/// What kind of thing a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// One company's board on a hiring system; searched by token ([`Query::boards`]).
    CompanyBoard,
    /// Many companies, open to everybody.
    Aggregator,
    /// Many companies, with a key of the person's own.
    Keyed,
    /// A site that resists automatic reading: off by default, best effort.
    Resisting,
    /// Any web page with a posting in it.
    Page,
    /// Any RSS or Atom feed.
    Feed,
    /// A board described by a YAML file.
    Recipe,
    /// A file or text that a person brings.
    Import,
}

/// A key that a source needs before it can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KeyNeed {
    /// Names of the values in [`Query::keys`], e.g. `app_id`.
    pub names: &'static [&'static str],
    /// Where a person gets one.
    pub obtain_at: &'static str,
}

/// What a source says about itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceInfo {
    /// Unique short name in lower case, e.g. `greenhouse`.
    pub name: String,
    /// Name for people, e.g. `Greenhouse`.
    pub label: String,
    /// Kind of source.
    pub kind: SourceKind,
    /// Whether a new search profile uses it without being asked.
    pub default_on: bool,
    /// Whether it is expected to break now and then.
    pub best_effort: bool,
    /// Key it needs.
    pub needs_key: Option<KeyNeed>,
    /// What its terms ask for: attribution, call limits; empty when nothing is known.
    pub terms: String,
    /// Whether descriptions come whole (perhaps by a second request); otherwise they are cut or absent.
    pub description_complete: bool,
    /// Whether the list is capped, so that a posting that vanished from it may still be open.
    pub capped_list: bool,
    /// Hosts it talks to; `*.example.com` stands for any tenant.
    pub hosts: Vec<String>,
}

impl SourceInfo {
    /// A source with the usual values of its kind: on by default unless keyed, resisting, recipe or import; complete
    /// descriptions; a list that is not capped for company boards and capped for all others.
    pub fn new(name: &str, label: &str, kind: SourceKind, hosts: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            default_on: matches!(kind, SourceKind::CompanyBoard | SourceKind::Aggregator),
            best_effort: kind == SourceKind::Resisting,
            needs_key: None,
            terms: String::new(),
            description_complete: true,
            capped_list: kind != SourceKind::CompanyBoard,
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        }
    }

    /// Sets the note on terms.
    #[must_use]
    pub fn with_terms(mut self, terms: &str) -> Self {
        self.terms = terms.to_owned();
        self
    }

    /// Sets the needed key.
    #[must_use]
    pub fn with_key(mut self, need: KeyNeed) -> Self {
        self.needs_key = Some(need);
        self
    }

    /// Says that descriptions are cut or absent.
    #[must_use]
    pub fn with_cut_descriptions(mut self) -> Self {
        self.description_complete = false;
        self
    }
}

/// One company's board on a hiring system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CompanyBoard {
    /// The hiring system's name for it: `acme`, `acme.wd5.myworkdayjobs.com/External`.
    pub token: String,
    /// The company's name, where known; formats without a company field use it.
    pub company: Option<String>,
}

impl CompanyBoard {
    /// A board known by its token only.
    pub fn new(token: impl Into<String>) -> Self {
        Self { token: token.into(), company: None }
    }

    /// The company's name, or the token in words ("acme-robotics" becomes "acme robotics").
    pub fn company_name(&self) -> String {
        if let Some(company) = &self.company {
            return company.clone();
        }
        let first = self.token.split(['/', '.']).next().unwrap_or_default();
        first.replace(['-', '_', '+'], " ").replace("%20", " ").trim().to_owned()
    }
}

/// What to look for. A source uses the parts it can and ignores the rest: filtering happens after parsing.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Job titles or search words, best first.
    pub titles: Vec<String>,
    /// Places as typed by the person.
    pub places: Vec<String>,
    /// ISO 3166 codes in lower case, for sources split by country.
    pub countries: Vec<String>,
    /// Whether only remote work is wanted.
    pub remote: bool,
    /// Oldest wanted posting, in days.
    pub max_age_days: Option<u32>,
    /// Company boards of this source.
    pub boards: Vec<CompanyBoard>,
    /// Key values of this source by name, e.g. `app_id`.
    pub keys: std::collections::BTreeMap<String, String>,
    /// Most postings wanted from this source.
    pub limit: Option<usize>,
    /// Ask again in full even when nothing changed since the last time.
    pub ignore_cache: bool,
}

impl Query {
    /// The most postings to fetch: the query's limit or 5,000.
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(5_000)
    }
}

/// Where a search puts what it finds.
pub trait PostingSink: Send {
    /// Takes one posting.
    fn accept(&mut self, posting: RawPosting);

    /// Whether the description of a listed posting is worth a request of its own. Called by sources whose lists have no
    /// description; say no for titles that the filters drop and for postings that are known already.
    fn wants_detail(&self, posting: &RawPosting) -> bool {
        let _ = posting;
        true
    }

    /// Hears of a row that was dropped.
    fn dropped(&mut self, problem: RowProblem) {
        let _ = problem;
    }

    /// Hears how far the search is: pages read so far and the source's own total, where it says one.
    fn progress(&mut self, pages: usize, total: Option<u64>) {
        let _ = (pages, total);
    }
}

impl PostingSink for Vec<RawPosting> {
    fn accept(&mut self, posting: RawPosting) {
        self.push(posting);
    }
}

/// How a search ended.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Postings given to the sink.
    pub fetched: usize,
    /// Rows that had no title or no address.
    pub dropped: usize,
    /// Requests made.
    pub requests: usize,
    /// Why there may be more than was fetched.
    pub truncated: Option<String>,
    /// Whether everything asked for is unchanged since the validators were stored: what was seen then is still there.
    pub not_modified: bool,
    /// Company boards that answered "unchanged" (tokens), when others did not.
    pub unchanged_boards: Vec<String>,
    /// Company boards that failed, with the reason.
    pub failures: Vec<(String, SourceError)>,
    /// What to store with [`Fetcher::remember`] *after* the postings themselves are stored.
    pub validators: Vec<(String, Validators)>,
}

/// What makes a conditional request possible.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag` as sent.
    pub etag: Option<String>,
    /// `Last-Modified` as sent.
    pub last_modified: Option<String>,
    /// xxh3 of the decoded body: an equal body counts as unchanged also without the two headers.
    pub body_hash: u64,
}

/// One answer to be parsed.
#[derive(Debug, Clone)]
pub struct Page {
    /// Address as the source built it, before [`crate::fetch::Endpoints`] and redirects.
    pub url: Url,
    /// `Content-Type` header.
    pub content_type: Option<String>,
    /// Body, decompressed; text formats are already UTF-8 when it came through [`Fetcher`].
    pub body: Bytes,
    /// The company board it was asked for.
    pub board: Option<CompanyBoard>,
}

impl Page {
    /// A page without content type and board.
    pub fn new(url: Url, body: impl Into<Bytes>) -> Self {
        Self { url, content_type: None, body: body.into(), board: None }
    }

    /// The same page, known to belong to a company board.
    #[must_use]
    pub fn with_board(mut self, board: &CompanyBoard) -> Self {
        self.board = Some(board.clone());
        self
    }

    /// Body as text: UTF-8 with invalid bytes replaced, without a byte order mark.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        String::from_utf8_lossy(body)
    }

    /// Body as JSON.
    ///
    /// # Errors
    /// [`ParseError::NotThisFormat`] that says what came instead (HTML, nothing, broken JSON).
    pub fn json(&self) -> Result<Value, ParseError> {
        crate::lenient::parse_json(&self.text())
    }

    /// The company's name as the board says, for formats that carry none.
    pub fn company(&self) -> Option<String> {
        self.board.as_ref().map(CompanyBoard::company_name).filter(|name| !name.is_empty())
    }
}

/// An answer of unknown origin, read once for all sources.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Text.
    pub text: &'a str,
    /// The JSON value, when it is JSON.
    pub json: Option<&'a Value>,
}

/// What one answer held.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// Postings in the order given.
    pub postings: Vec<RawPosting>,
    /// Where the next part of the list is, as the answer says.
    pub next: Option<Next>,
    /// How many postings the whole list has, as the answer says.
    pub total: Option<u64>,
    /// Rows that were left out.
    pub dropped: Vec<RowProblem>,
}

impl Parsed {
    /// Adds a row that has a title and an address, or notes why not.
    pub fn push(&mut self, posting: RawPosting) {
        let row = self.postings.len() + self.dropped.len();
        let blank = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
        if blank(&posting.title) {
            return self.drop_row(row, "no title");
        }
        if blank(&posting.url) && blank(&posting.apply_url) {
            return self.drop_row(row, "no address");
        }
        self.postings.push(posting);
    }

    /// Notes a row that was left out on purpose (unlisted, closed, not a posting).
    pub fn skip(&mut self, reason: &'static str) {
        let row = self.postings.len() + self.dropped.len();
        self.drop_row(row, reason);
    }

    fn drop_row(&mut self, row: usize, reason: &'static str) {
        self.dropped.push(RowProblem { row, reason });
    }

    /// An error when no row came out although the answer shows signs of postings: the parser no longer fits.
    ///
    /// # Errors
    /// [`ParseError::Broken`].
    pub fn or_broken(self, markers: bool, reason: &str) -> Result<Self, ParseError> {
        if self.postings.is_empty() && self.dropped.is_empty() && markers {
            return Err(ParseError::Broken { reason: reason.to_owned() });
        }
        Ok(self)
    }
}

/// Where the next part of a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// At this address.
    Url(Url),
    /// At this number of rows from the start.
    Offset(u64),
    /// On this page.
    Page(u32),
    /// After this cursor.
    Cursor(String),
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowProblem {
    /// Position in the answer, from 0.
    pub row: usize,
    /// Why.
    pub reason: &'static str,
}

/// Why an answer could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is something else.
    #[error("not in this source's format: {reason}")]
    NotThisFormat {
        /// What was found instead.
        reason: String,
    },
    /// It shows signs of postings, but none could be read.
    #[error("the page shows postings but none could be read ({reason}); the site has probably changed its format")]
    Broken {
        /// Which sign was seen.
        reason: String,
    },
    /// The answer says that access was refused (login wall, captcha).
    #[error("the page is a wall, not a list: {reason}")]
    Wall {
        /// What kind of wall.
        reason: String,
    },
}

impl ParseError {
    /// The answer is something else than expected.
    pub fn not_this(reason: impl Into<String>) -> Self {
        Self::NotThisFormat { reason: reason.into() }
    }
}

/// Why a source could not be searched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The host refuses this client.
    #[error(
        "{host} refused the request with status {status}; try again later from a home connection, or import the page by hand"
    )]
    Blocked {
        /// Host asked.
        host: String,
        /// HTTP status; 0 when a wall page came with status 200.
        status: u16,
    },
    /// The host asks to slow down for longer than a run waits.
    #[error("{host} limits requests{}; run the source less often", wait_hint(*.retry_after))]
    RateLimited {
        /// Host asked.
        host: String,
        /// What it asked for.
        retry_after: Option<Duration>,
    },
    /// There is no such board or page.
    #[error("{url} was not found; check the board's name, or remove it if the company closed it")]
    NotFound {
        /// Address asked.
        url: String,
    },
    /// No complete answer in time.
    #[error("{host} gave no complete answer within {seconds} s; it will be tried again on the next run")]
    Timeout {
        /// Host asked.
        host: String,
        /// Time allowed, seconds.
        seconds: u64,
    },
    /// The answer is longer than allowed.
    #[error("{host} sent more than {limit_bytes} bytes; raise the size limit if this board is really that large")]
    TooLarge {
        /// Host asked.
        host: String,
        /// Limit, bytes after decompression.
        limit_bytes: usize,
    },
    /// The address is refused: not https, or in a private network.
    #[error("{url} is refused: {reason}; name the host under `allowed_hosts` if it is meant")]
    Address {
        /// Address asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// It redirects where this source may not go.
    #[error("{url} redirects to {to}, which this source does not follow; add that address itself if it is meant")]
    Redirect {
        /// Address asked.
        url: String,
        /// Where it leads.
        to: String,
    },
    /// The site's robots.txt asks not to read this page.
    #[error("robots.txt of {host} asks not to read {path}; open it in a browser and import the page")]
    Robots {
        /// Host asked.
        host: String,
        /// Path asked.
        path: String,
    },
    /// The answer could not be read.
    #[error("answer of {host}: {problem}")]
    BadFormat {
        /// Host asked.
        host: String,
        /// What the parser says.
        problem: ParseError,
    },
    /// The host failed or could not be reached.
    #[error("{host} could not be reached: {reason}; it will be tried again on the next run")]
    Network {
        /// Host asked.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The source is switched off.
    #[error("source {name} is off; switch it on with `aerie sources enable {name}`")]
    Disabled {
        /// Source.
        name: String,
    },
    /// A key is missing.
    #[error("source {name} needs {key}; get one at {obtain_at} and set it for this source")]
    MissingKey {
        /// Source.
        name: String,
        /// Missing value.
        key: String,
        /// Where to get it.
        obtain_at: String,
    },
    /// The query lacks what this source needs, or holds something it cannot use.
    #[error("source {name} cannot use this query: {reason}")]
    BadQuery {
        /// Source.
        name: String,
        /// What is wrong and what to write instead.
        reason: String,
    },
}

fn wait_hint(retry_after: Option<Duration>) -> String {
    retry_after.map(|wait| format!(" (asked to wait {} s)", wait.as_secs())).unwrap_or_default()
}

impl SourceError {
    /// Whether the same request may succeed later without anybody changing something.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Timeout { .. } | Self::Network { .. })
    }
}

/// A source shared between runs.
pub type SharedSource = Arc<dyn Source>;
