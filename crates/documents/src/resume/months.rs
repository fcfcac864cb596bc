//! Periods as résumés write them: "March 2018 – present", "03/2018 bis heute", "août 2016 à juin 2019", "2015–18".

use std::{fmt, ops::Range, str::FromStr, sync::LazyLock};

use regex::Captures;
use serde::{Deserialize, Serialize};

use super::words::MONTHS;
use crate::pattern::{Pattern, pattern};

/// A month, or a year of which the month is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct YearMonth {
    /// The year.
    pub year: u16,
    /// The month from 1 to 12.
    pub month: Option<u8>,
}

impl YearMonth {
    /// A month of a year that people live in; `None` for others.
    pub fn new(year: u16, month: Option<u8>) -> Option<Self> {
        let sensible = (1930..2070).contains(&year) && month.is_none_or(|month| (1..=12).contains(&month));
        sensible.then_some(Self { year, month })
    }

    /// Months since the year 0; a year alone counts from its January.
    pub fn months(self) -> i32 {
        i32::from(self.year) * 12 + i32::from(self.month.unwrap_or(1)) - 1
    }
}

impl fmt::Display for YearMonth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.month {
            Some(month) => write!(formatter, "{:04}-{month:02}", self.year),
            None => write!(formatter, "{:04}", self.year),
        }
    }
}

/// A text that is no `YYYY` or `YYYY-MM`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no month; write YYYY-MM or YYYY")]
pub struct NoMonth(String);

impl FromStr for YearMonth {
    type Err = NoMonth;

    /// Reads `YYYY`, `YYYY-MM` and `YYYY-MM-DD`, of which the day is dropped.
    fn from_str(text: &str) -> Result<Self, NoMonth> {
        let mut parts = text.trim().splitn(3, '-');
        let year = parts.next().filter(|year| year.len() == 4).and_then(|year| year.parse().ok());
        let month = match parts.next() {
            Some(month) => month.parse().map(Some).map_err(|_| NoMonth(text.to_owned()))?,
            None => None,
        };
        year.and_then(|year| Self::new(year, month)).ok_or_else(|| NoMonth(text.to_owned()))
    }
}

impl TryFrom<String> for YearMonth {
    type Error = NoMonth;

    fn try_from(text: String) -> Result<Self, NoMonth> {
        text.parse()
    }
}

impl From<YearMonth> for String {
    fn from(month: YearMonth) -> Self {
        month.to_string()
    }
}

/// When something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It goes on.
    Present,
    /// In this month.
    #[serde(untagged)]
    At(YearMonth),
}

/// From when to when. One date alone is a start without an end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// First month.
    pub start: Option<YearMonth>,
    /// Last month; `None` where the text names none.
    pub end: Option<End>,
}

impl Period {
    /// Whether it goes on.
    pub fn is_current(&self) -> bool {
        self.end == Some(End::Present)
    }

    /// The end, where it is a month.
    pub fn end_month(&self) -> Option<YearMonth> {
        match self.end {
            Some(End::At(month)) => Some(month),
            _ => None,
        }
    }
}

/// A period found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its bytes, with the words that belong to it ("since", brackets).
    pub range: Range<usize>,
    /// What it says.
    pub period: Period,
    /// Two ends, or one open one; else it is a single date.
    pub is_range: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Date(YearMonth),
    /// `'18`, `03/18`: a date only beside another one.
    Short(YearMonth),
    /// A month without a year, which the other end gives.
    Month(u8),
    Present,
    /// Both ends: "2015–18".
    Both(YearMonth, YearMonth),
}

struct Mark {
    range: Range<usize>,
    token: Token,
}

/// All periods of a text, in order.
pub fn find(text: &str) -> Vec<Found> {
    let marks = marks(text);
    let mut found: Vec<Found> = Vec::new();
    let mut index = 0;
    while let Some(mark) = marks.get(index) {
        let next = marks.get(index + 1);
        let pair = next.and_then(|next| pair(text, mark, next));
        if let (Some(period), Some(next)) = (pair, next) {
            found.push(Found { range: widened(text, mark.range.start..next.range.end), period, is_range: true });
            index += 2;
            continue;
        }
        match mark.token {
            Token::Date(date) => found.push(single(text, &mark.range, date)),
            Token::Both(start, end) => {
                let period = Period { start: Some(start), end: Some(End::At(end)) };
                found.push(Found { range: widened(text, mark.range.clone()), period, is_range: true });
            }
            _ => {}
        }
        index += 1;
    }
    found
}

