//! The course of jobs after applying: what is kept about it, and what it adds up to.

pub(crate) mod calendar;
pub(crate) mod export;
pub(crate) mod statistics;

use std::collections::HashMap;

use aerie_matching::dedupe;
use aerie_store::{
    StoreError, Tx,
    jobs::{self as rows, Job, JobFilter, JobOrder, JobSummary},
    tracking::{self as entries, Appointment, Contact, Reminder},
};
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::{
    integrations::asking,
    jobs::{JobError, Jobs, job_event},
    status::JobStatus,
};

/// Stages of the board in the order of a job's way.
pub(crate) const BOARD: [JobStatus; 6] = [
    JobStatus::Applied,
    JobStatus::Survey,
    JobStatus::PhoneScreen,
    JobStatus::Interviewing,
    JobStatus::Offer,
    JobStatus::Hired,
];

/// Cards of one column.
const MOST_CARDS: u32 = 200;

/// A job on the board.
pub(crate) struct Card {
    pub(crate) job: JobSummary,
    pub(crate) stage_since: Option<DateTime<Utc>>,
    pub(crate) appointment: Option<Appointment>,
    pub(crate) reminder: Option<Reminder>,
}

/// A stage with its jobs.
pub(crate) struct Column {
    pub(crate) status: JobStatus,
    pub(crate) cards: Vec<Card>,
    pub(crate) total: i64,
}

/// What is kept about one job.
pub(crate) struct Course {
    pub(crate) appointments: Vec<Appointment>,
    pub(crate) contacts: Vec<Contact>,
    pub(crate) reminders: Vec<Reminder>,
}

/// One thing of a job's course, to be saved.
pub(crate) enum Entry {
    Appointment(Appointment),
    Contact(Contact),
    Reminder(Reminder),
}

impl Entry {
    fn kind(&self) -> &'static str {
        match self {
            Self::Appointment(_) => "appointment",
            Self::Contact(_) => "contact",
            Self::Reminder(_) => "reminder",
        }
    }

    fn place(&self) -> (Uuid, Uuid) {
        match self {
            Self::Appointment(one) => (one.id, one.job_id),
            Self::Contact(one) => (one.id, one.job_id),
            Self::Reminder(one) => (one.id, one.job_id),
        }
    }

    async fn save(&self, tx: &mut Tx) -> Result<bool, JobError> {
        Ok(match self {
            Self::Appointment(one) => entries::save_appointment(tx, one).await?,
            Self::Contact(one) => entries::save_contact(tx, one).await?,
            Self::Reminder(one) => entries::save_reminder(tx, one).await?,
        })
    }
}

/// Kinds of entries, for deleting one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EntryKind {
    Appointment,
    Contact,
    Reminder,
}

impl EntryKind {
    fn name(self) -> &'static str {
        match self {
            Self::Appointment => "appointment",
            Self::Contact => "contact",
            Self::Reminder => "reminder",
        }
    }

    /// The job of an entry, if the entry exists.
    async fn job_of(self, tx: &mut Tx, id: Uuid) -> Result<Option<Uuid>, JobError> {
        Ok(match self {
            Self::Appointment => entries::appointment(tx, id).await?.map(|one| one.job_id),
            Self::Contact => entries::contact(tx, id).await?.map(|one| one.job_id),
            Self::Reminder => entries::reminder(tx, id).await?.map(|one| one.job_id),
        })
    }

    async fn delete(self, tx: &mut Tx, id: Uuid) -> Result<bool, JobError> {
        Ok(match self {
            Self::Appointment => entries::delete_appointment(tx, id).await?,
            Self::Contact => entries::delete_contact(tx, id).await?,
            Self::Reminder => entries::delete_reminder(tx, id).await?,
        })
    }
}

