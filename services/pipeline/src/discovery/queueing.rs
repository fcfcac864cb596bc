//! From the catalogue to one person's review queue.

use std::collections::{HashMap, HashSet};

use aerie_store::{
    Database, StoreError, Tx, catalogue,
    catalogue::StoredPosting,
    jobs::{self, JobSnapshot, JobSummary, NewJob, PossibleDuplicate},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    core::Core,
    filter::Filter,
    profile::{Profile, SearchProfile},
    status::JobStatus,
};

/// What is going to change in a person's store, computed outside of the transaction.
pub(crate) struct QueueChange {
    new: Vec<NewJob>,
    refreshed: Vec<(Uuid, JobSnapshot)>,
    possible: Vec<PossibleDuplicate>,
    /// Postings that the filters took out.
    pub(crate) filtered: usize,
}

/// For whom and by what.
pub(crate) struct Finder<'a> {
    pub(crate) search: &'a SearchProfile,
    pub(crate) profile: &'a Profile,
    /// Name of the source, kept with the job.
    pub(crate) surfaced_by: &'a str,
    /// Whether the search profile's wishes apply. What a person adds by hand is never filtered.
    pub(crate) filters: bool,
}

/// Decides what becomes of these postings for the person: new jobs are filtered, known ones refreshed where
/// the posting changed. What may be the same as a new job is taken from the catalogue, so that nobody misses it who did
/// not find the postings first, or was killed in between.
pub(crate) async fn prepare(
    core: &Core,
    person: &Database,
    finder: &Finder<'_>,
    postings: &[Uuid],
    changed: &HashSet<Uuid>,
) -> Result<QueueChange, StoreError> {
    let now = core.now();
    let mut seen = HashSet::new();
    let postings: Vec<Uuid> = postings.iter().copied().filter(|id| seen.insert(*id)).collect();
    let mut read = person.read().await?;
    let known = jobs::known_postings(&mut read, &postings).await?;
    let present: HashMap<Uuid, JobSummary> = jobs::get_by_postings(&mut read, &postings).await?;
    drop(read);

    let wanted: Vec<Uuid> = postings
        .iter()
        .copied()
        .filter(|id| !known.contains(id) || (present.contains_key(id) && changed.contains(id)))
        .collect();
    let mut platform = core.platform().read().await?;
    let stored = catalogue::get(&mut platform, &wanted).await?;
    drop(platform);

    let filter = Filter::new(finder.search, finder.profile);
    let mut change = QueueChange { new: vec![], refreshed: vec![], possible: vec![], filtered: 0 };
    let mut fresh: Vec<StoredPosting> = Vec::new();
    for posting in stored {
        if let Some(job) = present.get(&posting.id) {
            change.refreshed.push((job.id, snapshot(posting)));
        } else if posting.closed_at.is_some() || (finder.filters && filter.check(&posting.posting, now).is_some()) {
            change.filtered += 1;
        } else {
            fresh.push(posting);
        }
    }
    let mut platform = core.platform().read().await?;
    let fresh_ids: Vec<Uuid> = fresh.iter().map(|posting| posting.id).collect();
    let pairs = catalogue::pairs_of(&mut platform, &fresh_ids).await?;
    drop(platform);
    for posting in fresh {
        change.new.push(NewJob {
            id: Uuid::now_v7(),
            posting_id: posting.id,
            status: JobStatus::Pending.as_str().to_owned(),
            surfaced_by: Some(finder.surfaced_by.to_owned()),
            search_profile_id: (!finder.search.id.is_nil()).then_some(finder.search.id),
            // The run scores everything at its end, when it is known how common each word is.
            score: None,
            snapshot: snapshot(posting),
        });
    }
    change.possible = pairs
        .into_iter()
        .map(|pair| PossibleDuplicate {
            left: pair.new,
            right: pair.known,
            likeness: pair.likeness,
            reason: pair.reason,
            found_at: now,
        })
        .collect();
    Ok(change)
}

fn snapshot(posting: StoredPosting) -> JobSnapshot {
    JobSnapshot { posting: posting.posting, links: posting.links }
}

impl QueueChange {
    /// Writes the change; returns the jobs that are new.
    pub(crate) async fn apply(self, tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<Uuid>, StoreError> {
        let new = jobs::insert_many_if_new(tx, self.new, now).await?;
        jobs::update_snapshots(tx, self.refreshed, now).await?;
        jobs::add_possible_duplicates(tx, &self.possible).await?;
        Ok(new)
    }
}
