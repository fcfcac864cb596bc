//! `aerie board | appointments | contacts | reminders | statistics | calendar`: the course of applications.

use std::process::ExitCode;

use aerie_proto::pipeline::v1 as pb;
use anyhow::{Context, bail};
use chrono::{DateTime, Local, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use comfy_table::Cell;
use prost_types::Timestamp;

use super::{
    jobs::{job_id, status_words},
    write_output,
};
use crate::{
    cli::{Appointments, AppointmentsAdd, Board, Calendar, Cli, Contacts, Kind, Reminders, Statistics},
    output,
    session::Session,
};

/// When a reminder without a time of day is due.
const MORNING: NaiveTime = match NaiveTime::from_hms_opt(9, 0, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

/// The board.
pub async fn board(cli: &Cli, arguments: &Board) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = print_board(&session, arguments).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn print_board(session: &Session, arguments: &Board) -> anyhow::Result<()> {
    let request = pb::GetBoardRequest { include_rejected: arguments.rejected };
    let response = session.interviews().get_board(request).await?.into_inner();
    if arguments.json {
        return output::print_json("aerie.pipeline.v1.GetBoardResponse", &response);
    }
    if response.columns.iter().all(|column| column.cards.is_empty()) {
        println!("nothing was applied for yet; `aerie jobs move JOB applied` says that you did");
        return Ok(());
    }
    for column in response.columns.iter().filter(|column| !column.cards.is_empty()) {
        println!("{} ({})", status_words(column.status()), column.total_size);
        let mut table = output::table(&["title", "company", "since", "next", "id"]);
        for card in &column.cards {
            let Some(job) = &card.job else { continue };
            let posting = job.posting.clone().unwrap_or_default();
            table.add_row([
                Cell::new(&posting.title),
                Cell::new(&posting.company),
                Cell::new(local_date(card.stage_time.as_ref())),
                Cell::new(next_words(card)),
                Cell::new(output::short_id(&job.id)),
            ]);
        }
        println!("{table}\n");
    }
    Ok(())
}

/// The nearest of a card's appointment and reminder.
fn next_words(card: &pb::BoardCard) -> String {
    let appointment =
        card.next_appointment.as_ref().map(|one| (seconds(one.start_time.as_ref()), one.title.clone(), one.start_time));
    let reminder =
        card.next_reminder.as_ref().map(|one| (seconds(one.due_time.as_ref()), one.text.clone(), one.due_time));
    let nearest = appointment.into_iter().chain(reminder).min_by_key(|(seconds, ..)| *seconds);
    nearest.map(|(_, words, time)| format!("{}: {words}", local_time(time.as_ref()))).unwrap_or_default()
}

fn seconds(time: Option<&Timestamp>) -> i64 {
    time.map(|time| time.seconds).unwrap_or_default()
}

/// Appointments.
pub async fn appointments(cli: &Cli, command: &Appointments) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = match command {
        Appointments::List { all, json } => list_appointments(&session, *all, *json).await,
        Appointments::Add(arguments) => add_appointment(&session, arguments).await,
        Appointments::Delete { appointment } => delete_appointment(&session, appointment).await,
    };
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn all_appointments(session: &Session, passed: bool) -> anyhow::Result<pb::ListAppointmentsResponse> {
    let start_time = passed.then(Timestamp::default);
    let request = pb::ListAppointmentsRequest { start_time, end_time: None };
    Ok(session.interviews().list_appointments(request).await?.into_inner())
}

async fn list_appointments(session: &Session, all: bool, json: bool) -> anyhow::Result<()> {
    let response = all_appointments(session, all).await?;
    if json {
        return output::print_json("aerie.pipeline.v1.ListAppointmentsResponse", &response);
    }
    if response.appointments.is_empty() {
        println!("no appointment is ahead; `aerie appointments add JOB \"2026-03-03 14:00\"` adds one");
        return Ok(());
    }
    let mut table = output::table(&["when", "title", "where", "id"]);
    for one in &response.appointments {
        table.add_row([
            Cell::new(time_words(one.start_time.as_ref(), &one.time_zone)),
            Cell::new(&one.title),
            Cell::new(&one.location),
            Cell::new(output::short_id(&one.id)),
        ]);
    }
    println!("{table}");
    Ok(())
}

async fn add_appointment(session: &Session, arguments: &AppointmentsAdd) -> anyhow::Result<()> {
    let zone = zone(arguments.zone.as_deref())?;
    let start = moment(&arguments.at, zone)?;
    let kind = match arguments.kind {
        Kind::PhoneScreen => pb::AppointmentKind::PhoneScreen,
        Kind::Interview => pb::AppointmentKind::Interview,
        Kind::Assessment => pb::AppointmentKind::Assessment,
        Kind::Deadline => pb::AppointmentKind::Deadline,
        Kind::Other => pb::AppointmentKind::Unspecified,
    };
    let appointment = pb::Appointment {
        job_id: job_id(session, &arguments.job).await?,
        kind: kind as i32,
        title: arguments.title.clone().unwrap_or_default(),
        start_time: Some(timestamp(start)),
        end_time: Some(timestamp(start + TimeDelta::minutes(i64::from(arguments.minutes)))),
        time_zone: zone.name().to_owned(),
        location: arguments.location.clone().unwrap_or_default(),
        notes: arguments.notes.clone().unwrap_or_default(),
        ..Default::default()
    };
    let request = pb::SaveAppointmentRequest { appointment: Some(appointment) };
    let saved = session.interviews().save_appointment(request).await?.into_inner().appointment.unwrap_or_default();
    if arguments.json {
        return output::print_json("aerie.pipeline.v1.Appointment", &saved);
    }
    println!("{}, {}", saved.title, time_words(saved.start_time.as_ref(), &saved.time_zone));
    Ok(())
}

async fn delete_appointment(session: &Session, given: &str) -> anyhow::Result<()> {
    let all = all_appointments(session, true).await?;
    let ids = all.appointments.into_iter().map(|one| one.id);
    let appointment_id = entry_id(given, ids, "appointment", "aerie appointments list --all")?;
    session.interviews().delete_appointment(pb::DeleteAppointmentRequest { appointment_id }).await?;
    println!("deleted");
    Ok(())
}

/// Contacts.
pub async fn contacts(cli: &Cli, command: &Contacts) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = change_contacts(&session, command).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn change_contacts(session: &Session, command: &Contacts) -> anyhow::Result<()> {
    match command {
        Contacts::List { job, json } => {
            let request = pb::GetCourseRequest { job_id: job_id(session, job).await? };
            let response = session.interviews().get_course(request).await?.into_inner();
            if *json {
                return output::print_json("aerie.pipeline.v1.GetCourseResponse", &response);
            }
            let mut table = output::table(&["name", "role", "mail", "telephone", "notes"]);
            for one in &response.contacts {
                table.add_row([&one.name, &one.role, &one.email, &one.phone, &one.notes].map(Cell::new));
            }
            println!("{table}");
        }
        Contacts::Add { job, name, role, email, phone, notes, json } => {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let contact = pb::Contact {
                id: String::new(),
                job_id: job_id(session, job).await?,
                name: name.clone(),
                role: text(role),
                email: text(email),
                phone: text(phone),
                notes: text(notes),
            };
            let request = pb::SaveContactRequest { contact: Some(contact) };
            let saved = session.interviews().save_contact(request).await?.into_inner().contact.unwrap_or_default();
            if *json {
                return output::print_json("aerie.pipeline.v1.Contact", &saved);
            }
            println!("{} was added", saved.name);
        }
        Contacts::Delete { contact } => {
            let request = pb::DeleteContactRequest { contact_id: contact.clone() };
            session.interviews().delete_contact(request).await?;
            println!("deleted");
        }
    }
    Ok(())
}

/// Reminders.
pub async fn reminders(cli: &Cli, command: &Reminders) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = change_reminders(&session, command).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn all_reminders(session: &Session, include_done: bool) -> anyhow::Result<pb::ListRemindersResponse> {
    Ok(session.interviews().list_reminders(pb::ListRemindersRequest { include_done }).await?.into_inner())
}

/// The reminder whose id, or its end, was given.
async fn find_reminder(session: &Session, given: &str) -> anyhow::Result<pb::Reminder> {
    let all = all_reminders(session, true).await?.reminders;
    let id = entry_id(given, all.iter().map(|one| one.id.clone()), "reminder", "aerie reminders list --all")?;
    all.into_iter().find(|one| one.id == id).context("the reminder is gone")
}

async fn change_reminders(session: &Session, command: &Reminders) -> anyhow::Result<()> {
    match command {
        Reminders::List { all, json } => {
            let response = all_reminders(session, *all).await?;
            if *json {
                return output::print_json("aerie.pipeline.v1.ListRemindersResponse", &response);
            }
            if response.reminders.is_empty() {
                println!("nothing to do; `aerie reminders add JOB 2026-03-03 \"…\"` adds a reminder");
                return Ok(());
            }
            let mut table = output::table(&["due", "what", "done", "id"]);
            for one in &response.reminders {
                table.add_row([
                    Cell::new(local_time(one.due_time.as_ref())),
                    Cell::new(&one.text),
                    Cell::new(one.done_time.as_ref().map(|time| local_date(Some(time))).unwrap_or_default()),
                    Cell::new(output::short_id(&one.id)),
                ]);
            }
            println!("{table}");
        }
        Reminders::Add { job, at, text, zone: named, json } => {
            let reminder = pb::Reminder {
                job_id: job_id(session, job).await?,
                text: text.clone(),
                due_time: Some(timestamp(moment(at, zone(named.as_deref())?)?)),
                ..Default::default()
            };
            let request = pb::SaveReminderRequest { reminder: Some(reminder) };
            let saved = session.interviews().save_reminder(request).await?.into_inner().reminder.unwrap_or_default();
            if *json {
                return output::print_json("aerie.pipeline.v1.Reminder", &saved);
            }
            println!("{}, {}", saved.text, local_time(saved.due_time.as_ref()));
        }
        Reminders::Done { reminder } => {
            let found = find_reminder(session, reminder).await?;
            let done = pb::Reminder { done_time: Some(timestamp(Utc::now())), ..found };
            session.interviews().save_reminder(pb::SaveReminderRequest { reminder: Some(done) }).await?;
            println!("done");
        }
        Reminders::Delete { reminder } => {
            let reminder_id = find_reminder(session, reminder).await?.id;
            session.interviews().delete_reminder(pb::DeleteReminderRequest { reminder_id }).await?;
            println!("deleted");
        }
    }
    Ok(())
}

/// The full id for an id or the end of one, as tables print it.
pub(super) fn entry_id(
    given: &str,
    ids: impl Iterator<Item = String>,
    kind: &str,
    list: &str,
) -> anyhow::Result<String> {
    let mut found = ids.filter(|id| id.ends_with(given));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => bail!("more than one {kind}'s id ends with {given:?}; write more of it"),
        (None, _) => bail!(tonic::Status::not_found(format!("no {kind} has the id {given:?}; see `{list}`"))),
    }
}

/// Statistics.
pub async fn statistics(cli: &Cli, arguments: &Statistics) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let response = session.interviews().get_statistics(pb::GetStatisticsRequest { weeks: arguments.weeks }).await;
    session.close().await;
    let response = response?.into_inner();
    if arguments.json {
        output::print_json("aerie.pipeline.v1.GetStatisticsResponse", &response)?;
        return Ok(ExitCode::SUCCESS);
    }
    let days = |days: Option<f64>| days.map(|days| format!("{days:.1}")).unwrap_or_default();
    let mut table = output::table(&["stage", "reached", "now", "rejected", "days in it (middle)"]);
    for stage in &response.stages {
        table.add_row([
            Cell::new(status_words(stage.status())),
            output::number(stage.reached),
            output::number(stage.current),
            output::number(stage.rejected),
            output::number(days(stage.median_days)),
        ]);
    }
    println!("{table}\n");
    let mut table = output::table(&["applications", "sent", "answered", "conversation", "days to answer (middle)"]);
    let all = response.answers.clone().unwrap_or_default();
    let groups = response.answers_by_source.iter().chain(&response.answers_by_score);
    for one in std::iter::once(&pb::AnswerStatistics { group: "all".to_owned(), ..all }).chain(groups) {
        table.add_row([
            Cell::new(&one.group),
            output::number(one.applied),
            output::number(share(one.answered, one.applied)),
            output::number(share(one.positive, one.applied)),
            output::number(days(one.median_days_to_answer)),
        ]);
    }
    println!("{table}\n");
    let mut table = output::table(&["week of", "reviewed", "applied", "conversations", "offers", "rejections"]);
    for week in &response.weeks {
        let counts = [week.reviewed, week.applied, week.conversations, week.offers, week.rejections];
        table.add_row(std::iter::once(Cell::new(&week.monday)).chain(counts.map(output::number)));
    }
    println!("{table}");
    Ok(ExitCode::SUCCESS)
}

