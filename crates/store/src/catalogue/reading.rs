//! Reading postings, streaming their features, and a fingerprint of everything for comparisons.

use std::collections::HashMap;

use aerie_postings::Posting;
use chrono::{DateTime, Utc};
use ring::digest::{Context, SHA256};
use uuid::Uuid;

use super::PostingLink;
use crate::{Row, StoreError, Tx, Value, batch::fetch_in, json};

/// A posting of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPosting {
    /// Id.
    pub id: Uuid,
    /// Content.
    pub posting: Posting,
    /// First seen anywhere.
    pub first_seen: DateTime<Utc>,
    /// Last seen anywhere.
    pub last_seen: DateTime<Utc>,
    /// When it was gone everywhere.
    pub closed_at: Option<DateTime<Utc>>,
    /// How often it came back after it was closed.
    pub repost_count: i64,
    /// Where it was seen, in the order of first sight.
    pub links: Vec<PostingLink>,
}

const POSTING: &str = "select posting.number as number, posting.id as id, first_seen, last_seen, closed_at, \
                       repost_count, document \
                       from posting join posting_document on posting_document.posting = posting.number where ";

/// Postings by id, in the order of `ids`. Unknown ids are passed over.
pub async fn get(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<StoredPosting>, StoreError> {
    let mut found = Vec::new();
    let before = format!("{POSTING} posting.id in (");
    fetch_in(tx, &before, ")", ids.iter().copied().map(Value::from), |row| {
        found.push(decode(&row)?);
        Ok(())
    })
    .await?;
    let mut by_id: HashMap<Uuid, StoredPosting> =
        with_links(tx, found).await?.into_iter().map(|posting| (posting.id, posting)).collect();
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

/// Up to `limit` postings in the order in which they came, beginning after `after`; for work over the whole catalogue
/// in portions.
pub async fn documents_after(tx: &mut Tx, after: Option<Uuid>, limit: i64) -> Result<Vec<StoredPosting>, StoreError> {
    let sql = format!(
        "{POSTING} posting.number > coalesce((select number from posting where id = $1), 0) \
         order by posting.number limit $2"
    );
    let rows = tx.fetch_all(sql, vec![after.into(), limit.into()]).await?;
    let found = rows.iter().map(decode).collect::<Result<_, _>>()?;
    with_links(tx, found).await
}

fn decode(row: &Row) -> Result<(i64, StoredPosting), StoreError> {
    let posting = StoredPosting {
        id: row.id("id")?,
        posting: json::decode(row, "document")?,
        first_seen: row.time("first_seen")?,
        last_seen: row.time("last_seen")?,
        closed_at: row.optional_time("closed_at")?,
        repost_count: row.int("repost_count")?,
        links: Vec::new(),
    };
    Ok((row.int("number")?, posting))
}

async fn with_links(tx: &mut Tx, mut postings: Vec<(i64, StoredPosting)>) -> Result<Vec<StoredPosting>, StoreError> {
    let mut links: HashMap<i64, Vec<PostingLink>> = HashMap::new();
    let numbers: Vec<Value> = postings.iter().map(|(number, _)| Value::from(*number)).collect();
    fetch_in(tx, "select * from posting_link where posting in (", ")", numbers, |row| {
        let link = PostingLink {
            source: row.text("source")?,
            source_id: row.optional_text("source_id")?,
            board: row.optional_text("board")?,
            url: row.text("url")?,
            title: row.text("title")?,
            first_seen: row.time("first_seen")?,
            last_seen: row.time("last_seen")?,
            closed_at: row.optional_time("closed_at")?,
        };
        links.entry(row.int("posting")?).or_default().push(link);
        Ok(())
    })
    .await?;
    for (number, posting) in &mut postings {
        posting.links = links.remove(number).unwrap_or_default();
        posting.links.sort_by(|left, right| {
            (left.first_seen, &left.source, &left.url).cmp(&(right.first_seen, &right.source, &right.url))
        });
    }
    Ok(postings.into_iter().map(|(_, posting)| posting).collect())
}

/// What scoring needs of one posting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchFeatures {
    /// Which posting.
    pub posting_id: Uuid,
    /// As stored with the posting.
    pub features: Vec<u8>,
    /// As stored with the posting, when there is one.
    pub embedding: Option<Vec<u8>>,
}

/// An open posting of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenPosting {
    /// Id.
    pub id: Uuid,
    /// Internal number.
    pub number: i64,
}

