//! Tasks that come again by the clock.

use std::str::FromStr;

use aerie_events::person_of;
use aerie_store::{Database, Row, Tx};
use chrono::{DateTime, Utc};
use croner::Cron;
use serde::Serialize;

use crate::{NewTask, Queue, QueueError, Submitted, TaskId, lease::tenant_clause, task::parse_json};

/// Most schedules that one visit fires.
const MOST_FIRED: usize = 100;

/// A task to be submitted again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSchedule {
    /// Identity within the person's store.
    pub name: String,
    /// Cron pattern with five fields (or six, seconds first), in UTC.
    pub cron: String,
    /// What is submitted each time. With a key, a time is left out while the task of the last one is still active.
    pub task: NewTask,
}

/// A schedule as stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schedule {
    /// Identity within the person's store.
    pub name: String,
    /// Kind of the submitted tasks.
    pub kind: String,
    /// Cron pattern, in UTC.
    pub cron: String,
    /// Key of the submitted tasks.
    pub dedupe_key: Option<String>,
    /// Payload of the submitted tasks.
    pub payload: serde_json::Value,
    /// Priority of the submitted tasks.
    pub priority: i64,
    /// When it fires next.
    pub next_at: DateTime<Utc>,
    /// The planned time that it fired for last.
    pub last_at: Option<DateTime<Utc>>,
    /// The task that it submitted last.
    pub last_task_id: Option<TaskId>,
}

impl Schedule {
    const COLUMNS: &str = "name, kind, cron, dedupe_key, payload, priority, next_at, last_at, last_task_id";

    fn from_row(row: &Row) -> Result<Self, QueueError> {
        Ok(Self {
            name: row.text("name")?,
            kind: row.text("kind")?,
            cron: row.text("cron")?,
            dedupe_key: row.optional_text("dedupe_key")?,
            payload: parse_json("payload", &row.text("payload")?)?,
            priority: row.int("priority")?,
            next_at: row.time("next_at")?,
            last_at: row.optional_time("last_at")?,
            last_task_id: row.optional_id("last_task_id")?,
        })
    }
}

/// The first time after `after` that the pattern names.
fn next_time(name: &str, pattern: &str, after: DateTime<Utc>) -> Result<DateTime<Utc>, QueueError> {
    let bad = |reason: String| QueueError::BadCron { name: name.to_owned(), pattern: pattern.to_owned(), reason };
    let cron = Cron::from_str(pattern).map_err(|error| bad(error.to_string()))?;
    cron.find_next_occurrence(&after, false).map_err(|error| bad(error.to_string()))
}

impl Queue {
    /// Adds or replaces a schedule within the caller's transaction. The next time stays when the pattern does.
    pub async fn put_schedule(&self, tx: &mut Tx, schedule: &NewSchedule) -> Result<(), QueueError> {
        let NewSchedule { name, cron, task } = schedule;
        self.registry().policy(&task.kind)?;
        let now = self.now();
        let next_at = next_time(name, cron, now)?;
        let values = vec![
            name.as_str().into(),
            task.kind.as_str().into(),
            cron.as_str().into(),
            task.dedupe_key.as_deref().into(),
            task.payload.to_string().into(),
            task.priority.into(),
            next_at.into(),
            now.into(),
        ];
        let replaced = tx
            .execute(
                "update task_schedule set kind = $2, dedupe_key = $4, payload = $5, priority = $6, \
                 next_at = case when cron = $3 then next_at else $7 end, cron = $3, updated_at = $8 where name = $1",
                values.clone(),
            )
            .await?;
        if replaced == 0 {
            // Another scheduler may put the same one at this moment.
            tx.execute(
                "insert into task_schedule (name, kind, cron, dedupe_key, payload, priority, next_at, updated_at) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
                values,
            )
            .await?;
        }
        Ok(())
    }

    /// Removes a schedule; whether there was one.
    pub async fn remove_schedule(&self, tx: &mut Tx, name: &str) -> Result<bool, QueueError> {
        Ok(tx.execute("delete from task_schedule where name = $1", vec![name.into()]).await? > 0)
    }

    /// Every schedule of a person, by name.
    pub async fn schedules(&self, database: &Database) -> Result<Vec<Schedule>, QueueError> {
        let sql = format!(
            "select {} from task_schedule where true{} order by name",
            Schedule::COLUMNS,
            tenant_clause(database)
        );
        let rows = database.read().await?.fetch_all(sql, vec![]).await?;
        rows.iter().map(Schedule::from_row).collect()
    }

    /// Submits the tasks of every schedule whose time has come. However many schedulers call this, each planned time
    /// fires once; times that were missed while nobody called it become one.
    pub async fn fire_due(&self, database: &Database) -> Result<Vec<Submitted>, QueueError> {
        let person = person_of(database)?;
        let now = self.now();
        let sql = format!(
            "select {} from task_schedule where next_at <= $1{} order by next_at limit {MOST_FIRED}",
            Schedule::COLUMNS,
            tenant_clause(database)
        );
        let due = database.read().await?.fetch_all(sql, vec![now.into()]).await?;
        let mut fired = Vec::new();
        for row in due {
            let schedule = Schedule::from_row(&row)?;
            // A kind of another program: that one fires it.
            if self.registry().policy(&schedule.kind).is_err() {
                continue;
            }
            let mut tx = database.begin().await?;
            if let Some(submitted) = self.fire(&mut tx, &schedule, now).await? {
                self.commit(tx, person).await?;
                fired.extend(submitted);
            }
        }
        Ok(fired)
    }

    /// Advances the schedule and submits its task. `None` when another scheduler was first; `Some(None)` when the time
    /// was used up without a task because the kind's queue is full.
    async fn fire(
        &self,
        tx: &mut Tx,
        schedule: &Schedule,
        now: DateTime<Utc>,
    ) -> Result<Option<Option<Submitted>>, QueueError> {
        let next_at = next_time(&schedule.name, &schedule.cron, now)?;
        let advanced = tx
            .execute(
                "update task_schedule set next_at = $3, last_at = $2 where name = $1 and next_at = $2",
                vec![schedule.name.as_str().into(), schedule.next_at.into(), next_at.into()],
            )
            .await?;
        if advanced == 0 {
            return Ok(None);
        }
        let mut task = NewTask::of_kind(schedule.kind.clone(), schedule.payload.clone());
        task.dedupe_key.clone_from(&schedule.dedupe_key);
        task.priority = i32::try_from(schedule.priority).unwrap_or_default();
        let submitted = match self.submit(tx, task).await {
            Ok(submitted) => submitted,
            Err(error @ QueueError::QueueFull { .. }) => {
                tracing::warn!(schedule = %schedule.name, "schedule {} is left out this time: {error}", schedule.name);
                return Ok(Some(None));
            }
            Err(error) => return Err(error),
        };
        tx.execute(
            "update task_schedule set last_task_id = $2 where name = $1",
            vec![schedule.name.as_str().into(), submitted.id.into()],
        )
        .await?;
        Ok(Some(Some(submitted)))
    }
}
