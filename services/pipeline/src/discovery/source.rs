//! One source or board within a run.

use std::{collections::HashSet, time::Duration};

use aerie_boards::{Outcome as SearchOutcome, Query, SharedSource, SourceError, SourceKind};
use aerie_postings::{Posting, RawPosting, normalise};
use aerie_store::{
    StoreError, Tx, catalogue,
    runs::{self, RunCounts, RunSource},
    sources::{self, CachedQuery, SourceHealth},
};
use aerie_tasks::{KindPolicy, LogLevel, Outcome, Step, TaskContext, TaskError, TaskHandler};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    health,
    ingest::{Ingested, ingest},
    plan::{self, Errand},
    queueing::{self, Finder},
    run::{run_updated, state},
    sink::{CollectingSink, SearchProgress},
    turn::turn,
};
use crate::{
    core::Core,
    filter::Filter,
    profile::{Profile, SearchProfile},
    profiles,
};

/// What one child is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SourcePayload {
    /// The run that it belongs to.
    pub run: Uuid,
    /// The search profile as it was when the run was asked for.
    pub search: SearchProfile,
    /// Source and board.
    pub errand: Errand,
}

/// What one child leaves.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SourceReport {
    /// Jobs added for review.
    pub new_jobs: i64,
}

/// Runs `discovery.source` tasks.
pub struct SourceTask {
    /// Shared parts.
    pub core: Core,
}

/// What the fetching part of an errand brought.
struct Found {
    ids: Vec<Uuid>,
    ingested: Ingested,
    fetched: usize,
    dropped: usize,
    truncated: Option<String>,
    not_modified: bool,
    validators: Vec<(String, aerie_boards::Validators)>,
    /// Whether the source itself was asked, so that `ids` are its answer as of now.
    asked: bool,
}

/// Why an errand ended without its postings.
enum Failure {
    Source(SourceError),
    /// Not a failure of the request: the source rests, or its silence is suspicious.
    Told(String),
    Task(TaskError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Task(error.into())
    }
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        Self::Task(error)
    }
}

impl TaskHandler for SourceTask {
    const KIND: &'static str = "discovery.source";
    type Payload = SourcePayload;
    type Output = SourceReport;

    fn policy() -> KindPolicy {
        KindPolicy {
            // The fetcher retries single requests; a second attempt here is for what outlasts that. Being killed counts
            // as an attempt too, so there are more than the two that a failing source gets.
            max_attempts: Some(20),
            queue_depth: 10_000,
            timeout: Duration::from_secs(15 * 60),
            ..KindPolicy::default()
        }
    }

    async fn run(&self, context: TaskContext, payload: SourcePayload) -> Result<Outcome<SourceReport>, TaskError> {
        let errand = Running { core: &self.core, context: &context, payload: &payload };
        errand.show(state::RUNNING, Some("starting"), None).await?;
        match errand.work().await {
            Ok(report) => Ok(Outcome::Done(report)),
            Err(Failure::Task(TaskError::Lost)) => Err(TaskError::Lost),
            Err(Failure::Task(error)) => {
                // The run tells what the task is going to try again for.
                errand.show(state::QUEUED, Some("trying again soon"), Some(&error.to_string())).await?;
                Err(error)
            }
            Err(Failure::Told(reason)) => {
                errand.show(state::FAILED, None, Some(&reason)).await?;
                Ok(Outcome::Fail { reason })
            }
            Err(Failure::Source(error)) => errand.give_up_or_retry(error).await,
        }
    }
}

/// One attempt at an errand.
struct Running<'a> {
    core: &'a Core,
    context: &'a TaskContext,
    payload: &'a SourcePayload,
}

