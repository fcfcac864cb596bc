//! One run of one task.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use aerie_store::{Database, PersonId, StoreError};
use futures::FutureExt;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, field::Empty};

use super::{
    Inner, Slot,
    finisher::Finisher,
    heartbeat::{Beating, next_beat},
};
use crate::{
    KindPolicy, Outcome, TaskContext, TaskError, TaskId,
    backoff::random_share,
    ending::Ending,
    lease::{Claimed, delta},
    metric,
    queue::lock,
};

/// Runs a claimed task and writes how it ended.
pub(super) async fn run(inner: Arc<Inner>, database: Database, person: PersonId, task: Claimed, slot: Slot) {
    let span = tracing::info_span!(
        "task",
        task.id = %task.lease.id,
        task.kind = %task.lease.kind,
        task.attempt = task.lease.attempt,
        trace_id = Empty,
    );
    if let Some(context) = &task.trace_context {
        aerie_telemetry::continue_stored(&span, context);
    }
    if let Some(trace_id) = aerie_telemetry::trace_id(&span) {
        span.record("trace_id", trace_id);
    }
    let work = async {
        let cancelled = inner.queue.started(&task.lease);
        let beat = Beating {
            person,
            database: database.clone(),
            lease: task.lease.clone(),
            cancelled: cancelled.clone(),
            renew_at: next_beat(&task.lease),
        };
        lock(&inner.beating).insert((task.lease.id, task.lease.token), beat);
        let started = Instant::now();
        let ending = inner.work(&database, &task, cancelled.clone()).await;
        let name = ending.as_ref().map_or("lost", name_of);
        if let Some(ending) = ending {
            inner.finish(database, person, &task, ending).await;
        }
        lock(&inner.beating).remove(&(task.lease.id, task.lease.token));
        inner.queue.ended(&task.lease);
        metric::run_ended(&task.lease.kind, name, started.elapsed());
    };
    work.instrument(span).await;
    drop(slot);
}

impl Inner {
    /// Runs the handler; `None` when the task is no longer ours.
    async fn work(&self, database: &Database, task: &Claimed, cancelled: CancellationToken) -> Option<Ending> {
        let kind = &task.lease.kind;
        let (Some(handler), Ok(policy)) = (self.queue.registry().handler(kind), self.queue.registry().policy(kind))
        else {
            return Some(Ending::Released);
        };
        let context = match TaskContext::new(self.queue.clone(), database.clone(), task.clone(), cancelled.clone()) {
            Ok(context) => context,
            Err(error) => return Some(self.after_error(task, policy, &error.to_string())),
        };
        let run = AssertUnwindSafe(handler.run(context, task.payload.clone())).catch_unwind();
        let ended = tokio::select! {
            biased;
            () = cancelled.cancelled() => return None,
            () = self.give_back.cancelled() => {
                // Nothing of the run is left to write after it was given back.
                cancelled.cancel();
                return Some(interrupted(task));
            }
            ended = timeout(policy.timeout, run) => ended,
        };
        // Whatever the run left behind outside of its future is to stop now.
        cancelled.cancel();
        let outcome = match ended {
            Err(_) => return Some(self.after_error(task, policy, &format!("took longer than {:?}", policy.timeout))),
            Ok(Err(panic)) => return Some(self.after_error(task, policy, &panic_message(&*panic))),
            Ok(Ok(outcome)) => outcome,
        };
        match outcome {
            Ok(Outcome::Done(result)) => Some(Ending::Completed { result }),
            Ok(Outcome::Fail { reason }) => Some(Ending::Failed { reason }),
            Ok(Outcome::Retry { after, reason }) => Some(self.again(task, policy, after, &reason)),
            Ok(Outcome::Wait) => Some(self.waiting(database, task, policy).await),
            Err(TaskError::Lost) => None,
            Err(error) => Some(self.after_error(task, policy, &error.to_string())),
        }
    }

    /// Waiting for nothing would start the task again and again.
    async fn waiting(&self, database: &Database, task: &Claimed, policy: KindPolicy) -> Ending {
        match has_children(database, task.lease.id).await {
            Ok(true) => Ending::Waiting,
            Ok(false) => Ending::Failed { reason: "the handler waits for children, but spawned none".to_owned() },
            Err(error) => self.after_error(task, policy, &error.to_string()),
        }
    }

    fn after_error(&self, task: &Claimed, policy: KindPolicy, reason: &str) -> Ending {
        if !task.repeatable {
            return Ending::Failed { reason: format!("{reason} (this kind is not repeated)") };
        }
        self.again(task, policy, None, reason)
    }

    fn again(&self, task: &Claimed, policy: KindPolicy, after: Option<Duration>, reason: &str) -> Ending {
        let attempt = task.lease.attempt;
        if attempt >= task.max_attempts {
            return Ending::Failed { reason: format!("{reason} (attempt {attempt} of {})", task.max_attempts) };
        }
        let wait = policy.backoff.wait(attempt, after, random_share());
        Ending::Again { run_at: self.queue.now() + delta(wait), reason: reason.to_owned() }
    }

    /// Writes the end, trying again while the store is busy for as long as the lease can be kept.
    async fn finish(&self, database: Database, person: PersonId, task: &Claimed, ending: Ending) {
        let finisher =
            Arc::clone(lock(&self.finishers).entry(person).or_insert_with(|| Arc::new(Finisher::new(database))));
        let id = task.lease.id;
        let mut pause = Duration::from_millis(20);
        let deadline = Instant::now() + task.lease.duration.max(Duration::from_secs(10));
        loop {
            match finisher.finish(&self.queue, task.lease.clone(), ending.clone()).await {
                Ok(true) => return log_end(task, &ending),
                Ok(false) => return tracing::info!("task {id} ended after its lease was lost; nothing was written"),
                Err(error) if error.is_transient() && Instant::now() < deadline => {
                    tracing::warn!(%error, "could not write the end of task {id}, trying again: {error}");
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
                // The lease runs out and the task is tried again.
                Err(error) => return tracing::error!(%error, "could not write the end of task {id}: {error}"),
            }
        }
    }
}

async fn has_children(database: &Database, id: TaskId) -> Result<bool, StoreError> {
    let mut tx = database.read().await?;
    let sql = "select exists (select 1 from task_child where parent_id = $1) as found";
    tx.fetch_one(sql, vec![id.into()]).await?.bool("found")
}

fn interrupted(task: &Claimed) -> Ending {
    if task.repeatable {
        return Ending::Released;
    }
    Ending::Failed { reason: "interrupted: the process stopped, and this kind is not repeated".to_owned() }
}

fn name_of(ending: &Ending) -> &'static str {
    match ending {
        Ending::Completed { .. } => "completed",
        Ending::Failed { .. } => "failed",
        Ending::Again { .. } => "retried",
        Ending::Waiting => "waiting",
        Ending::Released => "released",
    }
}

fn log_end(task: &Claimed, ending: &Ending) {
    let (id, kind) = (task.lease.id, &task.lease.kind);
    match ending {
        Ending::Failed { reason } => tracing::warn!("task {id} ({kind}) failed: {reason}"),
        Ending::Again { reason, run_at } => tracing::info!("task {id} ({kind}) runs again at {run_at}: {reason}"),
        other => tracing::debug!("task {id} ({kind}) {}", name_of(other)),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", words.unwrap_or("no message"))
}
