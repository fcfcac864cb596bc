//! When an event of a calendar part takes place: its clock, its zone, and the moment that both mean.

use aerie_mail::message::{CalendarEvent, EventTime, Zone};
use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// How long an event takes that has no end.
const USUAL_LENGTH: TimeDelta = TimeDelta::hours(1);

/// The longest event.
const LONGEST: TimeDelta = TimeDelta::days(31);

/// Names that Windows and Outlook give to zones, with the zone of the database that CLDR maps each to.
const WINDOWS_ZONES: [(&str, Tz); 42] = [
    ("AUS Eastern Standard Time", Tz::Australia__Sydney),
    ("Alaskan Standard Time", Tz::America__Anchorage),
    ("Arab Standard Time", Tz::Asia__Riyadh),
    ("Arabian Standard Time", Tz::Asia__Dubai),
    ("Argentina Standard Time", Tz::America__Buenos_Aires),
    ("Atlantic Standard Time", Tz::America__Halifax),
    ("Central America Standard Time", Tz::America__Guatemala),
    ("Central Europe Standard Time", Tz::Europe__Budapest),
    ("Central European Standard Time", Tz::Europe__Warsaw),
    ("Central Standard Time", Tz::America__Chicago),
    ("Central Standard Time (Mexico)", Tz::America__Mexico_City),
    ("China Standard Time", Tz::Asia__Shanghai),
    ("E. Africa Standard Time", Tz::Africa__Nairobi),
    ("E. Australia Standard Time", Tz::Australia__Brisbane),
    ("E. South America Standard Time", Tz::America__Sao_Paulo),
    ("Eastern Standard Time", Tz::America__New_York),
    ("Egypt Standard Time", Tz::Africa__Cairo),
    ("FLE Standard Time", Tz::Europe__Kiev),
    ("GMT Standard Time", Tz::Europe__London),
    ("GTB Standard Time", Tz::Europe__Bucharest),
    ("Greenwich Standard Time", Tz::Atlantic__Reykjavik),
    ("Hawaiian Standard Time", Tz::Pacific__Honolulu),
    ("India Standard Time", Tz::Asia__Kolkata),
    ("Israel Standard Time", Tz::Asia__Jerusalem),
    ("Korea Standard Time", Tz::Asia__Seoul),
    ("Mountain Standard Time", Tz::America__Denver),
    ("New Zealand Standard Time", Tz::Pacific__Auckland),
    ("Newfoundland Standard Time", Tz::America__St_Johns),
    ("Pacific SA Standard Time", Tz::America__Santiago),
    ("Pacific Standard Time", Tz::America__Los_Angeles),
    ("Romance Standard Time", Tz::Europe__Paris),
    ("Russian Standard Time", Tz::Europe__Moscow),
    ("SA Pacific Standard Time", Tz::America__Bogota),
    ("SE Asia Standard Time", Tz::Asia__Bangkok),
    ("Singapore Standard Time", Tz::Asia__Singapore),
    ("South Africa Standard Time", Tz::Africa__Johannesburg),
    ("Taipei Standard Time", Tz::Asia__Taipei),
    ("Tokyo Standard Time", Tz::Asia__Tokyo),
    ("Turkey Standard Time", Tz::Europe__Istanbul),
    ("US Mountain Standard Time", Tz::America__Phoenix),
    ("W. Australia Standard Time", Tz::Australia__Perth),
    ("W. Europe Standard Time", Tz::Europe__Berlin),
];

/// An event's time, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) starts_at: DateTime<Utc>,
    pub(crate) ends_at: DateTime<Utc>,
    pub(crate) zone: Tz,
}

/// Why an event's time cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeError {
    #[error("the invitation says {local}, but not in which time zone; name one, such as \"Europe/Berlin\"")]
    NoZone { local: NaiveDateTime },
    #[error("the invitation has no time")]
    NoTime,
}

