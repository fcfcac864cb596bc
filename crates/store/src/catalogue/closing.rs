//! Seen again, missing, closed, reposted.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{MISSED_RUNS_UNTIL_CLOSED, lookup::numbers_of};
use crate::{StoreError, Tx, Value, batch::execute_in};

/// Records that postings were seen now. One that counted as closed is open again, which is a repost; returns how many
/// were.
pub async fn touch_batch(tx: &mut Tx, ids: &[Uuid], now: DateTime<Utc>) -> Result<u64, StoreError> {
    let numbers = numbers_of(tx, ids.to_vec()).await?;
    let numbers: Vec<Value> = numbers.into_values().map(Value::from).collect();
    let reposted = execute_in(
        tx,
        "update posting set repost_count = repost_count + 1, closed_at = null \
         where closed_at is not null and number in (",
        ")",
        vec![],
        numbers.clone(),
    )
    .await?;
    execute_in(tx, "update posting set last_seen = $1 where number in (", ")", vec![now.into()], numbers).await?;
    Ok(reposted)
}

/// After a complete list of `board` of `source` was read: every posting that was on it before and is not in `seen` has
/// missed a run. Whoever missed [`MISSED_RUNS_UNTIL_CLOSED`] in a row is closed there, and closed altogether when no
/// other complete board still carries it. Returns the postings that became closed.
pub async fn mark_missing(
    tx: &mut Tx,
    source: &str,
    board: &str,
    seen: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let seen: HashSet<i64> = numbers_of(tx, seen.to_vec()).await?.into_values().collect();
    let mut missing = Vec::new();
    tx.fetch_each(
        "select distinct posting from posting_link where source = $1 and board = $2 and closed_at is null",
        vec![source.into(), board.into()],
        |row| {
            let number = row.int("posting")?;
            if !seen.contains(&number) {
                missing.push(Value::from(number));
            }
            Ok(())
        },
    )
    .await?;
    execute_in(
        tx,
        "update posting_link set missed_runs = missed_runs + 1 \
         where source = $1 and board = $2 and closed_at is null and posting in (",
        ")",
        vec![source.into(), board.into()],
        missing.clone(),
    )
    .await?;
    execute_in(
        tx,
        "update posting_link set closed_at = $3 \
         where source = $1 and board = $2 and closed_at is null and missed_runs >= $4 and posting in (",
        ")",
        vec![source.into(), board.into(), now.into(), MISSED_RUNS_UNTIL_CLOSED.into()],
        missing.clone(),
    )
    .await?;
    close_those_on_no_board(tx, missing, now).await
}

async fn close_those_on_no_board(
    tx: &mut Tx,
    numbers: Vec<Value>,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut closed = Vec::new();
    crate::batch::fetch_in(
        tx,
        "select number, id from posting where closed_at is null and exists ( \
           select 1 from posting_link where posting = number and board is not null and closed_at is not null \
         ) and not exists ( \
           select 1 from posting_link where posting = number and board is not null and closed_at is null \
         ) and number in (",
        ")",
        numbers,
        |row| {
            closed.push((row.int("number")?, row.id("id")?));
            Ok(())
        },
    )
    .await?;
    let numbers = closed.iter().map(|(number, _)| Value::from(*number)).collect::<Vec<Value>>();
    execute_in(tx, "update posting set closed_at = $1 where number in (", ")", vec![now.into()], numbers).await?;
    Ok(closed.into_iter().map(|(_, id)| id).collect())
}
