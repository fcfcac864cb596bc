//! Partial dates and ranges in free text ("April 3–5", "Spring 2026", "February").

use chrono::{Datelike, NaiveDate};

use super::tokens::{MONTH_NAMES, Token, tokens};
use crate::text::{single_line, truncate_bytes};

/// How much of a date a text says, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// Nothing usable ("TBD").
    Unknown,
    /// A year.
    Year,
    /// A season or a quarter.
    Season,
    /// A month.
    Month,
    /// Several days.
    DayRange,
    /// One day.
    Day,
}

/// What a text says about a time that may lie ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuzzyDate {
    /// First day it can mean.
    pub start: Option<NaiveDate>,
    /// Last day it can mean.
    pub end: Option<NaiveDate>,
    /// How exact it is.
    pub precision: Precision,
    /// Whether the last day is today or ahead; unknown counts as ahead.
    pub upcoming: bool,
    /// The date in one form ("April 3–5, 2026"), or the text itself when nothing was found.
    pub normalised: String,
}

/// Reads a partial date as seen on the day `reference`. Without a year, a month before the reference's month is next
/// year's. A day that does not exist ("Feb 30") leaves its month.
///
/// Seasons are the quarters of the year, but winter ends with February.
pub fn parse_fuzzy(text: &str, reference: NaiveDate) -> FuzzyDate {
    let text = single_line(truncate_bytes(text, 500));
    let found = read(&tokens(&text)).and_then(|found| found.date(reference));
    let Some((start, end, precision, normalised)) = found else {
        return FuzzyDate { start: None, end: None, precision: Precision::Unknown, upcoming: true, normalised: text };
    };
    FuzzyDate { start: Some(start), end: Some(end), precision, upcoming: end >= reference, normalised }
}

/// One exact day in words. Without a year it is the last such day up to `today`, for dates of postings.
pub(super) fn single_day(text: &str, today: NaiveDate) -> Option<NaiveDate> {
    let Found::Points { first, last: None } = read(&tokens(text))? else { return None };
    let day = first.day?;
    match first.year {
        Some(year) => NaiveDate::from_ymd_opt(year, first.month, day),
        None => NaiveDate::from_ymd_opt(today.year(), first.month, day)
            .filter(|date| *date <= today)
            .or_else(|| NaiveDate::from_ymd_opt(today.year() - 1, first.month, day)),
    }
}

/// First of January; `None` outside the calendar's range.
pub(super) fn first_of_year(year: i32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, 1, 1)
}

/// A month with what stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Point {
    month: u32,
    day: Option<u32>,
    year: Option<i32>,
}

/// What a text names.
#[derive(Debug)]
enum Found {
    Points { first: Point, last: Option<Point> },
    Quarter { quarter: u32, season: bool, year: Option<i32> },
    Year(i32),
}

fn read(tokens: &[Token]) -> Option<Found> {
    let year = tokens.iter().find_map(|token| if let Token::Year(year) = token { Some(*year) } else { None });
    let mut points = iso_point(tokens).map(|point| vec![(point, false)]).unwrap_or_else(|| read_points(tokens));
    if let Some((first, _)) = points.first().copied() {
        // A second point is the end of a range only when something joins it to the first.
        let last = points.get(1).filter(|(_, joined)| *joined).map(|(point, _)| *point);
        points.clear();
        return Some(Found::Points { first, last });
    }
    let quarter = tokens.iter().find_map(|token| match token {
        Token::Quarter { quarter, season } => Some((*quarter, *season)),
        _ => None,
    });
    match quarter {
        Some((quarter, season)) => Some(Found::Quarter { quarter, season, year }),
        None => year.map(Found::Year),
    }
}

/// `2026-04-20`.
fn iso_point(tokens: &[Token]) -> Option<Point> {
    tokens.windows(5).find_map(|window| match window {
        [Token::Year(year), Token::Dash, Token::Small(month), Token::Dash, Token::Small(day)]
            if (1..=12).contains(month) =>
        {
            Some(Point { month: *month, day: Some(*day), year: Some(*year) })
        }
        _ => None,
    })
}

/// Every month with its days and year, and whether a dash joins it to the one before.
fn read_points(tokens: &[Token]) -> Vec<(Point, bool)> {
    let mut points: Vec<(Point, bool)> = Vec::new();
    let mut before: Vec<u32> = Vec::new();
    let mut dash = false;
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        match token {
            Token::Month { month, .. } => {
                let rest = tokens.get(index + 1..).unwrap_or(&[]);
                let (days, used) = days_behind(rest);
                let days = if days.is_empty() { std::mem::take(&mut before) } else { days };
                before.clear();
                let month = *month;
                if days.is_empty() {
                    points.push((Point { month, day: None, year: None }, dash));
                }
                for (position, day) in days.into_iter().enumerate() {
                    points.push((Point { month, day: Some(day), year: None }, dash || position > 0));
                }
                dash = false;
                index += used;
            }
            Token::Small(number) if (1..=31).contains(number) => before.push(*number),
            Token::Year(year) => {
                for (point, _) in &mut points {
                    point.year.get_or_insert(*year);
                }
                before.clear();
            }
            Token::Dash => dash = !points.is_empty(),
            _ => {}
        }
        if before.len() > 2 {
            before.remove(0);
        }
        index += 1;
    }
    points
}

