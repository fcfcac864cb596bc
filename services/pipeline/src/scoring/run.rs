//! Scoring many jobs: read, score and write in chunks, side by side.

use std::{collections::HashMap, sync::Arc};

use aerie_postings::TextExtent;
use aerie_store::{
    Database, StoreError,
    catalogue::{self, MatchFeatures, OpenPosting},
    jobs::{self, JobKey, JobScore},
};
use aerie_tasks::TaskContext;
use chrono::{DateTime, Utc};
use rayon::prelude::*;
use uuid::Uuid;

use super::{ScoreDocument, Scorer, blocking, statistics::open_postings};
use crate::{core::Core, profiles};

/// Scores written in one transaction. Each one moves its job within the list that is sorted by score, and so touches
/// most pages of that index: many at once write such a page once. Others wait for the write lock some 100 ms.
const CHUNK: usize = 10_000;

/// Which jobs are to be scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those without a score for the present profile.
    Unscored,
    /// All of them.
    All,
}

/// Scores a person's jobs; returns how many. `task` is told the share done.
///
/// The features are read twice, first for how common each term is and then to score: never more than two chunks are held.
pub(crate) async fn score_jobs(
    core: &Core,
    person: &Database,
    which: Which,
    task: Option<&TaskContext>,
) -> Result<usize, StoreError> {
    let stored = profiles::read(person).await?;
    let (wanted, (statistics, open)) = match which {
        Which::All => tokio::try_join!(wanted_jobs(person, None), open_postings(core.platform()))?,
        Which::Unscored => {
            let wanted = wanted_jobs(person, Some(stored.version)).await?;
            // Most runs find nothing new: then the catalogue need not be read.
            if wanted.is_empty() {
                return Ok(0);
            }
            (wanted, open_postings(core.platform()).await?)
        }
    };
    let wanted = open_jobs(wanted, &open);
    let scorer = Arc::new(Scorer::of_person(core, person, &stored, statistics).await?);
    let run = Run { platform: core.platform(), person, scorer, profile_version: stored.version, now: core.now() };
    let mut chunks = wanted.chunks(CHUNK);
    let mut scored = run.score(chunks.next().unwrap_or_default()).await?;
    let (mut done, mut passed) = (0, 0);
    loop {
        done += scored.len();
        passed += CHUNK;
        let following = chunks.next();
        // Writing keeps one core busy, reading and scoring what follows the others.
        let (written, next) = tokio::join!(run.write(scored), run.score(following.unwrap_or_default()));
        written?;
        scored = next?;
        if let Some(task) = task
            && let Err(error) = task.stage("scoring", Some((passed as f64 / wanted.len() as f64).min(1.0))).await
        {
            // A lost lease shows at the next write of the task itself.
            tracing::debug!(%error, "progress of scoring was not written");
        }
        if following.is_none() {
            return Ok(done);
        }
    }
}

/// Jobs to score, by posting.
async fn wanted_jobs(person: &Database, unless_version: Option<i64>) -> Result<HashMap<Uuid, JobKey>, StoreError> {
    let mut wanted = HashMap::new();
    let mut read = person.read().await?;
    jobs::for_scoring(&mut read, unless_version, |posting, job| {
        wanted.insert(posting, job);
        Ok(())
    })
    .await?;
    Ok(wanted)
}

/// The jobs whose postings are open, in their own order.
fn open_jobs(wanted: HashMap<Uuid, JobKey>, open: &[OpenPosting]) -> Vec<(OpenPosting, JobKey)> {
    let mut found: Vec<_> = open.iter().filter_map(|posting| Some((*posting, *wanted.get(&posting.id)?))).collect();
    found.sort_unstable_by_key(|(_, job)| job.number);
    found
}

/// What every chunk needs.
struct Run<'run> {
    platform: &'run Database,
    person: &'run Database,
    scorer: Arc<Scorer>,
    profile_version: i64,
    now: DateTime<Utc>,
}

impl Run<'_> {
    /// Scores of jobs, in their order.
    async fn score(&self, wanted: &[(OpenPosting, JobKey)]) -> Result<Vec<(JobKey, JobScore)>, StoreError> {
        let mut numbers: Vec<i64> = wanted.iter().map(|(posting, _)| posting.number).collect();
        numbers.sort_unstable();
        let jobs: HashMap<Uuid, JobKey> = wanted.iter().map(|(posting, job)| (posting.id, *job)).collect();
        let mut read = self.platform.read().await?;
        let features = catalogue::match_features_by_number(&mut read, &numbers).await?;
        drop(read);
        let (scorer, version, now) = (Arc::clone(&self.scorer), self.profile_version, self.now);
        blocking(move || {
            let score =
                |one: &MatchFeatures| Some((*jobs.get(&one.posting_id)?, job_score(&scorer.score(one, now)?, version)));
            let mut scored: Vec<(JobKey, JobScore)> = features.par_iter().filter_map(score).collect();
            scored.sort_unstable_by_key(|(job, _)| job.number);
            scored
        })
        .await
    }

    async fn write(&self, scored: Vec<(JobKey, JobScore)>) -> Result<(), StoreError> {
        let mut tx = self.person.begin().await?;
        jobs::set_scores(&mut tx, scored).await?;
        tx.commit().await
    }
}

fn job_score(document: &ScoreDocument, profile_version: i64) -> JobScore {
    JobScore {
        score: f64::from(document.score.total),
        classic: None,
        basis: Some(
            match document.score.basis {
                TextExtent::TitleOnly => "title only",
                TextExtent::Snippet => "snippet",
                TextExtent::FullText => "full text",
            }
            .to_owned(),
        ),
        document: Some(document.to_bytes()),
        profile_version,
    }
}
