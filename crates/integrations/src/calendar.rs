//! An appointment as an iCalendar object (RFC 5545) with its real zone.
//!
//! A time with a `TZID` needs the zone's rules beside it (3.6.5). They are written as the zone's own changes of the
//! clock around the appointment, each an observance of its own, which says the same as the whole history would.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, Utc};
use chrono_tz::{OffsetComponents, OffsetName, Tz};

use crate::Appointment;

/// Longest line in bytes, the line break left out (3.1).
const MOST_LINE: usize = 75;

/// How far around an appointment the clock's changes are written.
const AROUND: TimeDelta = TimeDelta::days(400);

/// The property in which the delivery's key stands.
const KEY: &str = "X-AERIE-KEY";

/// Whether a calendar object is the one of this key.
pub(crate) fn has_key(body: &[u8], key: &str) -> bool {
    let text = String::from_utf8_lossy(body).replace("\r\n ", "").replace("\n ", "");
    let wanted = format!("{KEY}:{}", escape(key));
    text.lines().any(|line| line.trim_end() == wanted)
}

/// The object's text.
pub(crate) fn write(one: &Appointment, key: &str, at: DateTime<Utc>) -> String {
    let mut lines = Lines::default();
    lines.add("BEGIN:VCALENDAR");
    lines.add("VERSION:2.0");
    lines.add("PRODID:-//Aerie//Career agent//EN");
    if one.zone != Tz::UTC {
        zone(&mut lines, one);
    }
    lines.add("BEGIN:VEVENT");
    lines.add(&format!("UID:{}@aerie", one.id));
    lines.add(&format!("DTSTAMP:{}", universal(at)));
    lines.add(&time("DTSTART", one.starts_at, one.zone));
    lines.add(&time("DTEND", one.ends_at, one.zone));
    lines.add(&format!("SUMMARY:{}", escape(&one.title)));
    for (name, text) in [("LOCATION", one.location.clone()), ("DESCRIPTION", one.description())] {
        if !text.is_empty() {
            lines.add(&format!("{name}:{}", escape(&text)));
        }
    }
    if url::Url::parse(&one.job.url).is_ok() {
        let plain: String = one.job.url.chars().filter(|character| !character.is_control()).collect();
        lines.add(&format!("URL:{plain}"));
    }
    lines.add(&format!("{KEY}:{}", escape(key)));
    lines.add("BEGIN:VALARM");
    lines.add("ACTION:DISPLAY");
    lines.add(&format!("DESCRIPTION:{}", escape(&one.title)));
    lines.add("TRIGGER:-PT30M");
    lines.add("END:VALARM");
    lines.add("END:VEVENT");
    lines.add("END:VCALENDAR");
    lines.0
}

