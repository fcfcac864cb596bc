//! Owning a task for a while: claim, renewal, and finding leases that ran out.

use std::time::Duration;

use aerie_store::{Database, Engine, Scope, StoreError, Tx, Value};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::{
    QueueError, TaskId,
    ending::{self, Ending},
    notice,
    task::parse_json,
};

/// Longest time that a duration from outside may mean.
const MOST_DELTA: TimeDelta = TimeDelta::days(366);

/// The right to write a task: void as soon as the row holds another token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) id: TaskId,
    pub(crate) token: Uuid,
    pub(crate) kind: String,
    pub(crate) attempt: i64,
    pub(crate) duration: Duration,
}

impl Lease {
    /// Renews the lease and takes the task's row, so that nobody can claim it before this transaction ends. False when
    /// the task is not ours any more; then nothing may be written.
    pub(crate) async fn hold(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let held = tx
            .execute(
                "update task set lease_until = $3 where id = $1 and lease_token = $2",
                vec![self.id.into(), self.token.into(), (now + delta(self.duration)).into()],
            )
            .await?;
        Ok(held == 1)
    }
}

/// A task that was just claimed.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) lease: Lease,
    pub(crate) payload: serde_json::Value,
    pub(crate) max_attempts: i64,
    pub(crate) repeatable: bool,
    pub(crate) parent_id: Option<TaskId>,
    pub(crate) trace_context: Option<String>,
    pub(crate) run_at: DateTime<Utc>,
}

/// Kinds that are claimed together: they have the same lease and share no limit.
#[derive(Debug, Clone)]
pub(crate) struct KindGroup {
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) lease: Duration,
}

/// Claims up to `limit` due tasks of a group, the most urgent first. One statement: two workers never get the same.
///
/// The limit is a part of the text, and the tasks are joined: with a parameter, or with `in`, PostgreSQL now and then
/// expects so many to be due that it reads all of the person's tasks to find these few.
pub(crate) async fn claim(
    tx: &mut Tx,
    database: &Database,
    group: &KindGroup,
    limit: usize,
    worker: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Claimed>, QueueError> {
    let token = Uuid::new_v4();
    let mut values: Vec<Value> = vec![token.into(), (now + delta(group.lease)).into(), worker.into(), now.into()];
    let kinds = kinds_clause(&group.kinds, &mut values);
    let sql = format!(
        "with due as materialized (select id as due_id from task where state = 'queued' and run_at <= $4 and \
         {kinds}{tenant} order by priority desc, run_at, id limit {limit}{skip_locked}) \
         update task set state = 'running', attempt = attempt + 1, lease_token = $1, lease_until = $2, worker = $3, \
         started_at = coalesce(started_at, $4), updated_at = $4 from due where id = due_id \
         returning id, kind, payload, attempt, max_attempts, repeatable, parent_id, trace_context, run_at, priority",
        tenant = tenant_clause(database),
        skip_locked = skip_locked(database),
    );
    let mut claimed = Vec::new();
    for row in tx.fetch_all(sql, values).await? {
        let lease = Lease {
            id: row.id("id")?,
            token,
            kind: row.text("kind")?,
            attempt: row.int("attempt")?,
            duration: group.lease,
        };
        let task = Claimed {
            lease,
            payload: parse_json("payload", &row.private("task.payload")?)?,
            max_attempts: row.int("max_attempts")?,
            repeatable: row.bool("repeatable")?,
            parent_id: row.optional_id("parent_id")?,
            trace_context: row.optional_text("trace_context")?,
            run_at: row.time("run_at")?,
        };
        claimed.push((row.int("priority")?, task));
    }
    // The order of returned rows is not defined.
    claimed.sort_by(|(left_priority, left), (right_priority, right)| {
        (right_priority, left.run_at, left.lease.id).cmp(&(left_priority, right.run_at, right.lease.id))
    });
    Ok(claimed.into_iter().map(|(_, task)| task).collect())
}

/// The events of claimed tasks.
pub(crate) fn claim_notices(claimed: &[Claimed], now: DateTime<Utc>) -> Vec<aerie_events::NewEvent> {
    claimed
        .iter()
        .map(|task| {
            let facts = json!({ "attempt": task.lease.attempt });
            notice::notice(notice::RUNNING, task.lease.id, &task.lease.kind, now, facts)
        })
        .collect()
}

/// What is to be done in a store right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) tasks: bool,
    pub(crate) expired: bool,
    pub(crate) schedules: bool,
}

