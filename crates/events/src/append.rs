//! Writing events in the transaction of the change that they tell of.

use aerie_store::{Engine, Row, Tx};
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
        rows.push(NewRow { kind: event.kind, subject_id: event.subject_id, data, at: event.at });
    }
    match tx.engine() {
        Engine::Sqlite => append_by_two(tx, rows).await,
        Engine::Postgres => append_by_one(tx, rows).await,
    }
}

/// Moves the person's counter on by the first parameter.
const COUNT_ON: &str = "insert into event_counter (last) values ($1) \
                        on conflict (tenant_id) do update set last = event_counter.last + excluded.last";

/// Everything of an event's row but its sequence.
#[derive(Serialize)]
struct NewRow {
    kind: String,
    subject_id: Option<Uuid>,
    /// JSON.
    data: String,
    at: DateTime<Utc>,
}

/// Reserves the sequences, then inserts.
async fn append_by_two(tx: &mut Tx, rows: Vec<NewRow>) -> Result<i64, EventError> {
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let sql = format!("{COUNT_ON} returning last");
    let last = tx.fetch_one(sql, vec![count.into()]).await?.int("last")?;
    let rows = (last - count + 1..)
        .zip(rows)
        .map(|(sequence, row)| {
            vec![sequence.into(), row.kind.into(), row.subject_id.into(), row.data.into(), row.at.into()]
        })
        .collect();
    tx.insert_many("insert into event (sequence, kind, subject_id, data, at)", "", rows).await?;
    Ok(last)
}

/// The same in one message to the server, with one text for any number of events.
async fn append_by_one(tx: &mut Tx, rows: Vec<NewRow>) -> Result<i64, EventError> {
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let sql = format!(
        "with counter as ({COUNT_ON} returning last), added as ( \
           insert into event (sequence, kind, subject_id, data, at) \
           select counter.last - $1 + new.place, new.kind, new.subject_id, new.data, new.at \
           from counter, rows from (json_to_recordset($2::json) \
             as (kind text, subject_id uuid, data text, at timestamptz)) \
             with ordinality as new (kind, subject_id, data, at, place) \
         ) select last from counter"
    );
    // Plain texts, numbers and times always have a JSON form.
    let rows = serde_json::to_string(&rows).unwrap_or_default();
    Ok(tx.fetch_one(sql, vec![count.into(), rows.into()]).await?.int("last")?)
}
