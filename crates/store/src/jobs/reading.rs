//! Reading single jobs, counts, and all of them in turn.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::{Job, JobKey, JobSnapshot, JobSummary};
use crate::{Row, StoreError, Tx, Value, batch::fetch_in, json};

pub(super) const SUMMARY: &str = "job.id as id, posting_id, status, title, company, source, url, remote_kind, \
    posted_at, score, classic, basis, profile_version, surfaced_by, search_profile_id, rejection_stage, joined_into, \
    version, created_at, updated_at, job.number as number";

pub(super) fn decode_summary(row: &Row) -> Result<JobSummary, StoreError> {
    Ok(JobSummary {
        id: row.id("id")?,
        posting_id: row.id("posting_id")?,
        status: row.text("status")?,
        title: row.text("title")?,
        company: row.text("company")?,
        source: row.text("source")?,
        url: row.text("url")?,
        remote_kind: row.text("remote_kind")?,
        posted_at: row.optional_time("posted_at")?,
        score: row.optional_float("score")?,
        classic: row.optional_float("classic")?,
        basis: row.optional_text("basis")?,
        profile_version: row.optional_int("profile_version")?,
        surfaced_by: row.optional_text("surfaced_by")?,
        search_profile_id: row.optional_id("search_profile_id")?,
        rejection_stage: row.optional_text("rejection_stage")?,
        joined_into: row.optional_id("joined_into")?,
        version: row.int("version")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn decode(row: &Row) -> Result<Job, StoreError> {
    Ok(Job {
        summary: decode_summary(row)?,
        snapshot: json::decode(row, "snapshot")?,
        score_document: row.optional_bytes("score_document")?,
        notes: row.private("job_content.notes")?,
    })
}

/// One job with everything.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Job>, StoreError> {
    let sql = format!(
        "select {SUMMARY}, snapshot, job_score.document as score_document, notes \
         from job join job_content on job_content.job = job.number \
         left join job_score on job_score.job = job.number where job.id = $1"
    );
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode(&row)).transpose()
}

/// The jobs of these postings. Postings without a job are absent.
pub async fn get_by_postings(tx: &mut Tx, postings: &[Uuid]) -> Result<HashMap<Uuid, JobSummary>, StoreError> {
    let mut found = HashMap::new();
    let before = format!("select {SUMMARY} from job where posting_id in (");
    fetch_in(tx, &before, ")", postings.iter().copied().map(Value::from), |row| {
        let job = decode_summary(&row)?;
        found.insert(job.posting_id, job);
        Ok(())
    })
    .await?;
    Ok(found)
}

/// Those of `postings` of which the person has a job, or had one and purged it.
pub async fn known_postings(tx: &mut Tx, postings: &[Uuid]) -> Result<HashSet<Uuid>, StoreError> {
    let mut known = HashSet::new();
    for table in ["job", "purged_posting"] {
        let before = format!("select posting_id from {table} where posting_id in (");
        fetch_in(tx, &before, ")", postings.iter().copied().map(Value::from), |row| {
            known.insert(row.id("posting_id")?);
            Ok(())
        })
        .await?;
    }
    Ok(known)
}

/// How many jobs there are of each status, without those that were joined into another.
pub async fn count_by_status(tx: &mut Tx) -> Result<BTreeMap<String, i64>, StoreError> {
    let sql = "select status, count(*) as jobs from job where joined_into is null group by status";
    let mut counts = BTreeMap::new();
    tx.fetch_each(sql, vec![], |row| {
        counts.insert(row.text("status")?, row.int("jobs")?);
        Ok(())
    })
    .await?;
    Ok(counts)
}

/// What rescoring needs of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobForScoring {
    /// Job.
    pub id: Uuid,
    /// Its posting, whose features the catalogue has.
    pub posting_id: Uuid,
    /// Status.
    pub status: String,
    /// The posting, when asked for: needed for a posting that is no longer in the catalogue.
    pub snapshot: Option<JobSnapshot>,
}