impl Jobs<'_> {
    /// The board, with the nearest appointment and reminder of each card.
    pub(crate) async fn board(&self, include_rejected: bool) -> Result<Vec<Column>, JobError> {
        let mut tx = self.database.read().await?;
        let now = self.core.now();
        // Both lists are in order of time, so the first of a job is its nearest.
        let mut appointments: HashMap<Uuid, Appointment> = HashMap::new();
        for one in entries::appointments(&mut tx, now, None).await? {
            appointments.entry(one.job_id).or_insert(one);
        }
        let mut reminders: HashMap<Uuid, Reminder> = HashMap::new();
        for one in entries::reminders(&mut tx, false).await? {
            reminders.entry(one.job_id).or_insert(one);
        }
        let mut since: HashMap<Uuid, DateTime<Utc>> = HashMap::new();
        let mut applied_before: HashMap<Uuid, bool> = HashMap::new();
        rows::each_move(&mut tx, |one| {
            since.insert(one.job_id, one.at);
            if one.to == JobStatus::Applied.as_str() {
                applied_before.insert(one.job_id, true);
            }
            Ok(())
        })
        .await?;
        let mut columns = Vec::new();
        for status in BOARD.into_iter().chain(include_rejected.then_some(JobStatus::Rejected)) {
            let filter = JobFilter { statuses: vec![status.as_str().to_owned()], ..JobFilter::default() };
            let page = rows::list(&mut tx, &filter, JobOrder::Updated, None, MOST_CARDS).await?;
            // A posting that was turned down in review is no application that failed.
            let is_application =
                |job: &JobSummary| status != JobStatus::Rejected || applied_before.contains_key(&job.id);
            let before = page.jobs.len();
            let jobs: Vec<JobSummary> = page.jobs.into_iter().filter(is_application).collect();
            let left_out = i64::try_from(before - jobs.len()).unwrap_or_default();
            let card = |job: JobSummary| Card {
                stage_since: since.get(&job.id).copied(),
                appointment: appointments.remove(&job.id),
                reminder: reminders.remove(&job.id),
                job,
            };
            let mut cards: Vec<Card> = jobs.into_iter().map(card).collect();
            // What is due first stands first; the rest keeps the order of last change.
            cards.sort_by_key(|card| {
                let times =
                    [card.appointment.as_ref().map(|one| one.starts_at), card.reminder.as_ref().map(|one| one.due_at)];
                times.into_iter().flatten().min().unwrap_or(DateTime::<Utc>::MAX_UTC)
            });
            columns.push(Column { status, cards, total: page.total - left_out });
        }
        Ok(columns)
    }

    /// What is kept about one job.
    pub(crate) async fn course(&self, id: Uuid) -> Result<Course, JobError> {
        let mut tx = self.database.read().await?;
        existing(&mut tx, id).await?;
        Ok(Course {
            appointments: entries::appointments_of(&mut tx, id).await?,
            contacts: entries::contacts_of(&mut tx, id).await?,
            reminders: entries::reminders_of(&mut tx, id).await?,
        })
    }

    /// The job that an entry is about.
    pub(crate) async fn job(&self, id: Uuid) -> Result<Job, JobError> {
        let mut tx = self.database.read().await?;
        existing(&mut tx, id).await
    }

    /// Saves an entry: a new one, or over one that exists and stays with its job. The job must exist.
    pub(crate) async fn save_entry(&self, entry: Entry, kind: EntryKind, is_new: bool) -> Result<(), JobError> {
        let mut tx = self.database.begin().await?;
        self.save_entry_within(&mut tx, &entry, kind, is_new).await?;
        self.commit(tx).await
    }

    /// The same within a transaction that does more.
    pub(crate) async fn save_entry_within(
        &self,
        tx: &mut Tx,
        entry: &Entry,
        kind: EntryKind,
        is_new: bool,
    ) -> Result<(), JobError> {
        let (id, job) = entry.place();
        if !is_new && kind.job_of(tx, id).await? != Some(job) {
            return Err(JobError::NoEntry { kind: kind.name(), id });
        }
        if !entry.save(tx).await? {
            return Err(JobError::NotFound(job));
        }
        if let Entry::Appointment(one) = &entry {
            asking::appointment_saved(self.core, tx, one, is_new).await?;
        }
        self.course_changed(tx, job, entry.kind()).await
    }

    /// Deletes an entry.
    pub(crate) async fn delete_entry(&self, kind: EntryKind, id: Uuid) -> Result<(), JobError> {
        let mut tx = self.database.begin().await?;
        self.delete_entry_within(&mut tx, kind, id).await?;
        self.commit(tx).await
    }

    /// The same within a transaction that does more.
    pub(crate) async fn delete_entry_within(&self, tx: &mut Tx, kind: EntryKind, id: Uuid) -> Result<(), JobError> {
        let missing = || JobError::NoEntry { kind: kind.name(), id };
        let job = kind.job_of(tx, id).await?.ok_or_else(missing)?;
        let appointment = match kind {
            EntryKind::Appointment => entries::appointment(tx, id).await?,
            EntryKind::Contact | EntryKind::Reminder => None,
        };
        if !kind.delete(tx, id).await? {
            return Err(missing());
        }
        if let Some(one) = appointment {
            asking::appointment_cancelled(self.core, tx, &one).await?;
        }
        self.course_changed(tx, job, kind.name()).await
    }

    async fn course_changed(&self, tx: &mut Tx, job: Uuid, what: &str) -> Result<(), JobError> {
        let event = job_event("job.course_changed", job, json!({ "what": what }), self.core.now());
        aerie_events::append(tx, event).await?;
        Ok(())
    }
}

/// Most applications that a job is compared with, the newest first.
const MOST_COMPARED: u32 = 500;

/// Jobs that were applied to and look like this one, which is not applied to yet: same employer, same work. Places are
/// not looked at, since the second application to one employer is worth a thought wherever it is.
pub(crate) async fn earlier_applications(tx: &mut Tx, job: &JobSummary) -> Result<Vec<Uuid>, StoreError> {
    if ![JobStatus::Pending, JobStatus::Approved].iter().any(|status| status.as_str() == job.status) {
        return Ok(Vec::new());
    }
    let statuses = BOARD.iter().chain([&JobStatus::Rejected]).map(|status| status.as_str().to_owned()).collect();
    let filter = JobFilter { statuses, ..JobFilter::default() };
    let page = rows::list(tx, &filter, JobOrder::Updated, None, MOST_COMPARED).await?;
    let own = listing(job);
    let was_applied = |other: &JobSummary| {
        let stage = other.rejection_stage.as_deref().unwrap_or(&other.status);
        BOARD.iter().any(|status| status.as_str() == stage)
    };
    let found = page.jobs.iter().filter(|other| other.id != job.id && was_applied(other)).filter(|other| {
        let other = listing(other);
        own.company != 0
            && own.company == other.company
            && dedupe::compare(&own, &other).reasons.contains(&dedupe::Reason::SameWork)
    });
    Ok(found.map(|other| other.id).collect())
}

fn listing(job: &JobSummary) -> dedupe::Features {
    dedupe::Features::from_listing(&dedupe::Listing {
        company: &job.company,
        title: &job.title,
        ..dedupe::Listing::default()
    })
}

async fn existing(tx: &mut Tx, id: Uuid) -> Result<Job, JobError> {
    rows::get(tx, id).await?.ok_or(JobError::NotFound(id))
}
