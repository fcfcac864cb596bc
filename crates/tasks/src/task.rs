//! Tasks as rows: what is submitted and what can be looked at.

use std::{fmt, str::FromStr};

use aerie_store::{Row, StoreError};
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::{QueueError, TaskHandler};

/// Identifies a task (UUIDv7: later tasks sort later).
pub type TaskId = Uuid;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Waits for a worker, or for its time.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Waits for its children, without a worker.
    Waiting,
    /// Ended with a result.
    Completed,
    /// Ended without one; parked until somebody retries it.
    Failed,
    /// Stopped by a person or with its parent.
    Cancelled,
}

impl TaskState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Waiting, Self::Completed, Self::Failed, Self::Cancelled];

    /// The name that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens to the task by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for TaskState {
    type Err = QueueError;

    fn from_str(text: &str) -> Result<Self, QueueError> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| QueueError::Codec {
            what: format!("task state {text:?}"),
            detail: "is not one of queued, running, waiting, completed, failed, cancelled".to_owned(),
        })
    }
}

/// A task to be submitted.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// A registered kind.
    pub kind: String,
    /// While a task of this kind and key is active, submitting another returns that one. `None` never collides.
    pub dedupe_key: Option<String>,
    /// What the handler gets, as JSON.
    pub payload: serde_json::Value,
    /// A task whose cancellation also cancels this one. Set by fan-out.
    pub parent: Option<TaskId>,
    /// Higher runs first.
    pub priority: i32,
    /// Not before this time; `None` is at once.
    pub run_at: Option<DateTime<Utc>>,
    /// W3C `traceparent` of whoever asked for it, so that the run can be linked to the request.
    pub trace_context: Option<String>,
}

impl NewTask {
    /// A task of `kind` with a JSON payload.
    pub fn of_kind(kind: impl Into<String>, payload: serde_json::Value) -> Self {
        Self {
            kind: kind.into(),
            dedupe_key: None,
            payload,
            parent: None,
            priority: 0,
            run_at: None,
            trace_context: None,
        }
    }

    /// A task for the handler `H`.
    pub fn new<H: TaskHandler>(payload: &H::Payload) -> Result<Self, QueueError> {
        let payload = serde_json::to_value(payload).map_err(|error| QueueError::Codec {
            what: format!("payload of a {:?} task", H::KIND),
            detail: error.to_string(),
        })?;
        Ok(Self::of_kind(H::KIND, payload))
    }

    /// Sets the key under which only one task may be active.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.dedupe_key = Some(key.into());
        self
    }

    /// Sets the priority; higher runs first.
    #[must_use]
    pub fn with_priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Sets the earliest time.
    #[must_use]
    pub fn with_run_at(mut self, run_at: DateTime<Utc>) -> Self {
        self.run_at = Some(run_at);
        self
    }

    /// Sets the trace that asked for it.
    #[must_use]
    pub fn with_trace_context(mut self, trace_context: Option<String>) -> Self {
        self.trace_context = trace_context;
        self
    }
}

/// The answer to a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The new task, or the active one with the same kind and key.
    pub id: TaskId,
    /// Whether a new one was made.
    pub created: bool,
}

/// A task as stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Task {
    /// Identity.
    pub id: TaskId,
    /// Registered kind.
    pub kind: String,
    /// Key under which only one may be active.
    pub dedupe_key: Option<String>,
    /// What the handler gets.
    pub payload: serde_json::Value,
    /// Where it stands.
    pub state: TaskState,
    /// Higher runs first.
    pub priority: i64,
    /// How often it was started.
    pub attempt: i64,
    /// How often it may be started.
    pub max_attempts: i64,
    /// Not before this time.
    pub run_at: DateTime<Utc>,
    /// Who runs it or ran it last.
    pub worker: Option<String>,
    /// The task that spawned it.
    pub parent_id: Option<TaskId>,
    /// Children it still waits for.
    pub pending_children: i64,
    /// Trace of whoever asked for it.
    pub trace_context: Option<String>,
    /// What it is doing, for people.
    pub stage: Option<String>,
    /// Share done, 0 to 1.
    pub progress: Option<f64>,
    /// What it gave, when completed.
    pub result: Option<serde_json::Value>,
    /// Why it failed, or why it was tried again.
    pub error: Option<String>,
    /// When it was submitted.
    pub created_at: DateTime<Utc>,
    /// When it was first started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Task {
    pub(crate) const COLUMNS: &str = "id, kind, dedupe_key, payload, state, priority, attempt, max_attempts, run_at, \
         worker, parent_id, pending_children, trace_context, stage, progress, result, error, created_at, started_at, \
         finished_at";

    pub(crate) fn from_row(row: &Row) -> Result<Self, QueueError> {
        Ok(Self {
            id: row.id("id")?,
            kind: row.text("kind")?,
            dedupe_key: row.optional_text("dedupe_key")?,
            payload: parse_json("payload", &row.private("task.payload")?)?,
            state: row.text("state")?.parse()?,
            priority: row.int("priority")?,
            attempt: row.int("attempt")?,
            max_attempts: row.int("max_attempts")?,
            run_at: row.time("run_at")?,
            worker: row.optional_text("worker")?,
            parent_id: row.optional_id("parent_id")?,
            pending_children: row.int("pending_children")?,
            trace_context: row.optional_text("trace_context")?,
            stage: row.optional_text("stage")?,
            progress: row.optional_float("progress")?,
            result: row.optional_private("task.result")?.map(|text| parse_json("result", &text)).transpose()?,
            error: row.optional_text("error")?,
            created_at: row.time("created_at")?,
            started_at: row.optional_time("started_at")?,
            finished_at: row.optional_time("finished_at")?,
        })
    }
}

pub(crate) fn parse_json(column: &str, text: &str) -> Result<serde_json::Value, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Decode { column: column.to_owned(), detail: error.to_string() })
}

/// One line of a task's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// Position, from 1.
    pub line: i64,
    /// In which attempt it was written.
    pub attempt: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// How serious.
    pub level: String,
    /// The words.
    pub message: String,
}

/// A finished step of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepDone {
    /// Its name.
    pub name: String,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
}
