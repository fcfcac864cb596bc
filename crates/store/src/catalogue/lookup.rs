//! Finding the postings that a new one may be the same as.

use std::collections::HashMap;

use ring::digest::{SHA256, digest};
use uuid::Uuid;

use crate::{Engine, StoreError, Tx, Value, batch::fetch_in, database::placeholders};

/// Bytes of a key's SHA-256 that are stored. Sixteen make an accidental or forged collision practically impossible.
const KEY_BYTES: usize = 16;

/// Blocks or places asked for in one statement.
const ROWS_PER_STATEMENT: usize = 256;

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

/// Where the rows of a posting lie by which others are compared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Located {
    pub(super) home: i64,
    /// Rises with time.
    pub(super) number: i64,
}

/// Postings that share blocks or bands with new ones, the newest first. Blocks and bands without a posting are absent.
#[derive(Debug, Clone, Default)]
pub struct Members {
    /// Postings of each block.
    pub blocks: HashMap<i64, Vec<Located>>,
    /// Postings of each band, with their fingerprints.
    pub bands: HashMap<i64, Vec<(Located, i64)>>,
    /// Id and features of the postings in `blocks`; those in `bands` are read by [`dedupe_features`], since few of them
    /// are worth it.
    pub features: HashMap<Located, (Uuid, Vec<u8>)>,
}

/// The newest `cap` postings of each block and of each band.
pub async fn members(tx: &mut Tx, blocks: &[i64], bands: &[i64], cap: usize) -> Result<Members, StoreError> {
    let mut members = Members::default();
    let blocks = sorted(blocks);
    for chunk in blocks.chunks(ROWS_PER_STATEMENT) {
        // One row for each posting, however many of the blocks it is in: its own list says in which.
        tx.fetch_each(members_of_blocks(tx.engine(), chunk.len()), with_cap(chunk, cap), |row| {
            let located = Located { home: row.int("home")?, number: row.int("posting")? };
            for block in numbers_of_bytes(row.borrowed_bytes("blocks")?) {
                if blocks.binary_search(&block).is_ok() {
                    members.blocks.entry(block).or_default().push(located);
                }
            }
            members.features.insert(located, (row.id("posting_id")?, row.bytes("features")?));
            Ok(())
        })
        .await?;
    }
    for chunk in sorted(bands).chunks(ROWS_PER_STATEMENT) {
        let newest = newest(tx.engine(), "posting_band", "band", "posting, fingerprint, home", chunk.len());
        tx.fetch_each(newest, with_cap(chunk, cap), |row| {
            let located = Located { home: row.int("home")?, number: row.int("posting")? };
            members.bands.entry(row.int("band")?).or_default().push((located, row.int("fingerprint")?));
            Ok(())
        })
        .await?;
    }
    for block in members.blocks.values_mut() {
        block.sort_unstable_by_key(|located| std::cmp::Reverse(located.number));
        // The same posting comes twice when its blocks were asked for in two statements.
        block.dedup();
        block.truncate(cap);
    }
    for band in members.bands.values_mut() {
        band.sort_unstable_by_key(|(located, _)| std::cmp::Reverse(located.number));
    }
    Ok(members)
}

fn members_of_blocks(engine: Engine, count: usize) -> String {
    let newest = newest(engine, "posting_block", "block", "posting", count);
    format!(
        "select posting_dedupe.home as home, posting_dedupe.posting as posting, posting_id, features, blocks \
         from (select distinct block >> 32 as at_home, posting as at_posting from ({newest}) as newest) as found \
         cross join posting_dedupe \
         where posting_dedupe.home = found.at_home and posting_dedupe.posting = found.at_posting"
    )
}

fn sorted(keys: &[i64]) -> Vec<i64> {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn with_cap(keys: &[i64], cap: usize) -> Vec<Value> {
    let cap = i64::try_from(cap).unwrap_or(i64::MAX);
    keys.iter().copied().chain([cap]).map(Value::from).collect()
}

/// The parameters are values of `key`, then the cap. A window function would read whole blocks, so the two engines get
/// the words in which each stops at the cap.
fn newest(engine: Engine, table: &str, key: &str, columns: &str, count: usize) -> String {
    let wanted = (1..=count).map(|number| format!("({})", placeholders(engine, number, 1)));
    let wanted = wanted.collect::<Vec<_>>().join(", ");
    let cap = placeholders(engine, count + 1, 1);
    match engine {
        Engine::Sqlite => format!(
            "with wanted (wanted_key) as (values {wanted}) \
             select {key}, {columns} from wanted cross join {table} as member \
             where member.{key} = wanted.wanted_key and member.posting in ( \
               select newest.posting from {table} as newest where newest.{key} = wanted.wanted_key \
               order by newest.posting desc limit {cap})"
        ),
        Engine::Postgres => format!(
            "select wanted_key as {key}, {columns} from (values {wanted}) as wanted (wanted_key) \
             cross join lateral ( \
               select {columns} from {table} as newest where newest.{key} = wanted.wanted_key \
               order by newest.posting desc limit {cap}) as member"
        ),
    }
}

/// Id and features of postings that [`members`] named.
pub async fn dedupe_features(
    tx: &mut Tx,
    mut located: Vec<Located>,
) -> Result<HashMap<Located, (Uuid, Vec<u8>)>, StoreError> {
    located.sort_unstable();
    located.dedup();
    let mut found = HashMap::with_capacity(located.len());
    for chunk in located.chunks(ROWS_PER_STATEMENT) {
        let sql = dedupe_rows(tx.engine(), "posting_id, features", chunk.len());
        let values = chunk.iter().flat_map(|one| [one.home, one.number]).map(Value::from).collect();
        tx.fetch_each(sql, values, |row| {
            let one = Located { home: row.int("home")?, number: row.int("posting")? };
            found.insert(one, (row.id("posting_id")?, row.bytes("features")?));
            Ok(())
        })
        .await?;
    }
    Ok(found)
}

/// A query for rows of posting_dedupe; the parameters are pairs of home and number.
pub(super) fn dedupe_rows(engine: Engine, columns: &str, count: usize) -> String {
    let wanted = (0..count).map(|index| format!("({})", placeholders(engine, 2 * index + 1, 2)));
    let wanted = wanted.collect::<Vec<_>>().join(", ");
    format!(
        "with wanted (at_home, at_posting) as (values {wanted}) \
         select home, posting, {columns} from wanted cross join posting_dedupe \
         where posting_dedupe.home = wanted.at_home and posting_dedupe.posting = wanted.at_posting"
    )
}

/// What [`bytes_of`] wrote.
pub(super) fn numbers_of_bytes(bytes: &[u8]) -> Vec<i64> {
    bytes.as_chunks().0.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect()
}

/// A list of numbers in one column.
pub(super) fn bytes_of(numbers: &[i64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
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