fn universal(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

fn time(name: &str, at: DateTime<Utc>, zone: Tz) -> String {
    if zone == Tz::UTC {
        return format!("{name}:{}", universal(at));
    }
    format!("{name};TZID={}:{}", zone.name(), at.with_timezone(&zone).format("%Y%m%dT%H%M%S"))
}

/// What the clock of a zone shows from a moment on.
struct Observance {
    /// The moment on the clock that was valid before.
    onset: NaiveDateTime,
    from: i32,
    to: i32,
    name: String,
    is_summer: bool,
}

fn zone(lines: &mut Lines, one: &Appointment) {
    lines.add("BEGIN:VTIMEZONE");
    lines.add(&format!("TZID:{}", one.zone.name()));
    for observance in observances(one.zone, one.starts_at - AROUND, one.ends_at + AROUND) {
        let kind = if observance.is_summer { "DAYLIGHT" } else { "STANDARD" };
        lines.add(&format!("BEGIN:{kind}"));
        lines.add(&format!("DTSTART:{}", observance.onset.format("%Y%m%dT%H%M%S")));
        lines.add(&format!("TZOFFSETFROM:{}", offset(observance.from)));
        lines.add(&format!("TZOFFSETTO:{}", offset(observance.to)));
        if !observance.name.is_empty() {
            lines.add(&format!("TZNAME:{}", escape(&observance.name)));
        }
        lines.add(&format!("END:{kind}"));
    }
    lines.add("END:VTIMEZONE");
}

/// What is valid at `from`, and every change until `until`.
fn observances(zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Observance> {
    let seconds = |at: DateTime<Utc>| at.with_timezone(&zone).offset().fix().local_minus_utc();
    let observe = |at: DateTime<Utc>, before: i32| {
        let local = at.with_timezone(&zone);
        Observance {
            onset: at.naive_utc() + TimeDelta::seconds(i64::from(before)),
            from: before,
            to: local.offset().fix().local_minus_utc(),
            name: local.offset().abbreviation().unwrap_or_default().to_owned(),
            is_summer: !local.offset().dst_offset().is_zero(),
        }
    };
    let mut found = vec![observe(from, seconds(from))];
    let mut at = from;
    while at < until {
        let next = at + TimeDelta::days(1);
        if seconds(next) != seconds(at) {
            found.push(observe(change_between(at, next, &seconds), seconds(at)));
        }
        at = next;
    }
    found
}

/// The first second with another offset than `before` has; there is one change in a day.
fn change_between(
    before: DateTime<Utc>,
    after: DateTime<Utc>,
    seconds: &dyn Fn(DateTime<Utc>) -> i32,
) -> DateTime<Utc> {
    let (mut low, mut high) = (before, after);
    while high - low > TimeDelta::seconds(1) {
        let middle = low + (high - low) / 2;
        if seconds(middle) == seconds(before) { low = middle } else { high = middle }
    }
    // Changes happen at whole seconds.
    DateTime::from_timestamp(high.timestamp(), 0).unwrap_or(high)
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let all = seconds.unsigned_abs();
    let (hours, minutes, rest) = (all / 3_600, all / 60 % 60, all % 60);
    if rest == 0 { format!("{sign}{hours:02}{minutes:02}") } else { format!("{sign}{hours:02}{minutes:02}{rest:02}") }
}

/// Text as a value (3.3.11): no line of it can become a property.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            ';' => escaped.push_str("\\;"),
            ',' => escaped.push_str("\\,"),
            '\n' | '\r' => escaped.push_str("\\n"),
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// Folded lines with their line breaks.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, line: &str) {
        let mut room = MOST_LINE;
        for character in line.chars() {
            if character.len_utf8() > room {
                self.0.push_str("\r\n ");
                room = MOST_LINE - 1;
            }
            self.0.push(character);
            room -= character.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono::TimeZone;
    use uuid::Uuid;

    use super::*;
    use crate::{AppointmentChange, JobName};

    fn appointment(zone: Tz, month: u32) -> Appointment {
        let starts_at = Utc.with_ymd_and_hms(2026, month, 3, 13, 0, 0).unwrap();
        Appointment {
            id: Uuid::from_u128(7),
            change: AppointmentChange::Scheduled,
            title: "Interview; first\r\nEND:VEVENT".to_owned(),
            starts_at,
            ends_at: starts_at + TimeDelta::hours(1),
            zone,
            location: "Straße der Weberinnen 14, Hinterhaus, dritter Stock links, bei Müller zweimal läuten".to_owned(),
            notes: String::new(),
            job: JobName {
                title: "Loom Mechanic".to_owned(),
                company: "Brasswick".to_owned(),
                url: "https://x.example/1".to_owned(),
            },
        }
    }

    fn lines(text: &str) -> Vec<String> {
        text.replace("\r\n ", "").lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_time_is_that_of_the_zone_and_its_rules_are_beside_it() {
        let text = write(&appointment(Tz::Europe__Berlin, 7), "k", Utc::now());
        let found = lines(&text);
        for line in [
            "DTSTART;TZID=Europe/Berlin:20260703T150000",
            "DTEND;TZID=Europe/Berlin:20260703T160000",
            "TZID:Europe/Berlin",
            "DTSTART:20260329T020000",
            "TZOFFSETTO:+0200",
            "TZNAME:CEST",
            "DTSTART:20261025T030000",
            "TZNAME:CET",
            "SUMMARY:Interview\\; first\\nEND:VEVENT",
        ] {
            assert!(found.iter().any(|known| known == line), "{line} is missing in\n{text}");
        }
        assert_eq!(found.iter().filter(|line| *line == "END:VEVENT").count(), 1);
        assert!(text.split("\r\n").all(|line| line.len() <= MOST_LINE), "{text}");
        assert!(has_key(text.as_bytes(), "k") && !has_key(text.as_bytes(), "K"));
    }

    #[test]
    fn a_zone_without_summer_time_and_universal_time_are_written() {
        let text = write(&appointment(Tz::Asia__Kolkata, 1), "k", Utc::now());
        assert!(text.contains("DTSTART;TZID=Asia/Kolkata:20260103T183000"), "{text}");
        assert_eq!(text.matches("BEGIN:STANDARD").count(), 1);
        assert_eq!(text.matches("TZOFFSETTO:+0530").count(), 1);
        let text = write(&appointment(Tz::UTC, 1), "k", Utc::now());
        assert!(text.contains("DTSTART:20260103T130000Z") && !text.contains("VTIMEZONE"));
    }

    #[test]
    fn changes_of_the_clock_are_found_to_the_second_in_every_zone() {
        let from = Utc.with_ymd_and_hms(2025, 6, 1, 0, 0, 0).unwrap();
        for zone in chrono_tz::TZ_VARIANTS {
            for observance in observances(zone, from, from + AROUND + AROUND).into_iter().skip(1) {
                let at = observance.onset.and_utc() - TimeDelta::seconds(i64::from(observance.from));
                let offset = |at: DateTime<Utc>| at.with_timezone(&zone).offset().fix().local_minus_utc();
                assert_eq!(offset(at), observance.to, "{zone} {at}");
                assert_eq!(offset(at - TimeDelta::seconds(1)), observance.from, "{zone} {at}");
            }
        }
    }
}
