//! Files that a person brings: tables, JSON, saved pages, feeds, lists of addresses, plain text.

use std::collections::HashSet;

use aerie_boards::{
    article::{self, Extractor},
    import::{self, Format},
    page,
};
use aerie_postings::RawPosting;
use aerie_store::{Database, PersonId, jobs};
use aerie_tasks::{NewTask, Submitted};
use url::Url;
use uuid::Uuid;

use super::{
    adding::{UrlPayload, UrlTask},
    extraction,
    ingest::ingest,
    queueing::{self, Finder},
    source::normalise_all,
};
use crate::{
    core::Core,
    jobs::jobs_added,
    profile::SearchProfile,
    profiles,
    scoring::{Which, embed_postings, score_jobs},
};

/// Name under which imported postings are kept.
const IMPORT: &str = "import";

/// A file that a person brings.
pub(crate) struct Document<'a> {
    /// Its name; a hint.
    pub(crate) name: &'a str,
    /// Its bytes.
    pub(crate) content: &'a [u8],
    /// Page that it was saved from, when known.
    pub(crate) url: Option<Url>,
}

/// What an import did.
#[derive(Debug, Default)]
pub(crate) struct ImportReport {
    pub(crate) format: &'static str,
    pub(crate) new_jobs: usize,
    pub(crate) known: usize,
    pub(crate) problems: Vec<String>,
    pub(crate) job_ids: Vec<Uuid>,
}

/// Why a file could not be imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("{name}: {reason}")]
    Unreadable { name: String, reason: String },
    #[error(transparent)]
    Store(#[from] aerie_store::StoreError),
    #[error(transparent)]
    Queue(#[from] aerie_tasks::QueueError),
    #[error(transparent)]
    Task(#[from] aerie_tasks::TaskError),
    #[error(transparent)]
    Event(#[from] aerie_events::EventError),
}

/// Reads a file into the person's queue. Addresses without a title are fetched by tasks.
pub(crate) async fn import(
    core: &Core,
    database: &Database,
    person: PersonId,
    document: &Document<'_>,
) -> Result<ImportReport, ImportError> {
    let now = core.now();
    let Read { format, postings, urls, problems } = read(document, &*extraction::extractor(core, person, true)).await?;
    let mut report = ImportReport { format, problems, ..ImportReport::default() };

    let given = postings.len();
    let (postings, rejected) = normalise_all(postings, now).await?;
    if rejected > 0 {
        report.problems.push(format!("{rejected} of {given} rows have no title or no http(s) address"));
    }
    let ingested = ingest(core.platform(), postings, None, now).await?;
    embed_postings(core, &ingested.ids, &ingested.changed).await?;
    let stored = profiles::read(database).await?;
    let search = SearchProfile::default();
    let finder = Finder { search: &search, profile: &stored.profile, surfaced_by: IMPORT, filters: false };
    let change = queueing::prepare(core, database, &finder, &ingested.ids, &ingested.changed).await?;

    let mut tx = database.begin().await?;
    let new_jobs = change.apply(&mut tx, now).await?;
    for url in &urls {
        submit_url(core, &mut tx, url).await?;
    }
    aerie_events::append_all(&mut tx, jobs_added(&new_jobs, IMPORT, now).into_iter().collect()).await?;
    core.inner.queue.commit(tx, person).await?;
    score_jobs(core, database, Which::Unscored, None).await?;

    if !urls.is_empty() {
        report.problems.push(format!("{} addresses without a title are being fetched by tasks", urls.len()));
    }
    let distinct: HashSet<Uuid> = ingested.ids.iter().copied().collect();
    report.new_jobs = new_jobs.len();
    report.known = distinct.len().saturating_sub(new_jobs.len());
    let mut read = database.read().await?;
    report.job_ids = jobs::get_by_postings(&mut read, &ingested.ids).await?.into_values().map(|job| job.id).collect();
    Ok(report)
}

/// Asks for one address to be fetched; one task an address.
pub(crate) async fn submit_url(
    core: &Core,
    tx: &mut aerie_store::Tx,
    url: &str,
) -> Result<Submitted, aerie_tasks::QueueError> {
    let key = aerie_postings::identity::posting_key(url).unwrap_or_else(|| url.to_owned());
    let task = NewTask::new::<UrlTask>(&UrlPayload { url: url.to_owned() })?
        .with_key(key)
        .with_trace_context(aerie_telemetry::current_traceparent());
    core.inner.queue.submit(tx, task).await
}

struct Read {
    format: &'static str,
    postings: Vec<RawPosting>,
    urls: Vec<String>,
    problems: Vec<String>,
}

async fn read(document: &Document<'_>, extractor: &dyn Extractor) -> Result<Read, ImportError> {
    let unreadable = |reason: String| ImportError::Unreadable { name: document.name.to_owned(), reason };
    let text = String::from_utf8_lossy(document.content);
    if let Some(url) = &document.url
        && text.trim_start().starts_with('<')
    {
        let parsed = page::extract(&text, Some(url)).map_err(|error| unreadable(error.to_string()))?;
        return Ok(Read { format: "page", postings: parsed.postings, urls: vec![], problems: vec![] });
    }
    match import::read(document.name, document.content) {
        Ok((format, imported)) => {
            let mut problems: Vec<String> = imported.errors.iter().map(ToString::to_string).collect();
            if imported.rejected > imported.errors.len() {
                problems.push(format!("and {} more rows", imported.rejected - imported.errors.len()));
            }
            problems.extend(imported.truncated);
            Ok(Read { format: format_name(format), postings: imported.postings, urls: imported.urls, problems })
        }
        Err(error) => {
            let extracted = article::postings_in(&text, document.url.as_ref(), extractor).await;
            if extracted.postings.is_empty() {
                return Err(unreadable(error.to_string()));
            }
            Ok(Read { format: "text", postings: extracted.postings, urls: vec![], problems: extracted.notes })
        }
    }
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::Table => "csv",
        Format::Json | Format::JsonLines => "json",
        Format::UrlList => "urls",
        Format::Page => "page",
        Format::Feed => "feed",
    }
}
