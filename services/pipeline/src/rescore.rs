//! Scoring every job again, as a task with progress.

use std::time::Duration;

use aerie_events::NewEvent;
use aerie_store::{PersonId, Tx};
use aerie_tasks::{KindPolicy, NewTask, Outcome, QueueError, Submitted, TaskContext, TaskError, TaskHandler};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    core::Core,
    scoring::{Which, score_jobs},
};

/// Event that scores changed.
pub const JOBS_SCORED: &str = "jobs.scored";

/// Nothing: a rescore takes everything from the store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RescorePayload {}

/// What a rescore leaves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RescoreReport {
    /// Jobs scored.
    pub scored: usize,
}

/// Runs `match.rescore` tasks.
pub struct RescoreTask {
    /// Shared parts.
    pub core: Core,
}

impl TaskHandler for RescoreTask {
    const KIND: &'static str = "match.rescore";
    type Payload = RescorePayload;
    type Output = RescoreReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(10), ..KindPolicy::default() }
    }

    async fn run(&self, context: TaskContext, _: RescorePayload) -> Result<Outcome<RescoreReport>, TaskError> {
        let scored = score(&self.core, &context, Which::All).await?;
        Ok(Outcome::Done(RescoreReport { scored }))
    }
}

/// Scores jobs within a task, telling its progress, and says so in an event when any was scored.
pub(crate) async fn score(core: &Core, context: &TaskContext, which: Which) -> Result<usize, TaskError> {
    context.stage("scoring", Some(0.0)).await?;
    let scored = score_jobs(core, context.database(), which, Some(context)).await?;
    if scored > 0 {
        let mut tx = context.database().begin().await?;
        let data = json!({ "scored": scored });
        aerie_events::append(
            &mut tx,
            NewEvent { kind: JOBS_SCORED.to_owned(), subject_id: None, data, at: core.now() },
        )
        .await?;
        core.inner.queue.commit(tx, context.person()).await?;
    }
    Ok(scored)
}

/// Asks for a rescore within the caller's transaction; one at a time.
pub(crate) async fn submit(
    core: &Core,
    tx: &mut Tx,
    person: PersonId,
    after: Duration,
) -> Result<Submitted, QueueError> {
    let delay = TimeDelta::from_std(after).unwrap_or_default();
    let task = NewTask::new::<RescoreTask>(&RescorePayload {})?
        .with_key(person.to_string())
        .with_run_at(core.now() + delay)
        .with_trace_context(aerie_telemetry::current_traceparent());
    core.inner.queue.submit(tx, task).await
}
