//! Discovery runs and what each source did in them. Functions take a transaction of the person's store. That a search
//! profile has one active run only is kept by the task that carries the run.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Row, StoreError, Tx, Value};

/// Sums over the sources of a run, or of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Postings that the source carried.
    pub fetched: i64,
    /// Postings that no one had seen before.
    pub new_postings: i64,
    /// Postings that were in the catalogue already.
    pub known_postings: i64,
    /// Jobs added to the person's review queue.
    pub new_jobs: i64,
}

/// One discovery run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Id.
    pub id: Uuid,
    /// The search profile it follows; `None` for an import.
    pub search_profile_id: Option<Uuid>,
    /// The task that carries it.
    pub task_id: Option<Uuid>,
    /// State as the pipeline names it.
    pub state: String,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When the first source began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Sums.
    pub counts: RunCounts,
    /// Why it failed.
    pub reason: Option<String>,
}

/// What one source did in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunSource {
    /// Name of the source.
    pub source: String,
    /// State as the pipeline names it.
    pub state: String,
    /// What it is doing now.
    pub stage: Option<String>,
    /// Counts.
    pub counts: RunCounts,
    /// Rows that were no usable posting.
    pub dropped: i64,
    /// Postings that the search profile's filters took out.
    pub filtered: i64,
    /// Whether the source said that nothing changed since last time.
    pub not_modified: bool,
    /// Tries so far.
    pub attempts: i64,
    /// Why it failed, or what is odd about its answer.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "id, search_profile_id, task_id, state, requested_at, started_at, finished_at, fetched, \
                       new_postings, known_postings, new_jobs, reason";

fn values(run: &Run) -> Vec<Value> {
    vec![
        run.id.into(),
        run.search_profile_id.into(),
        run.task_id.into(),
        run.state.as_str().into(),
        run.requested_at.into(),
        run.started_at.into(),
        run.finished_at.into(),
        run.counts.fetched.into(),
        run.counts.new_postings.into(),
        run.counts.known_postings.into(),
        run.counts.new_jobs.into(),
        run.reason.clone().into(),
    ]
}

/// Adds a run.
pub async fn create_run(tx: &mut Tx, run: &Run) -> Result<(), StoreError> {
    tx.execute(
        format!("insert into run ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"),
        values(run),
    )
    .await?;
    Ok(())
}

/// Writes every field of a run; whether it exists.
pub async fn update_run(tx: &mut Tx, run: &Run) -> Result<bool, StoreError> {
    let sql = "update run set search_profile_id = $2, task_id = $3, state = $4, requested_at = $5, started_at = $6, \
               finished_at = $7, fetched = $8, new_postings = $9, known_postings = $10, new_jobs = $11, reason = $12 \
               where id = $1";
    Ok(tx.execute(sql, values(run)).await? > 0)
}

/// One run.
pub async fn run(tx: &mut Tx, id: Uuid) -> Result<Option<Run>, StoreError> {
    let sql = format!("select {COLUMNS} from run where id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode(&row)).transpose()
}

/// The run that a task carries.
pub async fn run_of_task(tx: &mut Tx, task_id: Uuid) -> Result<Option<Run>, StoreError> {
    let sql = format!("select {COLUMNS} from run where task_id = $1");
    tx.fetch_optional(sql, vec![task_id.into()]).await?.map(|row| decode(&row)).transpose()
}

/// Runs, newest first: at most `limit`, those before `before` (time and id of the last one seen) when given.
pub async fn runs(tx: &mut Tx, before: Option<(DateTime<Utc>, Uuid)>, limit: i64) -> Result<Vec<Run>, StoreError> {
    let rows = match before {
        None => {
            let sql = format!("select {COLUMNS} from run order by requested_at desc, id desc limit $1");
            tx.fetch_all(sql, vec![limit.into()]).await?
        }
        Some((time, id)) => {
            let sql = format!(
                "select {COLUMNS} from run where (requested_at, id) < ($1, $2) \
                 order by requested_at desc, id desc limit $3"
            );
            tx.fetch_all(sql, vec![time.into(), id.into(), limit.into()]).await?
        }
    };
    rows.iter().map(decode).collect()
}

/// Writes what a source did so far in a run, replacing what was written before.
pub async fn put_run_source(tx: &mut Tx, run_id: Uuid, row: &RunSource) -> Result<(), StoreError> {
    let values = vec![
        run_id.into(),
        row.source.as_str().into(),
        row.state.as_str().into(),
        row.stage.clone().into(),
        row.counts.fetched.into(),
        row.dropped.into(),
        row.filtered.into(),
        row.counts.new_postings.into(),
        row.counts.known_postings.into(),
        row.counts.new_jobs.into(),
        row.not_modified.into(),
        row.attempts.into(),
        row.reason.clone().into(),
        row.started_at.into(),
        row.finished_at.into(),
    ];
    // The unique index has one column more on PostgreSQL, so a conflict target would not be the same text.
    let updated = tx
        .execute(
            "update run_source set state = $3, stage = $4, fetched = $5, dropped = $6, filtered = $7, \
             new_postings = $8, known_postings = $9, new_jobs = $10, not_modified = $11, attempts = $12, reason = $13, \
             started_at = $14, finished_at = $15 where run_id = $1 and source = $2",
            values.clone(),
        )
        .await?;
    if updated == 0 {
        tx.execute(
            "insert into run_source (run_id, source, state, stage, fetched, dropped, filtered, new_postings, \
             known_postings, new_jobs, not_modified, attempts, reason, started_at, finished_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            values,
        )
        .await?;
    }
    Ok(())
}

/// What each source did in a run, by name.
pub async fn run_sources(tx: &mut Tx, run_id: Uuid) -> Result<Vec<RunSource>, StoreError> {
    let rows = tx.fetch_all("select * from run_source where run_id = $1 order by source", vec![run_id.into()]).await?;
    rows.iter().map(decode_source).collect()
}

/// Removes runs that ended before `before`; returns how many.
pub async fn forget_runs_before(tx: &mut Tx, before: DateTime<Utc>) -> Result<u64, StoreError> {
    tx.execute("delete from run where finished_at < $1", vec![before.into()]).await
}

fn decode_counts(row: &Row) -> Result<RunCounts, StoreError> {
    Ok(RunCounts {
        fetched: row.int("fetched")?,
        new_postings: row.int("new_postings")?,
        known_postings: row.int("known_postings")?,
        new_jobs: row.int("new_jobs")?,
    })
}

fn decode(row: &Row) -> Result<Run, StoreError> {
    Ok(Run {
        id: row.id("id")?,
        search_profile_id: row.optional_id("search_profile_id")?,
        task_id: row.optional_id("task_id")?,
        state: row.text("state")?,
        requested_at: row.time("requested_at")?,
        started_at: row.optional_time("started_at")?,
        finished_at: row.optional_time("finished_at")?,
        counts: decode_counts(row)?,
        reason: row.optional_text("reason")?,
    })
}

fn decode_source(row: &Row) -> Result<RunSource, StoreError> {
    Ok(RunSource {
        source: row.text("source")?,
        state: row.text("state")?,
        stage: row.optional_text("stage")?,
        counts: decode_counts(row)?,
        dropped: row.int("dropped")?,
        filtered: row.int("filtered")?,
        not_modified: row.bool("not_modified")?,
        attempts: row.int("attempts")?,
        reason: row.optional_text("reason")?,
        started_at: row.optional_time("started_at")?,
        finished_at: row.optional_time("finished_at")?,
    })
}
