//! `DiscoveryService`.

use std::{pin::Pin, str::FromStr};

use aerie_boards::recognise;
use aerie_postings::identity::{canonical_url, posting_key};
use aerie_proto::pipeline::v1::{self as pb, discovery_service_server::DiscoveryService};
use aerie_rpc::{ErrorCode, RpcError};
use aerie_store::{
    Database, Tx, catalogue, jobs,
    runs::{self, Run, RunCounts, RunSource},
    sources::{self, SourceHealth},
};
use aerie_tasks::{NewTask, QueueError, TaskState};
use chrono::{DateTime, Utc};
use futures::Stream;
use tonic::{Request, Response, Status};
use url::Url;
use uuid::Uuid;

use super::{
    Caller, caller, convert, errors, id, optional_id,
    profile::put_schedule,
    tasks::{Next, watch},
    validation,
};
use crate::{
    core::Core,
    discovery::{
        importing::{self, Document},
        picture, plan,
        run::{RUN_UPDATED, RunPayload, RunReport, RunTask, run_updated, state},
    },
    profile::SearchProfile,
    profiles,
    surveys::check_picture,
};

/// Most addresses of one call.
const MOST_URLS: usize = 500;
/// Most bytes of an imported document.
const MOST_DOCUMENT: usize = 10 * 1024 * 1024;

pub(crate) struct DiscoveryApi {
    pub(crate) core: Core,
}

type RunStream = Pin<Box<dyn Stream<Item = Result<pb::WatchRunResponse, Status>> + Send>>;

impl DiscoveryApi {
    async fn search_profile(&self, caller: &Caller, id: &str) -> Result<SearchProfile, Status> {
        let wanted = optional_id("search_profile_id", id)?;
        let stored = profiles::read(&caller.database).await.map_err(errors::store)?;
        profiles::choose(&stored, wanted).cloned().ok_or_else(|| {
            let message = match wanted {
                Some(id) => format!("search profile {id} does not exist"),
                None => "there is no search profile yet; save one first (see `aerie profile example`)".to_owned(),
            };
            RpcError::not_found("SEARCH_PROFILE_NOT_FOUND", message).into()
        })
    }

    /// Submits the task of one address, unless a job for it is there.
    async fn add_url(&self, tx: &mut Tx, url: &str) -> Result<pb::AddedUrl, Status> {
        let mut added = pb::AddedUrl { url: url.to_owned(), ..Default::default() };
        let (Some(_), Some(key)) = (canonical_url(url), posting_key(url)) else {
            added.error = "is no address that begins with http:// or https://".to_owned();
            return Ok(added);
        };
        let mut platform = self.core.platform().read().await.map_err(errors::store)?;
        let known = catalogue::keys_lookup(&mut platform, std::slice::from_ref(&key)).await.map_err(errors::store)?;
        drop(platform);
        if let Some(posting) = known.get(&key) {
            let jobs = jobs::get_by_postings(tx, &[*posting]).await.map_err(errors::store)?;
            if let Some(job) = jobs.get(posting) {
                added.job_id = job.id.to_string();
                return Ok(added);
            }
        }
        let submitted = importing::submit_url(&self.core, tx, url).await.map_err(errors::queue)?;
        added.task_id = submitted.id.to_string();
        Ok(added)
    }
}

