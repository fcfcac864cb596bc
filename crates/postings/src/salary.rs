//! Pay from numbers and words.

use std::ops::Range;

use crate::text::truncate_bytes;
use crate::{PayPeriod, RawSalary, Salary};

mod amounts;
mod currency;
mod evidence;
mod period;

pub use amounts::first_number;
pub use currency::currency_code;
pub use evidence::find_in_text;
pub use period::pay_period;

use amounts::{Amount, Span};

/// Longest salary field that is read, in bytes.
const MAX_FIELD_BYTES: usize = 1_000;

/// Yearly pay in rough US dollars outside of which an amount was misread.
const PLAUSIBLE: Range<f64> = 400.0..20_000_000.0;

/// Hours, days, weeks and months that make a year of full-time pay.
const HOURS: f64 = 2_080.0;
const DAYS: f64 = 260.0;
const WEEKS: f64 = 52.0;
const MONTHS: f64 = 12.0;

/// Pay from a source's field: its numbers when it has any, otherwise its words. Zero and negative numbers mean
/// unknown; swapped ends are put in order; amounts that no job pays are dropped. `None` when nothing is left.
pub fn read_salary(raw: &RawSalary) -> Option<Salary> {
    let usable = |amount: Option<f64>| amount.filter(|amount| amount.is_finite() && *amount > 0.0);
    let (min, max) = (usable(raw.min), usable(raw.max));
    if min.is_none() && max.is_none() {
        let mut salary = parse_salary(raw.text.as_deref()?)?;
        salary.predicted |= raw.predicted;
        if salary.currency.is_none() {
            salary.currency = raw.currency.as_deref().and_then(currency_code).map(str::to_owned);
        }
        if let Some(stated) = raw.period.as_deref().and_then(pay_period) {
            salary.period = stated;
        }
        return checked(salary);
    }
    let from_text = raw.text.as_deref().and_then(parse_salary);
    let currency = raw.currency.as_deref().and_then(currency_code);
    let currency = currency.map(str::to_owned).or_else(|| from_text.as_ref()?.currency.clone());
    let stated = raw.period.as_deref().and_then(pay_period);
    let in_text = || raw.text.as_deref().and_then(pay_period);
    let largest = max.or(min).unwrap_or_default().max(min.unwrap_or_default());
    let period = stated.or_else(in_text).unwrap_or_else(|| period::period_by_size(largest, currency.as_deref()));
    checked(Salary { min, max, currency, period, predicted: raw.predicted })
}

/// Pay from the words of a salary field ("$90k + 401k", "€60.000 – €80.000", "up to $150k", "from 4.000 € brutto/Monat").
/// The field is about pay, so a bare number counts; `None` for "DOE", "competitive" and the like.
pub fn parse_salary(text: &str) -> Option<Salary> {
    let text = truncate_bytes(text.trim(), MAX_FIELD_BYTES);
    let spans = amounts::spans(text);
    let best = spans
        .iter()
        .filter(|span| !span.first.not_money && largest(span) > 0.0)
        .filter(|span| span.first.currency.is_some() || !is_small_talk(text, span))
        .max_by_key(|span| (span.first.currency.is_some(), span.last.is_some(), std::cmp::Reverse(span.start)))?;
    salary_of(text, best)
}

/// A bare number beside words such as "days", "years" or "shares" is no pay.
fn is_small_talk(text: &str, span: &Span) -> bool {
    let behind = crate::text::fold(truncate_bytes(text.get(span.end..).unwrap_or(""), 24));
    let counted = crate::text::words(&behind).next().is_some_and(|word| {
        matches!(
            word,
            "days"
                | "years"
                | "weeks"
                | "months"
                | "hours"
                | "shares"
                | "employees"
                | "people"
                | "months'"
                | "st"
                | "nd"
                | "rd"
                | "th"
        )
    });
    let is_code = span.first.multiplier == 1.0
        && span.last.is_none()
        && matches!(span.first.value as i64, 401 | 403 | 457 | 1099);
    counted || is_code
}

