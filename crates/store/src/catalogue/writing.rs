//! Adding and changing postings.

use std::collections::HashSet;

use aerie_postings::Posting;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{LinkSighting, NewPosting, PostingChange, blocks::DedupeRows, lookup::key_hash, lookup::numbers_of};
use crate::{Engine, StoreError, Tx, Value, json};

/// Keeps every other ingest out until this transaction ends. Between looking up the keys of new postings and inserting
/// them nobody else may insert the same ones: call this first, in the transaction that does both. On SQLite the write
/// lock does it already.
pub async fn lock_for_ingest(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.engine() == Engine::Postgres {
        tx.execute("select pg_advisory_xact_lock(4702394922)", vec![]).await?;
    }
    Ok(())
}

/// Adds postings with their keys, blocks, features and the link to where they were found.
///
/// A key that another posting has stays with that one.
pub async fn insert_batch(tx: &mut Tx, postings: Vec<NewPosting>, now: DateTime<Utc>) -> Result<(), StoreError> {
    let numbers = reserve_numbers(tx, postings.len()).await?;
    let mut rows = Rows::default();
    for (new, number) in postings.into_iter().zip(numbers) {
        rows.add(new, number, now)?;
    }
    rows.insert(tx).await
}

/// One list of rows for each table.
#[derive(Default)]
struct Rows {
    postings: Vec<Vec<Value>>,
    documents: Vec<Vec<Value>>,
    features: Vec<Vec<Value>>,
    dedupe: DedupeRows,
    keys: Vec<(Vec<u8>, i64)>,
    links: Vec<Vec<Value>>,
}

impl Rows {
    fn add(&mut self, new: NewPosting, number: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
        let NewPosting { id, posting, board, keys, dedupe, match_features, embedding } = new;
        let home = dedupe.blocks.home;
        self.documents.push(vec![number.into(), json::encode("document", &posting)?.into()]);
        self.features.push(vec![number.into(), id.into(), match_features.into(), embedding.into()]);
        self.dedupe.add(number, id, dedupe);
        self.keys.extend(keys.iter().map(|key| (key_hash(key), number)));
        self.links.push(link_row(
            number,
            &LinkSighting {
                posting_id: id,
                source: posting.source.clone(),
                source_id: posting.source_id.clone(),
                board,
                url: posting.url.clone(),
                title: posting.title.clone(),
            },
            now,
        ));
        let mut row = vec![number.into(), id.into()];
        row.extend(shown(posting));
        row.extend([now.into(), now.into(), home.into()]);
        self.postings.push(row);
        Ok(())
    }

    async fn insert(self, tx: &mut Tx) -> Result<(), StoreError> {
        let head = "insert into posting \
                    (number, id, source, source_id, url, title, company, posted_at, first_seen, last_seen, home)";
        tx.insert_many(head, "", self.postings).await?;
        tx.insert_many("insert into posting_document (posting, document)", "", self.documents).await?;
        let head = "insert into posting_features (posting, posting_id, match_features, embedding)";
        tx.insert_many(head, "", self.features).await?;
        self.dedupe.insert(tx).await?;
        insert_keys(tx, self.keys).await?;
        insert_links(tx, self.links).await
    }
}

/// Numbers for new postings, in rising order.
async fn reserve_numbers(tx: &mut Tx, count: usize) -> Result<Vec<i64>, StoreError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    match tx.engine() {
        // The transaction holds the only write lock, so nobody else takes the same numbers.
        Engine::Sqlite => {
            let sql = "select coalesce(max(number), 0) as newest from posting";
            let newest = tx.fetch_one(sql, vec![]).await?.int("newest")?;
            Ok((newest + 1..=newest + count).collect())
        }
        Engine::Postgres => {
            let sql = "select nextval('posting_number') as number from generate_series(1, $1)";
            let mut numbers = Vec::new();
            for row in tx.fetch_all(sql, vec![count.into()]).await? {
                numbers.push(row.int("number")?);
            }
            numbers.sort_unstable();
            Ok(numbers)
        }
    }
}