fn share(part: i32, whole: i32) -> String {
    if whole == 0 { String::new() } else { format!("{part} ({:.0}%)", f64::from(part) / f64::from(whole) * 100.0) }
}

/// The calendar.
pub async fn calendar(cli: &Cli, arguments: &Calendar) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let response = session.interviews().get_calendar(pb::GetCalendarRequest {}).await;
    session.close().await;
    write_output(arguments.out.as_deref(), response?.into_inner().calendar.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The zone of this name, or this machine's.
fn zone(name: Option<&str>) -> anyhow::Result<Tz> {
    match name {
        Some(name) => name.parse().map_err(|_| {
            output::wrong_use(format!("--zone {name:?} is not a time zone; write a name such as \"Europe/Berlin\""))
        }),
        // A machine whose zone has no name is taken as UTC, and the answer shows so.
        None => Ok(iana_time_zone::get_timezone().ok().and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC)),
    }
}

/// The moment that a text means in a zone.
fn moment(text: &str, zone: Tz) -> anyhow::Result<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let with_time = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S"];
    let local = with_time.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let local = local.or_else(|| Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(MORNING)));
    let Some(local) = local else {
        return Err(output::wrong_use(format!("{text:?} is not a time; write it as \"2026-03-03 14:00\"")));
    };
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Ok(time.to_utc()),
        LocalResult::None => {
            Err(output::wrong_use(format!("{text:?} does not exist in {zone}: the clocks are put forward then")))
        }
    }
}

fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: time.timestamp(), nanos: 0 }
}

fn to_utc(time: Option<&Timestamp>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time?.seconds, 0)
}

/// A time in the zone that it was agreed in.
pub(super) fn time_words(time: Option<&Timestamp>, zone: &str) -> String {
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    to_utc(time)
        .map(|time| format!("{} {zone}", time.with_timezone(&zone).format("%a %Y-%m-%d %H:%M")))
        .unwrap_or_default()
}

/// A time in this machine's zone.
pub(super) fn local_time(time: Option<&Timestamp>) -> String {
    to_utc(time).map(|time| time.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

fn local_date(time: Option<&Timestamp>) -> String {
    to_utc(time).map(|time| time.with_timezone(&Local).format("%Y-%m-%d").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_time_is_meant_in_its_zone() {
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        let utc = |text: &str| moment(text, berlin).unwrap().to_rfc3339();
        assert_eq!(utc("2026-03-03 14:00"), "2026-03-03T13:00:00+00:00");
        assert_eq!(utc("2026-07-03"), "2026-07-03T07:00:00+00:00");
        assert_eq!(utc("2026-03-03T14:00:00-05:00"), "2026-03-03T19:00:00+00:00");
    }

    #[test]
    fn a_time_that_is_none_is_refused_with_an_example() {
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        assert!(moment("next Tuesday", berlin).unwrap_err().to_string().contains("2026-03-03 14:00"));
        assert!(moment("2026-03-29 02:30", berlin).unwrap_err().to_string().contains("does not exist"));
    }
}
