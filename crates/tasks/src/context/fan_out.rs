//! Children: spawned in one transaction, waited for without a worker.

use std::collections::HashMap;

use aerie_store::{StoreError, Tx};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Step, TaskContext};
use crate::{NewTask, QueueError, Submitted, TaskError, TaskId, TaskState, queue::Inserted, task::parse_json};

/// How a child ended.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildEnd {
    /// The child.
    pub id: TaskId,
    /// Its kind.
    pub kind: String,
    /// Its dedupe key.
    pub dedupe_key: Option<String>,
    /// Completed, failed or cancelled.
    pub state: TaskState,
    /// What it gave, when completed.
    pub result: Option<serde_json::Value>,
    /// Why it failed.
    pub error: Option<String>,
}

impl ChildEnd {
    /// The result of a completed child in its own type; `None` when it did not complete.
    pub fn output<T: DeserializeOwned>(&self) -> Result<Option<T>, TaskError> {
        let Some(result) = self.result.clone() else { return Ok(None) };
        serde_json::from_value(result).map(Some).map_err(|error| {
            QueueError::Codec {
                what: format!("result of child {} ({})", self.id, self.kind),
                detail: error.to_string(),
            }
            .into()
        })
    }
}

/// Where a fan-out stands.
#[derive(Debug, Clone, PartialEq)]
pub enum FanOut {
    /// Some children have not ended: return [`Outcome::Wait`](crate::Outcome::Wait).
    Waiting,
    /// All have; in the order in which they were spawned.
    Ended(Vec<ChildEnd>),
}

/// What a spawning step stores.
#[derive(Serialize, Deserialize)]
struct Spawned {
    id: TaskId,
    created: bool,
}

impl TaskContext {
    /// Spawns children in one transaction, once: when the task runs again, the same children are returned. `name` tells
    /// the fan-outs of a task apart.
    ///
    /// A child whose kind and key are active already is not made again; the task then waits for that one. Such a child
    /// is not cancelled with this task. Return [`Outcome::Wait`](crate::Outcome::Wait) until
    /// [`TaskContext::children`] says that all have ended.
    pub async fn spawn_children(&self, name: &str, children: Vec<NewTask>) -> Result<Vec<Submitted>, TaskError> {
        let mut step = match self.begin_step::<Vec<Spawned>>(&format!("spawn {name}")).await? {
            Step::Finished(spawned) => {
                return Ok(spawned.into_iter().map(|Spawned { id, created }| Submitted { id, created }).collect());
            }
            Step::Open(step) => step,
        };
        let mut room = HashMap::new();
        let mut events = Vec::new();
        let mut links = Vec::new();
        let mut spawned = Vec::new();
        // One time for all, so that they are claimed in the order given whatever the clock does meanwhile.
        let now = self.inner.queue.now();
        for (position, mut child) in children.into_iter().enumerate() {
            child.parent = Some(self.id());
            child.run_at = child.run_at.or(Some(now));
            child.trace_context = child.trace_context.or_else(|| self.trace_context().map(str::to_owned));
            let inserted = self.insert_or_adopt(step.tx(), &child, &mut room).await?;
            let Submitted { id, created } = inserted.submitted;
            events.extend(inserted.event);
            let position = i64::try_from(position).unwrap_or(i64::MAX);
            links.push(vec![self.id().into(), id.into(), name.into(), position.into()]);
            spawned.push(Spawned { id, created });
        }
        let count = i64::try_from(links.len()).unwrap_or(i64::MAX);
        let tx = step.tx();
        tx.insert_many("insert into task_child (parent_id, child_id, fan_out, position)", "", links).await?;
        tx.execute(
            "update task set pending_children = pending_children + $2 where id = $1",
            vec![self.id().into(), count.into()],
        )
        .await?;
        aerie_events::append_all(tx, events).await?;
        let spawned = step.finish(spawned).await?;
        Ok(spawned.into_iter().map(|Spawned { id, created }| Submitted { id, created }).collect())
    }

