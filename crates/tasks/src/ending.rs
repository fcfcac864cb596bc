//! Writing how runs ended, fenced by their leases, and waking the tasks that waited for them.

use std::collections::{BTreeMap, HashSet};

use aerie_events::NewEvent;
use aerie_store::{Engine, StoreError, Tx, Value};
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::{
    QueueError, TaskId,
    lease::Lease,
    notice::{self, notice},
};

/// Longest reason that a task's row keeps, in characters.
const MOST_REASON: usize = 4_000;

/// How a run ended, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    /// With a result (JSON).
    Completed { result: String },
    /// For good.
    Failed { reason: String },
    /// To be tried again.
    Again { run_at: DateTime<Utc>, reason: String },
    /// Until its children have ended. Continuing is not another attempt.
    Waiting,
    /// Given back unfinished because the process stops. Not an attempt either.
    Released,
}

/// What became of written endings.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// For each ending whether the lease was still valid and it was written.
    pub(crate) applied: Vec<bool>,
    /// Whether a task became due: one that is to run again, or a parent whose last child ended.
    pub(crate) woke: bool,
}

/// Writes endings and their events. Endings of lost leases change nothing.
pub(crate) async fn write(
    tx: &mut Tx,
    endings: Vec<(Lease, Ending)>,
    now: DateTime<Utc>,
) -> Result<Written, QueueError> {
    let mut written = Written::default();
    let mut ended = Vec::new();
    let mut events = Vec::new();
    let mut together = match tx.engine() {
        Engine::Postgres if endings.len() > 1 => complete_together(tx, &endings, now).await?,
        _ => HashSet::new(),
    };
    for (lease, ending) in endings {
        let event = match ending {
            Ending::Completed { .. } if together.remove(&(lease.id, lease.token)) => {
                Some(completed_notice(&lease, now))
            }
            ending => write_one(tx, &lease, ending, now).await?,
        };
        written.applied.push(event.is_some());
        let Some(event) = event else { continue };
        match event.kind.as_str() {
            notice::COMPLETED | notice::FAILED => ended.push(lease.id),
            notice::QUEUED => written.woke = true,
            _ => {}
        }
        events.push(event);
    }
    let woken = wake_waiting(tx, &ended, now).await?;
    written.woke |= !woken.is_empty();
    events.extend(woken);
    if !events.is_empty() {
        // Last, because it takes the person's event counter.
        aerie_events::append_all(tx, events).await?;
    }
    Ok(written)
}

fn completed_notice(lease: &Lease, now: DateTime<Utc>) -> NewEvent {
    notice(notice::COMPLETED, lease.id, &lease.kind, now, json!({ "attempt": lease.attempt }))
}

/// Writes the completed ones among the endings by one statement, since each would cost a message to the server and
/// back; returns the task and token of each that was written. That they run is said for the planner, which may then look
/// among the running ones instead of all of the person's.
async fn complete_together(
    tx: &mut Tx,
    endings: &[(Lease, Ending)],
    now: DateTime<Utc>,
) -> Result<HashSet<(TaskId, Uuid)>, QueueError> {
    let mut completed: Vec<serde_json::Value> = Vec::with_capacity(endings.len());
    for (lease, ending) in endings {
        let Ending::Completed { result } = ending else { continue };
        if let Value::Text(result) = tx.private("task.result", result)? {
            completed.push(json!({ "id": lease.id, "token": lease.token, "result": result }));
        }
    }
    let sql = "update task set state = 'completed', result = done.result, error = null, progress = 1, \
                 finished_at = $2, updated_at = $2, lease_token = null, lease_until = null, draft = null \
               from json_to_recordset($1::json) as done (id uuid, token uuid, result text) \
               where task.id = done.id and task.lease_token = done.token and task.state = 'running' \
               returning done.id as id, done.token as token";
    let mut written = HashSet::new();
    for row in tx.fetch_all(sql, vec![json!(completed).to_string().into(), now.into()]).await? {
        written.insert((row.id("id")?, row.id("token")?));
    }
    Ok(written)
}

