//! Moves from one status to another, their history, and taking one back.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::reading::number_of;
use crate::{Row, StoreError, Tx};

/// A move to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Which job.
    pub job_id: Uuid,
    /// The version that the decision was made on; `None` moves whatever version stands in status `from`.
    pub expected_version: Option<i64>,
    /// The status that it must have.
    pub from: String,
    /// The status that it gets.
    pub to: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The stage from which it was rejected, kept with the job; `None` clears it.
    pub rejection_stage: Option<String>,
}

/// Whether a move was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Made; the job's new version.
    Done {
        /// New version.
        version: i64,
    },
    /// Not made: the job was changed meanwhile.
    Changed,
    /// Not made: there is no such job.
    Missing,
}

/// One move in a job's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Counts the moves of the job from 1.
    pub sequence: i64,
    /// Status before.
    pub from: String,
    /// Status after.
    pub to: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it was taken back.
    pub reverted: bool,
}

/// Moves a job, fenced by status and version, and writes its history.
pub async fn transition(tx: &mut Tx, change: &Transition) -> Result<Moved, StoreError> {
    let before = "select number, rejection_stage from job where id = $1";
    let Some(before) = tx.fetch_optional(before, vec![change.job_id.into()]).await? else {
        return Ok(Moved::Missing);
    };
    let moved = tx
        .fetch_optional(
            "update job set status = $4, rejection_stage = $5, updated_at = $6, version = version + 1 \
             where id = $1 and status = $2 and version = coalesce($3, version) returning version",
            vec![
                change.job_id.into(),
                change.from.as_str().into(),
                change.expected_version.into(),
                change.to.as_str().into(),
                change.rejection_stage.clone().into(),
                change.at.into(),
            ],
        )
        .await?;
    let Some(moved) = moved else { return Ok(Moved::Changed) };
    tx.execute(
        "insert into job_history (job, sequence, from_status, to_status, from_rejection_stage, at) \
         select $1, coalesce(max(sequence), 0) + 1, $2, $3, $4, $5 from job_history where job = $1",
        vec![
            before.int("number")?.into(),
            change.from.as_str().into(),
            change.to.as_str().into(),
            before.optional_text("rejection_stage")?.into(),
            change.at.into(),
        ],
    )
    .await?;
    Ok(Moved::Done { version: moved.int("version")? })
}

/// Every move of a job in order.
pub async fn history(tx: &mut Tx, job_id: Uuid) -> Result<Vec<HistoryEntry>, StoreError> {
    let Some(number) = number_of(tx, job_id).await? else { return Ok(Vec::new()) };
    let sql = "select * from job_history where job = $1 order by sequence";
    tx.fetch_all(sql, vec![number.into()]).await?.iter().map(decode).collect()
}

/// The newest move of a job that was not taken back.
pub async fn last_transition(tx: &mut Tx, job_id: Uuid) -> Result<Option<HistoryEntry>, StoreError> {
    let Some(number) = number_of(tx, job_id).await? else { return Ok(None) };
    let sql = "select * from job_history where job = $1 and reverted = $2 order by sequence desc limit 1";
    tx.fetch_optional(sql, vec![number.into(), false.into()]).await?.map(|row| decode(&row)).transpose()
}

/// Takes the move `sequence` back: the job gets the status and rejection stage that it had before, if it still has the
/// status that the move gave it (and `expected_version`, when given). A move that was taken back already, or that is
/// not there, is [`Moved::Changed`].
pub async fn revert(
    tx: &mut Tx,
    job_id: Uuid,
    sequence: i64,
    expected_version: Option<i64>,
    at: DateTime<Utc>,
) -> Result<Moved, StoreError> {
    let Some(number) = number_of(tx, job_id).await? else { return Ok(Moved::Missing) };
    let entry = tx
        .fetch_optional(
            "update job_history set reverted = $3 where job = $1 and sequence = $2 and reverted = $4 \
             returning from_status, to_status, from_rejection_stage",
            vec![number.into(), sequence.into(), true.into(), false.into()],
        )
        .await?;
    let Some(entry) = entry else { return Ok(Moved::Changed) };
    let moved = tx
        .fetch_optional(
            "update job set status = $4, rejection_stage = $5, updated_at = $6, version = version + 1 \
             where number = $1 and status = $2 and version = coalesce($3, version) returning version",
            vec![
                number.into(),
                entry.text("to_status")?.into(),
                expected_version.into(),
                entry.text("from_status")?.into(),
                entry.optional_text("from_rejection_stage")?.into(),
                at.into(),
            ],
        )
        .await?;
    if let Some(moved) = moved {
        return Ok(Moved::Done { version: moved.int("version")? });
    }
    let sql = "update job_history set reverted = $3 where job = $1 and sequence = $2";
    tx.execute(sql, vec![number.into(), sequence.into(), false.into()]).await?;
    Ok(Moved::Changed)
}

/// What the person decided about a job, for learning from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Which job.
    pub job_id: Uuid,
    /// Its posting.
    pub posting_id: Uuid,
    /// The status that it got.
    pub to: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The decisions that took jobs out of status `from` into one of `outcomes` and were not taken back, oldest first.
pub async fn decisions(tx: &mut Tx, from: &str, outcomes: &[&str]) -> Result<Vec<Decision>, StoreError> {
    let mut found = Vec::new();
    tx.fetch_each(
        "select job.id as id, job.posting_id as posting_id, to_status, at \
         from job_history join job on job.number = job_history.job \
         where from_status = $1 and reverted = $2 order by at, job.number",
        vec![from.into(), false.into()],
        |row| {
            let to = row.text("to_status")?;
            if outcomes.contains(&to.as_str()) {
                found.push(Decision {
                    job_id: row.id("id")?,
                    posting_id: row.id("posting_id")?,
                    to,
                    at: row.time("at")?,
                });
            }
            Ok(())
        },
    )
    .await?;
    Ok(found)
}

fn decode(row: &Row) -> Result<HistoryEntry, StoreError> {
    Ok(HistoryEntry {
        sequence: row.int("sequence")?,
        from: row.text("from_status")?,
        to: row.text("to_status")?,
        at: row.time("at")?,
        reverted: row.bool("reverted")?,
    })
}

/// A move of any job, with what statistics group by.
#[derive(Debug, Clone, PartialEq)]
pub struct JobMove {
    /// Which job.
    pub job_id: Uuid,
    /// Status before.
    pub from: String,
    /// Status after.
    pub to: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The job's source.
    pub source: String,
    /// The job's score.
    pub score: Option<f64>,
}

/// Hands every move that was not taken back to `each`, job by job in order of time; jobs that were joined into another
/// are left out.
pub async fn each_move(
    tx: &mut Tx,
    mut each: impl FnMut(JobMove) -> Result<(), StoreError> + Send,
) -> Result<(), StoreError> {
    tx.fetch_each(
        "select job.id as id, from_status, to_status, at, source, score \
         from job_history join job on job.number = job_history.job \
         where reverted = $1 and joined_into is null order by job_history.job, sequence",
        vec![false.into()],
        |row| {
            each(JobMove {
                job_id: row.id("id")?,
                from: row.text("from_status")?,
                to: row.text("to_status")?,
                at: row.time("at")?,
                source: row.text("source")?,
                score: row.optional_float("score")?,
            })
        },
    )
    .await
}