/// Writes new content, features and blocks of postings that are in the catalogue. Unknown ids are passed over.
pub async fn update_batch(tx: &mut Tx, changes: Vec<PostingChange>) -> Result<(), StoreError> {
    let numbers = numbers_of(tx, changes.iter().map(|change| change.id).collect()).await?;
    let (mut postings, mut documents, mut features) = (vec![], vec![], vec![]);
    let mut rows = DedupeRows::default();
    for change in changes {
        let PostingChange { id, posting, dedupe, match_features, embedding } = change;
        let Some(&number) = numbers.get(&id) else { continue };
        documents.push(vec![number.into(), json::encode("document", &posting)?.into()]);
        features.push(vec![number.into(), match_features.into(), embedding.into()]);
        rows.add(number, id, dedupe);
        let mut row = vec![number.into()];
        row.extend(shown(posting));
        postings.push(row);
    }
    rows.replace(tx).await?;
    tx.insert_many(
        "update posting set source = new.column2, source_id = new.column3, url = new.column4, title = new.column5, \
         company = new.column6, posted_at = new.column7 from (",
        ") as new where posting.number = new.column1",
        postings,
    )
    .await?;
    tx.insert_many(
        "update posting_document set document = new.column2 from (",
        ") as new where posting_document.posting = new.column1",
        documents,
    )
    .await?;
    tx.insert_many(
        "update posting_features set match_features = new.column2, embedding = new.column3 from (",
        ") as new where posting_features.posting = new.column1",
        features,
    )
    .await?;
    Ok(())
}

/// Keeps the embeddings of postings that are in the catalogue.
pub async fn set_embeddings(tx: &mut Tx, embeddings: Vec<(Uuid, Vec<u8>)>) -> Result<(), StoreError> {
    set_features(tx, "embedding", embeddings).await
}

/// Replaces what scoring needs of postings that are in the catalogue.
pub async fn set_match_features(tx: &mut Tx, features: Vec<(Uuid, Vec<u8>)>) -> Result<(), StoreError> {
    set_features(tx, "match_features", features).await
}

async fn set_features(tx: &mut Tx, column: &str, values: Vec<(Uuid, Vec<u8>)>) -> Result<(), StoreError> {
    let numbers = numbers_of(tx, values.iter().map(|(id, _)| *id).collect()).await?;
    let rows =
        values.into_iter().filter_map(|(id, value)| Some(vec![(*numbers.get(&id)?).into(), value.into()])).collect();
    tx.insert_many(
        &format!("update posting_features set {column} = new.column2 from ("),
        ") as new where posting_features.posting = new.column1",
        rows,
    )
    .await?;
    Ok(())
}

/// Adds keys to postings. A key that a posting already has stays with that one.
pub async fn add_keys(tx: &mut Tx, keys: &[(String, Uuid)]) -> Result<(), StoreError> {
    let numbers = numbers_of(tx, keys.iter().map(|(_, id)| *id).collect()).await?;
    let rows = keys.iter().filter_map(|(key, id)| Some((key_hash(key), *numbers.get(id)?))).collect();
    insert_keys(tx, rows).await
}

/// Records where postings were seen now. A place that is known is seen again and open again.
pub async fn add_links(tx: &mut Tx, links: &[LinkSighting], now: DateTime<Utc>) -> Result<(), StoreError> {
    let numbers = numbers_of(tx, links.iter().map(|link| link.posting_id).collect()).await?;
    let mut seen = HashSet::new();
    let rows = links
        .iter()
        // PostgreSQL refuses a statement that touches a row twice.
        .filter(|link| seen.insert((link.posting_id, &link.source, &link.url)))
        .filter_map(|link| Some(link_row(*numbers.get(&link.posting_id)?, link, now)))
        .collect();
    insert_links(tx, rows).await
}

/// Columns `source, source_id, url, title, company, posted_at`.
fn shown(posting: Posting) -> [Value; 6] {
    [
        posting.source.into(),
        posting.source_id.into(),
        posting.url.into(),
        posting.title.into(),
        posting.company.into(),
        posting.posted_at.into(),
    ]
}

fn link_row(number: i64, link: &LinkSighting, now: DateTime<Utc>) -> Vec<Value> {
    vec![
        number.into(),
        link.source.as_str().into(),
        link.url.as_str().into(),
        link.source_id.clone().into(),
        link.board.clone().into(),
        link.title.as_str().into(),
        now.into(),
        now.into(),
    ]
}

async fn insert_links(tx: &mut Tx, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
    tx.insert_many(
        "insert into posting_link (posting, source, url, source_id, board, title, first_seen, last_seen)",
        "on conflict (posting, source, url) do update set source_id = excluded.source_id, board = excluded.board, \
         title = excluded.title, last_seen = excluded.last_seen, missed_runs = 0, closed_at = null",
        rows,
    )
    .await?;
    Ok(())
}

async fn insert_keys(tx: &mut Tx, mut keys: Vec<(Vec<u8>, i64)>) -> Result<(), StoreError> {
    keys.sort_unstable();
    let rows = keys.into_iter().map(|(key, number)| vec![key.into(), number.into()]).collect();
    tx.insert_many("insert into posting_key (key, posting)", "on conflict do nothing", rows).await?;
    Ok(())
}
