//! The list of jobs: filter, full text, order, pages.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    JobSummary,
    reading::{SUMMARY, decode_summary},
    search,
};
use crate::{Engine, StoreError, Tx, Value};

/// Which jobs. An empty list or `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobFilter {
    /// Any of these statuses.
    pub statuses: Vec<String>,
    /// Every word of this in title, employer or description; the last word may be the beginning of one. Without any
    /// letter or digit it does not filter.
    pub text: Option<String>,
    /// At least this score.
    pub min_score: Option<f64>,
    /// Any of `unknown`, `on_site`, `hybrid`, `remote`.
    pub remote_kinds: Vec<String>,
    /// Any of these sources.
    pub sources: Vec<String>,
    /// Found by this search profile.
    pub search_profile_id: Option<Uuid>,
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum JobOrder {
    /// Best score first; those without a score last.
    #[default]
    Score,
    /// Added last, first.
    Added,
    /// Posted last, first; those without a date last.
    Posted,
    /// Changed last, first.
    Updated,
}

impl JobOrder {
    /// What is sorted by, falling, before the job's number. One type and never null, so that a page can begin after it.
    fn key(self, engine: Engine) -> &'static str {
        match (self, engine) {
            (Self::Score, _) => "coalesce(score, -1.0)",
            (Self::Added, Engine::Sqlite) => "created_at",
            (Self::Posted, Engine::Sqlite) => "coalesce(posted_at, -9000000000000000)",
            (Self::Updated, Engine::Sqlite) => "updated_at",
            (Self::Added, Engine::Postgres) => "created_at",
            (Self::Posted, Engine::Postgres) => "coalesce(posted_at, timestamptz '1684-10-19 00:00:00+00')",
            (Self::Updated, Engine::Postgres) => "updated_at",
        }
    }
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageToken {
    key: SortKey,
    number: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum SortKey {
    Score(f64),
    Time(DateTime<Utc>),
}

impl std::fmt::Display for PageToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.key {
            SortKey::Score(score) => write!(formatter, "s{:016x}-{:x}", score.to_bits(), self.number),
            SortKey::Time(time) => write!(formatter, "t{}-{:x}", time.timestamp_micros(), self.number),
        }
    }
}

impl std::str::FromStr for PageToken {
    type Err = StoreError;

    /// Reads what [`std::fmt::Display`] wrote; anything else is [`StoreError::Decode`].
    fn from_str(text: &str) -> Result<Self, StoreError> {
        Self::read(text).ok_or_else(|| bad_token(format!("{text:?} is no page token of a list of jobs")))
    }
}

impl PageToken {
    fn read(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_at_checked(1)?;
        let (key, number) = rest.rsplit_once('-')?;
        let key = match kind {
            "s" => SortKey::Score(f64::from_bits(u64::from_str_radix(key, 16).ok()?)),
            "t" => SortKey::Time(DateTime::from_timestamp_micros(key.parse().ok()?)?),
            _ => return None,
        };
        Some(Self { key, number: i64::from_str_radix(number, 16).ok()? })
    }
}

