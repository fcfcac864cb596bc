//! Scores.

use uuid::Uuid;

use crate::{StoreError, Tx};

/// A job's score.
#[derive(Debug, Clone, PartialEq)]
pub struct JobScore {
    /// From 0 to 100.
    pub score: f64,
    /// The prior keyword score, from 0 to 100.
    pub classic: Option<f64>,
    /// What it rests on.
    pub basis: Option<String>,
    /// Explanation, JSON of the pipeline.
    pub score_json: Option<String>,
    /// Version of the profile that it is for.
    pub profile_version: i64,
}

/// Writes scores, except where a score for a newer profile is there already; returns how many were written.
pub async fn set_scores(tx: &mut Tx, scores: Vec<(Uuid, JobScore)>) -> Result<u64, StoreError> {
    let mut rows = Vec::with_capacity(scores.len());
    let mut explanations = Vec::with_capacity(scores.len());
    for (id, score) in scores {
        explanations.push(vec![id.into(), score.score_json.into(), score.profile_version.into()]);
        rows.push(vec![
            id.into(),
            score.score.into(),
            score.classic.into(),
            score.basis.into(),
            score.profile_version.into(),
        ]);
    }
    // The explanation first: it is refused by the version that stands in the row before the score is written.
    tx.insert_many(
        "update job_content set score_json = new.column2 from (",
        ") as new join job on job.id = new.column1 \
         where job_content.job = job.number and coalesce(job.profile_version, new.column3) <= new.column3",
        explanations,
    )
    .await?;
    tx.insert_many(
        "update job set score = new.column2, classic = new.column3, basis = new.column4, \
         profile_version = new.column5 from (",
        ") as new where job.id = new.column1 and coalesce(job.profile_version, new.column5) <= new.column5",
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