/// When an event takes place. `given` is the zone for a clock that does not say its own, or one that is not known here.
pub(crate) fn moment(event: &CalendarEvent, given: Option<Tz>) -> Result<Moment, TimeError> {
    let start = event.start.as_ref().ok_or(TimeError::NoTime)?;
    let zone = zone_of(start).or(given).ok_or(TimeError::NoZone { local: start.local })?;
    let starts_at = instant(start.local, zone).ok_or(TimeError::NoTime)?;
    let end = event.end.as_ref().and_then(|end| instant(end.local, zone_of(end).unwrap_or(zone)));
    let usual = if start.zone == Zone::Day { TimeDelta::days(1) } else { USUAL_LENGTH };
    let ends_at = end.filter(|end| *end > starts_at && *end - starts_at <= LONGEST).unwrap_or(starts_at + usual);
    Ok(Moment { starts_at, ends_at, zone })
}

/// Whether an event has been over for more than a day, whatever its zone is.
pub(crate) fn has_passed(event: &CalendarEvent, now: DateTime<Utc>) -> bool {
    let last = event.end.as_ref().or(event.start.as_ref());
    last.is_some_and(|last| last.local + TimeDelta::days(2) < now.naive_utc())
}

fn zone_of(time: &EventTime) -> Option<Tz> {
    match &time.zone {
        Zone::Utc => Some(Tz::UTC),
        Zone::Named(name) => {
            let windows = || WINDOWS_ZONES.iter().find(|(windows, _)| windows.eq_ignore_ascii_case(name));
            // Some programs put a folder in front: "/freeassociation.sourceforge.net/Europe/Berlin".
            let tail = || {
                let parts: Vec<&str> = name.rsplit('/').take(2).collect();
                match parts.as_slice() {
                    [city, area] => format!("{area}/{city}").parse().ok(),
                    _ => None,
                }
            };
            name.parse().ok().or_else(|| windows().map(|(_, zone)| *zone)).or_else(tail)
        }
        Zone::Floating | Zone::Day => None,
    }
}

/// The moment of a clock's reading: the first one where the clock shows it twice; where it skips it, as much later as
/// the clock jumps (RFC 5545, section 3.3.5).
fn instant(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let moment = match zone.from_local_datetime(&local) {
        LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => moment,
        LocalResult::None => zone.from_local_datetime(&local.checked_add_signed(TimeDelta::hours(1))?).earliest()?,
    };
    let moment = moment.to_utc();
    // What neither a calendar nor a database can hold.
    (1970..=9999).contains(&chrono::Datelike::year(&moment)).then_some(moment)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn event(start: &str, zone: Zone) -> CalendarEvent {
        let local = NaiveDateTime::parse_from_str(start, "%Y-%m-%d %H:%M").unwrap();
        CalendarEvent { start: Some(EventTime { local, zone }), ..CalendarEvent::default() }
    }

    fn utc(start: &str, zone: &str) -> String {
        let moment = moment(&event(start, Zone::Named(zone.to_owned())), None).unwrap();
        format!("{} {}", moment.starts_at.format("%Y-%m-%d %H:%M"), moment.zone)
    }

    #[test]
    fn zones_of_the_database_and_of_windows_are_known() {
        assert_eq!(utc("2026-03-04 10:30", "Europe/Berlin"), "2026-03-04 09:30 Europe/Berlin");
        assert_eq!(utc("2026-07-04 10:30", "W. Europe Standard Time"), "2026-07-04 08:30 Europe/Berlin");
        assert_eq!(utc("2026-07-04 10:30", "/example.com/x/America/New_York"), "2026-07-04 14:30 America/New_York");
    }

    #[test]
    fn skipped_and_repeated_hours_have_one_meaning() {
        assert_eq!(utc("2026-03-29 02:30", "Europe/Berlin"), "2026-03-29 01:30 Europe/Berlin");
        assert_eq!(utc("2026-10-25 02:30", "Europe/Berlin"), "2026-10-25 00:30 Europe/Berlin");
    }

    #[test]
    fn a_clock_without_a_zone_needs_one() {
        let floating = event("2026-03-04 10:30", Zone::Floating);
        let error = moment(&floating, None).unwrap_err();
        assert!(error.to_string().contains("2026-03-04 10:30:00"), "{error}");
        let found = moment(&floating, Some(Tz::Asia__Tokyo)).unwrap();
        assert_eq!(found.starts_at.to_rfc3339(), "2026-03-04T01:30:00+00:00");
        assert_eq!(found.ends_at - found.starts_at, USUAL_LENGTH);
        assert!(moment(&event("2026-03-04 10:30", Zone::Named("Mars/Hellas".to_owned())), None).is_err());
    }
}
