//! Finding amounts of money and ranges of them in a text.

use super::currency::{currency_before, currency_behind, is_dollar};

/// An amount of money with everything attached to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Amount {
    /// Bytes of the text it takes, currency and multiplier included.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) value: f64,
    /// The multiplier that was written ("k"), 1 when none was.
    pub(super) multiplier: f64,
    pub(super) currency: Option<&'static str>,
    /// Whether "+" follows: at least this much.
    pub(super) open_ended: bool,
    /// Whether "%" follows, or the number is something else that is never pay.
    pub(super) not_money: bool,
    /// Whether the unit says lakhs a year ("LPA").
    pub(super) per_year: bool,
}

/// One amount, or two as a range, in the order written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) first: Amount,
    pub(super) last: Option<Amount>,
}

/// Most amounts that are read from one text.
const MAX_AMOUNTS: usize = 500;

/// All amounts and ranges of the text in order.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut open = false;
    for amount in amounts(text) {
        if open
            && let Some(span) = spans.last_mut()
            && span.last.is_none()
            && joins_range(text.get(span.end..amount.start).unwrap_or("x"), text, span.start)
            && !span.first.not_money
            && !amount.not_money
        {
            span.end = amount.end;
            span.last = Some(amount);
            share(span);
            open = false;
            continue;
        }
        open = true;
        spans.push(Span { start: amount.start, end: amount.end, first: amount, last: None });
    }
    spans
}

/// Whether the text between two amounts makes them a range.
fn joins_range(between: &str, text: &str, start: usize) -> bool {
    let between = between.trim().trim_start_matches('+').trim().to_lowercase();
    // The period may stand behind each amount: "$30/hr - $40/hr", "£40k pa to £50k".
    let without_period = [
        "/hr",
        "/hour",
        "/h",
        "/yr",
        "/year",
        "/month",
        "/mo",
        "per hour",
        "per year",
        "per annum",
        "p.a.",
        "pa",
        "an hour",
        "a year",
        "per month",
        "usd",
        "eur",
        "gbp",
    ]
    .iter()
    .find_map(|period| between.strip_prefix(period))
    .unwrap_or(&between)
    .trim();
    if matches!(
        without_period,
        "-" | "–"
            | "—"
            | "−"
            | "to"
            | "bis"
            | "à"
            | "a"
            | "~"
            | "until"
            | "up to"
            | "through"
            | "--"
            | "—-"
            | "and up to"
            | "至"
            | "~$"
            | "..."
            | "…"
            | "/"
    ) {
        return true;
    }
    let before = text.get(..start).unwrap_or("").trim_end();
    let near = before.get(before.ceil_char_boundary(before.len().saturating_sub(10))..).unwrap_or("").to_lowercase();
    matches!(without_period, "and" | "und" | "et" | "y")
        && ["between", "zwischen", "entre"].iter().any(|word| near.ends_with(word))
}

/// "80-100k USD": what is written once holds for both ends.
fn share(span: &mut Span) {
    let Some(last) = &mut span.last else { return };
    let first = &mut span.first;
    // "$218,420—$302,840 CAD": the code behind the range is more precise than the sign.
    let more_precise = last.currency.is_some_and(is_dollar) && first.currency == Some("USD");
    if first.currency.is_none() || more_precise {
        first.currency = last.currency;
    }
    if last.currency.is_none() {
        last.currency = first.currency;
    }
    if first.multiplier == 1.0
        && last.multiplier > 1.0
        && first.value <= last.value / last.multiplier * 1.5
        && first.value < 1000.0
    {
        first.multiplier = last.multiplier;
        first.value *= last.multiplier;
    }
    if last.multiplier == 1.0
        && first.multiplier > 1.0
        && last.value < 1000.0
        && last.value * first.multiplier >= first.value
    {
        last.multiplier = first.multiplier;
        last.value *= first.multiplier;
    }
    first.per_year |= last.per_year;
}

fn amounts(text: &str) -> Vec<Amount> {
    let mut amounts = Vec::new();
    let mut at = 0;
    while amounts.len() < MAX_AMOUNTS {
        let Some(offset) = text.get(at..).and_then(|rest| rest.find(|character: char| character.is_ascii_digit()))
        else {
            break;
        };
        let start = at + offset;
        let (number, end) = number_at(text, start);
        at = end.max(start + 1);
        let Some(number) = number else { continue };
        let Some(amount) = amount(text, start, end, number) else { continue };
        at = amount.end.max(at);
        amounts.push(amount);
    }
    amounts
}

fn amount(text: &str, start: usize, end: usize, number: f64) -> Option<Amount> {
    let before = text.get(..start)?;
    let found_before = currency_before(before);
    // "Q3", "ISO9001", "v2": a letter in front that is no currency.
    if found_before.is_none()
        && before.chars().next_back().is_some_and(|last| last.is_alphabetic() || last == '#' || last == '_')
    {
        return None;
    }
    let behind = text.get(end..)?;
    let mut unit = unit_behind(behind);
    // "165,000k" is a slip: it means 165,000.
    if unit.multiplier == 1e3 && number >= 10_000.0 {
        unit.multiplier = 1.0;
    }
    let mut stop = end + unit.length;
    let mut currency = found_before.map(|(code, _)| code);
    let replaceable =
        |known: Option<&str>, code: &str| known.is_none_or(|known| known == "USD" && is_dollar(code) || known == code);
    if let Some((code, length)) = text.get(stop..).and_then(currency_behind)
        && replaceable(currency, code)
        && text.get(stop + length..).is_none_or(|rest| {
            !rest.trim_start_matches(' ').starts_with(|next: char| next == '$' || next.is_ascii_digit())
        })
    {
        currency = Some(code);
        stop += length;
    }
    let rest = text.get(stop..)?;
    let value = number * unit.multiplier;
    let retirement_plan = number == 401.0
        && (unit.multiplier == 1000.0 || rest.trim_start().starts_with("(k)") || rest.trim_start().starts_with("(K)"));
    Some(Amount {
        start: found_before.map_or(start, |(_, at)| at),
        end: stop,
        value,
        multiplier: unit.multiplier,
        currency,
        open_ended: rest.starts_with('+') || rest.trim() == "+",
        not_money: rest.trim_start().starts_with('%') || retirement_plan || !value.is_finite(),
        per_year: unit.per_year,
    })
}

