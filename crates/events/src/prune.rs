//! Forgetting old events.

use aerie_store::Tx;
use chrono::{DateTime, TimeDelta, Utc};

use crate::{EventError, read::bounds};

/// How much of the log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Events older than this may go.
    pub age: TimeDelta,
    /// At most this many of the newest are kept.
    pub most: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: TimeDelta::days(7), most: 100_000 }
    }
}

/// Deletes events beyond `retention` and returns how many went. Only ever the oldest ones go, so what remains has no
/// holes; the counter stays, so a sequence is never given twice.
pub async fn prune(tx: &mut Tx, retention: Retention, now: DateTime<Utc>) -> Result<u64, EventError> {
    let aged = tx
        .fetch_one(
            "select coalesce(max(sequence), 0) as sequence from event where at < $1",
            vec![(now - retention.age).into()],
        )
        .await?
        .int("sequence")?;
    let bounds = bounds(tx).await?;
    let through = aged.max(bounds.last.saturating_sub(retention.most.max(0)));
    if through <= bounds.pruned_through {
        return Ok(0);
    }
    let gone = tx.execute("delete from event where sequence <= $1", vec![through.into()]).await?;
    tx.execute("update event_counter set pruned_through = $1 where pruned_through < $1", vec![through.into()]).await?;
    Ok(gone)
}
