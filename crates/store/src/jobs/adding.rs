//! Adding jobs and changing what they hold.

use std::collections::HashSet;

use aerie_postings::RemoteKind;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{JobSnapshot, NewJob, reading::known_postings};
use crate::{StoreError, Tx, Value, batch::fetch_in, json};

/// Adds those jobs whose postings the person has neither as a job nor purged before; returns the ids that were added,
/// in order.
pub async fn insert_many_if_new(tx: &mut Tx, jobs: Vec<NewJob>, now: DateTime<Utc>) -> Result<Vec<Uuid>, StoreError> {
    let postings: Vec<Uuid> = jobs.iter().map(|job| job.posting_id).collect();
    let mut known = known_postings(tx, &postings).await?;
    let mut ids = Vec::new();
    let (mut rows, mut contents, mut documents) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        if !known.insert(job.posting_id) {
            continue;
        }
        ids.push(job.id);
        contents.push(vec![job.id.into(), json::encode("snapshot", &job.snapshot)?.into()]);
        if let Some(document) = job.score.as_ref().and_then(|score| score.document.clone()) {
            documents.push(vec![job.id.into(), document.into()]);
        }
        rows.push(job_row(job, now));
    }
    tx.insert_many(
        "insert into job (id, posting_id, status, title, company, source, url, remote_kind, posted_at, surfaced_by, \
         search_profile_id, score, classic, basis, profile_version, created_at, updated_at)",
        "on conflict do nothing",
        rows,
    )
    .await?;
    tx.insert_many(
        "insert into job_content (job, snapshot) select job.number, new.column2 from (",
        ") as new join job on job.id = new.column1",
        contents,
    )
    .await?;
    tx.insert_many(
        "insert into job_score (job, document) select job.number, new.column2 from (",
        ") as new join job on job.id = new.column1",
        documents,
    )
    .await?;
    // On PostgreSQL another transaction may have added one of them meanwhile.
    let mut added = HashSet::new();
    fetch_in(tx, "select id from job where id in (", ")", ids.iter().copied().map(Value::from), |row| {
        added.insert(row.id("id")?);
        Ok(())
    })
    .await?;
    ids.retain(|id| added.contains(id));
    Ok(ids)
}

fn job_row(job: NewJob, now: DateTime<Utc>) -> Vec<Value> {
    let posting = job.snapshot.posting;
    let score = job.score.as_ref();
    vec![
        job.id.into(),
        job.posting_id.into(),
        job.status.into(),
        posting.title.into(),
        posting.company.into(),
        posting.source.into(),
        posting.url.into(),
        remote_name(posting.remote).into(),
        posting.posted_at.into(),
        job.surfaced_by.into(),
        job.search_profile_id.into(),
        score.map(|score| score.score).into(),
        score.and_then(|score| score.classic).into(),
        score.and_then(|score| score.basis.clone()).into(),
        score.map(|score| score.profile_version).into(),
        now.into(),
        now.into(),
    ]
}

/// The name under which [`super::JobFilter::remote_kinds`] finds it: the one that serde gives it.
fn remote_name(kind: RemoteKind) -> &'static str {
    match kind {
        RemoteKind::Unknown => "unknown",
        RemoteKind::OnSite => "on_site",
        RemoteKind::Hybrid => "hybrid",
        RemoteKind::Remote => "remote",
    }
}

/// Replaces the snapshots of jobs, by job id, with what the posting says now. Unknown ids are passed over; versions
/// stay, since the person's own part did not change. Their scores are for no version of the profile from now on, so that
/// the next scoring takes them.
pub async fn update_snapshots(
    tx: &mut Tx,
    snapshots: Vec<(Uuid, JobSnapshot)>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (mut rows, mut contents) = (Vec::new(), Vec::new());
    for (id, snapshot) in snapshots {
        contents.push(vec![id.into(), json::encode("snapshot", &snapshot)?.into()]);
        let posting = snapshot.posting;
        rows.push(vec![
            id.into(),
            posting.title.into(),
            posting.company.into(),
            posting.source.into(),
            posting.url.into(),
            remote_name(posting.remote).into(),
            posting.posted_at.into(),
            now.into(),
        ]);
    }
    tx.insert_many(
        "update job set title = new.column2, company = new.column3, source = new.column4, url = new.column5, \
         remote_kind = new.column6, posted_at = new.column7, updated_at = new.column8, profile_version = null from (",
        ") as new where job.id = new.column1",
        rows,
    )
    .await?;
    tx.insert_many(
        "update job_content set snapshot = new.column2 from (",
        ") as new join job on job.id = new.column1 where job_content.job = job.number",
        contents,
    )
    .await?;
    Ok(())
}

/// Replaces the notes of a job if its version is still `expected_version`. Returns the new version, or `None` when the
/// job is gone or was changed meanwhile.
pub async fn update_notes(
    tx: &mut Tx,
    id: Uuid,
    expected_version: i64,
    notes: &str,
    now: DateTime<Utc>,
) -> Result<Option<i64>, StoreError> {
    let row = tx
        .fetch_optional(
            "update job set version = version + 1, updated_at = $3 where id = $1 and version = $2 \
             returning number, version",
            vec![id.into(), expected_version.into(), now.into()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let number = row.int("number")?;
    let notes = tx.private("job_content.notes", notes)?;
    tx.execute("update job_content set notes = $2 where job = $1", vec![number.into(), notes]).await?;
    row.int("version").map(Some)
}
