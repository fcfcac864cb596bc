//! The event of each state change, written with the change.

use aerie_events::NewEvent;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::TaskId;

/// Event kind: a task was submitted, or is to be run again.
pub const QUEUED: &str = "task.queued";
/// Event kind: a worker took a task.
pub const RUNNING: &str = "task.running";
/// Event kind: a running task told its stage or progress.
pub const PROGRESS: &str = "task.progress";
/// Event kind: a task waits for its children.
pub const WAITING: &str = "task.waiting";
/// Event kind: a task ended with a result.
pub const COMPLETED: &str = "task.completed";
/// Event kind: a task ended without a result.
pub const FAILED: &str = "task.failed";
/// Event kind: a task was stopped.
pub const CANCELLED: &str = "task.cancelled";

/// Longest reason inside an event, in characters; the task's row has more of it.
const MOST_REASON: usize = 500;

/// An event about a task; `facts` adds to `{"kind": …}`.
pub(crate) fn notice(event: &str, id: TaskId, kind: &str, now: DateTime<Utc>, facts: Value) -> NewEvent {
    let mut data = match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    };
    data.insert("kind".to_owned(), json!(kind));
    NewEvent { kind: event.to_owned(), subject_id: Some(id), data: Value::Object(data), at: now }
}

/// A reason cut to what an event carries.
pub(crate) fn short(reason: &str) -> String {
    clip(reason, MOST_REASON)
}

/// At most `most` characters, with a mark where something was cut off.
pub(crate) fn clip(text: &str, most: usize) -> String {
    // PostgreSQL refuses the zero character in text.
    let mut characters = text.chars().filter(|character| *character != '\0');
    let mut kept: String = characters.by_ref().take(most).collect();
    if characters.next().is_some() {
        kept.push('…');
    }
    kept
}
