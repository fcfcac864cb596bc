//! Pay stated somewhere in a description.

use std::ops::Range;

use super::amounts::{Span, spans};
use super::{annual, currency, period, salary_of};
use crate::Salary;
use crate::text::{fold, truncate_bytes, words};

/// Bytes of a description that are searched.
const MAX_BYTES: usize = 60_000;

/// Bytes around an amount that are its context.
const BEFORE: usize = 120;
const BEHIND: usize = 80;

/// Yearly pay in rough US dollars that a description can mean; narrower than for a field, because the amount may be
/// something else.
const PLAUSIBLE: Range<f64> = 1_500.0..3_000_000.0;

/// Words that make an amount pay.
const PAY: [&str; 34] = [
    "salary",
    "salaries",
    "pay",
    "compensation",
    "wage",
    "wages",
    "base",
    "remuneration",
    "rate",
    "ote",
    "earn",
    "earnings",
    "gehalt",
    "jahresgehalt",
    "monatsgehalt",
    "vergutung",
    "brutto",
    "gross",
    "lohn",
    "einstiegsgehalt",
    "bruttojahresgehalt",
    "salaire",
    "remuneration",
    "brut",
    "sueldo",
    "salario",
    "bruto",
    "stipendio",
    "salarisindicatie",
    "salaris",
    "lon",
    "wynagrodzenie",
    "paid",
    "payrange",
];

/// Words directly behind an amount that make it something else.
const NOT_PAY_BEHIND: [&str; 58] = [
    "bonus",
    "sign",
    "signing",
    "arr",
    "revenue",
    "in",
    "raised",
    "valuation",
    "valued",
    "budget",
    "stipend",
    "reimbursement",
    "allowance",
    "equity",
    "worth",
    "funding",
    "series",
    "seed",
    "company",
    "business",
    "market",
    "industry",
    "assets",
    "aum",
    "per",
    "towards",
    "toward",
    "credit",
    "gift",
    "referral",
    "deductible",
    "match",
    "contribution",
    "savings",
    "investment",
    "fund",
    "portfolio",
    "annually",
    "spend",
    "monthly",
    "wellness",
    "learning",
    "home",
    "hsa",
    "annual",
    "professional",
    "development",
    "discretionary",
    "travel",
    "relocation",
    "retention",
    "life",
    "coverage",
    "customers",
    "users",
    "transactions",
    "deal",
    "deals",
];

/// Words before an amount, in its clause, that make it something else.
const NOT_PAY_BEFORE: [&str; 46] = [
    "bonus",
    "raised",
    "revenue",
    "valuation",
    "valued",
    "funding",
    "budget",
    "stipend",
    "reimbursement",
    "allowance",
    "worth",
    "series",
    "seed",
    "arr",
    "saved",
    "savings",
    "invested",
    "managing",
    "manages",
    "managed",
    "assets",
    "portfolio",
    "insurance",
    "deductible",
    "referral",
    "reward",
    "contribution",
    "contributions",
    "401k",
    "grant",
    "grants",
    "sales",
    "quota",
    "deals",
    "processed",
    "processing",
    "generated",
    "backed",
    "spend",
    "exceeding",
    "coverage",
    "fee",
    "fees",
    "cost",
    "costs",
    "donated",
];

/// The pay that a description states, with the bytes of the text that say so. Conservative: it needs a currency, and
/// words for pay around the amount or a period right behind it; 401k, "$5M ARR", "$2B company" and "$500 bonus" are no
/// pay. A range wins over a single amount, an earlier statement over a later one.
pub fn find_in_text(text: &str) -> Option<(Salary, Range<usize>)> {
    let text = truncate_bytes(text, MAX_BYTES);
    if !may_hold_money(text) {
        return None;
    }
    let mut best: Option<(u32, Salary, Range<usize>)> = None;
    for span in spans(text) {
        let Some((score, salary)) = judge(text, &span) else { continue };
        if best.as_ref().is_none_or(|(known, ..)| score > *known) {
            best = Some((score, salary, span.start..span.end));
        }
    }
    best.map(|(_, salary, range)| (salary, range))
}

