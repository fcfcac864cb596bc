//! What the searches of all sources share: fetch a page, parse it, hand its postings over, keep count.

use aerie_postings::RawPosting;
use async_trait::async_trait;

use crate::fetch::{Fetched, Fetcher, Request};
use crate::merge::merged;
use crate::source::{CompanyBoard, Outcome, Page, Parsed, PostingSink, Query, Source, SourceError};

/// One search under way.
pub struct Collector<'a> {
    source: &'a dyn Source,
    query: &'a Query,
    fetch: &'a Fetcher,
    sink: &'a mut dyn PostingSink,
    /// What came of it so far.
    pub outcome: Outcome,
    pages: usize,
    details_refused: bool,
}

impl<'a> Collector<'a> {
    /// Starts a search.
    pub fn new(source: &'a dyn Source, query: &'a Query, fetch: &'a Fetcher, sink: &'a mut dyn PostingSink) -> Self {
        Self { source, query, fetch, sink, outcome: Outcome::default(), pages: 0, details_refused: false }
    }

    /// Fetches and parses one page; `None` when it is unchanged.
    ///
    /// # Errors
    /// As [`Fetcher::send`], and `BadFormat` from the parser.
    pub async fn page(&mut self, request: Request) -> Result<Option<Parsed>, SourceError> {
        self.outcome.requests += 1;
        match self.fetch.send(request).await? {
            Fetched::Unchanged => Ok(None),
            Fetched::Page(page, validators) => {
                let parsed = self.parse(&page)?;
                self.outcome.validators.extend(validators);
                Ok(Some(parsed))
            }
        }
    }

    /// Parses a page with this search's source.
    ///
    /// # Errors
    /// `BadFormat` with the parser's words.
    pub fn parse(&self, page: &Page) -> Result<Parsed, SourceError> {
        self.source.parse(page).map_err(|problem| SourceError::BadFormat {
            host: page.url.host_str().unwrap_or_default().to_owned(),
            problem,
        })
    }

    /// Hands over a page's postings, up to the query's limit; says how many there were.
    pub fn deliver(&mut self, parsed: Parsed) -> usize {
        self.note(&parsed);
        let rows = parsed.postings.len();
        for posting in parsed.postings {
            self.accept(posting);
        }
        rows
    }

    /// Counts a page whose postings are handed over one by one.
    pub fn note(&mut self, parsed: &Parsed) {
        self.pages += 1;
        self.outcome.dropped += parsed.dropped.len();
        for problem in &parsed.dropped {
            self.sink.dropped(problem.clone());
        }
        self.sink.progress(self.pages, parsed.total);
    }

    /// Hands over one posting, unless the query's limit is reached.
    pub fn accept(&mut self, posting: RawPosting) {
        if self.is_full() {
            self.outcome.truncated.get_or_insert_with(|| format!("stopped at the limit of {}", self.query.limit()));
            return;
        }
        self.outcome.fetched += 1;
        self.sink.accept(posting);
    }

    /// Whether the query's limit is reached.
    pub fn is_full(&self) -> bool {
        self.outcome.fetched >= self.query.limit()
    }

    /// Whether a second request for this posting's description is wanted.
    pub fn wants_detail(&self, posting: &RawPosting) -> bool {
        self.sink.wants_detail(posting)
    }

    /// Hands over a page's postings, each with its detail where the sink wants it. `request` makes the request for a
    /// posting's detail. A detail that is gone takes its posting along; a host that refuses details ends them, and the
    /// postings go on without.
    pub async fn deliver_with_details(
        &mut self,
        parsed: Parsed,
        request: impl Fn(&RawPosting) -> Option<Request> + Send,
    ) -> usize {
        self.note(&parsed);
        let rows = parsed.postings.len();
        for posting in parsed.postings {
            if self.is_full() {
                self.accept(posting);
                break;
            }
            let wanted = !self.details_refused && self.wants_detail(&posting);
            let Some(request) = wanted.then(|| request(&posting)).flatten() else {
                self.accept(posting);
                continue;
            };
            self.outcome.requests += 1;
            let detail = match self.fetch.page(request).await {
                Ok(page) => self.source.parse(&page).ok().and_then(|parsed| parsed.postings.into_iter().next()),
                Err(SourceError::NotFound { .. }) => {
                    self.outcome.dropped += 1;
                    continue;
                }
                Err(error) => {
                    let refused = matches!(error, SourceError::Blocked { .. } | SourceError::RateLimited { .. });
                    self.details_refused |= refused;
                    self.outcome.truncated.get_or_insert_with(|| format!("some descriptions are missing: {error}"));
                    None
                }
            };
            self.accept(match detail {
                Some(detail) => merged(posting, detail),
                None => posting,
            });
        }
        rows
    }

