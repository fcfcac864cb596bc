//! The time that an amount pays for, from words and from its size.

use super::currency::units_per_dollar;
use crate::PayPeriod;
use crate::text::{fold, words};

/// The period that a field names ("YEARLY", "per-hour-wage", "1 YEAR", "PA"), in several languages.
pub fn pay_period(text: &str) -> Option<PayPeriod> {
    let folded = fold(text);
    words(&folded).find_map(strong_word).or_else(|| words(&folded).find_map(weak_word))
}

/// Words that mean a pay period wherever they stand beside an amount.
fn strong_word(word: &str) -> Option<PayPeriod> {
    Some(match word {
        "hour" | "hours" | "hourly" | "hr" | "hrs" | "stunde" | "std" | "stundlich" | "stundenlohn" | "heure"
        | "horaire" | "hora" | "ora" | "uur" | "timme" | "godz" => PayPeriod::Hour,
        "day" | "daily" | "tag" | "tagessatz" | "jour" | "tjm" | "diem" | "dia" | "giorno" | "dag" => PayPeriod::Day,
        "week" | "weekly" | "wk" | "woche" | "semaine" | "semana" | "biweekly" => PayPeriod::Week,
        "month" | "monthly" | "mo" | "mth" | "pcm" | "monat" | "monatlich" | "mois" | "mensuel" | "mes" | "mensual"
        | "mensile" | "mese" | "maand" | "manad" | "miesiac" | "mies" | "bulanan" => PayPeriod::Month,
        "year" | "yearly" | "annual" | "annually" | "annum" | "yr" | "yrs" | "jahr" | "jahrlich" | "jahres"
        | "jahresgehalt" | "annuel" | "annuels" | "ano" | "anual" | "anno" | "annuo" | "jaar" | "lpa" | "pa"
        | "ote" | "rok" | "annualized" | "annualised" => PayPeriod::Year,
        _ => return None,
    })
}

/// Short forms that are only read in a field of their own.
fn weak_word(word: &str) -> Option<PayPeriod> {
    Some(match word {
        "h" | "ph" => PayPeriod::Hour,
        "d" | "pd" => PayPeriod::Day,
        "w" | "pw" => PayPeriod::Week,
        "m" | "pm" => PayPeriod::Month,
        "y" | "p" | "an" | "a" => PayPeriod::Year,
        _ => return None,
    })
}

/// Bytes behind and before an amount in which its period stands.
const BEHIND: usize = 40;
const BEFORE: usize = 40;

/// The period by the words around an amount: those directly behind it, then those before it. `attached` says that it
/// stood directly behind.
pub(super) fn period_around(text: &str, start: usize, end: usize) -> Option<(PayPeriod, bool)> {
    let behind = text.get(end..).unwrap_or("");
    let behind = crate::text::truncate_bytes(behind, BEHIND);
    if let Some(period) = directly_behind(behind) {
        return Some((period, true));
    }
    let clause = |character: char| matches!(character, '\n' | ';' | '.' | '!' | '?') || character.is_ascii_digit();
    let near_behind = behind.split(clause).next().unwrap_or("");
    if let Some(period) = words(&fold(near_behind)).take(5).find_map(strong_word) {
        return Some((period, false));
    }
    let before = text.get(..start).unwrap_or("");
    let from = before.ceil_char_boundary(before.len().saturating_sub(BEFORE));
    let before = before.get(from..).unwrap_or("");
    let near_before = before.rsplit(clause).next().unwrap_or("");
    let folded = fold(near_before);
    let found: Vec<PayPeriod> = words(&folded).filter_map(strong_word).collect();
    found.last().map(|period| (*period, false))
}

/// "/hr", "per hour", "an hour", "/ year", "p.a.", "€/Monat", "par an", "/h".
fn directly_behind(behind: &str) -> Option<PayPeriod> {
    let lower = fold(behind);
    let rest = lower.trim_start_matches([' ', '+', ')', ',']);
    let rest = rest.trim_start_matches("usd").trim_start_matches("eur").trim_start();
    for short in ["p.a", "p/a"] {
        if rest.starts_with(short) {
            return Some(PayPeriod::Year);
        }
    }
    if rest.starts_with("p.m") || rest.starts_with("pcm") {
        return Some(PayPeriod::Month);
    }
    let openings = [
        "/per ",
        "/ per ",
        "/ ",
        "/",
        "per ",
        "an ",
        "a ",
        "each ",
        "pro ",
        "im ",
        "par ",
        "al ",
        "por ",
        "je ",
        "brutto/",
        "gross/",
        "gross per ",
        "brutto im ",
        "brutto pro ",
    ];
    let named = openings.iter().find_map(|opening| {
        let rest = rest.strip_prefix(opening)?;
        let word = words(rest).next()?;
        let slash = opening.ends_with('/') || *opening == "/ ";
        strong_word(word)
            .or_else(|| weak_word(word).filter(|_| slash))
            .or_else(|| (matches!(*opening, "par ") && word == "an").then_some(PayPeriod::Year))
    });
    named.or_else(|| words(rest).next().filter(|word| rest.starts_with(word)).and_then(strong_word))
}

/// The period by size alone, used only when no word says it, on the amount in rough US dollars: below 250 an hour,
/// below 1,000 a day, below 12,000 a month, a year above. Yearly pay below 12,000 dollars and day rates above 1,000
/// exist; without a word for them they are read wrongly, which is why words come first.
pub(super) fn period_by_size(amount: f64, currency: Option<&str>) -> PayPeriod {
    let dollars = amount / units_per_dollar(currency);
    if dollars < 250.0 {
        PayPeriod::Hour
    } else if dollars < 1_000.0 {
        PayPeriod::Day
    } else if dollars < 12_000.0 {
        PayPeriod::Month
    } else {
        PayPeriod::Year
    }
}
