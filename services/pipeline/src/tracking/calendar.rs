//! Appointments and reminders as an iCalendar file (RFC 5545), for any calendar to subscribe to.

use std::collections::HashMap;

use aerie_store::tracking::{Appointment, Reminder};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use icalendar::{Alarm, Calendar, Component, Event, EventLike, Property, Todo};
use uuid::Uuid;

use crate::zones;

/// How long before an appointment a calendar rings.
const ALARM: TimeDelta = TimeDelta::minutes(30);

/// Title and address of the jobs that entries are about.
pub(crate) type JobNames = HashMap<Uuid, (String, String)>;

/// The calendar's text. Times are written in UTC, which every calendar shows in its own zone; the zone that a time was
/// agreed in stands in words in the description.
pub(crate) fn write(appointments: &[Appointment], reminders: &[Reminder], jobs: &JobNames) -> String {
    let mut calendar = Calendar::empty();
    for (name, value) in [("VERSION", "2.0"), ("PRODID", "-//Aerie//Career agent//EN"), ("CALSCALE", "GREGORIAN")] {
        calendar.append_property(Property::new(name, value));
    }
    calendar.name("Aerie");
    for one in appointments {
        calendar.push(event(one, jobs));
    }
    for one in reminders.iter().filter(|one| one.done_at.is_none()) {
        calendar.push(todo(one, jobs));
    }
    calendar.to_string()
}

fn event(one: &Appointment, jobs: &JobNames) -> Event {
    let mut event = Event::new();
    event
        .uid(&uid(one.id))
        .timestamp(one.updated_at)
        .summary(&one.title)
        .starts(one.starts_at)
        .ends(one.ends_at)
        // Without an id of its own it would get another one each time, and the calendar change with every look at it.
        .alarm(Alarm::display(&one.title, -ALARM).uid(&format!("alarm-{}", uid(one.id))).done());
    if !one.location.is_empty() {
        event.location(&one.location);
    }
    let mut description = vec![local_time(one.starts_at, &one.zone)];
    if let Some((name, url)) = jobs.get(&one.job_id) {
        description.push(name.clone());
        event.url(url);
    }
    if !one.notes.is_empty() {
        description.push(one.notes.clone());
    }
    event.description(&description.join("\n"));
    event.done()
}

fn todo(one: &Reminder, jobs: &JobNames) -> Todo {
    let mut todo = Todo::new();
    todo.uid(&uid(one.id)).timestamp(one.updated_at).summary(&one.text).due(one.due_at);
    if let Some((name, url)) = jobs.get(&one.job_id) {
        todo.description(name);
        todo.url(url);
    }
    todo.done()
}

fn uid(id: Uuid) -> String {
    format!("{id}@aerie")
}

/// A time as it was agreed: "Tue 3 March 2026, 14:00 (Europe/Berlin)".
pub(crate) fn local_time(time: DateTime<Utc>, zone: &str) -> String {
    let zone: Tz = zones::parse(zone).unwrap_or(Tz::UTC);
    format!("{} ({zone})", time.with_timezone(&zone).format("%a %-d %B %Y, %H:%M"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono::TimeZone;

    use super::*;

    fn appointment(title: &str) -> Appointment {
        let starts_at = Utc.with_ymd_and_hms(2026, 3, 3, 13, 0, 0).unwrap();
        Appointment {
            id: Uuid::from_u128(7),
            job_id: Uuid::from_u128(1),
            kind: "interview".to_owned(),
            title: title.to_owned(),
            starts_at,
            ends_at: starts_at + TimeDelta::hours(1),
            zone: "Europe/Berlin".to_owned(),
            location: "Hall 4, Mill Lane; ring twice".to_owned(),
            notes: String::new(),
            updated_at: starts_at,
        }
    }

    #[test]
    fn an_appointment_keeps_its_moment_and_says_its_zone() {
        let jobs = HashMap::from([(
            Uuid::from_u128(1),
            ("Loom Mechanic, Brasswick".to_owned(), "https://x.example/1".to_owned()),
        )]);
        let text = write(&[appointment("Interview at Brasswick")], &[], &jobs);
        let unfolded = text.replace("\r\n ", "");
        for line in [
            "BEGIN:VCALENDAR",
            "DTSTART:20260303T130000Z",
            "DTEND:20260303T140000Z",
            "UID:00000000-0000-0000-0000-000000000007@aerie",
            "LOCATION:Hall 4\\, Mill Lane\\; ring twice",
            "DESCRIPTION:Tue 3 March 2026\\, 14:00 (Europe/Berlin)\\nLoom Mechanic\\, Brasswick",
        ] {
            assert!(unfolded.lines().any(|found| found == line), "{line} is missing in\n{unfolded}");
        }
        assert!(text.lines().all(|line| line.len() <= 75), "lines are folded");
        assert_eq!(unfolded.matches("PRODID:").count(), 1, "RFC 5545 wants exactly one");
        assert_eq!(unfolded.matches("UID:alarm-").count(), 1, "{unfolded}");
    }

    #[test]
    fn a_title_cannot_end_the_event() {
        let text = write(&[appointment("x\r\nEND:VEVENT\r\nBEGIN:VEVENT")], &[], &HashMap::new());
        assert_eq!(text.lines().filter(|line| *line == "BEGIN:VEVENT").count(), 1, "{text}");
    }
}
