//! `InterviewsService`.

use aerie_proto::pipeline::v1::{self as pb, interviews_service_server::InterviewsService};
use aerie_rpc::{RpcError, Validation};
use aerie_store::{
    jobs as rows,
    tracking::{self as entries, Appointment, Contact, Reminder},
};
use chrono::{DateTime, TimeDelta, Utc};
use prost_types::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Caller, caller, convert, errors, id, jobs as jobs_api, validation};
use crate::{
    core::Core,
    jobs::Jobs,
    tracking::{
        Card, Entry, EntryKind, calendar,
        export::{self, Format},
        statistics::{self, Answers},
    },
    zones,
};

/// Weeks of activity when none are asked for, and at most.
const WEEKS: u32 = 12;
const MOST_WEEKS: i32 = 104;

/// How long an appointment takes that has no end.
const USUAL_LENGTH: TimeDelta = TimeDelta::hours(1);

/// The longest appointment: an assessment over some days.
const LONGEST: TimeDelta = TimeDelta::days(31);

pub(crate) struct InterviewsApi {
    pub(crate) core: Core,
}

impl InterviewsApi {
    fn jobs<'a>(&'a self, caller: &'a Caller) -> Jobs<'a> {
        Jobs { core: &self.core, database: &caller.database, person: caller.person }
    }

    async fn delete(&self, caller: &Caller, kind: EntryKind, field: &str, text: &str) -> Result<(), Status> {
        self.jobs(caller).delete_entry(kind, id(field, text)?).await.map_err(errors::job)
    }
}

/// An entry's id, and whether it is to be added.
fn entry_id(field: &str, text: &str) -> Result<(Uuid, bool), RpcError> {
    if text.is_empty() { Ok((Uuid::now_v7(), true)) } else { Ok((id(field, text)?, false)) }
}

/// A time from a request.
fn time(field: &str, stamp: Option<&Timestamp>) -> Result<Option<DateTime<Utc>>, RpcError> {
    let Some(stamp) = stamp else { return Ok(None) };
    let nanos = u32::try_from(stamp.nanos).unwrap_or(u32::MAX);
    let time = DateTime::from_timestamp(stamp.seconds, nanos)
        // What neither a calendar nor a database can hold.
        .filter(|time| (1970..=9999).contains(&chrono::Datelike::year(time)));
    time.map(Some).ok_or_else(|| RpcError::invalid_field(field, "is no time between the years 1970 and 9999"))
}

fn required_time(field: &str, stamp: Option<&Timestamp>) -> Result<DateTime<Utc>, RpcError> {
    time(field, stamp)?.ok_or_else(|| RpcError::invalid_field(field, "is missing"))
}

const KINDS: [(pb::AppointmentKind, &str, &str); 5] = [
    (pb::AppointmentKind::Unspecified, "other", "Appointment"),
    (pb::AppointmentKind::PhoneScreen, "phone_screen", "Phone screen"),
    (pb::AppointmentKind::Interview, "interview", "Interview"),
    (pb::AppointmentKind::Assessment, "assessment", "Assessment"),
    (pb::AppointmentKind::Deadline, "deadline", "Deadline"),
];

pub(super) fn appointment_to_wire(one: &Appointment) -> pb::Appointment {
    let kind = KINDS.iter().find(|(_, name, _)| *name == one.kind).map_or(0, |(kind, ..)| *kind as i32);
    pb::Appointment {
        id: one.id.to_string(),
        job_id: one.job_id.to_string(),
        kind,
        title: one.title.clone(),
        start_time: Some(convert::timestamp(one.starts_at)),
        end_time: Some(convert::timestamp(one.ends_at)),
        time_zone: one.zone.clone(),
        location: one.location.clone(),
        notes: one.notes.clone(),
        update_time: Some(convert::timestamp(one.updated_at)),
    }
}

fn contact_to_wire(one: &Contact) -> pb::Contact {
    pb::Contact {
        id: one.id.to_string(),
        job_id: one.job_id.to_string(),
        name: one.name.clone(),
        role: one.role.clone(),
        email: one.email.clone(),
        phone: one.phone.clone(),
        notes: one.notes.clone(),
    }
}