/// A run with its sources, and whether it has ended.
async fn read_run(core: &Core, tx: &mut Tx, database: &Database, id: Uuid) -> Result<(pb::Run, bool), Status> {
    // The task knows best how it ended: a cancelled or failed one has no chance to write it into the run, and the count
    // of scored jobs is its result. It is read first: what a run wrote before its task ended is then seen for certain.
    let task = match core.inner.queue.get(database, id).await {
        Ok(task) => Some(task),
        // A task that was pruned has ended long ago.
        Err(QueueError::NotFound { .. }) => None,
        Err(error) => return Err(errors::queue(error)),
    };
    let run = runs::run(tx, id).await.map_err(errors::store)?;
    let run = run.ok_or_else(|| RpcError::not_found("RUN_NOT_FOUND", format!("run {id} does not exist")))?;
    let rows = runs::run_sources(tx, id).await.map_err(errors::store)?;
    let mut wire = run_to_wire(&run, &rows);
    let Some(task) = task else { return Ok((wire, true)) };
    match task.state {
        TaskState::Cancelled => {
            wire.state = pb::RunState::Cancelled as i32;
            end_early(&mut wire, task.finished_at, "the run was cancelled");
        }
        TaskState::Failed => {
            wire.state = pb::RunState::Failed as i32;
            wire.error = task.error.unwrap_or_default();
            end_early(&mut wire, task.finished_at, "the run failed before");
        }
        _ => {}
    }
    if let Some(report) = task.result.and_then(|result| serde_json::from_value::<RunReport>(result).ok()) {
        wire.scored_jobs = small(report.scored_jobs);
    }
    Ok((wire, task.state.is_final()))
}

/// A run that was ended from outside leaves its rows as they were: nothing of it works any more.
fn end_early(run: &mut pb::Run, at: Option<DateTime<Utc>>, reason: &str) {
    run.end_time = run.end_time.or(at.map(convert::timestamp));
    for row in &mut run.sources {
        if matches!(row.state(), pb::SourceRunState::Queued | pb::SourceRunState::Running) {
            row.state = pb::SourceRunState::Skipped as i32;
            row.stage.clear();
            reason.clone_into(&mut row.reason);
        }
    }
}

#[tonic::async_trait]
impl DiscoveryService for DiscoveryApi {
    type WatchRunStream = RunStream;

