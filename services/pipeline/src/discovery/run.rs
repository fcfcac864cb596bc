//! A discovery run: plan, one child a source or board, sum.

use aerie_events::NewEvent;
use aerie_store::{
    Tx,
    runs::{self, Run, RunCounts, RunSource},
};
use aerie_tasks::{FanOut, KindPolicy, NewTask, Outcome, Step, TaskContext, TaskError, TaskHandler, TaskState};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    plan::{self, RunPlan},
    source::{SourcePayload, SourceTask},
};
use crate::{core::Core, profile::SearchProfile, rescore, scoring::Which};

/// Event that a run or one of its sources changed.
pub const RUN_UPDATED: &str = "run.updated";

/// States of a run and of its sources, as stored.
pub mod state {
    /// Waits for a worker.
    pub const QUEUED: &str = "queued";
    /// Works.
    pub const RUNNING: &str = "running";
    /// A run that has ended.
    pub const COMPLETED: &str = "completed";
    /// A source that gave everything.
    pub const SUCCEEDED: &str = "succeeded";
    /// A source that gave a part.
    pub const TRUNCATED: &str = "truncated";
    /// Failed.
    pub const FAILED: &str = "failed";
    /// A source that was left out.
    pub const SKIPPED: &str = "skipped";
    /// Cancelled.
    pub const CANCELLED: &str = "cancelled";
}

/// What a run is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunPayload {
    /// The search profile as it was when the run was asked for.
    pub search: SearchProfile,
    /// Only these sources; empty means all.
    pub sources: Vec<String>,
}

/// What a run leaves.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunReport {
    /// Postings new to the catalogue.
    pub new_postings: i64,
    /// Jobs added for review.
    pub new_jobs: i64,
    /// Jobs scored.
    #[serde(default)]
    pub scored_jobs: i64,
}

/// Runs `discovery.run` tasks. The task's id is the run's.
pub struct RunTask {
    /// Shared parts.
    pub core: Core,
}

/// The event of a change in a run.
pub(crate) fn run_updated(run: Uuid, core: &Core) -> NewEvent {
    NewEvent { kind: RUN_UPDATED.to_owned(), subject_id: Some(run), data: json!({}), at: core.now() }
}

impl TaskHandler for RunTask {
    const KIND: &'static str = "discovery.run";
    type Payload = RunPayload;
    type Output = RunReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(20), ..KindPolicy::default() }
    }

    async fn run(&self, context: TaskContext, payload: RunPayload) -> Result<Outcome<RunReport>, TaskError> {
        let plan = self.plan(&context, &payload).await?;
        let mut children = Vec::new();
        for errand in &plan.errands {
            let child = SourcePayload { run: context.id(), search: payload.search.clone(), errand: errand.clone() };
            children.push(NewTask::new::<SourceTask>(&child)?.with_key(format!("{}:{}", context.id(), errand.name())));
        }
        match context.fan_out("sources", children).await? {
            FanOut::Waiting => Ok(Outcome::Wait),
            FanOut::Ended(ends) => {
                let unreported: Vec<(String, TaskState, Option<String>)> = plan
                    .errands
                    .iter()
                    .zip(&ends)
                    .filter(|(_, end)| end.state != TaskState::Completed)
                    .map(|(errand, end)| (errand.name(), end.state, end.error.clone()))
                    .collect();
                let scored = rescore::score(&self.core, &context, Which::Unscored).await?;
                self.finish(&context, &unreported, scored).await.map(Outcome::Done)
            }
        }
    }
}

impl RunTask {
    async fn plan(&self, context: &TaskContext, payload: &RunPayload) -> Result<RunPlan, TaskError> {
        let mut step = match context.begin_step("plan").await? {
            Step::Finished(plan) => return Ok(plan),
            Step::Open(step) => step,
        };
        let infos = self.core.inner.sources.iter().map(|source| source.info());
        let plan = plan::plan(infos, &payload.search, &payload.sources, &self.core.inner.discovery);
        let tx = step.tx();
        let started_at = Some(self.core.now());
        match runs::run(tx, context.id()).await? {
            Some(run) => {
                let run = Run { state: state::RUNNING.to_owned(), started_at, ..run };
                runs::update_run(tx, &run).await?;
            }
            // A schedule submits the task alone.
            None => {
                let run = Run {
                    id: context.id(),
                    search_profile_id: Some(payload.search.id),
                    task_id: Some(context.id()),
                    state: state::RUNNING.to_owned(),
                    requested_at: self.core.now(),
                    started_at,
                    finished_at: None,
                    counts: RunCounts::default(),
                    reason: None,
                };
                runs::create_run(tx, &run).await?;
            }
        }
        for errand in &plan.errands {
            let row = RunSource { source: errand.name(), state: state::QUEUED.to_owned(), ..RunSource::default() };
            runs::put_run_source(tx, context.id(), &row).await?;
        }
        for skipped in &plan.skipped {
            let row = RunSource {
                source: skipped.name.clone(),
                state: state::SKIPPED.to_owned(),
                reason: Some(skipped.reason.clone()),
                ..RunSource::default()
            };
            runs::put_run_source(tx, context.id(), &row).await?;
        }
        aerie_events::append(tx, run_updated(context.id(), &self.core)).await?;
        step.finish(plan).await
    }

    /// Sums the sources up. A child that failed without a word of its own (cancelled, or killed too often) is
    /// reported by the run.
    async fn finish(
        &self,
        context: &TaskContext,
        unreported: &[(String, TaskState, Option<String>)],
        scored: usize,
    ) -> Result<RunReport, TaskError> {
        let mut step = match context.begin_step("finish").await? {
            Step::Finished(report) => return Ok(report),
            Step::Open(step) => step,
        };
        let tx = step.tx();
        for (name, end, error) in unreported {
            report_failure(tx, context.id(), name, *end, error.as_deref()).await?;
        }
        let mut report = RunReport::default();
        if let Some(mut run) = runs::run(tx, context.id()).await? {
            run.counts = RunCounts::default();
            for row in runs::run_sources(tx, context.id()).await? {
                run.counts.fetched += row.counts.fetched;
                run.counts.new_postings += row.counts.new_postings;
                run.counts.known_postings += row.counts.known_postings;
                run.counts.new_jobs += row.counts.new_jobs;
            }
            state::COMPLETED.clone_into(&mut run.state);
            run.finished_at = Some(self.core.now());
            runs::update_run(tx, &run).await?;
            report = RunReport {
                new_postings: run.counts.new_postings,
                new_jobs: run.counts.new_jobs,
                scored_jobs: i64::try_from(scored).unwrap_or(i64::MAX),
            };
        }
        aerie_events::append(tx, run_updated(context.id(), &self.core)).await?;
        step.finish(report).await
    }
}

async fn report_failure(
    tx: &mut Tx,
    run: Uuid,
    name: &str,
    end: TaskState,
    error: Option<&str>,
) -> Result<(), TaskError> {
    let rows = runs::run_sources(tx, run).await?;
    let Some(mut row) = rows.into_iter().find(|row| row.source == name) else { return Ok(()) };
    if row.state == state::FAILED {
        return Ok(());
    }
    state::FAILED.clone_into(&mut row.state);
    row.reason = Some(match error {
        Some(error) => error.to_owned(),
        None => format!("its task was {end}"),
    });
    runs::put_run_source(tx, run, &row).await?;
    Ok(())
}