fn reminder_to_wire(one: &Reminder) -> pb::Reminder {
    pb::Reminder {
        id: one.id.to_string(),
        job_id: one.job_id.to_string(),
        text: one.text.clone(),
        due_time: Some(convert::timestamp(one.due_at)),
        done_time: one.done_at.map(convert::timestamp),
        automatic: one.automatic,
    }
}

fn card_to_wire(card: &Card) -> pb::BoardCard {
    pb::BoardCard {
        job: Some(jobs_api::summary_to_wire(&card.job)),
        stage_time: card.stage_since.map(convert::timestamp),
        next_appointment: card.appointment.as_ref().map(appointment_to_wire),
        next_reminder: card.reminder.as_ref().map(reminder_to_wire),
    }
}

fn whole(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn answers_to_wire(one: Answers) -> pb::AnswerStatistics {
    pb::AnswerStatistics {
        group: one.group,
        applied: whole(one.applied),
        answered: whole(one.answered),
        positive: whole(one.positive),
        median_days_to_answer: one.median_days_to_answer,
    }
}

fn check_texts(check: &mut Validation, prefix: &str, texts: &[(&str, &String)]) {
    for (name, text) in texts {
        check.text(&format!("{prefix}.{name}"), text);
    }
}

#[tonic::async_trait]
impl InterviewsService for InterviewsApi {
    async fn get_board(&self, request: Request<pb::GetBoardRequest>) -> Result<Response<pb::GetBoardResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let include_rejected = request.into_inner().include_rejected;
        let columns = self.jobs(&caller).board(include_rejected).await.map_err(errors::job)?;
        let columns = columns.into_iter().map(|column| pb::BoardColumn {
            status: convert::status_to_wire(column.status),
            cards: column.cards.iter().map(card_to_wire).collect(),
            total_size: i32::try_from(column.total).unwrap_or(i32::MAX),
        });
        Ok(Response::new(pb::GetBoardResponse { columns: columns.collect() }))
    }

    async fn get_course(
        &self,
        request: Request<pb::GetCourseRequest>,
    ) -> Result<Response<pb::GetCourseResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        let course = self.jobs(&caller).course(job).await.map_err(errors::job)?;
        Ok(Response::new(pb::GetCourseResponse {
            appointments: course.appointments.iter().map(appointment_to_wire).collect(),
            contacts: course.contacts.iter().map(contact_to_wire).collect(),
            reminders: course.reminders.iter().map(reminder_to_wire).collect(),
        }))
    }

    async fn list_appointments(
        &self,
        request: Request<pb::ListAppointmentsRequest>,
    ) -> Result<Response<pb::ListAppointmentsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let from = time("start_time", request.start_time.as_ref())?.unwrap_or_else(|| self.core.now());
        let until = time("end_time", request.end_time.as_ref())?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let found = entries::appointments(&mut tx, from, until).await.map_err(errors::store)?;
        let appointments = found.iter().map(appointment_to_wire).collect();
        Ok(Response::new(pb::ListAppointmentsResponse { appointments }))
    }

    async fn save_appointment(
        &self,
        request: Request<pb::SaveAppointmentRequest>,
    ) -> Result<Response<pb::SaveAppointmentResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let wire =
            request.into_inner().appointment.ok_or_else(|| RpcError::invalid_field("appointment", "is missing"))?;
        let mut check = validation(&self.core);
        let texts = [("title", &wire.title), ("location", &wire.location), ("notes", &wire.notes)];
        check_texts(&mut check, "appointment", &texts);
        check.require(
            zones::parse(&wire.time_zone).is_some(),
            "appointment.time_zone",
            "is not a time zone; write a name such as \"Europe/Berlin\" or \"America/New_York\"",
        );
        check.finish()?;
        let Some((_, kind, words)) = KINDS.iter().find(|(kind, ..)| *kind as i32 == wire.kind) else {
            return Err(RpcError::invalid_field("appointment.kind", "is not known").into());
        };
        let starts_at = required_time("appointment.start_time", wire.start_time.as_ref())?;
        let ends_at = time("appointment.end_time", wire.end_time.as_ref())?.unwrap_or(starts_at + USUAL_LENGTH);
        if ends_at < starts_at || ends_at - starts_at > LONGEST {
            let words = "must lie after start_time, by 31 days at most";
            return Err(RpcError::invalid_field("appointment.end_time", words).into());
        }
        let (entry, is_new) = entry_id("appointment.id", &wire.id)?;
        let job = id("appointment.job_id", &wire.job_id)?;
        let jobs = self.jobs(&caller);
        let title = match wire.title.trim() {
            "" => format!("{words}: {}", jobs.job(job).await.map_err(errors::job)?.summary.company),
            title => title.to_owned(),
        };
        let appointment = Appointment {
            id: entry,
            job_id: job,
            kind: (*kind).to_owned(),
            title,
            starts_at,
            ends_at,
            zone: wire.time_zone,
            location: wire.location,
            notes: wire.notes,
            updated_at: self.core.now(),
        };
        let saved = appointment_to_wire(&appointment);
        let saving = jobs.save_entry(Entry::Appointment(appointment), EntryKind::Appointment, is_new);
        saving.await.map_err(errors::job)?;
        Ok(Response::new(pb::SaveAppointmentResponse { appointment: Some(saved) }))
    }

    async fn delete_appointment(
        &self,
        request: Request<pb::DeleteAppointmentRequest>,
    ) -> Result<Response<pb::DeleteAppointmentResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let entry = request.into_inner().appointment_id;
        self.delete(&caller, EntryKind::Appointment, "appointment_id", &entry).await?;
        Ok(Response::new(pb::DeleteAppointmentResponse {}))
    }

    async fn save_contact(
        &self,
        request: Request<pb::SaveContactRequest>,
    ) -> Result<Response<pb::SaveContactResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let wire = request.into_inner().contact.ok_or_else(|| RpcError::invalid_field("contact", "is missing"))?;
        let mut check = validation(&self.core);
        let texts = [("role", &wire.role), ("email", &wire.email), ("phone", &wire.phone), ("notes", &wire.notes)];
        check_texts(&mut check, "contact", &texts);
        check.required_text("contact.name", &wire.name);
        check.finish()?;
        let (entry, is_new) = entry_id("contact.id", &wire.id)?;
        let contact = Contact {
            id: entry,
            job_id: id("contact.job_id", &wire.job_id)?,
            name: wire.name,
            role: wire.role,
            email: wire.email,
            phone: wire.phone,
            notes: wire.notes,
            updated_at: self.core.now(),
        };
        let saved = contact_to_wire(&contact);
        let jobs = self.jobs(&caller);
        jobs.save_entry(Entry::Contact(contact), EntryKind::Contact, is_new).await.map_err(errors::job)?;
        Ok(Response::new(pb::SaveContactResponse { contact: Some(saved) }))
    }

    async fn delete_contact(
        &self,
        request: Request<pb::DeleteContactRequest>,
    ) -> Result<Response<pb::DeleteContactResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let entry = request.into_inner().contact_id;
        self.delete(&caller, EntryKind::Contact, "contact_id", &entry).await?;
        Ok(Response::new(pb::DeleteContactResponse {}))
    }

    async fn list_reminders(
        &self,
        request: Request<pb::ListRemindersRequest>,
    ) -> Result<Response<pb::ListRemindersResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let include_done = request.into_inner().include_done;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let found = entries::reminders(&mut tx, include_done).await.map_err(errors::store)?;
        Ok(Response::new(pb::ListRemindersResponse { reminders: found.iter().map(reminder_to_wire).collect() }))
    }

    async fn save_reminder(
        &self,
        request: Request<pb::SaveReminderRequest>,
    ) -> Result<Response<pb::SaveReminderResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let wire = request.into_inner().reminder.ok_or_else(|| RpcError::invalid_field("reminder", "is missing"))?;
        let mut check = validation(&self.core);
        check.required_text("reminder.text", &wire.text);
        check.finish()?;
        let (entry, is_new) = entry_id("reminder.id", &wire.id)?;
        let reminder = Reminder {
            id: entry,
            job_id: id("reminder.job_id", &wire.job_id)?,
            text: wire.text,
            due_at: required_time("reminder.due_time", wire.due_time.as_ref())?,
            done_at: time("reminder.done_time", wire.done_time.as_ref())?,
            // What a person has changed is theirs, and stays when the job moves.
            automatic: false,
            updated_at: self.core.now(),
        };
        let saved = reminder_to_wire(&reminder);
        let jobs = self.jobs(&caller);
        jobs.save_entry(Entry::Reminder(reminder), EntryKind::Reminder, is_new).await.map_err(errors::job)?;
        Ok(Response::new(pb::SaveReminderResponse { reminder: Some(saved) }))
    }

    async fn delete_reminder(
        &self,
        request: Request<pb::DeleteReminderRequest>,
    ) -> Result<Response<pb::DeleteReminderResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let entry = request.into_inner().reminder_id;
        self.delete(&caller, EntryKind::Reminder, "reminder_id", &entry).await?;
        Ok(Response::new(pb::DeleteReminderResponse {}))
    }

    async fn get_statistics(
        &self,
        request: Request<pb::GetStatisticsRequest>,
    ) -> Result<Response<pb::GetStatisticsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let asked = request.into_inner().weeks;
        let mut check = validation(&self.core);
        check.require((0..=MOST_WEEKS).contains(&asked), "weeks", "must be 0 to 104");
        check.finish()?;
        let weeks = u32::try_from(asked).ok().filter(|weeks| *weeks > 0).unwrap_or(WEEKS);
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let mut moves = Vec::new();
        rows::each_move(&mut tx, |one| {
            moves.push(one);
            Ok(())
        })
        .await
        .map_err(errors::store)?;
        let current = rows::count_by_status(&mut tx).await.map_err(errors::store)?;
        let found = statistics::count(&moves, &current, self.core.now(), weeks);
        let stages = found.stages.into_iter().map(|stage| pb::StageStatistics {
            status: convert::status_to_wire(stage.status),
            reached: whole(stage.reached),
            current: whole(stage.current),
            median_days: stage.median_days,
            rejected: whole(stage.rejected),
        });
        let weeks = found.weeks.into_iter().map(|week| pb::WeekStatistics {
            monday: week.monday.to_string(),
            reviewed: whole(week.reviewed),
            applied: whole(week.applied),
            conversations: whole(week.conversations),
            offers: whole(week.offers),
            rejections: whole(week.rejections),
        });
        Ok(Response::new(pb::GetStatisticsResponse {
            stages: stages.collect(),
            answers: Some(answers_to_wire(found.answers)),
            answers_by_source: found.by_source.into_iter().map(answers_to_wire).collect(),
            answers_by_score: found.by_score.into_iter().map(answers_to_wire).collect(),
            weeks: weeks.collect(),
        }))
    }

    async fn get_calendar(
        &self,
        request: Request<pb::GetCalendarRequest>,
    ) -> Result<Response<pb::GetCalendarResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let appointments = entries::appointments(&mut tx, DateTime::UNIX_EPOCH, None).await.map_err(errors::store)?;
        let reminders = entries::reminders(&mut tx, false).await.map_err(errors::store)?;
        let jobs = appointments.iter().map(|one| one.job_id).chain(reminders.iter().map(|one| one.job_id)).collect();
        let jobs = rows::names(&mut tx, jobs).await.map_err(errors::store)?;
        let names = jobs.into_iter().map(|one| (one.id, (format!("{}, {}", one.title, one.company), one.url)));
        let calendar = calendar::write(&appointments, &reminders, &names.collect());
        Ok(Response::new(pb::GetCalendarResponse { calendar }))
    }

    async fn export_jobs(
        &self,
        request: Request<pb::ExportJobsRequest>,
    ) -> Result<Response<pb::ExportJobsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.list("statuses", &request.statuses);
        check.finish()?;
        let format = match pb::ExportFormat::try_from(request.format) {
            Ok(pb::ExportFormat::Unspecified | pb::ExportFormat::Csv) => Format::Csv,
            Ok(pb::ExportFormat::Json) => Format::Json,
            Err(_) => return Err(RpcError::invalid_field("format", "is not known; use CSV or JSON").into()),
        };
        let statuses = jobs_api::statuses(&request.statuses)?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let (content, count) = export::write(&mut tx, &statuses, format).await.map_err(errors::export)?;
        Ok(Response::new(pb::ExportJobsResponse { content, count: whole(count) }))
    }
}
