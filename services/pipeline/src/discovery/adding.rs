//! Single postings by address: each fetched and read by a task of its own.

use aerie_boards::{
    Page, ParseError, Parsed, SourceError,
    article::{self, Extractor},
    fetch::Request,
    page,
};
use aerie_postings::{RawPosting, html::html_to_text};
use aerie_store::Database;
use aerie_tasks::{KindPolicy, Outcome, Step, TaskContext, TaskError, TaskHandler};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::{
    extraction,
    ingest::ingest,
    queueing::{self, Finder, QueueChange},
    source::normalise_all,
};
use crate::{
    core::Core,
    jobs::jobs_added,
    profile::SearchProfile,
    profiles, rescore,
    scoring::{Which, embed_postings},
};

/// Name under which postings that a person added are kept.
pub const MANUAL: &str = "manual";

/// One address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UrlPayload {
    /// Absolute http(s) address.
    pub url: String,
}

/// What an address gave.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct UrlReport {
    /// Jobs, new ones only.
    pub job_ids: Vec<Uuid>,
    /// Postings on the page.
    pub postings: usize,
    /// Who found them in the page's text, where it held no data.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Runs `discovery.url` tasks.
pub struct UrlTask {
    /// Shared parts.
    pub core: Core,
}

impl TaskHandler for UrlTask {
    const KIND: &'static str = "discovery.url";
    type Payload = UrlPayload;
    type Output = UrlReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(3), queue_depth: 5_000, ..KindPolicy::default() }
    }

    async fn run(&self, context: TaskContext, payload: UrlPayload) -> Result<Outcome<UrlReport>, TaskError> {
        let Ok(url) = Url::parse(&payload.url) else {
            return Ok(Outcome::Fail { reason: format!("{:?} is not an address", payload.url) });
        };
        context.stage("fetching", None).await?;
        let fetched = self.core.inner.fetcher.page(Request::page(url.clone()).redirecting_to(&["*"])).await;
        let page = match fetched {
            Ok(page) => page,
            Err(error @ (SourceError::Timeout { .. } | SourceError::Network { .. })) => {
                return Ok(Outcome::Retry { after: None, reason: error.to_string() });
            }
            Err(error) => return Ok(Outcome::Fail { reason: error.to_string() }),
        };
        let extractor = extraction::extractor(&self.core, context.person(), false);
        match read_page(&page, &*extractor).await {
            Ok((raw, notes)) => {
                let report = UrlReport { notes, ..queue_raw(&self.core, &context, raw).await? };
                rescore::score(&self.core, &context, Which::Unscored).await?;
                Ok(Outcome::Done(report))
            }
            Err(error) => Ok(Outcome::Fail { reason: format!("{url}: {error}") }),
        }
    }
}

/// The postings of a page: its data if it has any, else what is found in its text, with who found it.
pub(crate) async fn read_page(
    page: &Page,
    extractor: &dyn Extractor,
) -> Result<(Vec<RawPosting>, Vec<String>), ParseError> {
    let text = page.text();
    match page::extract(&text, Some(&page.url)) {
        Ok(Parsed { postings, .. }) if !postings.is_empty() => Ok((postings, vec![])),
        Ok(_) => Err(ParseError::not_this("there is no posting on this page")),
        Err(error) => {
            let extracted = article::postings_in(&html_to_text(&text), Some(&page.url), extractor).await;
            if extracted.postings.is_empty() { Err(error) } else { Ok((extracted.postings, extracted.notes)) }
        }
    }
}

/// Puts postings that the person chose into catalogue and queue, past the filters.
pub(super) async fn queue_raw(
    core: &Core,
    context: &TaskContext,
    raw: Vec<RawPosting>,
) -> Result<UrlReport, TaskError> {
    let now = core.now();
    let (change, postings) = prepare_raw(core, context.database(), raw, MANUAL, false).await?;
    let mut step = match context.begin_step("queue").await? {
        Step::Finished(report) => return Ok(report),
        Step::Open(step) => step,
    };
    let job_ids = change.apply(step.tx(), now).await?;
    aerie_events::append_all(step.tx(), jobs_added(&job_ids, MANUAL, now).into_iter().collect()).await?;
    step.finish(UrlReport { job_ids, postings, notes: vec![] }).await
}

/// Puts postings into the catalogue and computes what they change in the person's queue; also how many there were.
/// With `filters` what the person blocked is left out.
pub(crate) async fn prepare_raw(
    core: &Core,
    database: &Database,
    raw: Vec<RawPosting>,
    surfaced_by: &str,
    filters: bool,
) -> Result<(QueueChange, usize), TaskError> {
    let now = core.now();
    let (postings, _) = normalise_all(raw, now).await?;
    let ingested = ingest(core.platform(), postings, None, now).await?;
    embed_postings(core, &ingested.ids, &ingested.changed).await?;
    let stored = profiles::read(database).await?;
    let search = SearchProfile::default();
    let finder = Finder { search: &search, profile: &stored.profile, surfaced_by, filters };
    let change = queueing::prepare(core, database, &finder, &ingested.ids, &ingested.changed).await?;
    Ok((change, ingested.ids.len()))
}