async fn write_one(
    tx: &mut Tx,
    lease: &Lease,
    ending: Ending,
    now: DateTime<Utc>,
) -> Result<Option<NewEvent>, StoreError> {
    let mut values: Vec<Value> = vec![lease.id.into(), lease.token.into(), now.into()];
    let (change, mut event, mut facts) = match ending {
        Ending::Completed { result } => {
            values.push(tx.private("task.result", &result)?);
            let change = "state = 'completed', result = $4, error = null, progress = 1, finished_at = $3";
            (change, notice::COMPLETED, json!({}))
        }
        Ending::Failed { reason } => {
            let reason = notice::clip(&reason, MOST_REASON);
            let facts = json!({ "reason": notice::short(&reason) });
            values.push(reason.into());
            ("state = 'failed', error = $4, finished_at = $3", notice::FAILED, facts)
        }
        Ending::Again { run_at, reason } => {
            let reason = notice::clip(&reason, MOST_REASON);
            let facts = json!({ "reason": notice::short(&reason), "run_at": run_at });
            values.extend([reason.into(), run_at.into()]);
            ("state = 'queued', error = $4, run_at = $5", notice::QUEUED, facts)
        }
        Ending::Waiting => {
            // The children may already have ended between their spawning and now.
            let change = "state = case when pending_children > 0 then 'waiting' else 'queued' end, \
                 attempt = attempt - 1, run_at = $3";
            (change, notice::WAITING, json!({}))
        }
        Ending::Released => {
            ("state = 'queued', attempt = attempt - 1", notice::QUEUED, json!({ "reason": "the worker stops" }))
        }
    };
    let sql = format!(
        "update task set {change}, lease_token = null, lease_until = null, draft = null, updated_at = $3 \
         where id = $1 and lease_token = $2 returning state"
    );
    let Some(row) = tx.fetch_optional(sql, values).await? else { return Ok(None) };
    if event == notice::WAITING && row.text("state")? == "queued" {
        event = notice::QUEUED;
    }
    if let Some(facts) = facts.as_object_mut() {
        facts.insert("attempt".to_owned(), json!(lease.attempt));
    }
    Ok(Some(notice(event, lease.id, &lease.kind, now, facts)))
}

/// Tells the tasks that wait for `ended` that these have ended; those with nothing left to wait for are queued.
/// Returns the events to append.
pub(crate) async fn wake_waiting(
    tx: &mut Tx,
    ended: &[TaskId],
    now: DateTime<Utc>,
) -> Result<Vec<NewEvent>, StoreError> {
    let mut waiting: BTreeMap<TaskId, i64> = BTreeMap::new();
    for ids in ended.chunks(500) {
        let numbers: Vec<String> = (1..=ids.len()).map(|number| format!("${number}")).collect();
        let sql = format!(
            "update task_child set finished = true where child_id in ({}) and finished = false returning parent_id",
            numbers.join(", ")
        );
        for row in tx.fetch_all(sql, ids.iter().map(|id| (*id).into()).collect()).await? {
            *waiting.entry(row.id("parent_id")?).or_default() += 1;
        }
    }
    let mut events = Vec::new();
    // In the order of ids, so that two transactions take the rows in the same order.
    for (id, ended) in waiting {
        // The row lock makes the count exact: of two last children, the second sees what the first left.
        tx.execute(
            "update task set pending_children = pending_children - $2, updated_at = $3 where id = $1",
            vec![id.into(), ended.into(), now.into()],
        )
        .await?;
        let woken = tx
            .fetch_optional(
                "update task set state = 'queued', run_at = $2 \
                 where id = $1 and state = 'waiting' and pending_children <= 0 returning kind",
                vec![id.into(), now.into()],
            )
            .await?;
        if let Some(row) = woken {
            let facts = json!({ "reason": "all children have ended" });
            events.push(notice(notice::QUEUED, id, &row.text("kind")?, now, facts));
        }
    }
    Ok(events)
}
