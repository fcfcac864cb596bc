//! `JobsService`.

use std::str::FromStr;

use aerie_matching::learning;
use aerie_postings::RemoteKind;
use aerie_proto::pipeline::v1::{self as pb, jobs_service_server::JobsService};
use aerie_rpc::{ErrorCode, RpcError};
use aerie_store::{
    Tx, catalogue,
    catalogue::PostingLink,
    jobs::{self as rows, Job, JobFilter, JobOrder, JobSummary, PageToken},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Caller, caller, convert, errors, id, matching, validation};
use crate::{core::Core, jobs::Jobs, profiles, status::JobStatus, tracking};

pub(crate) struct JobsApi {
    pub(crate) core: Core,
}

impl JobsApi {
    fn jobs<'a>(&'a self, caller: &'a Caller) -> Jobs<'a> {
        Jobs { core: &self.core, database: &caller.database, person: caller.person }
    }

    /// A few jobs from below the first page, the same ones all day, for a person who lets decisions change the ranking.
    async fn exploratory(&self, tx: &mut Tx, filter: &JobFilter, size: u32) -> Result<Vec<pb::Job>, Status> {
        let share = self.core.inner.matching.exploration_share;
        let stored = profiles::read_in(tx).await.map_err(errors::store)?;
        if share <= 0.0 || !stored.profile.learn_from_decisions || !self.core.inner.matching.learn {
            return Ok(vec![]);
        }
        let ids = rows::ids_in_order(tx, filter, JobOrder::Score).await.map_err(errors::store)?;
        let size = size as usize;
        let day = u64::try_from(self.core.now().timestamp() / 86_400).unwrap_or_default();
        let picks = learning::exploration(ids.len(), share, day);
        let mut jobs = Vec::new();
        for (rank, _) in picks.into_iter().take(size).filter(|(rank, explores)| *explores && *rank >= size) {
            let Some(id) = ids.get(rank) else { continue };
            if let Some(job) = rows::get(tx, *id).await.map_err(errors::store)? {
                let surfaced_by = "exploration".to_owned();
                jobs.push(pb::Job { surfaced_by, ..without_description(job_to_wire(&job)) });
            }
        }
        Ok(jobs)
    }

    /// A job with everything, as `GetJob` and every change answer it.
    async fn complete(&self, caller: &Caller, job: Job) -> Result<pb::Job, Status> {
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let history = rows::history(&mut tx, job.summary.id).await.map_err(errors::store)?;
        let duplicates = duplicates_of(&mut tx, job.summary.posting_id).await?;
        let earlier = tracking::earlier_applications(&mut tx, &job.summary).await.map_err(errors::store)?;
        drop(tx);
        let mut wire = job_to_wire(&job);
        let mut platform = self.core.platform().read().await.map_err(errors::store)?;
        let stored = catalogue::get(&mut platform, &[job.summary.posting_id]).await.map_err(errors::store)?;
        if let (Some(stored), Some(posting)) = (stored.into_iter().next(), wire.posting.as_mut()) {
            posting.first_seen_time = Some(convert::timestamp(stored.first_seen));
            posting.last_seen_time = Some(convert::timestamp(stored.last_seen));
            posting.close_time = stored.closed_at.map(convert::timestamp);
            posting.repost_count = i32::try_from(stored.repost_count).unwrap_or(i32::MAX);
            posting.links = stored.links.iter().map(link).collect();
        }
        if let Some(score) = wire.score.as_mut() {
            score.trust = Some(matching::trust(&wire.posting, &job.snapshot.posting, self.core.now()));
        }
        wire.stage_times = history
            .iter()
            .filter(|entry| !entry.reverted)
            .map(|entry| pb::StageTime { status: status(&entry.to), time: Some(convert::timestamp(entry.at)) })
            .collect();
        wire.possible_duplicate_ids = duplicates;
        wire.earlier_application_ids = earlier.iter().map(Uuid::to_string).collect();
        Ok(wire)
    }
}

/// Whether a list is the review queue and nothing narrower.
fn is_review_queue(filter: &JobFilter) -> bool {
    *filter == JobFilter { statuses: vec![JobStatus::Pending.as_str().to_owned()], ..JobFilter::default() }
}

