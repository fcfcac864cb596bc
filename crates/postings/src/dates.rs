//! Dates: relative, partial and ranges.

use chrono::{DateTime, Days, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use crate::RawDate;
use crate::text::{fold, truncate_bytes, words};

mod fuzzy;
mod tokens;

pub use fuzzy::{FuzzyDate, Precision, parse_fuzzy};

/// How far ahead of now a posting's date may lie: clocks and time zones differ, but no posting is from next week.
const MAX_AHEAD_DAYS: i64 = 2;

/// Longest date text that is read, in bytes.
const MAX_BYTES: usize = 200;

/// The moment a raw date names; relative words count back from `now`, a day is its midnight UTC. `None` when the text
/// names no moment or one outside the years 1990 to 2200.
pub fn resolve(date: &RawDate, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let moment = match date {
        RawDate::At(moment) => *moment,
        RawDate::Day(day) => midnight(*day),
        RawDate::Text(text) => parse_date(text, now)?,
    };
    let sensible = fuzzy::first_of_year(1990).zip(fuzzy::first_of_year(2200));
    let day = moment.date_naive();
    sensible.is_some_and(|(first, last)| day >= first && day < last).then_some(moment)
}

/// As [`resolve`] for the date of a posting or of its last change: `None` more than two days in the future.
pub fn resolve_past(date: &RawDate, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    resolve(date, now).filter(|moment| *moment <= now + Duration::days(MAX_AHEAD_DAYS))
}

/// Reads a date text: ISO 8601 with or without offset (without: UTC), `YYYY-MM-DD HH:MM:SS UTC`, RFC 2822, plain days
/// (ISO, American, with dots), days in words, epoch seconds and milliseconds, and relative words ("Posted 3 Days Ago",
/// "30+ Days Ago", "just posted", "2w", "vor 3 Tagen").
pub fn parse_date(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = truncate_bytes(text.trim(), MAX_BYTES);
    exact(text)
        .or_else(|| numeric_day(text).map(midnight))
        .or_else(|| relative(text, now))
        .or_else(|| in_words(text, now))
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// Forms with a time, and epoch numbers.
fn exact(text: &str) -> Option<DateTime<Utc>> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        return match text.len() {
            9 | 10 => DateTime::from_timestamp(number, 0),
            12 | 13 => DateTime::from_timestamp_millis(number),
            _ => None,
        };
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.to_utc());
    }
    let (body, has_zone_word) = match [" UTC", " GMT", " Z", "Z"].iter().find_map(|zone| text.strip_suffix(zone)) {
        Some(body) => (body.trim_end(), true),
        None => (text, false),
    };
    for format in ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f %z", "%Y-%m-%dT%H:%M%z"] {
        if let Ok(moment) = DateTime::parse_from_str(text, format) {
            return Some(moment.to_utc());
        }
    }
    for format in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
        "%m/%d/%Y %H:%M:%S",
        "%m/%d/%Y %I:%M:%S %p",
    ] {
        if let Ok(moment) = NaiveDateTime::parse_from_str(body, format) {
            return Some(moment.and_utc());
        }
    }
    let with_offset = if has_zone_word { format!("{body} +0000") } else { text.to_owned() };
    DateTime::parse_from_rfc2822(&with_offset).ok().map(|moment| moment.to_utc())
}

/// `2026-08-05`, `2026/08/05`, `20260805`, `08/05/2026` (month first unless that is no month), `05.08.2026`.
fn numeric_day(text: &str) -> Option<NaiveDate> {
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return NaiveDate::parse_from_str(text, "%Y%m%d").ok();
    }
    let separator = ['-', '/', '.'].into_iter().find(|separator| text.matches(*separator).count() == 2)?;
    let mut numbers = text.split(separator).map(|part| {
        let part = part.trim();
        let digits = !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i32>().ok()).flatten().map(|number| (number, part.len()))
    });
    let (first, second, third) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let small = |(number, _): (i32, usize)| u32::try_from(number).ok();
    if first.1 == 4 {
        return NaiveDate::from_ymd_opt(first.0, small(second)?, small(third)?);
    }
    let year = match third.1 {
        4 => third.0,
        2 => 2000 + third.0,
        _ => return None,
    };
    let day_first = separator == '.' || first.0 > 12;
    let (month, day) = if day_first { (second, first) } else { (first, second) };
    NaiveDate::from_ymd_opt(year, small(month)?, small(day)?)
}