fn pair(text: &str, first: &Mark, second: &Mark) -> Option<Period> {
    let between = text.get(first.range.end..second.range.start)?;
    let is_joined = JOINT.is_match(between);
    // Dashes get lost where a file was converted: "2014 2019", "2021 now".
    let is_bare = between.chars().all(char::is_whitespace);
    let (start, end) = match (first.token, second.token) {
        (Token::Date(start), Token::Present) if is_joined || is_bare => (start, End::Present),
        (Token::Short(start), Token::Present) if is_joined => (start, End::Present),
        (Token::Date(start), Token::Date(end)) if is_joined || (is_bare && alike(start, end)) => (start, End::At(end)),
        (Token::Date(start) | Token::Short(start), Token::Date(end) | Token::Short(end)) if is_joined => {
            (start, End::At(end))
        }
        (Token::Month(month), Token::Date(end)) if is_joined => {
            (YearMonth { year: end.year, month: Some(month) }, End::At(end))
        }
        _ => return None,
    };
    let in_order = match end {
        End::At(end) => start.year < end.year || (start.year == end.year && start.month <= end.month.or(Some(12))),
        End::Present => true,
    };
    in_order.then_some(Period { start: Some(start), end: Some(end) })
}

fn alike(start: YearMonth, end: YearMonth) -> bool {
    start.month.is_some() == end.month.is_some()
}

fn single(text: &str, range: &Range<usize>, date: YearMonth) -> Found {
    let before = text.get(..range.start).unwrap_or("");
    let after = text.get(range.end..).unwrap_or("");
    if let Some(word) = SINCE.find(before) {
        let period = Period { start: Some(date), end: Some(End::Present) };
        return Found { range: widened(text, word.start()..range.end), period, is_range: true };
    }
    if let Some(word) = UNTIL.find(before) {
        let period = Period { start: None, end: Some(End::At(date)) };
        return Found { range: widened(text, word.start()..range.end), period, is_range: true };
    }
    if let Some(dash) = OPEN.find(after) {
        let period = Period { start: Some(date), end: Some(End::Present) };
        return Found { range: widened(text, range.start..range.end + dash.end()), period, is_range: true };
    }
    let period = Period { start: Some(date), end: None };
    Found { range: widened(text, range.clone()), period, is_range: false }
}

/// Takes in brackets around a period and the words before it that only introduce it.
fn widened(text: &str, range: Range<usize>) -> Range<usize> {
    let mut range = range;
    if let Some(word) = text.get(..range.start).and_then(|before| INTRODUCTION.find(before)) {
        range.start = word.start();
    }
    let before = text.get(..range.start).unwrap_or("").trim_end();
    let after = text.get(range.end..).unwrap_or("");
    let closing = after.trim_start();
    for (open, close) in [('(', ')'), ('[', ']')] {
        if before.ends_with(open) && closing.starts_with(close) {
            let end = range.end + (after.len() - closing.len()) + close.len_utf8();
            return before.len() - open.len_utf8()..end;
        }
    }
    range
}

fn marks(text: &str) -> Vec<Mark> {
    DATES.captures_iter(text).filter_map(|captures| mark(text, &captures)).collect()
}

fn mark(text: &str, captures: &Captures<'_>) -> Option<Mark> {
    let whole = captures.get(0)?;
    let number = |name: &str| captures.name(name).and_then(|group| group.as_str().parse::<u16>().ok());
    let month = |name: &str| captures.name(name).and_then(|group| month_number(group.as_str()));
    let small = |value: Option<u16>| value.and_then(|value| u8::try_from(value).ok());
    let token = if let Some(year) = number("named_year") {
        Token::Date(YearMonth::new(century(year), month("name"))?)
    } else if let Some(year) = number("quoted_year") {
        Token::Date(YearMonth::new(century(year), month("quoted_name"))?)
    } else if let Some(year) = number("named_short") {
        Token::Short(YearMonth::new(century(year), month("short_name"))?)
    } else if let Some(year) = number("iso_year") {
        Token::Date(YearMonth::new(year, small(number("iso_month")))?)
    } else if let Some(year) = number("day_year") {
        let (first, second) = (small(number("first"))?, small(number("second"))?);
        // Day first in most of the world; month first only where the other reading is no date.
        let month = if second <= 12 { second } else { first };
        Token::Date(YearMonth::new(year, Some(month))?)
    } else if let Some(year) = number("slash_year") {
        Token::Date(YearMonth::new(year, small(number("slash_month")))?)
    } else if let Some(year) = number("short_year") {
        Token::Short(YearMonth::new(century(year), small(number("short_month")))?)
    } else if let Some(year) = number("from_year") {
        let start = YearMonth::new(year, None)?;
        let end = number("to_short").and_then(|short| YearMonth::new(year / 100 * 100 + short, None));
        match end.filter(|end| end.year > year) {
            Some(end) => Token::Both(start, end),
            None => Token::Date(start),
        }
    } else if let Some(year) = number("year") {
        if is_quantity(text, whole.range()) {
            return None;
        }
        Token::Date(YearMonth::new(year, None)?)
    } else if let Some(year) = number("two") {
        Token::Short(YearMonth::new(century(year), None)?)
    } else if captures.name("present").is_some() {
        Token::Present
    } else {
        Token::Month(month("month")?)
    };
    Some(Mark { range: whole.range(), token })
}