async fn duplicates_of(tx: &mut Tx, posting: Uuid) -> Result<Vec<String>, Status> {
    const MOST_PAIRS: i64 = 5_000;
    let pairs = rows::possible_duplicates(tx, MOST_PAIRS).await.map_err(errors::store)?;
    let others: Vec<Uuid> = pairs
        .iter()
        .filter_map(|pair| match posting {
            one if one == pair.left => Some(pair.right),
            one if one == pair.right => Some(pair.left),
            _ => None,
        })
        .collect();
    let jobs = rows::get_by_postings(tx, &others).await.map_err(errors::store)?;
    Ok(others.iter().filter_map(|posting| jobs.get(posting)).map(|job| job.id.to_string()).collect())
}

#[tonic::async_trait]
impl JobsService for JobsApi {
    async fn list_jobs(&self, request: Request<pb::ListJobsRequest>) -> Result<Response<pb::ListJobsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        let size = check.page_size("page_size", request.page_size);
        check.text("query", &request.query);
        check.list("statuses", &request.statuses);
        check.list("remote_kinds", &request.remote_kinds);
        check.texts("sources", &request.sources);
        check.require(request.minimum_score.is_none_or(f64::is_finite), "minimum_score", "is not a number");
        check.finish()?;
        let order = order(&request.order_by)?;
        let after = page_token(&request.page_token)?;
        let filter = JobFilter {
            statuses: statuses(&request.statuses)?.iter().map(|status| status.as_str().to_owned()).collect(),
            text: (!request.query.trim().is_empty()).then_some(request.query),
            min_score: request.minimum_score,
            remote_kinds: request.remote_kinds.iter().filter_map(|kind| remote_name(*kind)).collect(),
            sources: request.sources,
            search_profile_id: None,
        };
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let exploratory_jobs = match after {
            None if order == JobOrder::Score && is_review_queue(&filter) => {
                self.exploratory(&mut tx, &filter, size).await?
            }
            _ => vec![],
        };
        let page = rows::list(&mut tx, &filter, order, after, size).await.map_err(bad_token)?;
        let ids: Vec<Uuid> = page.jobs.iter().map(|job| job.id).collect();
        let contents = rows::contents(&mut tx, &ids).await.map_err(errors::store)?;
        let jobs = page
            .jobs
            .into_iter()
            .map(|summary| match contents.get(&summary.id) {
                Some((snapshot, score_document)) => {
                    let job = Job {
                        summary,
                        snapshot: snapshot.clone(),
                        score_document: score_document.clone(),
                        notes: String::new(),
                    };
                    without_description(job_to_wire(&job))
                }
                None => summary_to_wire(&summary),
            })
            .collect();
        Ok(Response::new(pb::ListJobsResponse {
            jobs,
            next_page_token: page.next.map(|token| token.to_string()).unwrap_or_default(),
            total_size: i32::try_from(page.total).unwrap_or(i32::MAX),
            exploratory_jobs,
        }))
    }

    async fn get_job(&self, request: Request<pb::GetJobRequest>) -> Result<Response<pb::GetJobResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("job_id", &request.into_inner().job_id)?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let job = rows::get(&mut tx, id).await.map_err(errors::store)?;
        drop(tx);
        let job = job.ok_or_else(|| errors::job(crate::jobs::JobError::NotFound(id)))?;
        Ok(Response::new(pb::GetJobResponse { job: Some(self.complete(&caller, job).await?) }))
    }

    async fn count_jobs(
        &self,
        request: Request<pb::CountJobsRequest>,
    ) -> Result<Response<pb::CountJobsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let counts = rows::count_by_status(&mut tx).await.map_err(errors::store)?;
        let small = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
        Ok(Response::new(pb::CountJobsResponse {
            total: small(counts.values().sum()),
            counts: counts
                .iter()
                .map(|(name, count)| pb::StatusCount { status: status(name), count: small(*count) })
                .collect(),
        }))
    }

    async fn review_job(
        &self,
        request: Request<pb::ReviewJobRequest>,
    ) -> Result<Response<pb::ReviewJobResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let to = match request.decision() {
            pb::ReviewDecision::Approve => JobStatus::Approved,
            pb::ReviewDecision::Reject => JobStatus::Rejected,
            pb::ReviewDecision::Archive => JobStatus::Archived,
            pb::ReviewDecision::Unspecified => {
                return Err(RpcError::invalid_field("decision", "is missing; write approve, reject or archive").into());
            }
        };
        let job = self.jobs(&caller).move_to(id("job_id", &request.job_id)?, to).await.map_err(errors::job)?;
        Ok(Response::new(pb::ReviewJobResponse { job: Some(self.complete(&caller, job).await?) }))
    }

    async fn move_job(&self, request: Request<pb::MoveJobRequest>) -> Result<Response<pb::MoveJobResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let to = convert::status_from_wire(request.status)
            .ok_or_else(|| RpcError::invalid_field("status", "is missing or not known"))?;
        let job = self.jobs(&caller).move_to(id("job_id", &request.job_id)?, to).await.map_err(errors::job)?;
        Ok(Response::new(pb::MoveJobResponse { job: Some(self.complete(&caller, job).await?) }))
    }

    async fn revert_job(
        &self,
        request: Request<pb::RevertJobRequest>,
    ) -> Result<Response<pb::RevertJobResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("job_id", &request.into_inner().job_id)?;
        let job = self.jobs(&caller).revert(id).await.map_err(errors::job)?;
        Ok(Response::new(pb::RevertJobResponse { job: Some(self.complete(&caller, job).await?) }))
    }

    async fn update_job(
        &self,
        request: Request<pb::UpdateJobRequest>,
    ) -> Result<Response<pb::UpdateJobResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let wire = request.job.ok_or_else(|| RpcError::invalid_field("job", "is missing"))?;
        let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
        let mut check = validation(&self.core);
        check.require(paths == ["notes"], "update_mask", "must name \"notes\", the one field that can be edited");
        check.text("job.notes", &wire.notes);
        check.finish()?;
        let expected = match wire.etag.as_str() {
            "" => None,
            etag => {
                Some(etag.parse().map_err(|_| RpcError::invalid_field("job.etag", "is not one that was given out"))?)
            }
        };
        let id = id("job.id", &wire.id)?;
        let job = self.jobs(&caller).note(id, expected, &wire.notes).await.map_err(errors::job)?;
        Ok(Response::new(pb::UpdateJobResponse { job: Some(self.complete(&caller, job).await?) }))
    }

    async fn bulk_archive_jobs(
        &self,
        request: Request<pb::BulkArchiveJobsRequest>,
    ) -> Result<Response<pb::BulkArchiveJobsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let statuses = named_statuses(&request.into_inner().statuses)?;
        let archived = self.jobs(&caller).archive(&statuses).await.map_err(errors::job)?;
        Ok(Response::new(pb::BulkArchiveJobsResponse { archived: i32::try_from(archived).unwrap_or(i32::MAX) }))
    }

    async fn purge_jobs(
        &self,
        request: Request<pb::PurgeJobsRequest>,
    ) -> Result<Response<pb::PurgeJobsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let statuses = named_statuses(&request.into_inner().statuses)?;
        let purged = self.jobs(&caller).purge(&statuses).await.map_err(errors::job)?;
        Ok(Response::new(pb::PurgeJobsResponse { purged: i32::try_from(purged).unwrap_or(i32::MAX) }))
    }

    async fn decide_duplicate(
        &self,
        request: Request<pb::DecideDuplicateRequest>,
    ) -> Result<Response<pb::DecideDuplicateResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let (keep, other) = (id("job_id", &request.job_id)?, id("other_job_id", &request.other_job_id)?);
        let job = self.jobs(&caller).decide_pair(keep, other, request.same).await.map_err(errors::job)?;
        Ok(Response::new(pb::DecideDuplicateResponse { job: Some(self.complete(&caller, job).await?) }))
    }
}

