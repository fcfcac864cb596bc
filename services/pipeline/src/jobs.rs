//! What a person does with jobs: review, move, revert, note, join, purge.

use std::time::Duration;

use aerie_events::NewEvent;
use aerie_store::{
    Database, PersonId, StoreError, Tx,
    jobs::{self, Job, Moved, Transition},
    mail, materials,
    tracking::{self, Reminder},
};
use aerie_tasks::QueueError;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::{
    core::Core,
    integrations::{IntegrationError, asking},
    materials::MaterialError,
    profiles, rescore, research,
    status::{IllegalMove, JobStatus, UnknownStatus},
};

/// Ids named in one event; a client that sees fewer than the count reads the list again.
const MOST_IDS_IN_EVENT: usize = 200;

/// How long after a decision the ranking is learned anew: several decisions in a row cost one rescore.
const LEARNING_DELAY: Duration = Duration::from_secs(20);

/// Why a change of a job was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    #[error("job {0} does not exist; see the list of jobs")]
    NotFound(Uuid),
    #[error(transparent)]
    Illegal(#[from] IllegalMove),
    #[error("job {0} was changed meanwhile; read it again and repeat the change")]
    Changed(Uuid),
    #[error("job {0} was never moved, so there is nothing to revert")]
    NothingToRevert(Uuid),
    #[error("statuses that can be {action} are {}; {status} is not one of them", list(allowed))]
    NotBulk { action: &'static str, status: JobStatus, allowed: &'static [JobStatus] },
    #[error("{kind} {id} does not exist; it may have been deleted meanwhile")]
    NoEntry { kind: &'static str, id: Uuid },
    #[error("job {0} and the other one are the same job")]
    SameJob(Uuid),
    #[error(transparent)]
    Status(#[from] UnknownStatus),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Material(#[from] Box<MaterialError>),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Event(#[from] aerie_events::EventError),
    #[error(transparent)]
    Integration(#[from] IntegrationError),
}

fn list(statuses: &[JobStatus]) -> String {
    statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ")
}

/// The event that jobs joined the queue; none when there are none.
pub(crate) fn jobs_added(ids: &[Uuid], source: &str, at: DateTime<Utc>) -> Option<NewEvent> {
    if ids.is_empty() {
        return None;
    }
    let named: Vec<&Uuid> = ids.iter().take(MOST_IDS_IN_EVENT).collect();
    let data = json!({ "count": ids.len(), "source": source, "job_ids": named });
    Some(NewEvent { kind: "jobs.added".to_owned(), subject_id: None, data, at })
}

pub(crate) fn job_event(kind: &str, job: Uuid, data: serde_json::Value, at: DateTime<Utc>) -> NewEvent {
    NewEvent { kind: kind.to_owned(), subject_id: Some(job), data, at }
}

/// One person's jobs.
pub(crate) struct Jobs<'a> {
    pub(crate) core: &'a Core,
    pub(crate) database: &'a Database,
    pub(crate) person: PersonId,
}

impl Jobs<'_> {
    pub(crate) async fn commit(&self, tx: Tx) -> Result<(), JobError> {
        Ok(self.core.inner.queue.commit(tx, self.person).await?)
    }

    /// Moves a job; the state machine decides whether it may.
    pub(crate) async fn move_to(&self, id: Uuid, to: JobStatus) -> Result<Job, JobError> {
        let mut tx = self.database.begin().await?;
        let job = self.move_within(&mut tx, id, to).await?;
        self.commit(tx).await?;
        Ok(job)
    }

    /// The same within a transaction that does more; [`Jobs::commit`] ends it.
    pub(crate) async fn move_within(&self, tx: &mut Tx, id: Uuid, to: JobStatus) -> Result<Job, JobError> {
        let now = self.core.now();
        let job = jobs::get(tx, id).await?.ok_or(JobError::NotFound(id))?;
        let from: JobStatus = job.summary.status.parse()?;
        from.check_move(to)?;
        let change = Transition {
            job_id: id,
            expected_version: Some(job.summary.version),
            from: from.as_str().to_owned(),
            to: to.as_str().to_owned(),
            at: now,
            rejection_stage: (to == JobStatus::Rejected).then(|| from.as_str().to_owned()),
        };
        moved(id, jobs::transition(tx, &change).await?)?;
        if from == JobStatus::Pending {
            self.learn(tx).await?;
        }
        self.finish_move(tx, id, from.as_str(), to.as_str(), false).await
    }

    /// Takes back the last move.
    pub(crate) async fn revert(&self, id: Uuid) -> Result<Job, JobError> {
        let now = self.core.now();
        let mut tx = self.database.begin().await?;
        let job = jobs::get(&mut tx, id).await?.ok_or(JobError::NotFound(id))?;
        let last = jobs::last_transition(&mut tx, id).await?.ok_or(JobError::NothingToRevert(id))?;
        moved(id, jobs::revert(&mut tx, id, last.sequence, Some(job.summary.version), now).await?)?;
        if last.from == JobStatus::Pending.as_str() {
            self.learn(&mut tx).await?;
        }
        let job = self.finish_move(&mut tx, id, &last.to, &last.from, true).await?;
        self.commit(tx).await?;
        Ok(job)
    }

    async fn finish_move(&self, tx: &mut Tx, id: Uuid, from: &str, to: &str, reverted: bool) -> Result<Job, JobError> {
        let data = json!({ "from": from, "to": to, "reverted": reverted });
        let job = jobs::get(tx, id).await?.ok_or(JobError::NotFound(id))?;
        self.follow_up(tx, &job).await?;
        if to == JobStatus::PhoneScreen.as_str() && !reverted {
            research::begin_for_talk(self.core, tx, id).await.map_err(Box::new)?;
        }
        asking::job_moved(self.core, tx, &job, from, to, reverted).await?;
        aerie_events::append(tx, job_event("job.moved", id, data, self.core.now())).await?;
        Ok(job)
    }

    /// Replaces the reminders that earlier moves set by the one that belongs to the present stage.
    async fn follow_up(&self, tx: &mut Tx, job: &Job) -> Result<(), JobError> {
        tracking::clear_automatic_reminders(tx, job.summary.id).await?;
        let days = self.core.inner.tracking.follow_up_days;
        if job.summary.status != JobStatus::Applied.as_str() || days == 0 {
            return Ok(());
        }
        let now = self.core.now();
        let reminder = Reminder {
            id: Uuid::now_v7(),
            job_id: job.summary.id,
            text: format!("Follow up with {}", job.summary.company),
            due_at: now + TimeDelta::days(i64::from(days)),
            done_at: None,
            automatic: true,
            updated_at: now,
        };
        tracking::save_reminder(tx, &reminder).await?;
        Ok(())
    }

    /// A decision in review changes what the ranking learns from.
    async fn learn(&self, tx: &mut Tx) -> Result<(), JobError> {
        let stored = profiles::read_in(tx).await?;
        if stored.profile.learn_from_decisions && self.core.inner.matching.learn {
            rescore::submit(self.core, tx, self.person, LEARNING_DELAY).await?;
        }
        Ok(())
    }

    /// Replaces the notes. `expected` is the version that the person saw; `None` overwrites whatever is there.
    pub(crate) async fn note(&self, id: Uuid, expected: Option<i64>, notes: &str) -> Result<Job, JobError> {
        let mut tx = self.database.begin().await?;
        let job = jobs::get(&mut tx, id).await?.ok_or(JobError::NotFound(id))?;
        let version = expected.unwrap_or(job.summary.version);
        if jobs::update_notes(&mut tx, id, version, notes, self.core.now()).await?.is_none() {
            return Err(JobError::Changed(id));
        }
        let job = jobs::get(&mut tx, id).await?.ok_or(JobError::NotFound(id))?;
        aerie_events::append(&mut tx, job_event("job.updated", id, json!({}), self.core.now())).await?;
        self.commit(tx).await?;
        Ok(job)
    }

    /// Archives every job of these statuses.
    pub(crate) async fn archive(&self, statuses: &[JobStatus]) -> Result<usize, JobError> {
        const ALLOWED: &[JobStatus] = &[JobStatus::Pending, JobStatus::Approved, JobStatus::Rejected];
        let names = check_bulk("archived", statuses, ALLOWED)?;
        let mut tx = self.database.begin().await?;
        let ids = jobs::move_all(&mut tx, &names, JobStatus::Archived.as_str(), self.core.now()).await?;
        asking::jobs_changed(self.core, &mut tx, &ids).await?;
        self.finish_bulk(tx, "jobs.archived", &ids).await
    }

    /// Deletes every job of these statuses for good.
    pub(crate) async fn purge(&self, statuses: &[JobStatus]) -> Result<usize, JobError> {
        const ALLOWED: &[JobStatus] = &[JobStatus::Pending, JobStatus::Rejected, JobStatus::Archived];
        let names = check_bulk("deleted", statuses, ALLOWED)?;
        let mut tx = self.database.begin().await?;
        for appointment in asking::appointments_to_come(self.core, &mut tx, &names).await? {
            asking::appointment_cancelled(self.core, &mut tx, &appointment).await?;
        }
        let ids = jobs::purge(&mut tx, &names, self.core.now()).await?;
        self.finish_bulk(tx, "jobs.purged", &ids).await
    }

    async fn finish_bulk(&self, mut tx: Tx, kind: &str, ids: &[Uuid]) -> Result<usize, JobError> {
        if !ids.is_empty() {
            let named: Vec<&Uuid> = ids.iter().take(MOST_IDS_IN_EVENT).collect();
            let data = json!({ "count": ids.len(), "job_ids": named });
            let event = NewEvent { kind: kind.to_owned(), subject_id: None, data, at: self.core.now() };
            aerie_events::append(&mut tx, event).await?;
        }
        self.commit(tx).await?;
        Ok(ids.len())
    }

    /// Joins two jobs, or keeps them apart for good; returns the one that stays.
    pub(crate) async fn decide_pair(&self, keep: Uuid, other: Uuid, same: bool) -> Result<Job, JobError> {
        if keep == other {
            return Err(JobError::SameJob(keep));
        }
        let now = self.core.now();
        let mut tx = self.database.begin().await?;
        let kept = jobs::get(&mut tx, keep).await?.ok_or(JobError::NotFound(keep))?;
        let joined = jobs::get(&mut tx, other).await?.ok_or(JobError::NotFound(other))?;
        jobs::decide_pair(&mut tx, kept.summary.posting_id, joined.summary.posting_id, same, now).await?;
        if same {
            if !jobs::join_jobs(&mut tx, keep, other, now).await? {
                return Err(JobError::Changed(keep));
            }
            tracking::hand_over(&mut tx, other, keep).await?;
            materials::hand_over(&mut tx, other, keep).await?;
            mail::hand_over(&mut tx, other, keep).await?;
            asking::appointments_of_job_changed(self.core, &mut tx, keep).await?;
        } else if joined.summary.joined_into == Some(keep) {
            jobs::split_job(&mut tx, other, now).await?;
        }
        let data = json!({ "other_job_id": other, "same": same });
        aerie_events::append(&mut tx, job_event("job.duplicate_decided", keep, data, now)).await?;
        let kept = jobs::get(&mut tx, keep).await?.ok_or(JobError::NotFound(keep))?;
        self.commit(tx).await?;
        Ok(kept)
    }
}

fn moved(id: Uuid, outcome: Moved) -> Result<(), JobError> {
    match outcome {
        Moved::Done { .. } => Ok(()),
        Moved::Changed => Err(JobError::Changed(id)),
        Moved::Missing => Err(JobError::NotFound(id)),
    }
}

fn check_bulk(
    action: &'static str,
    statuses: &[JobStatus],
    allowed: &'static [JobStatus],
) -> Result<Vec<String>, JobError> {
    if let Some(status) = statuses.iter().copied().find(|status| !allowed.contains(status)) {
        return Err(JobError::NotBulk { action, status, allowed });
    }
    Ok(statuses.iter().map(|status| status.as_str().to_owned()).collect())
}