    async fn start_run(&self, request: Request<pb::StartRunRequest>) -> Result<Response<pb::StartRunResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.texts("sources", &request.sources);
        for (index, source) in request.sources.iter().enumerate() {
            check.require(
                self.core.source(source).is_some(),
                &format!("sources[{index}]"),
                &format!("is {source:?}, which is no source; see ListSources"),
            );
        }
        check.finish()?;
        let search = self.search_profile(&caller, &request.search_profile_id).await?;
        let payload = RunPayload { search: search.clone(), sources: request.sources };
        let task = NewTask::new::<RunTask>(&payload)
            .map_err(errors::queue)?
            .with_key(search.id.to_string())
            .with_priority(10)
            .with_trace_context(aerie_telemetry::current_traceparent());
        let queue = &self.core.inner.queue;
        let mut tx = caller.database.begin().await.map_err(errors::store)?;
        let submitted = queue.submit(&mut tx, task).await.map_err(errors::queue)?;
        if submitted.created {
            let run = Run {
                id: submitted.id,
                search_profile_id: Some(search.id),
                task_id: Some(submitted.id),
                state: state::QUEUED.to_owned(),
                requested_at: self.core.now(),
                started_at: None,
                finished_at: None,
                counts: RunCounts::default(),
                reason: None,
            };
            runs::create_run(&mut tx, &run).await.map_err(errors::store)?;
            aerie_events::append(&mut tx, run_updated(submitted.id, &self.core)).await.map_err(RpcError::internal)?;
        }
        queue.commit(tx, caller.person).await.map_err(errors::queue)?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let (run, _) = read_run(&self.core, &mut tx, &caller.database, submitted.id).await?;
        Ok(Response::new(pb::StartRunResponse { run: Some(run), created: submitted.created }))
    }

    async fn watch_run(&self, request: Request<pb::WatchRunRequest>) -> Result<Response<RunStream>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("run_id", &request.into_inner().run_id)?;
        let core = self.core.clone();
        let kinds = [RUN_UPDATED, "task.completed", "task.failed", "task.cancelled"].map(str::to_owned).to_vec();
        let stream = watch(&self.core, caller.database, kinds, Some(id), move |database| {
            let core = core.clone();
            async move {
                let mut tx = database.read().await.map_err(errors::store)?;
                let (run, ended) = read_run(&core, &mut tx, &database, id).await?;
                let next = if ended { Next::End } else { Next::Event };
                Ok((pb::WatchRunResponse { run: Some(run) }, next))
            }
        });
        Ok(Response::new(Box::pin(stream)))
    }

    async fn get_run(&self, request: Request<pb::GetRunRequest>) -> Result<Response<pb::GetRunResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("run_id", &request.into_inner().run_id)?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let (run, _) = read_run(&self.core, &mut tx, &caller.database, id).await?;
        Ok(Response::new(pb::GetRunResponse { run: Some(run) }))
    }

    async fn list_runs(&self, request: Request<pb::ListRunsRequest>) -> Result<Response<pb::ListRunsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        let size = check.page_size("page_size", request.page_size);
        check.finish()?;
        let before = run_token(&request.page_token)?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let mut found = runs::runs(&mut tx, before, i64::from(size) + 1).await.map_err(errors::store)?;
        let more = found.len() > size as usize;
        found.truncate(size as usize);
        let next_page_token = match found.last().filter(|_| more) {
            Some(last) => format!("{}-{}", last.requested_at.timestamp_micros(), last.id),
            None => String::new(),
        };
        let mut runs = Vec::with_capacity(found.len());
        for run in found {
            runs.push(read_run(&self.core, &mut tx, &caller.database, run.id).await?.0);
        }
        Ok(Response::new(pb::ListRunsResponse { runs, next_page_token }))
    }

    async fn list_sources(
        &self,
        request: Request<pb::ListSourcesRequest>,
    ) -> Result<Response<pb::ListSourcesResponse>, Status> {
        caller(&self.core, &request).await?;
        let mut tx = self.core.platform().read().await.map_err(errors::store)?;
        let health = sources::list_health(&mut tx).await.map_err(errors::store)?;
        let now = self.core.now();
        let sources = self
            .core
            .inner
            .sources
            .iter()
            .map(|source| {
                let info = source.info();
                pb::Source {
                    name: info.name.clone(),
                    label: info.label.clone(),
                    kind: kind_words(info.kind).to_owned(),
                    enabled: plan::is_enabled(info, &self.core.inner.discovery),
                    best_effort: info.best_effort,
                    missing_keys: plan::missing_keys(info, &self.core.inner.discovery),
                    terms: info.terms.clone(),
                    health: Some(health_of(&info.name, &health, now)),
                }
            })
            .collect();
        Ok(Response::new(pb::ListSourcesResponse { sources }))
    }

    async fn add_company_board(
        &self,
        request: Request<pb::AddCompanyBoardRequest>,
    ) -> Result<Response<pb::AddCompanyBoardResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let url = Url::parse(&request.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(url) = url else {
            return Err(
                RpcError::invalid_field("url", format!("is {:?}; it must begin with https://", request.url)).into()
            );
        };
        let search = self.search_profile(&caller, &request.search_profile_id).await?;
        let boards = recognise::boards_of_site(&url, &self.core.inner.fetcher)
            .await
            .map_err(|error| RpcError::new(ErrorCode::Unavailable, "SITE_UNREADABLE", error.to_string()))?;
        let Some(board) = boards.first() else {
            let message = format!(
                "no known hiring system was recognised behind {url}; add the page itself to the search profile's pages, or write a recipe"
            );
            return Err(RpcError::not_found("BOARD_NOT_RECOGNISED", message).into());
        };
        let added = self.put_board(&caller, search, board.source, &board.token).await?;
        Ok(Response::new(pb::AddCompanyBoardResponse {
            source: board.source.to_owned(),
            board: board.token.clone(),
            added,
        }))
    }

    async fn add_urls(&self, request: Request<pb::AddUrlsRequest>) -> Result<Response<pb::AddUrlsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let urls = request.into_inner().urls;
        let mut check = validation(&self.core);
        check.require(!urls.is_empty(), "urls", "is empty");
        check.require(urls.len() <= MOST_URLS, "urls", "has more than 500 entries; send them in several calls");
        check.texts("urls", &urls);
        check.finish()?;
        let mut tx = caller.database.begin().await.map_err(errors::store)?;
        let mut results = Vec::with_capacity(urls.len());
        for url in &urls {
            results.push(self.add_url(&mut tx, url.trim()).await?);
        }
        self.core.inner.queue.commit(tx, caller.person).await.map_err(errors::queue)?;
        Ok(Response::new(pb::AddUrlsResponse { results }))
    }

    async fn import_screenshot(
        &self,
        request: Request<pb::ImportScreenshotRequest>,
    ) -> Result<Response<pb::ImportScreenshotResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let url = Some(request.url.as_str()).filter(|url| !url.is_empty());
        let usable = url.is_none_or(|url| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")));
        let mut check = validation(&self.core);
        check.require(usable, "url", "is no http(s) address; leave it out if you do not know it");
        check.finish()?;
        check_picture(&request.screenshot).map_err(errors::survey)?;
        let task_id = picture::start(&self.core, &caller.database, caller.person, request.screenshot, url).await;
        Ok(Response::new(pb::ImportScreenshotResponse { task_id: task_id.map_err(errors::queue)? }))
    }

    async fn import_jobs(
        &self,
        request: Request<pb::ImportJobsRequest>,
    ) -> Result<Response<pb::ImportJobsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.require(!request.content.is_empty(), "content", "is empty");
        check.require(request.content.len() <= MOST_DOCUMENT, "content", "is larger than 10 MB; split it");
        check.finish()?;
        let url = match request.url.as_str() {
            "" => None,
            text => Some(
                Url::parse(text).map_err(|error| RpcError::invalid_field("url", format!("is {text:?}: {error}")))?,
            ),
        };
        let document = Document { name: &request.file_name, content: &request.content, url };
        let report =
            importing::import(&self.core, &caller.database, caller.person, &document).await.map_err(errors::import)?;
        Ok(Response::new(pb::ImportJobsResponse {
            format: report.format.to_owned(),
            new_jobs: small(i64::try_from(report.new_jobs).unwrap_or(i64::MAX)),
            known: small(i64::try_from(report.known).unwrap_or(i64::MAX)),
            problems: report.problems,
            job_ids: report.job_ids.iter().map(Uuid::to_string).collect(),
        }))
    }
}

