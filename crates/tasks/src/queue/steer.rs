//! Cancelling, retrying and forgetting tasks.

use aerie_events::person_of;
use aerie_store::{Database, StoreError, Tx};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Queue, read};
use crate::{
    QueueError, TaskId,
    ending::wake_waiting,
    lease::{Gone, reap, tenant_clause},
    notice::{self, notice},
};

impl Queue {
    /// Cancels a task and everything it spawned, and returns what was cancelled (nothing if all had ended). Queued
    /// tasks never start; running ones are dropped at their next await and can write nothing more.
    pub async fn cancel(&self, database: &Database, id: TaskId) -> Result<Vec<TaskId>, QueueError> {
        let person = person_of(database)?;
        let mut tx = database.begin().await?;
        let cancelled = self.cancel_in(&mut tx, id).await?;
        self.commit(tx, person).await?;
        self.stop_runs(&cancelled);
        Ok(cancelled)
    }

    /// [`Queue::cancel`] within the caller's transaction. After its commit call [`Queue::stop_runs`] with the result,
    /// so that runs in this process end at once and not at their next sign of life.
    pub async fn cancel_in(&self, tx: &mut Tx, id: TaskId) -> Result<Vec<TaskId>, QueueError> {
        if read::get(tx, id).await?.is_none() {
            return Err(QueueError::NotFound { id });
        }
        let now = self.now();
        let mut cancelled = Vec::new();
        let mut events = Vec::new();
        loop {
            let active = active_tree(tx, id).await?;
            if active.is_empty() {
                break;
            }
            for task in active {
                if let Some(kind) = cancel_one(tx, task, now).await? {
                    crate::metric::cancelled(&kind);
                    events.push(notice(notice::CANCELLED, task, &kind, now, json!({})));
                    cancelled.push(task);
                }
            }
            // A parent that was just spawning may have had more children by the time its row was ours. Its lease is
            // void now, so this ends.
        }
        events.extend(wake_waiting(tx, &cancelled, now).await?);
        aerie_events::append_all(tx, events).await?;
        Ok(cancelled)
    }

    /// Queues a failed or cancelled task again, with all its attempts. Finished steps keep their results.
    pub async fn retry(&self, database: &Database, id: TaskId) -> Result<(), QueueError> {
        let person = person_of(database)?;
        let now = self.now();
        let mut tx = database.begin().await?;
        let retried = tx
            .fetch_optional(
                "update task set state = 'queued', attempt = 0, run_at = $2, error = null, finished_at = null, \
                 progress = null, stage = null, pending_children = (select count(*) from task_child \
                 where parent_id = $1 and finished = false), updated_at = $2 \
                 where id = $1 and state in ('failed', 'cancelled') returning kind",
                vec![id.into(), now.into()],
            )
            .await;
        let kind = match retried {
            Ok(Some(row)) => row.text("kind")?,
            Ok(None) => {
                let task = read::get(&mut tx, id).await?.ok_or(QueueError::NotFound { id })?;
                return Err(QueueError::NotRetryable { id, state: task.state });
            }
            Err(StoreError::Constraint { .. }) => {
                drop(tx);
                let kind = self.get(database, id).await?.kind;
                return Err(QueueError::AlreadyActive { id, kind });
            }
            Err(error) => return Err(error.into()),
        };
        let event = notice(notice::QUEUED, id, &kind, now, json!({ "reason": "retried by hand" }));
        aerie_events::append(&mut tx, event).await?;
        self.commit(tx, person).await
    }

    /// Takes everything up that is marked as at work in one person's store, without waiting for its lease; returns how
    /// many tasks that were. Only for whoever knows that no other process works there
    /// ([`Presence::is_alone`](crate::Presence::is_alone)), and before the runner starts. As after a lease that ran out,
    /// what a former owner might still write changes nothing.
    pub async fn take_over(&self, database: &Database) -> Result<usize, QueueError> {
        let person = person_of(database)?;
        let mut found = 0;
        loop {
            let mut tx = database.begin().await?;
            let reaped = reap(&mut tx, database, Gone::Everybody, self.now()).await?;
            if reaped.is_empty() {
                tx.rollback().await?;
                return Ok(found);
            }
            found += reaped.len();
            self.commit(tx, person).await?;
            crate::metric::reaped(reaped.len());
            self.stop_runs(&reaped);
        }
    }

    /// Deletes tasks that ended before `before`, with their steps and logs, at most 1,000 at a time; returns how many.
    /// A task goes only when its parent has ended, which may still want its result.
    pub async fn prune(&self, database: &Database, before: DateTime<Utc>) -> Result<u64, QueueError> {
        let sql = format!(
            "delete from task where id in (select id from task where finished_at < $1{} \
             and not exists (select 1 from task parent where parent.id = task.parent_id and parent.finished_at is null) \
             and not exists (select 1 from task_child link join task waiting on waiting.id = link.parent_id \
             where link.child_id = task.id and waiting.finished_at is null) limit 1000)",
            tenant_clause(database),
        );
        let mut tx = database.begin().await?;
        let gone = tx.execute(sql, vec![before.into()]).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

/// The active tasks at and below `id`, the deepest first. Runs that end take rows in the same order, the child before
/// its parent, so the two never wait for each other.
async fn active_tree(tx: &mut Tx, id: TaskId) -> Result<Vec<TaskId>, StoreError> {
    tx.fetch_all(
        "with recursive tree (id, depth) as (select id, 0 from task where id = $1 union all \
         select task.id, tree.depth + 1 from task join tree on task.parent_id = tree.id) \
         select task.id from tree join task on task.id = tree.id \
         where task.state in ('queued', 'running', 'waiting') order by tree.depth desc, task.id",
        vec![id.into()],
    )
    .await?
    .iter()
    .map(|row| row.id("id"))
    .collect()
}

/// Returns the task's kind if it was still active.
async fn cancel_one(tx: &mut Tx, id: TaskId, now: DateTime<Utc>) -> Result<Option<String>, StoreError> {
    tx.fetch_optional(
        "update task set state = 'cancelled', lease_token = null, lease_until = null, draft = null, finished_at = $2, \
         updated_at = $2 where id = $1 and state in ('queued', 'running', 'waiting') returning kind",
        vec![id.into(), now.into()],
    )
    .await?
    .map(|row| row.text("kind"))
    .transpose()
}
