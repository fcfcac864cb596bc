//! Scores.

use uuid::Uuid;

use crate::{Engine, StoreError, Tx};

/// A job's score.
#[derive(Debug, Clone, PartialEq)]
pub struct JobScore {
    /// From 0 to 100.
    pub score: f64,
    /// The prior keyword score, from 0 to 100.
    pub classic: Option<f64>,
    /// What it rests on.
    pub basis: Option<String>,
    /// Explanation, in a form of the pipeline.
    pub document: Option<Vec<u8>>,
    /// Version of the profile that it is for.
    pub profile_version: i64,
}

/// A job as scoring names it. By its number the rows are found without an index of random ids; since a number may be
/// given anew after a purge, only together with the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobKey {
    /// Id.
    pub id: Uuid,
    /// Internal number.
    pub number: i64,
}

/// Writes scores, except where a score for a newer profile is there already; returns how many were written. Fastest in
/// the order of the jobs' numbers.
pub async fn set_scores(tx: &mut Tx, scores: Vec<(JobKey, JobScore)>) -> Result<u64, StoreError> {
    let mut rows = Vec::with_capacity(scores.len());
    let mut documents = Vec::with_capacity(scores.len());
    for (job, score) in scores {
        if let Some(document) = score.document {
            documents.push(vec![job.number.into(), job.id.into(), document.into(), score.profile_version.into()]);
        }
        rows.push(vec![
            job.number.into(),
            job.id.into(),
            score.score.into(),
            score.classic.into(),
            score.basis.into(),
            score.profile_version.into(),
        ]);
    }
    let row_of_document = match tx.engine() {
        Engine::Sqlite => "job",
        Engine::Postgres => "tenant_id, job",
    };
    // The explanation first: it is refused by the version that stands in the row before the score is written.
    tx.insert_many(
        "insert into job_score (job, document) select job.number, new.column3 from (",
        &format!(
            ") as new join job on job.number = new.column1 and job.id = new.column2 \
             where coalesce(job.profile_version, new.column4) <= new.column4 \
             on conflict ({row_of_document}) do update set document = excluded.document"
        ),
        documents,
    )
    .await?;
    tx.insert_many(
        "update job set score = new.column3, classic = new.column4, basis = new.column5, \
         profile_version = new.column6 from (",
        ") as new where job.number = new.column1 and job.id = new.column2 \
         and coalesce(job.profile_version, new.column6) <= new.column6",
        rows,
    )
    .await
}

/// Every score that there is, in no order.
pub async fn all_scores(tx: &mut Tx) -> Result<Vec<f64>, StoreError> {
    let mut scores = Vec::new();
    tx.fetch_each("select score from job where score is not null", vec![], |row| {
        scores.push(row.float("score")?);
        Ok(())
    })
    .await?;
    Ok(scores)
}