struct UnitBehind {
    multiplier: f64,
    length: usize,
    per_year: bool,
}

/// Multipliers behind a number: letters directly, words after a space.
fn unit_behind(behind: &str) -> UnitBehind {
    let none = UnitBehind { multiplier: 1.0, length: 0, per_year: false };
    let trimmed = behind.trim_start_matches([' ', '\u{A0}']);
    let skipped = behind.len() - trimmed.len();
    if skipped > 2 {
        return none;
    }
    if trimmed.starts_with('万') {
        return UnitBehind { multiplier: 10_000.0, length: skipped + '万'.len_utf8(), per_year: false };
    }
    let length = trimmed.find(|character: char| !character.is_alphabetic()).unwrap_or(trimmed.len());
    let word = trimmed.get(..length).unwrap_or("");
    let (multiplier, per_year) = match word.to_lowercase().as_str() {
        "k" | "tsd" | "thousand" | "mil" | "keur" | "kusd" => (1e3, false),
        "m" | "mm" if skipped == 0 => (1e6, false),
        "million" | "mio" | "mn" | "millions" => (1e6, false),
        "b" | "bn" if skipped == 0 => (1e9, false),
        "billion" => (1e9, false),
        "lakh" | "lakhs" | "lac" | "lacs" => (1e5, false),
        "l" if skipped == 0 => (1e5, false),
        "lpa" => (1e5, true),
        "cr" | "crore" | "crores" => (1e7, false),
        _ => return none,
    };
    // "keur" leaves its currency to be read.
    let taken = if matches!(word.to_lowercase().as_str(), "keur" | "kusd") { 1 } else { length };
    UnitBehind { multiplier, length: skipped + taken, per_year }
}

/// The first number of a text as people of any country write it: "3.100 €" and "3,100" are 3100, "12,50" is 12.5.
#[must_use]
pub fn first_number(text: &str) -> Option<f64> {
    number_at(text, text.find(|character: char| character.is_ascii_digit())?).0
}

/// The number whose first digit is at `start`, and the byte behind it. `None` for what is no amount (a date, a phone
/// number, a version).
fn number_at(text: &str, start: usize) -> (Option<f64>, usize) {
    let mut groups: Vec<String> = vec![String::new()];
    let mut separators: Vec<char> = Vec::new();
    let mut end = start;
    let mut characters = text.get(start..).unwrap_or("").char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        if character.is_ascii_digit() {
            if let Some(group) = groups.last_mut() {
                group.push(character);
            }
            end = start + offset + 1;
            continue;
        }
        let is_separator = matches!(character, ',' | '.' | '\'' | '’' | ' ' | '\u{A0}' | '\u{202F}' | '\u{2009}');
        let behind = text.get(start + offset + character.len_utf8()..).unwrap_or("");
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        let spaces_group = character.is_whitespace() || matches!(character, '\'' | '’');
        let fits = if spaces_group {
            digits == 3
                && groups.last().is_some_and(|group| group.len() <= 3)
                && separators.iter().all(|known| *known == character)
        } else {
            digits > 0
        };
        if !is_separator || !fits || characters.peek().is_none() {
            break;
        }
        separators.push(character);
        groups.push(String::new());
    }
    (value_of(&groups, &separators), end)
}

/// The value of digit groups by their separators: "60.000" and "60,000" are sixty thousand, "12,5" and "12.50" are
/// fractions, "12,00,000" is the Indian grouping.
fn value_of(groups: &[String], separators: &[char]) -> Option<f64> {
    let total: usize = groups.iter().map(String::len).sum();
    if total > 13 {
        return None;
    }
    let whole = |groups: &[String]| groups.concat().parse::<f64>().ok();
    let (last, others) = groups.split_last()?;
    let Some((last_separator, other_separators)) = separators.split_last() else { return whole(groups) };
    let grouped = |groups: &[String]| {
        groups.first().is_some_and(|group| (1..=3).contains(&group.len()))
            && groups.iter().skip(1).all(|group| (2..=3).contains(&group.len()))
    };
    if is_fraction(last, others, *last_separator, other_separators) {
        if !(others.len() == 1 || grouped(others)) {
            return None;
        }
        return format!("{}.{last}", others.concat()).parse().ok();
    }
    (last.len() == 3 && grouped(groups)).then(|| whole(groups)).flatten()
}

/// Whether the last group is a fraction: behind another separator than the others ("4.500,00"), or of one or two
/// digits; three digits are a group of thousands unless what stands before cannot be one ("0.125", "1234.567").
fn is_fraction(last: &str, others: &[String], separator: char, other_separators: &[char]) -> bool {
    if !matches!(separator, ',' | '.') || last.len() > 3 {
        return false;
    }
    if !other_separators.is_empty() {
        return other_separators.iter().all(|other| *other != separator);
    }
    last.len() < 3 || others.first().is_some_and(|group| group == "0" || group.len() > 3)
}