impl Running<'_> {
    fn name(&self) -> String {
        self.payload.errand.name()
    }

    async fn work(&self) -> Result<SourceReport, Failure> {
        let now = self.core.now();
        let name = self.name();
        let Some(source) = self.core.source(&self.payload.errand.source) else {
            return Err(Failure::Told(format!(
                "no source is called {:?}; see `aerie sources`",
                self.payload.errand.source
            )));
        };
        let health = health::read(self.core.platform(), &name).await?;
        if let Some(reason) = health::resting(health.as_ref(), now) {
            return Err(Failure::Told(reason));
        }
        let profile = profiles::read(self.context.database()).await?;
        let found = match self.recent_answer(now).await? {
            Some(found) => {
                turn(self.context).await?;
                found
            }
            None => self.search(source, &profile.profile, health.as_ref(), now).await?,
        };
        let report = self.queue(&found, &profile.profile).await?;
        self.remember(source, &found, now).await?;
        Ok(report)
    }

    /// The answer that somebody got for the same query a short while ago.
    async fn recent_answer(&self, now: DateTime<Utc>) -> Result<Option<Found>, Failure> {
        let freshness = TimeDelta::from_std(self.core.inner.discovery.freshness()).unwrap_or_default();
        let mut tx = self.core.platform().read().await?;
        let cached = self.cached(&mut tx, &self.hash(), now - freshness).await?;
        Ok(cached.map(|cached| unchanged(cached.postings, false)))
    }

    /// What "unchanged" means for this query: its last answer, unless the validators were stored with a later answer of
    /// another query (somebody else's, of the same address).
    async fn last_answer(&self) -> Result<Option<Vec<Uuid>>, StoreError> {
        let mut tx = self.core.platform().read().await?;
        let validated = self.cached(&mut tx, &self.validators_hash(), DateTime::UNIX_EPOCH).await?;
        let not_before = validated.map_or(DateTime::UNIX_EPOCH, |validated| validated.fetched_at);
        Ok(self.cached(&mut tx, &self.hash(), not_before).await?.map(|cached| cached.postings))
    }

    async fn cached(
        &self,
        tx: &mut Tx,
        hash: &str,
        not_before: DateTime<Utc>,
    ) -> Result<Option<CachedQuery>, StoreError> {
        sources::cached_query(tx, &self.payload.errand.source, hash, not_before).await
    }

    fn hash(&self) -> String {
        plan::query_hash(&self.payload.errand, &self.query(false))
    }

    /// Under this name is kept when validators of the errand were last stored.
    fn validators_hash(&self) -> String {
        format!("validators {}", self.name())
    }

    fn query(&self, ignore_cache: bool) -> Query {
        plan::query(&self.payload.errand, &self.payload.search, &self.core.inner.discovery, ignore_cache)
    }

    async fn search(
        &self,
        source: &SharedSource,
        profile: &Profile,
        health: Option<&SourceHealth>,
        now: DateTime<Utc>,
    ) -> Result<Found, Failure> {
        let board = self.payload.errand.board.as_deref().filter(|_| source.info().kind == SourceKind::CompanyBoard);
        let (mut outcome, mut raw, mut dropped) = self.fetch(source, profile, false).await?;
        if outcome.not_modified {
            // "Unchanged" helps only those who still know what it was.
            match self.last_answer().await? {
                Some(ids) => {
                    turn(self.context).await?;
                    return self.seen_unchanged(source, ids, board, now).await;
                }
                None => (outcome, raw, dropped) = self.fetch(source, profile, true).await?,
            }
        }
        let fetched = raw.len();
        if let Some(reason) = health::suspicious_silence(health, fetched) {
            let mut tx = self.core.platform().begin().await?;
            sources::record_failure(&mut tx, &self.name(), &reason, None, now).await?;
            tx.commit().await?;
            return Err(Failure::Told(reason));
        }
        self.context.stage("normalising", None).await?;
        let (postings, rejected) = normalise_all(raw, now).await?;
        turn(self.context).await?;
        self.context.stage("recognising duplicates", None).await?;
        let ingested = ingest(self.core.platform(), postings, board, now).await?;
        self.embed(&ingested).await?;
        let complete = outcome.truncated.is_none() && self.is_complete(source, fetched);
        if let Some(board) = board.filter(|_| complete) {
            let mut tx = self.core.platform().begin().await?;
            catalogue::mark_missing(&mut tx, &self.payload.errand.source, board, &ingested.ids, now).await?;
            tx.commit().await?;
        }
        let cut_short = outcome.truncated.is_some() && self.is_complete(source, fetched);
        Ok(Found {
            ids: ingested.ids.clone(),
            ingested,
            fetched,
            dropped: dropped + rejected,
            truncated: outcome.truncated,
            not_modified: false,
            // What broke off half way is asked for in full the next time.
            validators: if cut_short { vec![] } else { outcome.validators },
            asked: true,
        })
    }

    /// The source says that it lists what it listed before.
    async fn seen_unchanged(
        &self,
        source: &SharedSource,
        ids: Vec<Uuid>,
        board: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Found, Failure> {
        if let Some(board) = board.filter(|_| self.is_complete(source, ids.len())) {
            let mut tx = self.core.platform().begin().await?;
            catalogue::touch_batch(&mut tx, &ids, now).await?;
            catalogue::mark_missing(&mut tx, &self.payload.errand.source, board, &ids, now).await?;
            tx.commit().await?;
        }
        Ok(unchanged(ids, true))
    }

    /// Whether a list of this length is all that the source has: neither cut at the limit nor capped by the source.
    fn is_complete(&self, source: &SharedSource, fetched: usize) -> bool {
        fetched < self.payload.search.limit() && !source.info().capped_list
    }

    async fn fetch(
        &self,
        source: &SharedSource,
        profile: &Profile,
        ignore_cache: bool,
    ) -> Result<(SearchOutcome, Vec<RawPosting>, usize), Failure> {
        let query = self.query(ignore_cache);
        let (sender, mut progress) = watch::channel(SearchProgress::default());
        let mut sink = CollectingSink::new(Filter::new(&self.payload.search, profile), sender);
        let outcome = {
            let search = source.search(&query, &self.core.inner.fetcher, &mut sink);
            tokio::pin!(search);
            loop {
                tokio::select! {
                    outcome = &mut search => break outcome,
                    // The sender lives in the sink, so this ends only with the search.
                    Ok(()) = progress.changed() => {
                        let seen = *progress.borrow_and_update();
                        self.context.stage(&seen.words(), seen.share()).await?;
                    }
                }
            }
        };
        let outcome = outcome.map_err(Failure::Source)?;
        if let Some((_, error)) = outcome.failures.first() {
            // One errand has one board, so a failed board is a failed errand.
            return Err(Failure::Source(error.clone()));
        }
        Ok((outcome, sink.postings, sink.dropped.len()))
    }

    /// Vectors of new and changed postings, when there is a model.
    async fn embed(&self, ingested: &Ingested) -> Result<(), Failure> {
        crate::scoring::embed_postings(self.core, &ingested.ids, &ingested.changed).await?;
        Ok(())
    }

    /// Filters and adds to the person's queue; exactly once, whatever happens to this process.
    async fn queue(&self, found: &Found, profile: &Profile) -> Result<SourceReport, Failure> {
        self.context.stage("filtering", None).await?;
        let finder =
            Finder { search: &self.payload.search, profile, surfaced_by: &self.payload.errand.source, filters: true };
        // An earlier attempt may have changed the catalogue and not come as far as this: then everything may be new here.
        let all: HashSet<Uuid>;
        let changed = if self.context.attempt() > 1 {
            all = found.ids.iter().copied().collect();
            &all
        } else {
            &found.ingested.changed
        };
        let change = queueing::prepare(self.core, self.context.database(), &finder, &found.ids, changed).await?;
        let mut step = match self.context.begin_step("queue").await? {
            Step::Finished(report) => return Ok(report),
            Step::Open(step) => step,
        };
        let now = self.core.now();
        let filtered = change.filtered;
        let new_jobs = change.apply(step.tx(), now).await?;
        let distinct: HashSet<Uuid> = found.ids.iter().copied().collect();
        let row = RunSource {
            source: self.name(),
            state: if found.truncated.is_some() { state::TRUNCATED } else { state::SUCCEEDED }.to_owned(),
            counts: RunCounts {
                fetched: count(found.fetched),
                new_postings: count(found.ingested.new),
                known_postings: count(distinct.len().saturating_sub(found.ingested.new)),
                new_jobs: count(new_jobs.len()),
            },
            dropped: count(found.dropped),
            filtered: count(filtered),
            not_modified: found.not_modified,
            attempts: self.context.attempt(),
            reason: found.truncated.clone(),
            finished_at: Some(now),
            ..RunSource::default()
        };
        runs::put_run_source(step.tx(), self.payload.run, &row).await.map_err(TaskError::from)?;
        let mut events = vec![run_updated(self.payload.run, self.core)];
        events.extend(crate::jobs::jobs_added(&new_jobs, &self.payload.errand.source, now));
        aerie_events::append_all(step.tx(), events).await.map_err(TaskError::from)?;
        Ok(step.finish(SourceReport { new_jobs: row.counts.new_jobs }).await?)
    }

    /// Makes the next run cheap; only now, since everything that the answer holds is safe by now.
    async fn remember(&self, source: &SharedSource, found: &Found, now: DateTime<Utc>) -> Result<(), Failure> {
        if found.asked {
            let mut tx = self.core.platform().begin().await?;
            let answer = CachedQuery { fetched_at: now, postings: found.ids.clone() };
            sources::put_cached_query(&mut tx, &source.info().name, &self.hash(), &answer).await?;
            if !found.validators.is_empty() {
                let validated = CachedQuery { fetched_at: now, postings: vec![] };
                sources::put_cached_query(&mut tx, &source.info().name, &self.validators_hash(), &validated).await?;
            }
            sources::record_success(&mut tx, &self.name(), count(found.fetched), now).await?;
            tx.commit().await?;
            self.core.inner.fetcher.remember(&found.validators).await;
        }
        Ok(())
    }

    async fn give_up_or_retry(&self, error: SourceError) -> Result<Outcome<SourceReport>, TaskError> {
        health::record_failure(self.core.platform(), &self.name(), &error, self.core.now()).await?;
        let reason = error.to_string();
        self.context.log(LogLevel::Warning, &reason).await?;
        let passing = matches!(error, SourceError::Timeout { .. } | SourceError::Network { .. });
        if passing && self.context.attempt() < 2 {
            self.show(state::QUEUED, Some("trying again soon"), Some(&reason)).await?;
            return Ok(Outcome::Retry { after: None, reason });
        }
        self.show(state::FAILED, None, Some(&reason)).await?;
        Ok(Outcome::Fail { reason })
    }

    /// Writes where the errand stands into the run.
    async fn show(&self, state: &str, stage: Option<&str>, reason: Option<&str>) -> Result<(), TaskError> {
        let mut tx = self.context.database().begin().await?;
        let row = RunSource {
            source: self.name(),
            state: state.to_owned(),
            stage: stage.map(str::to_owned),
            attempts: self.context.attempt(),
            reason: reason.map(str::to_owned),
            started_at: Some(self.core.now()),
            ..RunSource::default()
        };
        runs::put_run_source(&mut tx, self.payload.run, &row).await?;
        aerie_events::append(&mut tx, run_updated(self.payload.run, self.core)).await?;
        self.context.queue().commit(tx, self.context.person()).await?;
        Ok(())
    }
}

/// An errand that found what it found before: the source said so (`not_modified`), or it was not asked.
fn unchanged(ids: Vec<Uuid>, not_modified: bool) -> Found {
    Found {
        fetched: ids.len(),
        ids,
        ingested: Ingested::default(),
        dropped: 0,
        truncated: None,
        not_modified,
        validators: vec![],
        asked: not_modified,
    }
}

/// Normalises on all cores; returns the postings and how many rows were none.
pub(crate) async fn normalise_all(
    raw: Vec<RawPosting>,
    now: DateTime<Utc>,
) -> Result<(Vec<Posting>, usize), TaskError> {
    use rayon::prelude::*;
    let total = raw.len();
    let postings: Vec<Posting> =
        tokio::task::spawn_blocking(move || raw.into_par_iter().filter_map(|raw| normalise(raw, now).ok()).collect())
            .await
            .map_err(TaskError::work)?;
    let rejected = total - postings.len();
    Ok((postings, rejected))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
