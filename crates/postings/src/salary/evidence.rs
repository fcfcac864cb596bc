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
const PLAUSIBLE: Range<f64> = 2_500.0..3_000_000.0;

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
const NOT_PAY_BEFORE: [&str; 49] = [
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
    "setup",
    "reward",
    "discount",
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
    let context = Context::around(text, span);
    let is_range = span.last.is_some();
    // A range behind "salary range" is pay, whatever is said of bonus and equity beside it.
    let sure = is_range && context.names_pay_before();
    if !sure
        && (context.is_something_else(is_range, attached)
            || !(attached || context.names_pay() || is_range && context.stands_apart))
    {
        return None;
    }
    let salary = salary_of(text, span)?;
    let (low, high) = annual(&salary)?;
    let units = currency::units_per_dollar(salary.currency.as_deref());
    if !PLAUSIBLE.contains(&(low / units)) || !PLAUSIBLE.contains(&(high / units)) {
        return None;
    }
    // Pay that no word names must at least look like a year's.
    if !attached && !context.names_pay() && !YEARLY.contains(&(low / units)) {
        return None;
    }
    let mut score = if is_range { 4 } else { 0 };
    score += if context.names_pay_before() { 2 } else { 0 };
    score += u32::from(attached) + u32::from(context.names_pay());
    // One amount needs more than a word somewhere near.
    (score >= 2).then_some((score, salary))
}

/// Yearly pay in rough US dollars, for a range without a word for pay beside it.
const YEARLY: Range<f64> = 12_000.0..900_000.0;

/// The words around an amount.
struct Context {
    before: String,
    behind: String,
    /// Whether it stands alone on its line or between bars ("Acme | Berlin | €60k-€85k | Remote").
    stands_apart: bool,
}

impl Context {
    fn around(text: &str, span: &Span) -> Self {
        let line_before = text.get(..span.start).unwrap_or("").rsplit('\n').next().unwrap_or("").trim_end();
        let line_behind = text.get(span.end..).unwrap_or("").split('\n').next().unwrap_or("").trim_start();
        let alone = line_before.trim().is_empty() && line_behind.split_whitespace().count() <= 1;
        let stands_apart = alone || line_before.ends_with('|');
        Self { before: context_before(text, span.start), behind: context_behind(text, span.end), stands_apart }
    }

    fn names_pay_before(&self) -> bool {
        words(&self.before).any(|word| PAY.contains(&word))
    }

    fn names_pay(&self) -> bool {
        self.names_pay_before() || words(&self.behind).take(8).any(|word| PAY.contains(&word))
    }

    /// Whether the words beside the amount make it something else than pay.
    fn is_something_else(&self, is_range: bool, attached: bool) -> bool {
        let extra = |word: &str| {
            matches!(word, "bonus" | "stipend" | "arr" | "revenue" | "funding" | "reimbursement" | "allowance")
        };
        let behind = !attached && words(&self.behind).next().is_some_and(|word| NOT_PAY_BEHIND.contains(&word));
        let extra_behind = !is_range && !attached && words(&self.behind).take(4).any(extra);
        let before: Vec<&str> = words(&self.before).collect();
        let denied = |within: usize| before.iter().rev().take(within).any(|word| NOT_PAY_BEFORE.contains(word));
        if !is_range && denied(1) {
            return true;
        }
        let before = denied(8);
        (behind && !(is_range && self.stands_apart)) || extra_behind || (before && !(attached && self.names_pay()))
    }
}

/// The folded clause before an amount; when it is short, the heading above it as well ("Compensation\n$100,000").
fn context_before(text: &str, start: usize) -> String {
    let before = text.get(..start).unwrap_or("");
    let from = before.ceil_char_boundary(before.len().saturating_sub(BEFORE));
    let near = before.get(from..).unwrap_or("");
    let (above, own) = near.rsplit_once('\n').unwrap_or(("", near));
    let clause = |line: &str| line.rsplit(". ").next().unwrap_or(line).to_owned();
    let own = clause(own);
    if own.split_whitespace().count() > 3 {
        return fold(&own);
    }
    let heading = above.lines().rev().find(|line| !line.trim().is_empty()).map(clause).unwrap_or_default();
    fold(&format!("{heading} {own}"))
}

fn context_behind(text: &str, end: usize) -> String {
    let behind = truncate_bytes(text.get(end..).unwrap_or(""), BEHIND);
    let line = behind.lines().next().unwrap_or("");
    fold(line.split(". ").next().unwrap_or(line))
}
