//! What is known about job sources: health, validators for conditional requests, answers of recent queries.
//! Functions take a transaction of the platform store.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Row, StoreError, Tx};

/// How a source has been doing.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceHealth {
    /// Name of the source.
    pub source: String,
    /// Last fetch that worked.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Last fetch that failed.
    pub last_failure_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub last_reason: Option<String>,
    /// Not to be asked again before this time.
    pub retry_at: Option<DateTime<Utc>>,
    /// Failures since the last success.
    pub failures_in_a_row: i64,
    /// Postings at the last success.
    pub last_count: Option<i64>,
    /// Exponential mean of the postings at each success (weight 0.3 on the newest), by which "empty where it used not
    /// to be" is seen.
    pub usual_count: Option<f64>,
}

/// Records a fetch that brought `count` postings.
pub async fn record_success(tx: &mut Tx, source: &str, count: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.execute(
        "insert into source_health (source, last_success_at, last_count, usual_count) values ($1, $2, $3, $4) \
         on conflict (source) do update set last_success_at = excluded.last_success_at, retry_at = null, \
         failures_in_a_row = 0, last_count = excluded.last_count, \
         usual_count = coalesce(0.7 * source_health.usual_count + 0.3 * excluded.usual_count, excluded.usual_count)",
        vec![source.into(), now.into(), count.into(), (count as f64).into()],
    )
    .await?;
    Ok(())
}

/// Records a fetch that failed, and until when the source is to be left alone.
pub async fn record_failure(
    tx: &mut Tx,
    source: &str,
    reason: &str,
    retry_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.execute(
        "insert into source_health (source, last_failure_at, last_reason, retry_at, failures_in_a_row) \
         values ($1, $2, $3, $4, 1) \
         on conflict (source) do update set last_failure_at = excluded.last_failure_at, \
         last_reason = excluded.last_reason, retry_at = excluded.retry_at, \
         failures_in_a_row = source_health.failures_in_a_row + 1",
        vec![source.into(), now.into(), reason.into(), retry_at.into()],
    )
    .await?;
    Ok(())
}

/// Every source that was ever fetched, by name.
pub async fn list_health(tx: &mut Tx) -> Result<Vec<SourceHealth>, StoreError> {
    tx.fetch_all("select * from source_health order by source", vec![]).await?.iter().map(decode_health).collect()
}

/// One source's health, if it was ever fetched.
pub async fn health(tx: &mut Tx, source: &str) -> Result<Option<SourceHealth>, StoreError> {
    let row = tx.fetch_optional("select * from source_health where source = $1", vec![source.into()]).await?;
    row.map(|row| decode_health(&row)).transpose()
}

fn decode_health(row: &Row) -> Result<SourceHealth, StoreError> {
    Ok(SourceHealth {
        source: row.text("source")?,
        last_success_at: row.optional_time("last_success_at")?,
        last_failure_at: row.optional_time("last_failure_at")?,
        last_reason: row.optional_text("last_reason")?,
        retry_at: row.optional_time("retry_at")?,
        failures_in_a_row: row.int("failures_in_a_row")?,
        last_count: row.optional_int("last_count")?,
        usual_count: row.optional_float("usual_count")?,
    })
}

/// What the last answer of an address said about itself, for conditional requests. The body is not kept: a "not
/// modified" means that there is nothing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedResponse {
    /// The address that was fetched.
    pub url: String,
    /// `ETag` header as sent.
    pub etag: Option<String>,
    /// `Last-Modified` header as sent.
    pub last_modified: Option<String>,
    /// Hash of the body: an unchanged body is recognised even from a server without validators.
    pub body_hash: String,
    /// Hash of what was parsed from it, with the parser's version.
    pub result_hash: Option<String>,
    /// When it was fetched.
    pub fetched_at: DateTime<Utc>,
}

/// The last answer of `url`, if there was one.
pub async fn cached_response(tx: &mut Tx, url: &str) -> Result<Option<CachedResponse>, StoreError> {
    let Some(row) = tx.fetch_optional("select * from http_cache where url = $1", vec![url.into()]).await? else {
        return Ok(None);
    };
    Ok(Some(CachedResponse {
        url: row.text("url")?,
        etag: row.optional_text("etag")?,
        last_modified: row.optional_text("last_modified")?,
        body_hash: row.text("body_hash")?,
        result_hash: row.optional_text("result_hash")?,
        fetched_at: row.time("fetched_at")?,
    }))
}

/// Keeps the newest answer of an address.
pub async fn put_cached_response(tx: &mut Tx, response: &CachedResponse) -> Result<(), StoreError> {
    tx.execute(
        "insert into http_cache (url, etag, last_modified, body_hash, result_hash, fetched_at) \
         values ($1, $2, $3, $4, $5, $6) \
         on conflict (url) do update set etag = excluded.etag, last_modified = excluded.last_modified, \
         body_hash = excluded.body_hash, result_hash = excluded.result_hash, fetched_at = excluded.fetched_at",
        vec![
            response.url.as_str().into(),
            response.etag.clone().into(),
            response.last_modified.clone().into(),
            response.body_hash.as_str().into(),
            response.result_hash.clone().into(),
            response.fetched_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Forgets answers and queries that were fetched before `before`; returns how many.
pub async fn forget_cached_before(tx: &mut Tx, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let responses = tx.execute("delete from http_cache where fetched_at < $1", vec![before.into()]).await?;
    let queries = tx.execute("delete from query_cache where fetched_at < $1", vec![before.into()]).await?;
    Ok(responses + queries)
}

/// The answer of a query that somebody asked before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedQuery {
    /// When it was fetched.
    pub fetched_at: DateTime<Utc>,
    /// The postings it brought, in the source's order.
    pub postings: Vec<Uuid>,
}

/// The answer of this query, if somebody asked it at or after `not_before`.
pub async fn cached_query(
    tx: &mut Tx,
    source: &str,
    query_hash: &str,
    not_before: DateTime<Utc>,
) -> Result<Option<CachedQuery>, StoreError> {
    let sql = "select fetched_at, postings from query_cache where source = $1 and query_hash = $2 and fetched_at >= $3";
    let row = tx.fetch_optional(sql, vec![source.into(), query_hash.into(), not_before.into()]).await?;
    let Some(row) = row else { return Ok(None) };
    let postings = serde_json::from_str(&row.text("postings")?)
        .map_err(|error| StoreError::Decode { column: "postings".to_owned(), detail: error.to_string() })?;
    Ok(Some(CachedQuery { fetched_at: row.time("fetched_at")?, postings }))
}

/// Keeps the answer of a query.
pub async fn put_cached_query(
    tx: &mut Tx,
    source: &str,
    query_hash: &str,
    answer: &CachedQuery,
) -> Result<(), StoreError> {
    let postings = crate::json::encode("postings", &answer.postings)?;
    tx.execute(
        "insert into query_cache (source, query_hash, fetched_at, postings) values ($1, $2, $3, $4) \
         on conflict (source, query_hash) do update set fetched_at = excluded.fetched_at, \
         postings = excluded.postings",
        vec![source.into(), query_hash.into(), answer.fetched_at.into(), postings.into()],
    )
    .await?;
    Ok(())
}
