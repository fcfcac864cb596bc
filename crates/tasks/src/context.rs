//! What a running task can do.

mod fan_out;
mod step;

use std::{fmt, sync::Arc, sync::Mutex};

use aerie_events::person_of;
use aerie_store::{Database, PersonId, Tx};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    Clock, Queue, TaskError, TaskId,
    lease::Claimed,
    notice::{self, clip, notice},
    queue::lock,
};

pub use fan_out::{ChildEnd, FanOut};
pub use step::{OpenStep, Step};

/// How often progress is written at most, unless the stage changes.
const PROGRESS_EVERY: TimeDelta = TimeDelta::milliseconds(250);
/// How often a growing text is written at most.
const DRAFT_EVERY: TimeDelta = TimeDelta::milliseconds(250);
/// Longest part of a growing text that is kept, in characters.
const MOST_DRAFT: usize = 20_000;
/// Longest stage or log message, in characters.
const MOST_MESSAGE: usize = 2_000;
/// Most log lines of one task; later ones are dropped.
const MOST_LOG_LINES: i64 = 5_000;

/// How serious a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// What happens.
    Info,
    /// What went wrong and was got over.
    Warning,
    /// What went wrong.
    Error,
}

impl LogLevel {
    /// The name that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One run of a task, as its handler sees it. Cheap to clone.
///
/// Everything that is written through it is fenced: once the task was cancelled, or its lease went to another worker,
/// it changes nothing and gives [`TaskError::Lost`].
#[derive(Clone)]
pub struct TaskContext {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Queue,
    database: Database,
    person: PersonId,
    task: Claimed,
    cancelled: CancellationToken,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    stage: String,
    at: Option<DateTime<Utc>>,
    drafted_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TaskContext")
            .field("id", &self.id())
            .field("kind", &self.inner.task.lease.kind)
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}

impl TaskContext {
    pub(crate) fn new(
        queue: Queue,
        database: Database,
        task: Claimed,
        cancelled: CancellationToken,
    ) -> Result<Self, TaskError> {
        let person = person_of(&database)?;
        let inner = Inner { queue, database, person, task, cancelled, told: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The task.
    pub fn id(&self) -> TaskId {
        self.inner.task.lease.id
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> i64 {
        self.inner.task.lease.attempt
    }

    /// Whether no attempt follows this one.
    pub fn is_last_attempt(&self) -> bool {
        self.attempt() >= self.inner.task.max_attempts
    }

    /// The task that spawned this one.
    pub fn parent(&self) -> Option<TaskId> {
        self.inner.task.parent_id
    }

    /// Whose task it is.
    pub fn person(&self) -> PersonId {
        self.inner.person
    }

    /// The person's store, for reading. What is written past [`TaskContext::begin_step`] is not fenced.
    pub fn database(&self) -> &Database {
        &self.inner.database
    }

    /// The queue, to submit other tasks within a step.
    pub fn queue(&self) -> &Queue {
        &self.inner.queue
    }

    /// The clock that tasks live by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        self.inner.queue.clock()
    }

    /// W3C `traceparent` of whoever asked for the task.
    pub fn trace_context(&self) -> Option<&str> {
        self.inner.task.trace_context.as_deref()
    }

    /// Fires when the run is to end: cancelled, lease lost, or the process stops. The run's future is dropped then; work
    /// outside of it (a blocking thread) should look at this.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.inner.cancelled
    }

    /// Begins a transaction that holds the task's row: whoever would take the task away waits for it.
    pub(crate) async fn begin_fenced(&self) -> Result<Tx, TaskError> {
        let mut tx = self.inner.database.begin().await?;
        if !self.inner.task.lease.hold(&mut tx, self.inner.queue.now()).await? {
            self.inner.cancelled.cancel();
            return Err(TaskError::Lost);
        }
        Ok(tx)
    }

    /// Tells what the task is doing and, if known, the share done (0 to 1). Progress within a stage is written at most
    /// four times a second; what comes in between is left out.
    pub async fn stage(&self, stage: &str, progress: Option<f64>) -> Result<(), TaskError> {
        let now = self.inner.queue.now();
        let stage = clip(stage, MOST_MESSAGE);
        {
            let mut told = lock(&self.inner.told);
            let recent = told.at.is_some_and(|at| now - at < PROGRESS_EVERY);
            if recent && told.stage == stage {
                return Ok(());
            }
            told.stage.clone_from(&stage);
            told.at = Some(now);
        }
        let progress = progress.filter(|share| share.is_finite()).map(|share| share.clamp(0.0, 1.0));
        let mut tx = self.begin_fenced().await?;
        tx.execute(
            "update task set stage = $2, progress = $3, updated_at = $4 where id = $1",
            vec![self.id().into(), stage.as_str().into(), progress.into(), now.into()],
        )
        .await?;
        let facts = json!({ "stage": notice::short(&stage), "progress": progress });
        let event = notice(notice::PROGRESS, self.id(), &self.inner.task.lease.kind, now, facts);
        aerie_events::append(&mut tx, event).await?;
        Ok(self.inner.queue.commit_quietly(tx, self.inner.person).await?)
    }

    /// Tells the text that is being written, as far as it has come, to whoever watches the task. It is written at most
    /// four times a second, each time over what was there; the first 20,000 characters are kept, and nothing of it once the
    /// run has ended. No event says that it grew. An empty text takes away what was told, at once.
    pub async fn draft(&self, text: &str) -> Result<(), TaskError> {
        let now = self.inner.queue.now();
        {
            let mut told = lock(&self.inner.told);
            if !text.is_empty() && told.drafted_at.is_some_and(|at| now - at < DRAFT_EVERY) {
                return Ok(());
            }
            told.drafted_at = (!text.is_empty()).then_some(now);
        }
        let draft = (!text.is_empty()).then(|| clip(text, MOST_DRAFT));
        let mut tx = self.begin_fenced().await?;
        let draft = tx.optional_private("task.draft", draft.as_deref())?;
        tx.execute("update task set draft = $2 where id = $1", vec![self.id().into(), draft]).await?;
        Ok(tx.commit().await?)
    }

    /// Adds a line to the task's log. Lines beyond the first 5,000 of a task are dropped.
    pub async fn log(&self, level: LogLevel, message: &str) -> Result<(), TaskError> {
        let mut tx = self.begin_fenced().await?;
        tx.execute(
            "insert into task_log (task_id, line, attempt, at, level, message) \
             select $1, found.line, $2, $3, $4, $5 from (select coalesce(max(line), 0) + 1 as line from task_log \
             where task_id = $1) as found where found.line <= $6",
            vec![
                self.id().into(),
                self.attempt().into(),
                self.inner.queue.now().into(),
                level.as_str().into(),
                clip(message, MOST_MESSAGE).into(),
                MOST_LOG_LINES.into(),
            ],
        )
        .await?;
        Ok(tx.commit().await?)
    }
}