/// Words that count back from now, in English, German, French and Spanish.
fn relative(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let folded = fold(text);
    let tokens: Vec<&str> = words(&folded).collect();
    for token in &tokens {
        match *token {
            "today" | "now" | "heute" | "hoy" | "hoje" | "oggi" => return Some(now),
            "aujourd" => return Some(now),
            "yesterday" | "gestern" | "hier" | "ayer" | "ontem" | "ieri" => return now.checked_sub_days(Days::new(1)),
            _ => {}
        }
    }
    if tokens.contains(&"just") || tokens.as_slice() == ["new"] {
        return Some(now);
    }
    let says_past = tokens.iter().any(|token| matches!(*token, "ago" | "vor" | "hace" | "il" | "ha" | "fa" | "last"));
    let says_posted = tokens.iter().any(|token| token.ends_with("posted") || matches!(*token, "active" | "seen"));
    for (index, token) in tokens.iter().enumerate() {
        let (number, unit_text) = leading_number(token);
        let next = tokens.get(index + 1).copied().unwrap_or("");
        let found = match (number, unit_text) {
            (Some(number), "") => unit(next).map(|unit| (number, unit)),
            (Some(number), attached) => unit(attached).map(|unit| (number, unit)),
            (None, "a" | "an" | "one" | "last" | "einem" | "einer" | "un" | "une") => unit(next).map(|unit| (1, unit)),
            _ => None,
        };
        if let Some((number, unit)) = found
            && (says_past || says_posted || tokens.len() <= 2)
        {
            return go_back(now, number, unit);
        }
    }
    None
}

fn leading_number(token: &str) -> (Option<u32>, &str) {
    let end = token.find(|character: char| !character.is_ascii_digit()).unwrap_or(token.len());
    let (digits, rest) = token.split_at(end);
    (digits.parse().ok().filter(|number| *number <= 10_000), rest.trim_start_matches('+'))
}

#[derive(Clone, Copy)]
enum Unit {
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
    Years,
}

fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "second" | "seconds" | "sec" | "secs" | "s" | "minute" | "minutes" | "min" | "mins" | "m" | "minuten"
        | "minutos" => Unit::Minutes,
        "hour" | "hours" | "hr" | "hrs" | "h" | "stunde" | "stunden" | "heure" | "heures" | "hora" | "horas" => {
            Unit::Hours
        }
        "day" | "days" | "d" | "tag" | "tage" | "tagen" | "jour" | "jours" | "dia" | "dias" | "giorni" => Unit::Days,
        "week" | "weeks" | "w" | "wk" | "wks" | "woche" | "wochen" | "semaine" | "semaines" | "semana" | "semanas" => {
            Unit::Weeks
        }
        "month" | "months" | "mo" | "mos" | "monat" | "monate" | "monaten" | "mois" | "mes" | "meses" => Unit::Months,
        "year" | "years" | "y" | "yr" | "yrs" | "jahr" | "jahre" | "jahren" | "an" | "ans" | "ano" | "anos" => {
            Unit::Years
        }
        _ => return None,
    })
}

fn go_back(now: DateTime<Utc>, number: u32, unit: Unit) -> Option<DateTime<Utc>> {
    let many = u64::from(number);
    match unit {
        Unit::Minutes => now.checked_sub_signed(Duration::minutes(i64::from(number))),
        Unit::Hours => now.checked_sub_signed(Duration::hours(i64::from(number))),
        Unit::Days => now.checked_sub_days(Days::new(many)),
        Unit::Weeks => now.checked_sub_days(Days::new(many * 7)),
        Unit::Months => now.checked_sub_months(Months::new(number)),
        Unit::Years => now.checked_sub_months(Months::new(number.checked_mul(12)?)),
    }
}

/// "August 5, 2026", "5. August 2026"; without a year the last such day.
fn in_words(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let day = fuzzy::single_day(text, now.date_naive())?;
    Some(midnight(day))
}

#[cfg(test)]
mod tests;