fn bad_token(detail: String) -> StoreError {
    StoreError::Decode { column: "page_token".to_owned(), detail }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct JobPage {
    /// Jobs in order.
    pub jobs: Vec<JobSummary>,
    /// Jobs on all pages together.
    pub total: i64,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<PageToken>,
}

/// Up to `size` jobs that pass the filter, in order, after the page that ended at `after`. Jobs that were joined into
/// another are not listed. A token of another order is [`StoreError::Decode`].
pub async fn list(
    tx: &mut Tx,
    filter: &JobFilter,
    order: JobOrder,
    after: Option<PageToken>,
    size: u32,
) -> Result<JobPage, StoreError> {
    let mut condition = Condition::of(tx.engine(), filter);
    let matched = format!(
        "with matched as materialized (select number, {} as sort_key from job where {})",
        order.key(tx.engine()),
        condition.parts.join(" and ")
    );
    let mut rest = String::new();
    if let Some(token) = after {
        let value = match (order, token.key) {
            (JobOrder::Score, SortKey::Score(score)) => score.into(),
            (JobOrder::Added | JobOrder::Posted | JobOrder::Updated, SortKey::Time(time)) => time.into(),
            _ => return Err(bad_token("the page token is of a list in another order".to_owned())),
        };
        rest =
            format!("where (sort_key, number) < ({}, {})", condition.bind(value), condition.bind(token.number.into()));
    }
    let limit = condition.bind((i64::from(size) + 1).into());
    // What matches is found once, narrow; only the rows of the page are read whole.
    let sql = format!(
        "{matched} select {SUMMARY}, page.sort_key as sort_key, (select count(*) from matched) as total \
         from (select number, sort_key from matched {rest} order by sort_key desc, number desc limit {limit}) as page \
         join job on job.number = page.number order by page.sort_key desc, page.number desc"
    );
    let (mut jobs, mut keys, mut total) = (Vec::new(), Vec::new(), None);
    tx.fetch_each(sql, condition.values, |row| {
        jobs.push(decode_summary(&row)?);
        total = Some(row.int("total")?);
        let key = match order {
            JobOrder::Score => SortKey::Score(row.float("sort_key")?),
            JobOrder::Added | JobOrder::Posted | JobOrder::Updated => SortKey::Time(row.time("sort_key")?),
        };
        keys.push(PageToken { key, number: row.int("number")? });
        Ok(())
    })
    .await?;
    // A page without a row carries no total either.
    let total = match total {
        Some(total) => total,
        None if after.is_none() => 0,
        None => count(tx, filter).await?,
    };
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let next = if jobs.len() > size { size.checked_sub(1).and_then(|last| keys.get(last).copied()) } else { None };
    jobs.truncate(size);
    Ok(JobPage { jobs, total, next })
}

/// Ids of all jobs that pass the filter, in order.
pub async fn ids_in_order(tx: &mut Tx, filter: &JobFilter, order: JobOrder) -> Result<Vec<Uuid>, StoreError> {
    let condition = Condition::of(tx.engine(), filter);
    let sql = format!(
        "select id from job where {} order by {} desc, number desc",
        condition.parts.join(" and "),
        order.key(tx.engine())
    );
    let mut ids = Vec::new();
    tx.fetch_each(sql, condition.values, |row| {
        ids.push(row.id("id")?);
        Ok(())
    })
    .await?;
    Ok(ids)
}

async fn count(tx: &mut Tx, filter: &JobFilter) -> Result<i64, StoreError> {
    let condition = Condition::of(tx.engine(), filter);
    let sql = format!("select count(*) as total from job where {}", condition.parts.join(" and "));
    tx.fetch_one(sql, condition.values).await?.int("total")
}

/// A `where` clause with its values.
struct Condition {
    parts: Vec<String>,
    values: Vec<Value>,
}

impl Condition {
    fn of(engine: Engine, filter: &JobFilter) -> Self {
        let mut condition = Self { parts: vec!["joined_into is null".to_owned()], values: Vec::new() };
        if let Some(words) = filter.text.as_deref().and_then(|text| search::expression(engine, text)) {
            let words = condition.bind(words.into());
            let part = match engine {
                Engine::Sqlite => format!("number in (select rowid from job_text where job_text match {words})"),
                Engine::Postgres => {
                    format!("number in (select job from job_content where words @@ to_tsquery('simple', {words}))")
                }
            };
            condition.parts.push(part);
        }
        condition.any_of("status", &filter.statuses);
        condition.any_of("remote_kind", &filter.remote_kinds);
        condition.any_of("source", &filter.sources);
        if let Some(score) = filter.min_score {
            let score = condition.bind(score.into());
            condition.parts.push(format!("coalesce(score, -1.0) >= {score}"));
        }
        if let Some(id) = filter.search_profile_id {
            let id = condition.bind(id.into());
            condition.parts.push(format!("search_profile_id = {id}"));
        }
        condition
    }

    /// Adds a value and returns its placeholder.
    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn any_of(&mut self, column: &str, texts: &[String]) {
        if texts.is_empty() {
            return;
        }
        let placeholders: Vec<String> = texts.iter().map(|text| self.bind(text.as_str().into())).collect();
        self.parts.push(format!("{column} in ({})", placeholders.join(", ")));
    }
}
