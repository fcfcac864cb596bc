//! Jobs: one person's relation to postings. Functions take a transaction of the person's store
//! ([`crate::Stores::person`]).
//!
//! Statuses are texts here: which moves are legal is the pipeline's to say, the store keeps what it is given.

mod adding;
mod clearing;
mod duplicates;
mod listing;
mod reading;
mod scoring;
mod search;
mod transitions;

use aerie_postings::Posting;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalogue::PostingLink;

pub use adding::{insert_many_if_new, update_notes, update_snapshots};
pub use clearing::{move_all, purge};
pub use duplicates::{
    PairDecision, PossibleDuplicate, add_possible_duplicates, decide_pair, join_jobs, pair_decisions,
    possible_duplicates, split_job,
};
pub use listing::{JobFilter, JobOrder, JobPage, PageToken, ids_in_order, list};
pub(crate) use reading::number_of;
pub use reading::{
    JobForScoring, JobName, contents, count_by_status, for_each, for_scoring, get, get_by_postings, known_postings,
    names, notes,
};
pub use scoring::{JobKey, JobScore, all_scores, set_scores};
pub use transitions::{
    Decision, HistoryEntry, JobMove, Moved, Transition, decisions, each_move, history, last_transition, revert,
    transition,
};

/// The posting as it was when the job was made or last refreshed: postings vanish, a person's job stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSnapshot {
    /// Content.
    pub posting: Posting,
    /// Where it was seen.
    #[serde(default)]
    pub links: Vec<PostingLink>,
}

/// A job to add.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id from now on.
    pub id: Uuid,
    /// Posting of the catalogue; a person has at most one job of each.
    pub posting_id: Uuid,
    /// First status.
    pub status: String,
    /// The posting.
    pub snapshot: JobSnapshot,
    /// What brought it up: a run's source, an import, a mail.
    pub surfaced_by: Option<String>,
    /// The search profile that found it.
    pub search_profile_id: Option<Uuid>,
    /// Its score, when it is known already.
    pub score: Option<JobScore>,
}

/// A job without its wide parts, as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSummary {
    /// Id.
    pub id: Uuid,
    /// Posting of the catalogue.
    pub posting_id: Uuid,
    /// Status.
    pub status: String,
    /// Title.
    pub title: String,
    /// Employer.
    pub company: String,
    /// Source that showed it first.
    pub source: String,
    /// Page of the posting.
    pub url: String,
    /// `unknown`, `on_site`, `hybrid` or `remote`.
    pub remote_kind: String,
    /// When it was first posted.
    pub posted_at: Option<DateTime<Utc>>,
    /// Score from 0 to 100; `None` before the first scoring.
    pub score: Option<f64>,
    /// The prior keyword score from 0 to 100.
    pub classic: Option<f64>,
    /// What the score rests on, for example "full text".
    pub basis: Option<String>,
    /// Version of the profile that the score is for.
    pub profile_version: Option<i64>,
    /// What brought it up.
    pub surfaced_by: Option<String>,
    /// The search profile that found it.
    pub search_profile_id: Option<Uuid>,
    /// The status from which it was rejected.
    pub rejection_stage: Option<String>,
    /// The job that this one was joined into by the person; such a job is in no list.
    pub joined_into: Option<Uuid>,
    /// Rises at every change that the person sees, except for scores; guards against lost updates.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// A job with everything.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// What lists show.
    pub summary: JobSummary,
    /// The posting.
    pub snapshot: JobSnapshot,
    /// Explanation of the score, in a form of the pipeline.
    pub score_document: Option<Vec<u8>>,
    /// The person's own words.
    pub notes: String,
}