    /// Searches one answer that holds the whole list (or its newest part), asked for conditionally.
    ///
    /// # Errors
    /// As [`Collector::page`].
    pub async fn whole(&mut self, request: Request) -> Result<(), SourceError> {
        let request = request.conditional(self.query.ignore_cache);
        match self.page(request).await? {
            None => self.outcome.not_modified = true,
            Some(parsed) => {
                self.deliver(parsed);
            }
        }
        Ok(())
    }

    /// Reads pages until one is empty, repeats the one before, says there is no next, or `most_pages` is reached.
    /// `request` makes the request for page 0, 1, 2 …. The first page failing is an error; a later one cuts the list.
    ///
    /// # Errors
    /// As [`Collector::page`], for the first page.
    pub async fn pages(
        &mut self,
        most_pages: usize,
        mut request: impl FnMut(usize, Option<&Parsed>) -> Option<Request> + Send,
    ) -> Result<(), SourceError> {
        let mut last: Option<Parsed> = None;
        for number in 0..most_pages {
            let Some(request) = request(number, last.as_ref()) else { return Ok(()) };
            let parsed = match self.page(request).await {
                Ok(Some(parsed)) => parsed,
                Ok(None) => {
                    self.outcome.not_modified = number == 0;
                    return Ok(());
                }
                Err(error) if number == 0 => return Err(error),
                Err(error) => {
                    self.outcome.truncated = Some(format!("page {} failed: {error}", number + 1));
                    return Ok(());
                }
            };
            let repeated = last.as_ref().is_some_and(|last| same_rows(last, &parsed));
            if parsed.postings.is_empty() && parsed.dropped.is_empty() || repeated {
                return Ok(());
            }
            self.deliver(parsed.clone());
            if self.is_full() {
                return Ok(());
            }
            last = Some(parsed);
        }
        self.outcome.truncated = Some(format!("stopped after {most_pages} pages"));
        Ok(())
    }
}

/// Whether two pages list the same postings: how a site answers pages beyond its last.
fn same_rows(one: &Parsed, other: &Parsed) -> bool {
    let ids = |parsed: &Parsed| {
        parsed.postings.iter().map(|row| row.source_id.clone().or_else(|| row.url.clone())).collect::<Vec<_>>()
    };
    !one.postings.is_empty() && ids(one) == ids(other)
}

/// A source of company boards: searched one board at a time.
#[async_trait]
pub trait BoardSource: Source {
    /// Searches one board.
    ///
    /// # Errors
    /// As [`Source::search`].
    async fn search_board(
        &self,
        query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError>;
}

/// Searches every company board of the query; a board that fails is noted, and only all failing is an error.
///
/// # Errors
/// `BadQuery` without boards; the last board's error when every board failed.
pub async fn each_board(
    source: &dyn BoardSource,
    query: &Query,
    fetch: &Fetcher,
    sink: &mut dyn PostingSink,
) -> Result<Outcome, SourceError> {
    let mut total = Outcome::default();
    if query.boards.is_empty() {
        return Err(SourceError::BadQuery {
            name: source.info().name.clone(),
            reason: "no company board is named; add one with `aerie sources add <address of the board>`".to_owned(),
        });
    }
    for board in &query.boards {
        let mut collector = Collector::new(source, query, fetch, &mut *sink);
        collector.outcome.fetched = total.fetched;
        let ended = source.search_board(query, &mut collector, board).await;
        let outcome = collector.outcome;
        total.fetched = outcome.fetched;
        total.dropped += outcome.dropped;
        total.requests += outcome.requests;
        total.truncated = total.truncated.or(outcome.truncated.map(|why| format!("{}: {why}", board.token)));
        total.validators.extend(outcome.validators);
        if outcome.not_modified {
            total.unchanged_boards.push(board.token.clone());
        }
        if let Err(error) = ended {
            total.failures.push((board.token.clone(), error));
        }
    }
    total.not_modified = total.unchanged_boards.len() == query.boards.len();
    if total.failures.len() == query.boards.len()
        && let Some((_, error)) = total.failures.last()
    {
        return Err(error.clone());
    }
    Ok(total)
}
