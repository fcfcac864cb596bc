//! What can go wrong with the queue, and with a task while it runs.

use aerie_events::EventError;
use aerie_store::StoreError;
use uuid::Uuid;

use crate::TaskState;

/// An error of a queue operation.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The event of a change could not be written.
    #[error(transparent)]
    Event(#[from] EventError),
    /// No handler or policy is registered for this kind.
    #[error("task kind {kind:?} is not known; known are {known}")]
    UnknownKind {
        /// The kind that was asked for.
        kind: String,
        /// Registered kinds, comma separated.
        known: String,
    },
    /// The kind's queue is full.
    #[error(
        "task kind {kind:?} has {limit} unfinished tasks, its queue depth limit; wait for some to end or cancel them"
    )]
    QueueFull {
        /// The kind.
        kind: String,
        /// The limit that was reached.
        limit: u32,
    },
    /// A text of the task is longer than is kept.
    #[error("{what} of a {kind:?} task has {found} bytes, at most {most} are kept; store it in a row and pass its id")]
    TooLarge {
        /// Which text.
        what: &'static str,
        /// The task's kind.
        kind: String,
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        most: usize,
    },
    /// No such task in this store.
    #[error("task {id} does not exist")]
    NotFound {
        /// The id that was asked for.
        id: Uuid,
    },
    /// The task's state does not allow this.
    #[error("task {id} is {state}; only failed and cancelled tasks can be retried")]
    NotRetryable {
        /// The task.
        id: Uuid,
        /// Its state.
        state: TaskState,
    },
    /// Another active task has the same kind and key.
    #[error("task {id} cannot be retried: another active {kind:?} task has the same key")]
    AlreadyActive {
        /// The task.
        id: Uuid,
        /// Its kind.
        kind: String,
    },
    /// A page token that this queue did not give.
    #[error("page token {token:?} was not given by this list; start again without one")]
    BadPageToken {
        /// The token.
        token: String,
    },
    /// A schedule whose pattern cannot be read or never fires.
    #[error("schedule {name:?}: {pattern:?} is not a usable cron pattern ({reason}); an example is \"0 7 * * *\"")]
    BadCron {
        /// The schedule's name.
        name: String,
        /// The pattern.
        pattern: String,
        /// What was wrong.
        reason: String,
    },
    /// A stored or submitted value has another form than its kind expects.
    #[error("{what}: {detail}")]
    Codec {
        /// Which value.
        what: String,
        /// What was wrong.
        detail: String,
    },
}

impl QueueError {
    /// Whether the same call may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Event(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// Why a run of a task ended without an [`Outcome`](crate::Outcome).
///
/// Except for [`TaskError::Lost`], which writes nothing, an error counts as an attempt and is retried with back-off
/// until the kind's attempts are used up. What will never succeed is `Ok(Outcome::Fail)`.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The task was cancelled, or its lease has gone to another worker: nothing more may be written.
    #[error("the task is no longer ours (cancelled, or its lease went to another worker)")]
    Lost,
    /// The queue or its store failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The work itself failed.
    #[error("{0}")]
    Work(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl TaskError {
    /// An error of the work itself.
    pub fn work(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Work(error.into())
    }
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        Self::Queue(error.into())
    }
}

impl From<EventError> for TaskError {
    fn from(error: EventError) -> Self {
        Self::Queue(error.into())
    }
}