/// A quick look, since most descriptions state no pay.
fn may_hold_money(text: &str) -> bool {
    text.contains(['$', '€', '£', '₹', '¥', '₪', '₩', '円', '₽', '₺', '₴', '₦', '₫', '฿', '₱'])
        || [
            "USD", "EUR", "GBP", "CHF", "CAD", "AUD", "PLN", "SEK", "NOK", "DKK", "INR", "SGD", "JPY", "CZK", "BRL",
            "zł", "kr", "Kč", "Euro", "Rs", "LPA", "NZD", "HKD", "AED", "ZAR", "MXN",
        ]
        .iter()
        .any(|code| text.contains(code))
}

/// How surely a span states pay; `None` when it does not.
fn judge(text: &str, span: &Span) -> Option<(u32, Salary)> {
    if span.first.not_money || span.first.currency.is_none() {
        return None;
    }
    // "$5M" is never pay in a description; "R$ 5 mil" and lakhs are.
    let multiplier = span.last.as_ref().map_or(span.first.multiplier, |last| last.multiplier);
    if multiplier >= 1e6 {
        return None;
    }
    let attached = period::period_around(text, span.start, span.end).filter(|(_, attached)| *attached).is_some();
    let before = context_before(text, span.start);
    let behind = context_behind(text, span.end);
    let before_words: Vec<&str> = words(&before).collect();
    let behind_words: Vec<&str> = words(&behind).collect();
    let not_pay_behind = !attached && behind_words.first().is_some_and(|word| NOT_PAY_BEHIND.contains(word));
    let next_words = behind_words.iter().take(4);
    let is_extra = next_words.clone().any(|word| {
        matches!(*word, "bonus" | "stipend" | "arr" | "revenue" | "funding" | "reimbursement" | "allowance")
    });
    let near_before = before_words.iter().rev().take(8);
    let not_pay_before = near_before.clone().any(|word| NOT_PAY_BEFORE.contains(word));
    let names_pay_before = before_words.iter().any(|word| PAY.contains(word));
    let names_pay = names_pay_before || behind_words.iter().take(8).any(|word| PAY.contains(word));
    if not_pay_behind || (is_extra && span.last.is_none() && !attached) || (not_pay_before && !(attached && names_pay))
    {
        return None;
    }
    if !attached && !names_pay {
        return None;
    }
    let salary = salary_of(text, span)?;
    let (low, high) = annual(&salary)?;
    let units = currency::units_per_dollar(salary.currency.as_deref());
    if !PLAUSIBLE.contains(&(low / units)) || !PLAUSIBLE.contains(&(high / units)) {
        return None;
    }
    let score = 4 * u32::from(span.last.is_some())
        + 2 * u32::from(names_pay_before)
        + u32::from(attached)
        + u32::from(names_pay);
    // One amount needs more than a word somewhere near.
    (score >= 2).then_some((score, salary))
}

/// The folded clause before an amount.
fn context_before(text: &str, start: usize) -> String {
    let before = text.get(..start).unwrap_or("");
    let from = before.ceil_char_boundary(before.len().saturating_sub(BEFORE));
    let near = before.get(from..).unwrap_or("");
    // Headings stand on a line of their own: "Compensation\n$100,000".
    let lines: Vec<&str> = near.rsplit('\n').filter(|line| !line.trim().is_empty()).take(2).collect();
    let clause = |line: &str| line.rsplit(". ").next().unwrap_or(line).to_owned();
    let own = lines.first().map(|line| clause(line)).unwrap_or_default();
    if own.split_whitespace().count() > 3 {
        return fold(&own);
    }
    fold(&format!("{} {own}", lines.get(1).map(|line| clause(line)).unwrap_or_default()))
}

fn context_behind(text: &str, end: usize) -> String {
    let behind = truncate_bytes(text.get(end..).unwrap_or(""), BEHIND);
    let line = behind.lines().next().unwrap_or("");
    fold(line.split(". ").next().unwrap_or(line))
}