/// "$2000", "2,000", "2000+", "2000 users": no year.
fn is_quantity(text: &str, range: Range<usize>) -> bool {
    let before = text.get(..range.start).and_then(|before| before.chars().next_back());
    let after = text.get(range.end..).unwrap_or("");
    let glued = |character: char| matches!(character, '$' | '€' | '£' | '#' | '@' | '_') || character.is_alphanumeric();
    before.is_some_and(glued)
        || after.starts_with(['+', '%', '_', '@'])
        || after.starts_with(|character: char| character.is_alphanumeric())
        || (after.starts_with(',') && after[1..].starts_with(|character: char| character.is_ascii_digit()))
        || (before.is_some_and(|character| matches!(character, ',' | '.'))
            && text
                .get(..range.start.saturating_sub(1))
                .is_some_and(|text| text.ends_with(|c: char| c.is_ascii_digit())))
}

fn century(year: u16) -> u16 {
    match year {
        0..=49 => 2000 + year,
        50..=99 => 1900 + year,
        _ => year,
    }
}

fn month_number(name: &str) -> Option<u8> {
    let folded = deunicode::deunicode(name).to_lowercase();
    let folded = folded.trim_end_matches('.');
    MONTHS.iter().find(|(names, _)| names.split('|').any(|known| known == folded)).map(|(_, number)| *number)
}

static DATES: LazyLock<Pattern> = LazyLock::new(|| {
    let mut names: Vec<&str> = MONTHS.iter().flat_map(|(names, _)| names.split('|')).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let names: String = names.join("|").chars().map(accented).collect();
    pattern(&format!(
        r"(?ix)
        \b(?P<iso_year>(?:19|20)\d\d)[-./](?P<iso_month>0[1-9]|1[0-2])(?:[-./][0-3]\d)?\b
        | \b(?P<first>[0-3]?\d)[./](?P<second>[0-3]?\d)[./](?P<day_year>(?:19|20)\d\d)\b
        | \b(?P<slash_month>0?[1-9]|1[0-2])\s?[/.-]\s?(?P<slash_year>(?:19|20)\d\d)\b
        | (?:\b\d{{1,2}}(?:\.|st|nd|rd|th)?\s+(?:de\s+)?)?\b(?P<name>{names})\.?,?\s*(?:\d{{1,2}},\s*)?(?:de\s+|del\s+|of\s+)?(?P<named_year>(?:19|20)\d\d)\b
        | \b(?P<quoted_name>{names})\.?\s*['’](?P<quoted_year>\d\d)\b
        | \b(?P<short_name>{names})\.?[\s-](?P<named_short>\d\d)\b
        | \b(?P<short_month>0?[1-9]|1[0-2])/(?P<short_year>\d\d)\b
        | \b(?P<from_year>(?:19|20)\d\d)\s?[-–/]\s?(?P<to_short>\d\d)\b
        | \b(?P<year>(?:19|20)\d\d)
        | ['’](?P<two>\d\d)\b
        | (?P<present>\b(?:present(?:\s+day)?|current(?:ly)?|now|today|ongoing|to\s?date|heute|aktuell|jetzt|laufend|gegenw[äa]rtig|aujourd['’]hui|actuellement|actuel|ce\s+jour|[àa]\s+ce\s+jour|pr[ée]sent|actualidad|actualmente|actual|presente|hoy|la\s+fecha)\b)
        | \b(?P<month>{names})\b\.?
        "
    ))
});

/// What stands between the two ends.
static JOINT: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?ix)^[\s,.)]*(?:[-–—−‐‑→~/]+|ï¼\S{0,3}|to|until|till|til|through|thru|bis(?:\s+zum)?|[àa]|au|al|hasta(?:\s+la)?|
        jusqu['’e\w]*|up\s+to|a\s+la)(?:\s*(?:[-–—]|bis|to|now|la|el|the|until))?[\s(]*(?:\d{1,2}\.\s*)?$",
    )
});
static SINCE: LazyLock<Pattern> =
    LazyLock::new(|| pattern(r"(?i)(?:^|[\s(,|–-])(?:since|seit|depuis|desde|ab)(?:\s+(?:dem|le|el))?\s*$"));
static UNTIL: LazyLock<Pattern> =
    LazyLock::new(|| pattern(r"(?i)(?:^|[\s(,|])(?:until|till|bis|jusqu['’]en|hasta)\s*$"));
static OPEN: LazyLock<Pattern> = LazyLock::new(|| pattern(r"^\s*[-–—](?:\s*$|\s*[)\]|\t]|\t)"));
static INTRODUCTION: LazyLock<Pattern> =
    LazyLock::new(|| pattern(r"(?i)(?:\b(?:from|von|vom|de|du|dates?\s*:|period\s*:|zeitraum\s*:|fechas?\s*:))\s*$"));

/// A letter of a folded name, or any of its accented forms.
fn accented(letter: char) -> String {
    match letter {
        'a' => "[aàáâä]".to_owned(),
        'e' => "[eéèê]".to_owned(),
        'u' => "[uùûü]".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
