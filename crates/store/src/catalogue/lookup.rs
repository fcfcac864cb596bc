//! Finding the postings that a new one may be the same as.

use std::collections::HashMap;

use ring::digest::{SHA256, digest};
use uuid::Uuid;

use crate::{Engine, StoreError, Tx, Value, batch::fetch_in, database::placeholders};

/// Bytes of a key's SHA-256 that are stored. Sixteen make an accidental or forged collision practically impossible.
const KEY_BYTES: usize = 16;

/// Blocks asked for in one statement.
const BLOCKS_PER_STATEMENT: usize = 256;

/// The stored form of a key.
pub(super) fn key_hash(key: &str) -> Vec<u8> {
    digest(&SHA256, key.as_bytes()).as_ref().iter().take(KEY_BYTES).copied().collect()
}

/// The postings that have these keys. Keys that nobody has are absent.
pub async fn keys_lookup(tx: &mut Tx, keys: &[String]) -> Result<HashMap<String, Uuid>, StoreError> {
    let mut names: HashMap<Vec<u8>, &String> = keys.iter().map(|key| (key_hash(key), key)).collect();
    // Sorted keys walk the index in one direction.
    let mut hashes: Vec<Vec<u8>> = names.keys().cloned().collect();
    hashes.sort_unstable();
    let mut found = HashMap::new();
    fetch_in(
        tx,
        "select posting_key.key as key, posting.id as id \
         from posting_key join posting on posting.number = posting_key.posting where posting_key.key in (",
        ")",
        hashes.into_iter().map(Value::from),
        |row| {
            if let Some(name) = names.remove(&row.bytes("key")?) {
                found.insert(name.clone(), row.id("id")?);
            }
            Ok(())
        },
    )
    .await?;
    Ok(found)
}

/// Postings that share blocks with new ones.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// The newest postings of each block. Blocks without a posting are absent.
    pub blocks: HashMap<i64, Vec<Uuid>>,
    /// What the comparison needs, for every posting named in `blocks`.
    pub features: HashMap<Uuid, Vec<u8>>,
}

/// The newest `cap_per_block` postings of each block, with their features.
pub async fn block_candidates(tx: &mut Tx, blocks: &[i64], cap_per_block: i64) -> Result<Candidates, StoreError> {
    let mut wanted = blocks.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let mut members: Vec<(i64, i64)> = Vec::new();
    for chunk in wanted.chunks(BLOCKS_PER_STATEMENT) {
        let sql = newest_of_blocks(tx.engine(), chunk.len());
        let values = chunk.iter().copied().chain([cap_per_block]).map(Value::from).collect();
        tx.fetch_each(sql, values, |row| {
            members.push((row.int("block")?, row.int("posting")?));
            Ok(())
        })
        .await?;
    }
    with_features(tx, members).await
}

/// The parameters are the blocks, then the cap. A window function would read whole blocks, so the two engines get the
/// words in which each stops at the cap.
fn newest_of_blocks(engine: Engine, count: usize) -> String {
    let blocks = (1..=count).map(|number| format!("({})", placeholders(engine, number, 1)));
    let wanted = blocks.collect::<Vec<_>>().join(", ");
    let cap = placeholders(engine, count + 1, 1);
    match engine {
        Engine::Sqlite => format!(
            "with wanted (block) as (values {wanted}) \
             select member.block as block, member.posting as posting \
             from wanted cross join posting_block as member \
             where member.block = wanted.block and member.posting in ( \
               select newest.posting from posting_block as newest where newest.block = wanted.block \
               order by newest.posting desc limit {cap})"
        ),
        Engine::Postgres => format!(
            "select wanted.block as block, member.posting as posting from (values {wanted}) as wanted (block) \
             cross join lateral ( \
               select newest.posting from posting_block as newest where newest.block = wanted.block \
               order by newest.posting desc limit {cap}) as member"
        ),
    }
}

async fn with_features(tx: &mut Tx, members: Vec<(i64, i64)>) -> Result<Candidates, StoreError> {
    let mut numbers: Vec<i64> = members.iter().map(|(_, posting)| *posting).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut ids: HashMap<i64, Uuid> = HashMap::with_capacity(numbers.len());
    let mut candidates = Candidates::default();
    fetch_in(
        tx,
        "select posting, posting_id, features from posting_dedupe where posting in (",
        ")",
        numbers.into_iter().map(Value::from),
        |row| {
            let id = row.id("posting_id")?;
            ids.insert(row.int("posting")?, id);
            candidates.features.insert(id, row.bytes("features")?);
            Ok(())
        },
    )
    .await?;
    for (block, number) in members {
        if let Some(id) = ids.get(&number) {
            candidates.blocks.entry(block).or_default().push(*id);
        }
    }
    Ok(candidates)
}

/// The numbers of postings. Unknown ids are absent.
pub(super) async fn numbers_of(tx: &mut Tx, ids: Vec<Uuid>) -> Result<HashMap<Uuid, i64>, StoreError> {
    let mut numbers = HashMap::new();
    fetch_in(tx, "select id, number from posting where id in (", ")", ids.into_iter().map(Value::from), |row| {
        numbers.insert(row.id("id")?, row.int("number")?);
        Ok(())
    })
    .await?;
    Ok(numbers)
}
