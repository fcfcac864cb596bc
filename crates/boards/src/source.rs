//! What a job source is: a description of itself, a pure parser for its answers, and a search that fetches them.

use std::sync::Arc;

use aerie_postings::RawPosting;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::fetch::Fetcher;

mod answer;
mod problem;

pub use self::answer::{Next, Page, Parsed, RowProblem, Sample, Validators};
pub use self::problem::{ParseError, SourceError};

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
    /// Why there may be more than was fetched. A posting that is missing from such a list is not closed for it.
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

/// A source shared between runs.
pub type SharedSource = Arc<dyn Source>;
