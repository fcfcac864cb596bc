//! Postings that may be the same opening, what the person said about them, and joined jobs.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{StoreError, Tx, Value, batch::fetch_in};

/// What the person said about two postings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairDecision {
    /// One posting; the smaller id.
    pub left: Uuid,
    /// The other.
    pub right: Uuid,
    /// Whether they are the same opening.
    pub same: bool,
    /// When it was said.
    pub decided_at: DateTime<Utc>,
}

/// Two postings that may be the same opening.
#[derive(Debug, Clone, PartialEq)]
pub struct PossibleDuplicate {
    /// One posting; the smaller id.
    pub left: Uuid,
    /// The other.
    pub right: Uuid,
    /// How alike they are, from 0 to 1.
    pub likeness: f64,
    /// Why.
    pub reason: String,
    /// When it was found.
    pub found_at: DateTime<Utc>,
}

fn ordered(left: Uuid, right: Uuid) -> (Uuid, Uuid) {
    if left <= right { (left, right) } else { (right, left) }
}

/// Keeps pairs to ask the person about, in either order of their ids. A pair of a posting with itself, one that is
/// known, and one that the person decided are passed over.
pub async fn add_possible_duplicates(tx: &mut Tx, pairs: &[PossibleDuplicate]) -> Result<(), StoreError> {
    for pair in pairs.iter().filter(|pair| pair.left != pair.right) {
        let (left, right) = ordered(pair.left, pair.right);
        tx.execute(
            "insert into possible_duplicate (left_posting, right_posting, likeness, reason, found_at) \
             select new.column1, new.column2, new.column3, new.column4, new.column5 \
             from (values ($1, $2, $3, $4, $5)) as new where not exists ( \
               select 1 from pair_decision where left_posting = new.column1 and right_posting = new.column2) \
             on conflict do nothing",
            vec![left.into(), right.into(), pair.likeness.into(), pair.reason.as_str().into(), pair.found_at.into()],
        )
        .await?;
    }
    Ok(())
}

/// The pairs that are still to be decided and of which the person has both jobs, most alike first.
pub async fn possible_duplicates(tx: &mut Tx, limit: i64) -> Result<Vec<PossibleDuplicate>, StoreError> {
    let mut pairs = Vec::new();
    tx.fetch_each(
        "select left_posting, right_posting, likeness, reason, found_at from possible_duplicate \
         where exists (select 1 from job where posting_id = left_posting and joined_into is null) \
         and exists (select 1 from job where posting_id = right_posting and joined_into is null) \
         order by likeness desc, left_posting, right_posting limit $1",
        vec![limit.into()],
        |row| {
            pairs.push(PossibleDuplicate {
                left: row.id("left_posting")?,
                right: row.id("right_posting")?,
                likeness: row.float("likeness")?,
                reason: row.text("reason")?,
                found_at: row.time("found_at")?,
            });
            Ok(())
        },
    )
    .await?;
    Ok(pairs)
}

/// Records what the person said about two postings; they are not asked about again.
pub async fn decide_pair(
    tx: &mut Tx,
    one: Uuid,
    other: Uuid,
    same: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (left, right) = ordered(one, other);
    let values: Vec<Value> = vec![left.into(), right.into(), same.into(), now.into()];
    let updated = tx
        .execute(
            "update pair_decision set same = $3, decided_at = $4 where left_posting = $1 and right_posting = $2",
            values.clone(),
        )
        .await?;
    if updated == 0 {
        tx.execute(
            "insert into pair_decision (left_posting, right_posting, same, decided_at) values ($1, $2, $3, $4)",
            values,
        )
        .await?;
    }
    tx.execute(
        "delete from possible_duplicate where left_posting = $1 and right_posting = $2",
        vec![left.into(), right.into()],
    )
    .await?;
    Ok(())
}

/// Every decision that names one of `postings`.
pub async fn pair_decisions(tx: &mut Tx, postings: &[Uuid]) -> Result<Vec<PairDecision>, StoreError> {
    let mut found = Vec::new();
    for column in ["left_posting", "right_posting"] {
        let before =
            format!("select left_posting, right_posting, same, decided_at from pair_decision where {column} in (");
        fetch_in(tx, &before, ")", postings.iter().copied().map(Value::from), |row| {
            found.push(PairDecision {
                left: row.id("left_posting")?,
                right: row.id("right_posting")?,
                same: row.bool("same")?,
                decided_at: row.time("decided_at")?,
            });
            Ok(())
        })
        .await?;
    }
    found.sort_by_key(|decision| (decision.left, decision.right));
    found.dedup();
    Ok(found)
}

/// Joins the job `other` into `keep`: it leaves every list until it is split off again. Jobs that were joined into
/// `other` follow. Whether both exist and `keep` is in the lists itself.
pub async fn join_jobs(tx: &mut Tx, keep: Uuid, other: Uuid, now: DateTime<Utc>) -> Result<bool, StoreError> {
    if keep == other {
        return Ok(false);
    }
    let joined = tx
        .execute(
            "update job set joined_into = $1, updated_at = $3, version = version + 1 \
             where (id = $2 or joined_into = $2) \
             and exists (select 1 from job as kept where kept.id = $1 and kept.joined_into is null)",
            vec![keep.into(), other.into(), now.into()],
        )
        .await?;
    Ok(joined > 0)
}

/// Takes a job out of the one that it was joined into. Whether it was joined.
pub async fn split_job(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let split = tx
        .execute(
            "update job set joined_into = null, updated_at = $2, version = version + 1 \
             where id = $1 and joined_into is not null",
            vec![id.into(), now.into()],
        )
        .await?;
    Ok(split > 0)
}