fn order(text: &str) -> Result<JobOrder, RpcError> {
    match text.trim() {
        "" | "score desc" => Ok(JobOrder::Score),
        "create_time desc" => Ok(JobOrder::Added),
        "post_time desc" => Ok(JobOrder::Posted),
        "update_time desc" => Ok(JobOrder::Updated),
        other => Err(RpcError::invalid_field(
            "order_by",
            format!(
                "is {other:?}; write \"score desc\", \"create_time desc\", \"post_time desc\" or \"update_time desc\""
            ),
        )),
    }
}

fn page_token(text: &str) -> Result<Option<PageToken>, RpcError> {
    if text.is_empty() {
        return Ok(None);
    }
    PageToken::from_str(text)
        .map(Some)
        .map_err(|_| RpcError::new(ErrorCode::InvalidArgument, "PAGE_TOKEN_INVALID", bad_token_words()))
}

fn bad_token_words() -> &'static str {
    "page_token was not given by this list in this order; start again without one"
}

/// A token of another order is the caller's mistake.
fn bad_token(error: aerie_store::StoreError) -> Status {
    match error {
        aerie_store::StoreError::Decode { column, .. } if column == "page_token" => {
            RpcError::new(ErrorCode::InvalidArgument, "PAGE_TOKEN_INVALID", bad_token_words()).into()
        }
        other => errors::store(other),
    }
}