fn largest(span: &Span) -> f64 {
    span.last.as_ref().map_or(span.first.value, |last| last.value.max(span.first.value))
}

/// The pay that a span states.
fn salary_of(text: &str, span: &Span) -> Option<Salary> {
    let currency = span.first.currency.map(str::to_owned);
    let stated = period::period_around(text, span.start, span.end).map(|(period, _)| period);
    let stated = if span.first.per_year { Some(PayPeriod::Year) } else { stated };
    let period = stated.unwrap_or_else(|| period::period_by_size(largest(span), currency.as_deref()));
    let (min, max) = match &span.last {
        Some(last) => (Some(span.first.value), Some(last.value)),
        None => ends_of_one(text, &span.first),
    };
    let positive = |amount: Option<f64>| amount.filter(|amount| *amount > 0.0);
    checked(Salary { min: positive(min), max: positive(max), currency, period, predicted: false })
}

/// A single amount is exact, an upper end ("up to") or a lower end ("from", "+").
fn ends_of_one(text: &str, amount: &Amount) -> (Option<f64>, Option<f64>) {
    let before = text.get(..amount.start).unwrap_or("");
    let before = before.get(before.ceil_char_boundary(before.len().saturating_sub(24))..).unwrap_or("").to_lowercase();
    let before = before.trim_end_matches([' ', ':']);
    let ends = |words: &[&str]| {
        words.iter().any(|word| before.strip_suffix(word).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric)))
    };
    if ends(&[
        "up to", "upto", "bis", "bis zu", "max", "max.", "maximum", "jusqu'à", "hasta", "until", "to", "fino a",
        "under",
    ]) {
        return (None, Some(amount.value));
    }
    if amount.open_ended
        || ends(&[
            "from",
            "ab",
            "min",
            "min.",
            "minimum",
            "starting at",
            "starting from",
            "starts at",
            "at least",
            "desde",
            "over",
            "à partir de",
            "von",
            "mindestens",
            "more than",
            "upwards of",
            "above",
        ])
    {
        return (Some(amount.value), None);
    }
    (Some(amount.value), Some(amount.value))
}

/// Ends in order and plausible for the period; `None` when no end is left.
fn checked(mut salary: Salary) -> Option<Salary> {
    if let (Some(min), Some(max)) = (salary.min, salary.max)
        && min > max
    {
        (salary.min, salary.max) = (Some(max), Some(min));
    }
    let per_year = yearly_factor(salary.period) / currency::units_per_dollar(salary.currency.as_deref());
    let plausible = |amount: Option<f64>| amount.filter(|amount| PLAUSIBLE.contains(&(amount * per_year)));
    salary.min = plausible(salary.min);
    salary.max = plausible(salary.max);
    // Ends that lie far apart were two different things.
    if let (Some(min), Some(max)) = (salary.min, salary.max)
        && min * 25.0 < max
    {
        salary.min = None;
    }
    (salary.min.is_some() || salary.max.is_some()).then_some(salary)
}

fn yearly_factor(period: PayPeriod) -> f64 {
    match period {
        PayPeriod::Hour => HOURS,
        PayPeriod::Day => DAYS,
        PayPeriod::Week => WEEKS,
        PayPeriod::Month => MONTHS,
        PayPeriod::Year => 1.0,
    }
}

/// Both ends as full-time pay for a year in the salary's own currency (2,080 hours, 260 days, 52 weeks, 12 months); a
/// missing end is the other one. `None` when the salary holds no amount.
pub fn annual(salary: &Salary) -> Option<(f64, f64)> {
    let min = salary.min.or(salary.max)?;
    let max = salary.max.or(salary.min)?;
    let factor = yearly_factor(salary.period);
    Some((min * factor, max * factor))
}

#[cfg(test)]
mod tests;