/// The days behind a month: "20", "3-5"; with the number of tokens they take. A number that a month follows belongs
/// to that month ("28 April – 2 May").
fn days_behind(rest: &[Token]) -> (Vec<u32>, usize) {
    let is_day = |day: &u32| (1..=31).contains(day);
    match rest {
        [Token::Small(first), Token::Dash, Token::Small(last), behind @ ..]
            if is_day(first)
                && is_day(last)
                && last > first
                && !matches!(behind.first(), Some(Token::Month { .. })) =>
        {
            (vec![*first, *last], 3)
        }
        [Token::Small(day), ..] if is_day(day) => (vec![*day], 1),
        _ => (Vec::new(), 0),
    }
}

type Resolved = (NaiveDate, NaiveDate, Precision, String);

impl Found {
    fn date(&self, reference: NaiveDate) -> Option<Resolved> {
        match self {
            Self::Points { first, last: Some(last) } => {
                range(*first, *last, reference).or_else(|| point(*first, reference))
            }
            Self::Points { first, last: None } => point(*first, reference),
            Self::Quarter { quarter, season, year } => quarter_of_year(*quarter, *season, *year, reference),
            Self::Year(year) => {
                let end = NaiveDate::from_ymd_opt(*year, 12, 31)?;
                Some((first_of_year(*year)?, end, Precision::Year, year.to_string()))
            }
        }
    }
}

/// The year of a month without one.
fn year_of(month: u32, year: Option<i32>, reference: NaiveDate) -> i32 {
    year.unwrap_or_else(|| reference.year() + i32::from(month < reference.month()))
}

fn point(point: Point, reference: NaiveDate) -> Option<Resolved> {
    let year = year_of(point.month, point.year, reference);
    let name = month_name(point.month)?;
    let day = point.day.and_then(|day| Some((NaiveDate::from_ymd_opt(year, point.month, day)?, day)));
    if let Some((date, day)) = day {
        return Some((date, date, Precision::Day, format!("{name} {day}, {year}")));
    }
    let start = NaiveDate::from_ymd_opt(year, point.month, 1)?;
    Some((start, last_of_month(year, point.month)?, Precision::Month, format!("{name} {year}")))
}

fn range(first: Point, last: Point, reference: NaiveDate) -> Option<Resolved> {
    let start_year = year_of(first.month, first.year, reference);
    let wraps = last.month < first.month && (last.year.is_none() || last.year == first.year);
    // "Dec 30 – Jan 2, 2027": the one year named belongs to the end.
    let start_year = if wraps && last.year.is_some() { start_year - 1 } else { start_year };
    let end_year =
        if wraps { start_year + 1 } else { last.year.filter(|_| first.year.is_some()).unwrap_or(start_year) };
    let (first_name, last_name) = (month_name(first.month)?, month_name(last.month)?);
    let (Some(first_day), Some(last_day)) = (first.day, last.day) else {
        let start = NaiveDate::from_ymd_opt(start_year, first.month, first.day.unwrap_or(1))?;
        let end = last_of_month(end_year, last.month).filter(|end| *end >= start)?;
        return Some((start, end, Precision::Month, format!("{first_name} – {last_name} {end_year}")));
    };
    let start = NaiveDate::from_ymd_opt(start_year, first.month, first_day)?;
    let end = NaiveDate::from_ymd_opt(end_year, last.month, last_day).filter(|end| *end >= start)?;
    let normalised = if first.month == last.month && start_year == end_year {
        format!("{first_name} {first_day}–{last_day}, {end_year}")
    } else if start_year == end_year {
        format!("{first_name} {first_day} – {last_name} {last_day}, {end_year}")
    } else {
        format!("{first_name} {first_day}, {start_year} – {last_name} {last_day}, {end_year}")
    };
    Some((start, end, Precision::DayRange, normalised))
}

fn quarter_of_year(quarter: u32, season: bool, year: Option<i32>, reference: NaiveDate) -> Option<Resolved> {
    let first_month = 3 * quarter.checked_sub(1)? + 1;
    let last_month = if season && quarter == 1 { 2 } else { first_month + 2 };
    let year = year_of(last_month, year, reference);
    let name = match (quarter, season) {
        (1, true) => "Winter",
        (2, true) => "Spring",
        (3, true) => "Summer",
        (4, true) => "Fall",
        (1, false) => "Q1",
        (2, false) => "Q2",
        (3, false) => "Q3",
        _ => "Q4",
    };
    let start = NaiveDate::from_ymd_opt(year, first_month, 1)?;
    Some((start, last_of_month(year, last_month)?, Precision::Season, format!("{name} {year}")))
}

fn last_of_month(year: i32, month: u32) -> Option<NaiveDate> {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    NaiveDate::from_ymd_opt(next_year, next_month, 1)?.pred_opt()
}

fn month_name(month: u32) -> Option<&'static str> {
    MONTH_NAMES.get(usize::try_from(month.checked_sub(1)?).ok()?).copied()
}