pub(super) fn statuses(wire: &[i32]) -> Result<Vec<JobStatus>, RpcError> {
    wire.iter()
        .map(|status| {
            convert::status_from_wire(*status)
                .ok_or_else(|| RpcError::invalid_field("statuses", format!("holds {status}, which is no status")))
        })
        .collect()
}

/// At least one status: an empty list never means "everything" where something is deleted.
fn named_statuses(wire: &[i32]) -> Result<Vec<JobStatus>, RpcError> {
    if wire.is_empty() {
        return Err(RpcError::invalid_field("statuses", "is empty; name at least one status"));
    }
    statuses(wire)
}

fn remote_name(kind: i32) -> Option<String> {
    let name = match convert::remote_from_wire(kind)? {
        RemoteKind::Unknown => "unknown",
        RemoteKind::OnSite => "on_site",
        RemoteKind::Hybrid => "hybrid",
        RemoteKind::Remote => "remote",
    };
    Some(name.to_owned())
}

pub(super) fn status(name: &str) -> i32 {
    name.parse::<JobStatus>().map(convert::status_to_wire).unwrap_or_default()
}

fn link(link: &PostingLink) -> pb::PostingLink {
    pb::PostingLink {
        source: link.source.clone(),
        url: link.url.clone(),
        title: link.title.clone(),
        first_seen_time: Some(convert::timestamp(link.first_seen)),
        last_seen_time: Some(convert::timestamp(link.last_seen)),
    }
}

pub(super) fn job_to_wire(job: &Job) -> pb::Job {
    let mut posting = convert::posting(&job.snapshot.posting);
    posting.id = job.summary.posting_id.to_string();
    posting.links = job.snapshot.links.iter().map(link).collect();
    pb::Job {
        posting: Some(posting),
        score: job.score_document.as_deref().and_then(matching::score_to_wire),
        notes: job.notes.clone(),
        ..summary_to_wire(&job.summary)
    }
}

pub(super) fn summary_to_wire(summary: &JobSummary) -> pb::Job {
    pb::Job {
        id: summary.id.to_string(),
        posting: Some(pb::Posting {
            id: summary.posting_id.to_string(),
            source: summary.source.clone(),
            url: summary.url.clone(),
            title: summary.title.clone(),
            company: summary.company.clone(),
            post_time: summary.posted_at.map(convert::timestamp),
            ..Default::default()
        }),
        status: status(&summary.status),
        create_time: Some(convert::timestamp(summary.created_at)),
        update_time: Some(convert::timestamp(summary.updated_at)),
        rejection_stage: summary.rejection_stage.as_deref().map(status).unwrap_or_default(),
        etag: summary.version.to_string(),
        surfaced_by: summary.surfaced_by.clone().unwrap_or_default(),
        search_profile_id: summary.search_profile_id.map(|id| id.to_string()).unwrap_or_default(),
        ..Default::default()
    }
}

/// Lists leave the long texts out.
pub(super) fn without_description(mut job: pb::Job) -> pb::Job {
    if let Some(posting) = job.posting.as_mut() {
        posting.description_text.clear();
        posting.description_html.clear();
    }
    job
}
