//! What a mail suggests. A suggestion is a row for a person to decide on; nothing here moves a job.

use aerie_mail::{Label, message::CalendarEvent};
use aerie_store::{
    Tx, jobs,
    mail::{self as rows, MailRow, Suggestion},
};
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{MailError, OPEN, label_of, times};
use crate::{
    core::Core,
    jobs::{JobError, job_event},
    status::JobStatus,
};

/// Where a mail of this label would move a job that stands here; `None` where it says nothing new.
pub(crate) fn target(label: Label, status: JobStatus) -> Option<JobStatus> {
    use JobStatus::{Applied, Approved, Interviewing, Offer, PhoneScreen, Rejected, Survey};
    match (label, status) {
        (Label::InterviewScheduled, PhoneScreen) => Some(Interviewing),
        (Label::InterviewScheduled | Label::PositiveResponse, Approved | Applied | Survey) => Some(PhoneScreen),
        (Label::SurveyReceived, Approved | Applied) => Some(Survey),
        (Label::OfferReceived, Approved | Applied | Survey | PhoneScreen | Interviewing) => Some(Offer),
        (Label::Rejected, Approved | Applied | Survey | PhoneScreen | Interviewing | Offer) => Some(Rejected),
        _ => None,
    }
}

/// The date that a mail wants entered, moved or called off.
pub(crate) fn event_of(row: &MailRow, label: Label, now: DateTime<Utc>) -> Option<CalendarEvent> {
    let wants = matches!(label, Label::InterviewScheduled | Label::EventRescheduled);
    let event: CalendarEvent = serde_json::from_str(row.event.as_deref().filter(|_| wants)?).ok()?;
    let is_reply = matches!(event.method.as_deref(), Some("REPLY" | "COUNTER" | "REFRESH"));
    (event.start.is_some() && !is_reply && !times::has_passed(&event, now)).then_some(event)
}

/// Whether an event is called off.
pub(crate) fn is_cancelled(event: &CalendarEvent) -> bool {
    event.method.as_deref() == Some("CANCEL") || event.status.as_deref() == Some("CANCELLED")
}

/// Makes the suggestion of a mail that belongs to a job, with its event; none where it suggests nothing, where one waits
/// already, or where the person dismissed the same one.
pub(crate) async fn suggest(core: &Core, tx: &mut Tx, mail: &MailRow) -> Result<Option<Suggestion>, MailError> {
    let Some(job) = mail.job_id.filter(|_| !mail.sent) else { return Ok(None) };
    let label = label_of(&mail.label);
    let event = event_of(mail, label, core.now());
    if event.is_none() && !JobStatus::ALL.iter().any(|status| target(label, *status).is_some()) {
        return Ok(None);
    }
    let Some(found) = jobs::get(tx, job).await? else { return Ok(None) };
    let status: JobStatus = found.summary.status.parse().map_err(JobError::from)?;
    let earlier = match event.as_ref().and_then(|event| event.uid.as_deref()) {
        Some(uid) => rows::appointment_of_event(tx, job, uid).await?,
        None => None,
    };
    // A mail from before the job came where it stands says nothing about where it goes; nor does another word about an
    // appointment that was entered.
    let outdated = status > JobStatus::Applied
        && jobs::last_transition(tx, job).await?.is_some_and(|last| mail.received_at < last.at);
    let to = target(label, status).filter(|_| !outdated && earlier.is_none());
    if to.is_none() && event.is_none() {
        return Ok(None);
    }
    let to = to.map_or("", |to| to.as_str());
    let is_decided =
        |one: &Suggestion| one.state != OPEN && one.job_id == job && one.label == mail.label && one.status == to;
    if rows::suggestions_of(tx, mail.id).await?.iter().any(is_decided) {
        return Ok(None);
    }
    if event.is_none() && rows::is_open(tx, job, to).await? {
        return Ok(None);
    }
    let suggestion = Suggestion {
        id: Uuid::now_v7(),
        mail_id: mail.id,
        job_id: job,
        label: mail.label.clone(),
        status: to.to_owned(),
        state: OPEN.to_owned(),
        certain: mail.certain,
        event: event.as_ref().and_then(|event| serde_json::to_string(event).ok()),
        event_uid: event.and_then(|event| event.uid).unwrap_or_default(),
        appointment: earlier,
        created_at: core.now(),
        decided_at: None,
    };
    rows::insert_suggestion(tx, &suggestion).await?;
    let data = json!({ "suggestion_id": suggestion.id, "mail_id": mail.id, "status": to, "certain": mail.certain });
    aerie_events::append(tx, job_event("mail.suggested", job, data, core.now())).await?;
    Ok(Some(suggestion))
}

/// Where a job that stands here may move.
pub(crate) fn legal_moves(status: &str) -> &'static [JobStatus] {
    status.parse::<JobStatus>().map_or(&[], JobStatus::next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_suggests_the_next_stage_and_nothing_that_is_over() {
        use JobStatus::{Applied, Archived, Hired, Interviewing, Offer, PhoneScreen, Rejected};
        assert_eq!(target(Label::InterviewScheduled, Applied), Some(PhoneScreen));
        assert_eq!(target(Label::InterviewScheduled, PhoneScreen), Some(Interviewing));
        assert_eq!(target(Label::InterviewScheduled, Interviewing), None);
        assert_eq!(target(Label::OfferReceived, Interviewing), Some(Offer));
        for status in [Hired, Rejected, Archived] {
            assert!(Label::ALL.into_iter().all(|label| target(label, status).is_none()), "{status}");
        }
        for label in [Label::Digest, Label::Neutral, Label::Unrelated, Label::EventRescheduled] {
            assert!(JobStatus::ALL.into_iter().all(|status| target(label, status).is_none()), "{label:?}");
        }
    }
}
