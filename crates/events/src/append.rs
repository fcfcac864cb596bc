//! Writing events in the transaction of the change that they tell of.

use aerie_store::{Row, Tx};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::EventError;

/// Most bytes of an event's data. Events carry ids and small facts; content stays in its own rows.
pub const MOST_DATA_BYTES: usize = 16 * 1024;

/// Something that changed, not yet numbered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Dotted name, for example `task.completed`.
    pub kind: String,
    /// What changed.
    pub subject_id: Option<Uuid>,
    /// Small facts about the change, at most 16 KiB as JSON.
    pub data: serde_json::Value,
    /// When it changed.
    pub at: DateTime<Utc>,
}

/// A numbered event of one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the person's log: 1, 2, 3 … in the order of commits, without gaps.
    pub sequence: i64,
    /// Dotted name, for example `task.completed`.
    pub kind: String,
    /// What changed.
    pub subject_id: Option<Uuid>,
    /// Small facts about the change.
    pub data: serde_json::Value,
    /// When it changed.
    pub at: DateTime<Utc>,
}

impl Event {
    pub(crate) fn from_row(row: &Row) -> Result<Self, EventError> {
        let kind = row.text("kind")?;
        let data = serde_json::from_str(&row.text("data")?)
            .map_err(|error| EventError::Data { kind: kind.clone(), detail: error.to_string() })?;
        Ok(Self {
            sequence: row.int("sequence")?,
            subject_id: row.optional_id("subject_id")?,
            at: row.time("at")?,
            kind,
            data,
        })
    }
}

/// Appends one event and returns its sequence. The row becomes visible with the caller's commit.
pub async fn append(tx: &mut Tx, event: NewEvent) -> Result<i64, EventError> {
    append_all(tx, vec![event]).await
}

/// Appends events in order and returns the sequence of the last one (the current end of the log when there are none).
///
/// Takes the person's counter row, which other writers of the same person then wait for until this transaction ends:
/// that makes sequences follow commits. Call it last, after every other row was changed, to keep that wait short.
pub async fn append_all(tx: &mut Tx, events: Vec<NewEvent>) -> Result<i64, EventError> {
    let mut rows = Vec::with_capacity(events.len());
    for event in events {
        let data = event.data.to_string();
        if data.len() > MOST_DATA_BYTES {
            return Err(EventError::TooLarge { kind: event.kind, found: data.len(), most: MOST_DATA_BYTES });
        }
        rows.push((event.kind, event.subject_id, data, event.at));
    }
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let last = tx
        .fetch_one(
            "insert into event_counter (last) values ($1) \
             on conflict (tenant_id) do update set last = event_counter.last + excluded.last returning last",
            vec![count.into()],
        )
        .await?
        .int("last")?;
    let rows = (last - count + 1..)
        .zip(rows)
        .map(|(sequence, (kind, subject_id, data, at))| {
            vec![sequence.into(), kind.into(), subject_id.into(), data.into(), at.into()]
        })
        .collect();
    tx.insert_many("insert into event (sequence, kind, subject_id, data, at)", "", rows).await?;
    Ok(last)
}
