//! Postings that may be the same opening.

use uuid::Uuid;

use super::lookup::numbers_of;
use crate::{StoreError, Tx, Value, batch::fetch_in};

/// Two postings that a person who has both should look at.
#[derive(Debug, Clone, PartialEq)]
pub struct PostingPair {
    /// The one that came later.
    pub new: Uuid,
    /// The one that it may be.
    pub known: Uuid,
    /// Likeness from 0 to 1.
    pub likeness: f64,
    /// Why, in a few words.
    pub reason: String,
}

/// Keeps pairs of postings that are in the catalogue; a pair that is known stays as it is.
pub async fn add_pairs(tx: &mut Tx, pairs: &[PostingPair]) -> Result<(), StoreError> {
    let numbers = numbers_of(tx, pairs.iter().flat_map(|pair| [pair.new, pair.known]).collect()).await?;
    let rows = pairs
        .iter()
        .filter_map(|pair| {
            let (posting, other) = (*numbers.get(&pair.new)?, *numbers.get(&pair.known)?);
            Some(vec![posting.into(), other.into(), pair.likeness.into(), pair.reason.as_str().into()])
        })
        .collect();
    let head = "insert into posting_pair (posting, other, likeness, reason)";
    tx.insert_many(head, "on conflict do nothing", rows).await?;
    Ok(())
}

/// The pairs that name one of `postings`, on either side.
pub async fn pairs_of(tx: &mut Tx, postings: &[Uuid]) -> Result<Vec<PostingPair>, StoreError> {
    let mut found = Vec::new();
    for side in ["newer", "older"] {
        let before = format!(
            "select newer.id as new, older.id as known, likeness, reason from posting_pair \
             join posting newer on newer.number = posting_pair.posting \
             join posting older on older.number = posting_pair.other where {side}.id in ("
        );
        fetch_in(tx, &before, ")", postings.iter().copied().map(Value::from), |row| {
            found.push(PostingPair {
                new: row.id("new")?,
                known: row.id("known")?,
                likeness: row.float("likeness")?,
                reason: row.text("reason")?,
            });
            Ok(())
        })
        .await?;
    }
    found.sort_by_key(|pair| (pair.new, pair.known));
    found.dedup_by_key(|pair| (pair.new, pair.known));
    Ok(found)
}