impl Due {
    pub(crate) fn any(self) -> bool {
        self.tasks || self.expired || self.schedules
    }
}

/// Looks whether a claim could find something, without taking a write lock.
pub(crate) async fn peek(database: &Database, kinds: &[&'static str], now: DateTime<Utc>) -> Result<Due, StoreError> {
    let mut values: Vec<Value> = vec![now.into()];
    let kinds = kinds_clause(kinds, &mut values);
    let tenant = tenant_clause(database);
    let sql = format!(
        "select exists (select 1 from task where state = 'queued' and run_at <= $1 and {kinds}{tenant}) as tasks, \
         exists (select 1 from task where state = 'running' and lease_until < $1{tenant}) as expired, \
         exists (select 1 from task_schedule where next_at <= $1{tenant}) as schedules"
    );
    let mut tx = database.read().await?;
    let row = tx.fetch_one(sql, values).await?;
    let due = Due { tasks: row.bool("tasks")?, expired: row.bool("expired")?, schedules: row.bool("schedules")? };
    tx.rollback().await?;
    Ok(due)
}

/// Whose runs are over without having ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Those whose lease ran out before this time.
    Silent(DateTime<Utc>),
    /// All: no process that could have claimed them is alive.
    Everybody,
}

/// Ends runs of workers that are gone: queued again in their old place, or failed when they may not be repeated or have
/// no attempt left. At most 200 at a time; returns the tasks' ids.
pub(crate) async fn reap(
    tx: &mut Tx,
    database: &Database,
    gone: Gone,
    now: DateTime<Utc>,
) -> Result<Vec<TaskId>, QueueError> {
    let (silent, values) = match gone {
        Gone::Silent(before) => (" and lease_until < $1", vec![before.into()]),
        Gone::Everybody => ("", vec![]),
    };
    let sql = format!(
        "select id, kind, attempt, max_attempts, repeatable, lease_token, worker, run_at from task \
         where state = 'running'{silent}{} order by id limit 200{}",
        tenant_clause(database),
        skip_locked(database),
    );
    let mut endings = Vec::new();
    for row in tx.fetch_all(sql, values).await? {
        let lease = Lease {
            id: row.id("id")?,
            token: row.id("lease_token")?,
            kind: row.text("kind")?,
            attempt: row.int("attempt")?,
            duration: Duration::ZERO,
        };
        let worker = row.optional_text("worker")?.unwrap_or_default();
        let ending = if !row.bool("repeatable")? {
            Ending::Failed {
                reason: format!("interrupted: worker {worker} stopped answering, and this kind is not repeated"),
            }
        } else if lease.attempt >= row.int("max_attempts")? {
            Ending::Failed {
                reason: format!("worker {worker} stopped answering in attempt {}, the last one", lease.attempt),
            }
        } else {
            Ending::Again { run_at: row.time("run_at")?, reason: format!("worker {worker} stopped answering") }
        };
        endings.push((lease, ending));
    }
    let ids = endings.iter().map(|(lease, _)| lease.id).collect();
    ending::write(tx, endings, now).await?;
    Ok(ids)
}

/// `kind in ($n, …)`, with the values appended.
fn kinds_clause(kinds: &[&'static str], values: &mut Vec<Value>) -> String {
    if kinds.is_empty() {
        return "false".to_owned();
    }
    let numbers: Vec<String> = (values.len() + 1..=values.len() + kinds.len()).map(|n| format!("${n}")).collect();
    values.extend(kinds.iter().map(|kind| Value::from(*kind)));
    format!("kind in ({})", numbers.join(", "))
}

/// Row-level security alone would be enough for what is seen; saying it again lets the planner use the indexes, since
/// the policies also let workers look at everybody.
pub(crate) fn tenant_clause(database: &Database) -> &'static str {
    match (database.engine(), database.scope()) {
        (Engine::Sqlite, _) | (_, Scope::Worker) => "",
        (Engine::Postgres, _) => " and tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid",
    }
}

fn skip_locked(database: &Database) -> &'static str {
    match database.engine() {
        // The write lock of the whole file is already ours.
        Engine::Sqlite => "",
        Engine::Postgres => " for update skip locked",
    }
}

/// A duration for time arithmetic, cut to a year.
pub(crate) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).map_or(MOST_DELTA, |delta| delta.min(MOST_DELTA))
}
