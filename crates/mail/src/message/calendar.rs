//! The event of a calendar part (RFC 5545), as far as an interview needs it.

use aerie_postings::text::{clean_field, truncate_bytes};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};

use super::MAX_FIELD_CHARACTERS;

/// Most bytes of a calendar part that are read.
const MAX_CALENDAR_BYTES: usize = 200_000;

/// What an invitation says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalendarEvent {
    /// `REQUEST`, `CANCEL`, `PUBLISH`, `REPLY` …, upper case.
    pub method: Option<String>,
    /// The event's own name; the same in every later change of it.
    pub uid: Option<String>,
    /// Number of the revision; above 0 the event was changed.
    pub sequence: u32,
    /// `CONFIRMED`, `TENTATIVE` or `CANCELLED`, upper case.
    pub status: Option<String>,
    /// Title.
    pub summary: String,
    /// Place or address of the call.
    pub location: String,
    /// Organiser's address.
    pub organizer: Option<String>,
    /// Beginning.
    pub start: Option<EventTime>,
    /// End.
    pub end: Option<EventTime>,
}

/// A moment as the calendar gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTime {
    /// Date and time on the clock of `zone`; midnight for a whole day.
    pub local: NaiveDateTime,
    /// What that clock is.
    pub zone: Zone,
}

/// The clock of an event's time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// Coordinated universal time.
    Utc,
    /// A named zone, usually of the IANA database (`Europe/Berlin`); Outlook writes Windows names.
    Named(String),
    /// The clock of wherever the reader is.
    Floating,
    /// No time of day: a whole day.
    Day,
}

/// The first event of a calendar; `None` when it has none.
pub fn calendar_event(calendar: &str) -> Option<CalendarEvent> {
    let unfolded =
        truncate_bytes(calendar, MAX_CALENDAR_BYTES).replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let mut event = CalendarEvent::default();
    // Alarms, attendees' tasks and zone rules have times of their own; only lines directly in the event count.
    let mut open: Vec<String> = Vec::new();
    let mut found = false;
    for line in unfolded.lines() {
        let Some((left, value)) = split_value(line) else { continue };
        let mut parameters = left.split(';');
        let name = parameters.next().unwrap_or("").trim().to_ascii_uppercase();
        match name.as_str() {
            "BEGIN" if open.len() < 16 => open.push(value.trim().to_ascii_uppercase()),
            "END" => {
                let ended = open.pop();
                if ended.as_deref() == Some("VEVENT") {
                    found = true;
                    break;
                }
            }
            "METHOD" if open.len() == 1 => event.method = Some(field(value).to_ascii_uppercase()),
            _ if open.last().is_some_and(|last| last == "VEVENT") => set(&mut event, &name, parameters, value),
            _ => {}
        }
    }
    let usable = found || event.start.is_some();
    usable.then_some(event)
}

/// Splits at the first colon outside quotes.
fn split_value(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (index, byte) in line.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b':' if !quoted => return Some((line.get(..index)?, line.get(index + 1..)?)),
            _ => {}
        }
    }
    None
}

fn set<'a>(event: &mut CalendarEvent, name: &str, parameters: impl Iterator<Item = &'a str>, value: &str) {
    match name {
        "UID" => event.uid = Some(field(value)),
        "SEQUENCE" => event.sequence = value.trim().parse().unwrap_or(0),
        "STATUS" => event.status = Some(field(value).to_ascii_uppercase()),
        "SUMMARY" => event.summary = field(value),
        "LOCATION" => event.location = field(value),
        "ORGANIZER" => {
            let address = field(value).to_ascii_lowercase();
            event.organizer = Some(address.strip_prefix("mailto:").unwrap_or(&address).to_owned());
        }
        "DTSTART" => event.start = time(parameters, value),
        "DTEND" => event.end = time(parameters, value),
        _ => {}
    }
}

fn field(value: &str) -> String {
    let plain = value.replace("\\n", " ").replace("\\N", " ").replace("\\,", ",").replace("\\;", ";");
    clean_field(&plain.replace("\\\\", "\\"), MAX_FIELD_CHARACTERS)
}

fn time<'a>(parameters: impl Iterator<Item = &'a str>, value: &str) -> Option<EventTime> {
    let mut zone = None;
    for parameter in parameters {
        if let Some((name, content)) = parameter.split_once('=')
            && name.eq_ignore_ascii_case("TZID")
        {
            zone = Some(clean_field(content.trim_matches('"'), 100));
        }
    }
    let value = value.trim();
    if let Ok(day) = NaiveDate::parse_from_str(value, "%Y%m%d") {
        return Some(EventTime { local: day.and_time(NaiveTime::MIN), zone: Zone::Day });
    }
    let (clock, utc) = value.strip_suffix(['Z', 'z']).map_or((value, false), |clock| (clock, true));
    let local = NaiveDateTime::parse_from_str(clock, "%Y%m%dT%H%M%S").ok()?;
    let zone = match zone {
        _ if utc => Zone::Utc,
        Some(name) if !name.is_empty() => Zone::Named(name),
        _ => Zone::Floating,
    };
    Some(EventTime { local, zone })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const INVITATION: &str = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:1@acme\r\nSEQUENCE:2\r\nSUMMARY:Interview\\, technical\r\n  part\r\nDTSTART;TZID=\"Europe/Berlin\":20260304T103000\r\nDTEND;TZID=Europe/Berlin:20260304T110000\r\nORGANIZER;CN=\"Ana: HR\":mailto:Ana@acme.example\r\nBEGIN:VALARM\r\nDTSTART:20200101T000000Z\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn an_invitation_gives_its_time_and_zone() {
        let event = calendar_event(INVITATION).unwrap();
        assert_eq!(event.method.as_deref(), Some("REQUEST"));
        assert_eq!((event.summary.as_str(), event.sequence), ("Interview, technical part", 2));
        assert_eq!(event.organizer.as_deref(), Some("ana@acme.example"));
        let start = event.start.unwrap();
        assert_eq!(start.zone, Zone::Named("Europe/Berlin".to_owned()));
        assert_eq!(start.local.to_string(), "2026-03-04 10:30:00");
        let utc = calendar_event("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260304T093000Z\n").unwrap();
        assert_eq!(utc.start.unwrap().zone, Zone::Utc);
        assert_eq!(calendar_event("BEGIN:VCALENDAR\nEND:VCALENDAR"), None);
    }
}