/// Hands the features, without the embedding, of every open posting to `each`, in the order in which the postings came,
/// without holding them.
pub async fn for_each_match_features(
    tx: &mut Tx,
    mut each: impl FnMut(OpenPosting, &[u8]) -> Result<(), StoreError> + Send,
) -> Result<(), StoreError> {
    tx.fetch_each(
        "select posting, posting_id, match_features from posting_features \
         where posting not in (select number from posting where closed_at is not null) order by posting",
        vec![],
        |row| {
            let posting = OpenPosting { id: row.id("posting_id")?, number: row.int("posting")? };
            each(posting, row.borrowed_bytes("match_features")?)
        },
    )
    .await
}

/// The features of certain postings, in no order. Unknown ids are passed over.
pub async fn match_features(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<MatchFeatures>, StoreError> {
    let before = "select posting_id, match_features, embedding \
                  from posting join posting_features on posting_features.posting = posting.number where posting.id in (";
    features_in(tx, before, ids.iter().copied().map(Value::from)).await
}

/// The same by the numbers that [`for_each_match_features`] gave, without a look at the postings themselves.
pub async fn match_features_by_number(tx: &mut Tx, numbers: &[i64]) -> Result<Vec<MatchFeatures>, StoreError> {
    let before = "select posting_id, match_features, embedding from posting_features where posting in (";
    features_in(tx, before, numbers.iter().copied().map(Value::from)).await
}

async fn features_in(
    tx: &mut Tx,
    before: &str,
    keys: impl ExactSizeIterator<Item = Value>,
) -> Result<Vec<MatchFeatures>, StoreError> {
    let mut found = Vec::with_capacity(keys.len());
    fetch_in(tx, before, ")", keys, |row| {
        found.push(decode_features(&row)?);
        Ok(())
    })
    .await?;
    Ok(found)
}

fn decode_features(row: &Row) -> Result<MatchFeatures, StoreError> {
    Ok(MatchFeatures {
        posting_id: row.id("posting_id")?,
        features: row.bytes("match_features")?,
        embedding: row.optional_bytes("embedding")?,
    })
}

/// How much the catalogue holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CatalogueCounts {
    /// Postings.
    pub postings: i64,
    /// Postings that are not closed.
    pub open: i64,
    /// Places where they were seen.
    pub links: i64,
}

/// How much the catalogue holds. Reads narrow rows of the whole catalogue: for status pages, not for every request.
pub async fn counts(tx: &mut Tx) -> Result<CatalogueCounts, StoreError> {
    let sql = "select count(*) as postings, count(*) - count(closed_at) as open from posting";
    let row = tx.fetch_one(sql, vec![]).await?;
    let links = tx.fetch_one("select count(*) as links from posting_link", vec![]).await?.int("links")?;
    Ok(CatalogueCounts { postings: row.int("postings")?, open: row.int("open")?, links })
}

/// A SHA-256, in hexadecimal digits, of what the catalogue holds, without ids and times: two catalogues that were
/// filled from the same boards on different days, or in another order, have the same one.
pub async fn fingerprint(tx: &mut Tx) -> Result<String, StoreError> {
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let portion = documents_after(tx, after, 500).await?;
        let Some(last) = portion.last() else { break };
        after = Some(last.id);
        for stored in &portion {
            lines.push(line(stored)?);
        }
    }
    lines.sort_unstable();
    let mut context = Context::new(&SHA256);
    for line in &lines {
        context.update(line.as_bytes());
        context.update(b"\n");
    }
    Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn line(stored: &StoredPosting) -> Result<String, StoreError> {
    let mut posting = stored.posting.clone();
    // Boards write "3 days ago": these times follow the clock.
    posting.posted_at = None;
    posting.updated_at = None;
    posting.expires_at = None;
    let mut links: Vec<_> =
        stored.links.iter().map(|link| (&link.source, &link.source_id, &link.url, &link.title)).collect();
    links.sort_unstable();
    json::encode("document", &(posting, links, stored.closed_at.is_some()))
}