    /// Where the fan-out `name` stands. One that was never spawned, or has no children, has ended with none.
    pub async fn children(&self, name: &str) -> Result<FanOut, TaskError> {
        let rows = self
            .inner
            .database
            .read()
            .await?
            .fetch_all(
                "select task.id, task.kind, task.dedupe_key, task.state, task.result, task.error from task_child \
                 join task on task.id = task_child.child_id \
                 where task_child.parent_id = $1 and task_child.fan_out = $2 order by task_child.position",
                vec![self.id().into(), name.into()],
            )
            .await?;
        let mut ends = Vec::with_capacity(rows.len());
        for row in rows {
            let state: TaskState = row.text("state")?.parse()?;
            if !state.is_final() {
                return Ok(FanOut::Waiting);
            }
            ends.push(ChildEnd {
                id: row.id("id")?,
                kind: row.text("kind")?,
                dedupe_key: row.optional_text("dedupe_key")?,
                state,
                result: row.optional_private("task.result")?.map(|text| parse_json("result", &text)).transpose()?,
                error: row.optional_text("error")?,
            });
        }
        Ok(FanOut::Ended(ends))
    }

    /// Spawns `children` unless that was done, and says where they stand.
    pub async fn fan_out(&self, name: &str, children: Vec<NewTask>) -> Result<FanOut, TaskError> {
        self.spawn_children(name, children).await?;
        self.children(name).await
    }

    /// How many of the children that this one's parent spawned before it in the same fan-out are still to end, as far as
    /// they are at work or come to a worker before this one would. One that pauses after a failure does not count, nor
    /// when it runs again: nobody should wait for what may never work.
    pub async fn elders(&self) -> Result<usize, TaskError> {
        let Some(parent) = self.parent() else { return Ok(0) };
        // Due tasks are claimed in the order of `run_at`, and a failure moves it on.
        let sql = "select count(*) as found from task_child mine join task_child other \
                   on other.parent_id = mine.parent_id and other.fan_out = mine.fan_out \
                   and other.position < mine.position join task on task.id = other.child_id \
                   where mine.parent_id = $1 and mine.child_id = $2 \
                   and task.state in ('queued', 'running') and task.run_at <= $3";
        let values = vec![parent.into(), self.id().into(), self.inner.task.run_at.into()];
        let found = self.inner.database.read().await?.fetch_one(sql, values).await?.int("found")?;
        Ok(usize::try_from(found).unwrap_or(0))
    }

    async fn insert_or_adopt(
        &self,
        tx: &mut Tx,
        child: &NewTask,
        room: &mut HashMap<String, u32>,
    ) -> Result<Inserted, TaskError> {
        for _ in 0..10 {
            let inserted = self.inner.queue.insert(tx, child, room).await?;
            if inserted.submitted.created {
                return Ok(inserted);
            }
            let id = inserted.submitted.id;
            // Taking its row settles whether it ends before or after it is linked to this task.
            let active = tx
                .execute(
                    "update task set updated_at = updated_at \
                     where id = $1 and state in ('queued', 'running', 'waiting')",
                    vec![id.into()],
                )
                .await?;
            if active == 0 {
                continue;
            }
            if self.is_waited_for_by(tx, id).await? {
                return Err(QueueError::Codec {
                    what: format!("child {:?} with key {:?}", child.kind, child.dedupe_key),
                    detail: format!("is task {id}, which itself waits for this one"),
                }
                .into());
            }
            return Ok(inserted);
        }
        Err(StoreError::Unavailable {
            detail: format!("tasks of kind {:?} end faster than they are found", child.kind),
        }
        .into())
    }

    /// Whether `other` is this task or waits for it, through however many others.
    async fn is_waited_for_by(&self, tx: &mut Tx, other: TaskId) -> Result<bool, StoreError> {
        let found = tx
            .fetch_one(
                "with recursive awaited (id) as (select id from task where id = $1 union \
                 select task_child.child_id from task_child join awaited on task_child.parent_id = awaited.id \
                 where task_child.finished = false) select count(*) as found from awaited where id = $2",
                vec![other.into(), self.id().into()],
            )
            .await?
            .int("found")?;
        Ok(found > 0)
    }
}