impl DiscoveryApi {
    /// Adds a board (or, for a page or feed, its address) to a search profile; whether it was not there.
    async fn put_board(
        &self,
        caller: &Caller,
        mut search: SearchProfile,
        source: &str,
        token: &str,
    ) -> Result<bool, Status> {
        let (list, entry) = match source {
            "page" | "feed" => (&mut search.pages, token.to_owned()),
            _ => (&mut search.company_boards, format!("{source}:{token}")),
        };
        if list.contains(&entry) {
            return Ok(false);
        }
        list.push(entry);
        let mut tx = caller.database.begin().await.map_err(errors::store)?;
        profiles::write_search(&mut tx, &search, self.core.now()).await.map_err(errors::store)?;
        put_schedule(&self.core, &mut tx, &search).await?;
        self.core.inner.queue.commit(tx, caller.person).await.map_err(errors::queue)?;
        Ok(true)
    }
}

fn kind_words(kind: aerie_boards::SourceKind) -> &'static str {
    use aerie_boards::SourceKind::{Aggregator, CompanyBoard, Feed, Import, Keyed, Page, Recipe, Resisting};
    match kind {
        CompanyBoard => "company board",
        Aggregator => "aggregator",
        Keyed => "keyed",
        Resisting => "resisting",
        Page => "page",
        Feed => "feed",
        Recipe => "recipe",
        Import => "import",
    }
}

