//! What a person's approvals and rejections teach the ranking.

use std::collections::HashMap;

use aerie_matching::{
    CorpusStatistics, PostingFeatures,
    learning::{Decision, Learner, ScoreSpread},
};
use aerie_store::{Database, StoreError, catalogue, jobs};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{core::Core, profiles::StoredProfile, scoring::Scorer, status::JobStatus};

/// Newest decisions that are learned from.
const MOST_DECISIONS: usize = 2_000;

/// Trains on what the person decided in review, unless they or the operator switched it off.
pub(crate) async fn learner_of(
    core: &Core,
    person: &Database,
    stored: &StoredProfile,
    scorer: &Scorer,
    statistics: &CorpusStatistics,
    now: DateTime<Utc>,
) -> Result<Option<Learner>, StoreError> {
    if !stored.profile.learn_from_decisions || !core.inner.matching.learn {
        return Ok(None);
    }
    let mut read = person.read().await?;
    let outcomes = [JobStatus::Approved.as_str(), JobStatus::Rejected.as_str()];
    let decided = jobs::decisions(&mut read, JobStatus::Pending.as_str(), &outcomes).await?;
    drop(read);
    // Later decisions about the same posting replace earlier ones.
    let newest = decided.into_iter().rev().take(MOST_DECISIONS);
    let verdicts: HashMap<Uuid, bool> =
        newest.map(|decision| (decision.posting_id, decision.to == JobStatus::Approved.as_str())).rev().collect();
    if verdicts.is_empty() {
        return Ok(None);
    }
    let ids: Vec<Uuid> = verdicts.keys().copied().collect();
    let mut platform = core.platform().read().await?;
    let rows = catalogue::match_features(&mut platform, &ids).await?;
    drop(platform);
    let mut judged: Vec<(Uuid, PostingFeatures, bool, f32)> = rows
        .iter()
        .filter_map(|row| {
            let base = scorer.score(row, now)?.score.total;
            let features = PostingFeatures::from_bytes(&row.features).ok()?;
            Some((row.posting_id, features, *verdicts.get(&row.posting_id)?, base))
        })
        .collect();
    // The store gives them in no order; training sums floating-point numbers, so a fixed order gives a fixed result.
    judged.sort_by_key(|(id, ..)| *id);
    let mut read = person.read().await?;
    let scores = jobs::all_scores(&mut read).await?;
    drop(read);
    let spread = if scores.is_empty() {
        ScoreSpread::of(judged.iter().map(|(_, _, _, base)| *base))
    } else {
        ScoreSpread::of(scores.into_iter().map(|score| score as f32))
    };
    let decisions: Vec<Decision<'_>> = judged
        .iter()
        .map(|(_, posting, approved, base)| Decision { posting, approved: *approved, base_score: *base })
        .collect();
    Ok(Some(Learner::train(&decisions, spread, statistics)))
}
