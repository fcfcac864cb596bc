//! Moving or purging all jobs of some statuses.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{StoreError, Tx, Value, batch::execute_in};

/// Moves every job of the named statuses to `to`, each with an entry in its history; returns which. No status, no job.
pub async fn move_all(tx: &mut Tx, statuses: &[String], to: &str, now: DateTime<Utc>) -> Result<Vec<Uuid>, StoreError> {
    let jobs = jobs_of(tx, statuses, to).await?;
    let numbers: Vec<Value> = jobs.iter().map(|(number, _)| Value::from(*number)).collect();
    execute_in(
        tx,
        "insert into job_history (job, sequence, from_status, to_status, from_rejection_stage, at) \
         select number, coalesce((select max(sequence) from job_history where job = number), 0) + 1, status, $1, \
         rejection_stage, $2 from job where number in (",
        ")",
        vec![to.into(), now.into()],
        numbers.clone(),
    )
    .await?;
    execute_in(
        tx,
        "update job set status = $1, rejection_stage = null, updated_at = $2, version = version + 1 \
         where number in (",
        ")",
        vec![to.into(), now.into()],
        numbers,
    )
    .await?;
    Ok(jobs.into_iter().map(|(_, id)| id).collect())
}

/// Removes every job of the named statuses for good and remembers its posting, so that it never comes back; returns
/// which. No status, no job.
pub async fn purge(tx: &mut Tx, statuses: &[String], now: DateTime<Utc>) -> Result<Vec<Uuid>, StoreError> {
    let jobs = jobs_of(tx, statuses, "").await?;
    let numbers: Vec<Value> = jobs.iter().map(|(number, _)| Value::from(*number)).collect();
    execute_in(
        tx,
        "insert into purged_posting (posting_id, purged_at) select posting_id, $1 from job where number in (",
        ") on conflict do nothing",
        vec![now.into()],
        numbers.clone(),
    )
    .await?;
    // The content goes first and by itself: on SQLite that is what takes its words out of the full-text index.
    execute_in(tx, "delete from job_content where job in (", ")", vec![], numbers.clone()).await?;
    execute_in(tx, "delete from job where number in (", ")", vec![], numbers).await?;
    Ok(jobs.into_iter().map(|(_, id)| id).collect())
}

async fn jobs_of(tx: &mut Tx, statuses: &[String], except: &str) -> Result<Vec<(i64, Uuid)>, StoreError> {
    let mut jobs = Vec::new();
    for status in statuses.iter().filter(|status| *status != except) {
        let sql = "select number, id from job where status = $1 order by number";
        tx.fetch_each(sql, vec![status.as_str().into()], |row| {
            jobs.push((row.int("number")?, row.id("id")?));
            Ok(())
        })
        .await?;
    }
    Ok(jobs)
}
