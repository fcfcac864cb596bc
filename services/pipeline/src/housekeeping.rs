//! What is forgotten when it is old: finished tasks, events, runs, validators. A task a day and person.

use aerie_config::Config;
use aerie_events::Retention;
use aerie_store::{integrations, materials, runs, sources};
use aerie_tasks::{NewSchedule, NewTask, Outcome, Queue, QueueError, TaskContext, TaskError, TaskHandler};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{core::Core, research};

/// When it happens, in UTC.
const DAILY: &str = "17 3 * * *";

/// How long things are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keep {
    tasks: TimeDelta,
    events: TimeDelta,
    runs: TimeDelta,
    answers: TimeDelta,
}

impl Keep {
    pub(crate) fn of(config: &Config) -> Self {
        let days = |days: u32| TimeDelta::days(i64::from(days));
        Self {
            tasks: days(config.tasks.retention_days),
            events: days(config.events.retention_days),
            runs: days(config.discovery.retention.runs_days),
            answers: days(config.discovery.retention.postings_days),
        }
    }
}

/// Nothing to say.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Empty {}

/// Runs `housekeeping` tasks.
pub struct HousekeepingTask {
    pub(crate) core: Core,
    pub(crate) keep: Keep,
}

impl TaskHandler for HousekeepingTask {
    const KIND: &'static str = "housekeeping";
    type Payload = Empty;
    type Output = Empty;

    async fn run(&self, context: TaskContext, _: Empty) -> Result<Outcome<Empty>, TaskError> {
        let now = self.core.now();
        while context.queue().prune(context.database(), now - self.keep.tasks).await? > 0 {}
        let mut tx = context.database().begin().await?;
        let retention = Retention { age: self.keep.events, ..Retention::default() };
        aerie_events::prune(&mut tx, retention, now).await?;
        runs::forget_runs_before(&mut tx, now - self.keep.runs).await?;
        materials::forget_pictures_before(&mut tx, now - self.keep.tasks).await?;
        integrations::forget_deliveries_before(&mut tx, now - self.keep.tasks).await?;
        integrations::forget_events_before(&mut tx, now - self.keep.tasks).await?;
        tx.commit().await?;
        let mut tx = self.core.platform().begin().await?;
        sources::forget_cached_before(&mut tx, now - self.keep.answers).await?;
        tx.commit().await?;
        research::refresh(&self.core, context.person()).await.map_err(TaskError::work)?;
        Ok(Outcome::Done(Empty {}))
    }
}

/// Makes sure that a person's store is tidied every day.
pub(crate) async fn schedule(queue: &Queue, database: &aerie_store::Database) -> Result<(), QueueError> {
    let mut tx = database.begin().await?;
    let task = NewTask::new::<HousekeepingTask>(&Empty {})?.with_key("daily");
    let schedule = NewSchedule { name: "housekeeping".to_owned(), cron: DAILY.to_owned(), task };
    queue.put_schedule(&mut tx, &schedule).await?;
    Ok(tx.commit().await?)
}
