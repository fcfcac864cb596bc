//! Submitting tasks.

use std::collections::HashMap;

use aerie_events::NewEvent;
use aerie_store::{StoreError, Tx};
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::Queue;
use crate::{
    KindPolicy, NewTask, QueueError, Submitted, TaskId,
    notice::{self, notice},
};

/// Most bytes of a task's payload.
pub(crate) const MOST_PAYLOAD_BYTES: usize = 256 * 1024;
/// Most bytes of a dedupe key or trace context.
const MOST_KEY_BYTES: usize = 512;

/// A submission whose event is still to be appended.
pub(crate) struct Inserted {
    pub(crate) submitted: Submitted,
    pub(crate) event: Option<NewEvent>,
}

impl Queue {
    /// Submits a task within the caller's transaction. While a task with the same kind and key is active, that one is
    /// returned instead, with `created` false, however many ask at once.
    ///
    /// After an error the transaction is to be rolled back. End it with [`Queue::commit`].
    pub async fn submit(&self, tx: &mut Tx, task: NewTask) -> Result<Submitted, QueueError> {
        let inserted = self.insert(tx, &task, &mut HashMap::new()).await?;
        aerie_events::append_all(tx, inserted.event.into_iter().collect()).await?;
        Ok(inserted.submitted)
    }

    /// Submits several tasks; like [`Queue::submit`] for each in order, with fewer statements.
    pub async fn submit_all(&self, tx: &mut Tx, tasks: Vec<NewTask>) -> Result<Vec<Submitted>, QueueError> {
        let mut room = HashMap::new();
        let mut submitted = Vec::with_capacity(tasks.len());
        let mut events = Vec::new();
        for task in &tasks {
            let inserted = self.insert(tx, task, &mut room).await?;
            submitted.push(inserted.submitted);
            events.extend(inserted.event);
        }
        aerie_events::append_all(tx, events).await?;
        Ok(submitted)
    }

    /// Inserts the row. `room` remembers how many more tasks of each kind fit, so that a batch counts once.
    pub(crate) async fn insert(
        &self,
        tx: &mut Tx,
        task: &NewTask,
        room: &mut HashMap<String, u32>,
    ) -> Result<Inserted, QueueError> {
        let policy = self.registry().policy(&task.kind)?;
        let payload = task.payload.to_string();
        within("the payload", task, payload.len(), MOST_PAYLOAD_BYTES)?;
        within("the key", task, task.dedupe_key.as_ref().map_or(0, String::len), MOST_KEY_BYTES)?;
        within("the trace context", task, task.trace_context.as_ref().map_or(0, String::len), MOST_KEY_BYTES)?;
        let left = match room.get(&task.kind) {
            Some(left) => *left,
            None => policy.queue_depth.saturating_sub(active_of_kind(tx, &task.kind, policy.queue_depth).await?),
        };
        room.insert(task.kind.clone(), left);
        if left == 0 {
            // The same work again is no more work.
            let Some(id) = active_with_key(tx, task).await? else {
                return Err(QueueError::QueueFull { kind: task.kind.clone(), limit: policy.queue_depth });
            };
            return Ok(existing(id));
        }
        let now = self.now();
        // The active one may end between the refused insert and the look for it; then there is room for a new one.
        for _ in 0..10 {
            if let Some(id) = insert_row(tx, task, &payload, policy, now).await? {
                room.insert(task.kind.clone(), left - 1);
                crate::metric::submitted(&task.kind);
                let facts = json!({ "parent": task.parent });
                let event = notice(notice::QUEUED, id, &task.kind, now, facts);
                return Ok(Inserted { submitted: Submitted { id, created: true }, event: Some(event) });
            }
            if let Some(id) = active_with_key(tx, task).await? {
                return Ok(existing(id));
            }
        }
        Err(StoreError::Unavailable { detail: format!("tasks of kind {:?} end faster than they are found", task.kind) }
            .into())
    }
}

fn existing(id: TaskId) -> Inserted {
    Inserted { submitted: Submitted { id, created: false }, event: None }
}

fn within(what: &'static str, task: &NewTask, found: usize, most: usize) -> Result<(), QueueError> {
    if found > most {
        return Err(QueueError::TooLarge { what, kind: task.kind.clone(), found, most });
    }
    Ok(())
}

async fn insert_row(
    tx: &mut Tx,
    task: &NewTask,
    payload: &str,
    policy: KindPolicy,
    now: DateTime<Utc>,
) -> Result<Option<TaskId>, StoreError> {
    let id = Uuid::now_v7();
    let payload = tx.private("task.payload", payload)?;
    let inserted = tx
        .execute(
            "insert into task (id, kind, dedupe_key, payload, state, priority, max_attempts, repeatable, run_at, \
             parent_id, trace_context, created_at, updated_at) \
             values ($1, $2, $3, $4, 'queued', $5, $6, $7, $8, $9, $10, $11, $11) on conflict do nothing",
            vec![
                id.into(),
                task.kind.as_str().into(),
                task.dedupe_key.as_deref().into(),
                payload,
                task.priority.into(),
                policy.attempts().into(),
                policy.repeatable.into(),
                task.run_at.unwrap_or(now).into(),
                task.parent.into(),
                task.trace_context.as_deref().into(),
                now.into(),
            ],
        )
        .await?;
    Ok((inserted == 1).then_some(id))
}

async fn active_with_key(tx: &mut Tx, task: &NewTask) -> Result<Option<TaskId>, StoreError> {
    let Some(key) = task.dedupe_key.as_deref() else { return Ok(None) };
    let row = tx
        .fetch_optional(
            "select id from task \
             where kind = $1 and dedupe_key = $2 and finished_at is null",
            vec![task.kind.as_str().into(), key.into()],
        )
        .await?;
    row.map(|row| row.id("id")).transpose()
}

/// How many active tasks the kind has, counted up to `most`.
async fn active_of_kind(tx: &mut Tx, kind: &str, most: u32) -> Result<u32, StoreError> {
    let found = tx
        .fetch_one(
            "select count(*) as found from (select 1 from task \
             where kind = $1 and finished_at is null limit $2) as active",
            vec![kind.into(), most.into()],
        )
        .await?
        .int("found")?;
    Ok(u32::try_from(found).unwrap_or(u32::MAX))
}
