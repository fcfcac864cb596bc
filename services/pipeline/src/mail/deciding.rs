//! What a person makes of mails and their suggestions.

use aerie_mail::{Label, message::CalendarEvent};
use aerie_store::{
    Tx,
    jobs::{self, Job},
    mail::{self as rows, MailRow, Suggestion},
    tracking::{self, Appointment},
};
use chrono_tz::Tz;
use serde_json::json;
use uuid::Uuid;

use super::{
    ACCEPTED, DISMISSED, MailError, Mails, OPEN, PERSON, changed, label_of, reading,
    suggesting::{is_cancelled, suggest},
    syncing::SURFACED_BY,
    times,
};
use crate::{
    discovery::adding::prepare_raw,
    jobs::{JobError, Jobs, job_event, jobs_added},
    scoring::{Which, score_jobs},
    status::JobStatus,
    tracking::{Entry, EntryKind},
};

/// What accepting a suggestion did.
pub(crate) struct Accepted {
    pub(crate) suggestion: Suggestion,
    pub(crate) job: Job,
    pub(crate) appointment: Option<Appointment>,
}

impl Mails<'_> {
    fn jobs(&self) -> Jobs<'_> {
        Jobs { core: self.core, database: self.database, person: self.person }
    }

    /// One mail with its text.
    pub(crate) async fn mail(&self, id: Uuid) -> Result<MailRow, MailError> {
        mail_within(&mut self.database.read().await?, id).await
    }

    /// Says to which job a mail belongs, or that it belongs to none.
    pub(crate) async fn relink(&self, id: Uuid, job: Option<Uuid>) -> Result<MailRow, MailError> {
        let mut tx = self.database.begin().await?;
        mail_within(&mut tx, id).await?;
        if !rows::set_link(&mut tx, id, job, if job.is_some() { PERSON } else { "" }, self.core.now()).await? {
            return Err(JobError::NotFound(job.unwrap_or_default()).into());
        }
        rows::withdraw(&mut tx, id).await?;
        let mail = mail_within(&mut tx, id).await?;
        suggest(self.core, &mut tx, &mail).await?;
        aerie_events::append(&mut tx, changed(self.core, &mail)).await?;
        self.commit(tx).await?;
        Ok(mail)
    }

    /// Says what a mail is about; also how many pending jobs became of its openings.
    pub(crate) async fn relabel(&self, id: Uuid, label: Label) -> Result<(MailRow, usize), MailError> {
        let mail = self.mail(id).await?;
        let openings: Vec<_> = reading::postings_of(&mail).iter().map(reading::raw_posting).collect();
        let change = if label == Label::Digest && label_of(&mail.label) != label && !openings.is_empty() {
            Some(prepare_raw(self.core, self.database, openings, SURFACED_BY, true).await?.0)
        } else {
            None
        };
        let now = self.core.now();
        let mut tx = self.database.begin().await?;
        let mut mail = mail_within(&mut tx, id).await?;
        mail.label = label.name().to_owned();
        mail.confidence = 1.0;
        mail.certain = true;
        mail.labelled_by = PERSON.to_owned();
        mail.asked = true;
        mail.updated_at = now;
        rows::set_label(&mut tx, &mail).await?;
        rows::withdraw(&mut tx, id).await?;
        suggest(self.core, &mut tx, &mail).await?;
        let mut new_jobs = 0;
        if let Some(change) = change {
            let jobs = change.apply(&mut tx, now).await?;
            new_jobs = jobs.len();
            aerie_events::append_all(&mut tx, jobs_added(&jobs, SURFACED_BY, now).into_iter().collect()).await?;
        }
        aerie_events::append(&mut tx, changed(self.core, &mail)).await?;
        self.commit(tx).await?;
        if new_jobs > 0 {
            score_jobs(self.core, self.database, Which::Unscored, None).await?;
        }
        Ok((mail, new_jobs))
    }

    /// Does what a suggestion says: the move through the state machine, and the date in the calendar, both or neither.
    pub(crate) async fn accept(
        &self,
        id: Uuid,
        status: Option<JobStatus>,
        zone: Option<Tz>,
    ) -> Result<Accepted, MailError> {
        let mut tx = self.database.begin().await?;
        let suggestion = open_suggestion(&mut tx, id).await?;
        let suggested = match suggestion.status.as_str() {
            "" => None,
            status => Some(status.parse::<JobStatus>().map_err(JobError::from)?),
        };
        if let Some(to) = status.or(suggested) {
            self.jobs().move_within(&mut tx, suggestion.job_id, to).await?;
        }
        let appointment = self.enter(&mut tx, &suggestion, zone).await?;
        let made = appointment.as_ref().map(|one| one.id);
        let suggestion = self.decide(&mut tx, id, ACCEPTED, made).await?;
        let job = jobs::get(&mut tx, suggestion.job_id).await?.ok_or(JobError::NotFound(suggestion.job_id))?;
        self.commit(tx).await?;
        Ok(Accepted { suggestion, job, appointment })
    }

    /// Puts a suggestion away.
    pub(crate) async fn dismiss(&self, id: Uuid) -> Result<Suggestion, MailError> {
        let mut tx = self.database.begin().await?;
        open_suggestion(&mut tx, id).await?;
        let suggestion = self.decide(&mut tx, id, DISMISSED, None).await?;
        self.commit(tx).await?;
        Ok(suggestion)
    }

    async fn decide(
        &self,
        tx: &mut Tx,
        id: Uuid,
        state: &str,
        appointment: Option<Uuid>,
    ) -> Result<Suggestion, MailError> {
        rows::decide(tx, id, state, appointment, self.core.now()).await?;
        let suggestion = suggestion_within(tx, id).await?;
        let data = json!({ "suggestion_id": id, "mail_id": suggestion.mail_id, "state": state });
        aerie_events::append(tx, job_event("mail.decided", suggestion.job_id, data, self.core.now())).await?;
        Ok(suggestion)
    }

    /// Enters, moves or deletes the appointment of a suggestion's event.
    async fn enter(
        &self,
        tx: &mut Tx,
        suggestion: &Suggestion,
        zone: Option<Tz>,
    ) -> Result<Option<Appointment>, MailError> {
        let Some(text) = &suggestion.event else { return Ok(None) };
        let event: CalendarEvent = serde_json::from_str(text).map_err(|error| aerie_store::StoreError::Decode {
            column: "event".to_owned(),
            detail: error.to_string(),
        })?;
        let earlier = match suggestion.event_uid.as_str() {
            "" => None,
            uid => rows::appointment_of_event(tx, suggestion.job_id, uid).await?,
        };
        let earlier = match earlier {
            Some(id) => tracking::appointment(tx, id).await?,
            None => None,
        };
        let (jobs, kind) = (self.jobs(), EntryKind::Appointment);
        if is_cancelled(&event) {
            if let Some(earlier) = earlier {
                jobs.delete_entry_within(tx, kind, earlier.id).await?;
            }
            return Ok(None);
        }
        let moment = times::moment(&event, zone)?;
        let job = jobs::get(tx, suggestion.job_id).await?.ok_or(JobError::NotFound(suggestion.job_id))?;
        let is_screen = job.summary.status == JobStatus::PhoneScreen.as_str();
        let (name, words) = if is_screen { ("phone_screen", "Phone screen") } else { ("interview", "Interview") };
        let title = match event.summary.as_str() {
            "" => format!("{words}: {}", job.summary.company),
            summary => summary.to_owned(),
        };
        let is_new = earlier.is_none();
        let appointment = Appointment {
            id: earlier.as_ref().map_or_else(Uuid::now_v7, |earlier| earlier.id),
            job_id: suggestion.job_id,
            kind: earlier.as_ref().map_or_else(|| name.to_owned(), |earlier| earlier.kind.clone()),
            title,
            starts_at: moment.starts_at,
            ends_at: moment.ends_at,
            zone: moment.zone.name().to_owned(),
            location: event.location,
            // What the person wrote about it stays when it moves.
            notes: earlier.map(|earlier| earlier.notes).unwrap_or_default(),
            updated_at: self.core.now(),
        };
        jobs.save_entry_within(tx, &Entry::Appointment(appointment.clone()), kind, is_new).await?;
        Ok(Some(appointment))
    }
}

async fn mail_within(tx: &mut Tx, id: Uuid) -> Result<MailRow, MailError> {
    rows::get(tx, id).await?.ok_or(MailError::NotFound { what: "mail", id })
}

async fn suggestion_within(tx: &mut Tx, id: Uuid) -> Result<Suggestion, MailError> {
    rows::suggestion(tx, id).await?.ok_or(MailError::NotFound { what: "suggestion", id })
}

async fn open_suggestion(tx: &mut Tx, id: Uuid) -> Result<Suggestion, MailError> {
    let suggestion = suggestion_within(tx, id).await?;
    if suggestion.state == OPEN { Ok(suggestion) } else { Err(MailError::Decided(suggestion.state)) }
}