/// Health of a source over all its boards: the worst news wins.
fn health_of(name: &str, all: &[SourceHealth], now: DateTime<Utc>) -> pb::SourceHealth {
    let prefix = format!("{name}:");
    let own: Vec<&SourceHealth> =
        all.iter().filter(|health| health.source == name || health.source.starts_with(&prefix)).collect();
    let worst = own.iter().max_by_key(|health| health.failures_in_a_row);
    let Some(worst) = worst else {
        return pb::SourceHealth { state: "never run".to_owned(), ..Default::default() };
    };
    let state = match worst.failures_in_a_row {
        0 if worst.last_count == Some(0) => "empty",
        0 => "ok",
        _ => "failing",
    };
    let reason = (worst.failures_in_a_row > 0).then(|| worst.last_reason.clone()).flatten();
    pb::SourceHealth {
        state: state.to_owned(),
        reason: match (reason, worst.source == name) {
            (Some(reason), false) => format!("{}: {reason}", worst.source),
            (reason, _) => reason.unwrap_or_default(),
        },
        consecutive_failures: small(worst.failures_in_a_row),
        last_count: small(own.iter().filter_map(|health| health.last_count).sum()),
        last_success_time: own.iter().filter_map(|health| health.last_success_at).max().map(convert::timestamp),
        last_failure_time: own.iter().filter_map(|health| health.last_failure_at).max().map(convert::timestamp),
        retry_time: worst.retry_at.filter(|at| *at > now).map(convert::timestamp),
    }
}

fn run_to_wire(run: &Run, rows: &[RunSource]) -> pb::Run {
    let state = match run.state.as_str() {
        state::QUEUED => pb::RunState::Queued,
        state::RUNNING => pb::RunState::Running,
        state::COMPLETED => pb::RunState::Completed,
        state::FAILED => pb::RunState::Failed,
        state::CANCELLED => pb::RunState::Cancelled,
        _ => pb::RunState::Unspecified,
    };
    pb::Run {
        id: run.id.to_string(),
        search_profile_id: run.search_profile_id.map(|id| id.to_string()).unwrap_or_default(),
        state: state as i32,
        create_time: Some(convert::timestamp(run.requested_at)),
        start_time: run.started_at.map(convert::timestamp),
        end_time: run.finished_at.map(convert::timestamp),
        sources: rows.iter().map(source_to_wire).collect(),
        new_postings: small(run.counts.new_postings),
        known_postings: small(run.counts.known_postings),
        new_jobs: small(run.counts.new_jobs),
        scored_jobs: 0,
        error: run.reason.clone().unwrap_or_default(),
    }
}

fn source_to_wire(row: &RunSource) -> pb::SourceRun {
    let state = match row.state.as_str() {
        state::QUEUED => pb::SourceRunState::Queued,
        state::RUNNING => pb::SourceRunState::Running,
        state::SUCCEEDED => pb::SourceRunState::Succeeded,
        state::TRUNCATED => pb::SourceRunState::Truncated,
        state::FAILED => pb::SourceRunState::Failed,
        state::SKIPPED => pb::SourceRunState::Skipped,
        _ => pb::SourceRunState::Unspecified,
    };
    pb::SourceRun {
        source: row.source.clone(),
        state: state as i32,
        stage: row.stage.clone().unwrap_or_default(),
        fetched: small(row.counts.fetched),
        dropped: small(row.dropped),
        filtered: small(row.filtered),
        new_postings: small(row.counts.new_postings),
        known_postings: small(row.counts.known_postings),
        new_jobs: small(row.counts.new_jobs),
        reason: row.reason.clone().unwrap_or_default(),
        not_modified: row.not_modified,
        attempts: small(row.attempts),
    }
}

fn run_token(token: &str) -> Result<Option<(DateTime<Utc>, Uuid)>, RpcError> {
    if token.is_empty() {
        return Ok(None);
    }
    let parsed = token.split_once('-').and_then(|(micros, id)| {
        Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, Uuid::from_str(id).ok()?))
    });
    parsed.map(Some).ok_or_else(|| {
        let message = format!("page token {token:?} was not given by this list; start again without one");
        RpcError::new(ErrorCode::InvalidArgument, "PAGE_TOKEN_INVALID", message)
    })
}

fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