/// Hands every job of these statuses (all of them, if none is named) to `each`, oldest first, without holding them.
pub async fn for_each(
    tx: &mut Tx,
    statuses: &[String],
    with_snapshots: bool,
    mut each: impl FnMut(JobForScoring) -> Result<(), StoreError> + Send,
) -> Result<(), StoreError> {
    let placeholders = (1..=statuses.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
    let filter = if statuses.is_empty() { String::new() } else { format!("where status in ({placeholders})") };
    let (columns, join) = match with_snapshots {
        true => (", snapshot", "join job_content on job_content.job = job.number"),
        false => ("", ""),
    };
    let sql = format!("select id, posting_id, status{columns} from job {join} {filter} order by number");
    tx.fetch_each(sql, statuses.iter().map(|status| status.as_str().into()).collect(), |row| {
        each(JobForScoring {
            id: row.id("id")?,
            posting_id: row.id("posting_id")?,
            status: row.text("status")?,
            snapshot: if with_snapshots { Some(json::decode(&row, "snapshot")?) } else { None },
        })
    })
    .await
}

/// The internal number of a job.
pub(crate) async fn number_of(tx: &mut Tx, id: Uuid) -> Result<Option<i64>, StoreError> {
    let row = tx.fetch_optional("select number from job where id = $1", vec![id.into()]).await?;
    row.map(|row| row.int("number")).transpose()
}

/// Hands posting and job of every job to `each`, oldest first; with `unless_version` only of those whose score is not
/// for that version of the profile.
pub async fn for_scoring(
    tx: &mut Tx,
    unless_version: Option<i64>,
    mut each: impl FnMut(Uuid, JobKey) -> Result<(), StoreError> + Send,
) -> Result<(), StoreError> {
    let mut read = |row: Row| each(row.id("posting_id")?, JobKey { id: row.id("id")?, number: row.int("number")? });
    match unless_version {
        None => tx.fetch_each("select posting_id, id, number from job order by number", vec![], &mut read).await,
        Some(version) => {
            let sql =
                "select posting_id, id, number from job where coalesce(profile_version, -1) <> $1 order by number";
            tx.fetch_each(sql, vec![version.into()], &mut read).await
        }
    }
}

/// Snapshot and explanation of these jobs, by job id. Unknown ids are absent.
pub async fn contents(tx: &mut Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, (JobSnapshot, Option<Vec<u8>>)>, StoreError> {
    let mut found = HashMap::new();
    fetch_in(
        tx,
        "select id, snapshot, document from job join job_content on job_content.job = job.number \
         left join job_score on job_score.job = job.number where id in (",
        ")",
        ids.iter().copied().map(Value::from),
        |row| {
            found.insert(row.id("id")?, (json::decode(&row, "snapshot")?, row.optional_bytes("document")?));
            Ok(())
        },
    )
    .await?;
    Ok(found)
}

/// Notes of these jobs, by job id. Jobs without notes and unknown ids are absent.
pub async fn notes(tx: &mut Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, StoreError> {
    let mut found = HashMap::new();
    fetch_in(
        tx,
        "select id, notes from job join job_content on job_content.job = job.number where notes <> '' and id in (",
        ")",
        ids.iter().copied().map(Value::from),
        |row| {
            found.insert(row.id("id")?, row.private("job_content.notes")?);
            Ok(())
        },
    )
    .await?;
    Ok(found)
}

/// What a list of other things calls a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobName {
    /// Job.
    pub id: Uuid,
    /// Title.
    pub title: String,
    /// Employer.
    pub company: String,
    /// Page of the posting.
    pub url: String,
}

/// Names of these jobs. Unknown ids are absent.
pub async fn names(tx: &mut Tx, ids: HashSet<Uuid>) -> Result<Vec<JobName>, StoreError> {
    let mut found = HashMap::new();
    let before = "select id, title, company, url from job where id in (";
    fetch_in(tx, before, ")", ids.into_iter().map(Value::from), |row| {
        let id = row.id("id")?;
        let name = JobName { id, title: row.text("title")?, company: row.text("company")?, url: row.text("url")? };
        found.insert(id, name);
        Ok(())
    })
    .await?;
    Ok(found.into_values().collect())
}
