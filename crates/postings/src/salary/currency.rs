//! Currencies: signs, codes and rough size of a unit.

/// Currencies in use in postings: ISO 4217 code and roughly how many units make one US dollar (2025). The figure only
/// tells a yearly amount from a monthly or hourly one and a plausible amount from a misread one.
const CURRENCIES: &[(&str, f64)] = &[
    ("USD", 1.0),
    ("EUR", 0.9),
    ("GBP", 0.8),
    ("CHF", 0.9),
    ("CAD", 1.4),
    ("AUD", 1.5),
    ("NZD", 1.7),
    ("SEK", 10.0),
    ("NOK", 10.5),
    ("DKK", 6.8),
    ("ISK", 135.0),
    ("PLN", 3.9),
    ("CZK", 23.0),
    ("HUF", 360.0),
    ("RON", 4.5),
    ("BGN", 1.8),
    ("RSD", 105.0),
    ("UAH", 41.0),
    ("RUB", 90.0),
    ("TRY", 38.0),
    ("ILS", 3.6),
    ("AED", 3.7),
    ("SAR", 3.75),
    ("QAR", 3.6),
    ("KWD", 0.3),
    ("EGP", 49.0),
    ("MAD", 9.8),
    ("ZAR", 18.0),
    ("NGN", 1550.0),
    ("KES", 130.0),
    ("GHS", 13.0),
    ("INR", 85.0),
    ("PKR", 280.0),
    ("BDT", 120.0),
    ("LKR", 300.0),
    ("NPR", 136.0),
    ("CNY", 7.2),
    ("HKD", 7.8),
    ("TWD", 32.0),
    ("JPY", 150.0),
    ("KRW", 1380.0),
    ("SGD", 1.34),
    ("MYR", 4.4),
    ("THB", 34.0),
    ("VND", 25500.0),
    ("IDR", 16200.0),
    ("PHP", 57.0),
    ("BRL", 5.6),
    ("MXN", 19.0),
    ("ARS", 1100.0),
    ("CLP", 950.0),
    ("COP", 4150.0),
    ("PEN", 3.7),
    ("UYU", 42.0),
    ("CRC", 510.0),
    ("GEL", 2.7),
    ("AMD", 390.0),
    ("KZT", 510.0),
    ("DOP", 60.0),
];

/// Signs and short forms that stand before or behind an amount, longest first.
const SIGNS: &[(&str, &str)] = &[
    ("US$", "USD"),
    ("CA$", "CAD"),
    ("AU$", "AUD"),
    ("NZ$", "NZD"),
    ("HK$", "HKD"),
    ("NT$", "TWD"),
    ("MX$", "MXN"),
    ("SG$", "SGD"),
    ("C$", "CAD"),
    ("A$", "AUD"),
    ("S$", "SGD"),
    ("R$", "BRL"),
    ("$", "USD"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("₹", "INR"),
    ("₪", "ILS"),
    ("₩", "KRW"),
    ("¥", "JPY"),
    ("￥", "JPY"),
    ("円", "JPY"),
    ("元", "CNY"),
    ("₽", "RUB"),
    ("₺", "TRY"),
    ("₴", "UAH"),
    ("₦", "NGN"),
    ("₫", "VND"),
    ("฿", "THB"),
    ("₱", "PHP"),
    ("zł", "PLN"),
    ("Kč", "CZK"),
    ("Rs.", "INR"),
    ("Rs", "INR"),
    ("Fr.", "CHF"),
    ("SFr", "CHF"),
    ("RM", "MYR"),
    ("Ft", "HUF"),
    ("kr.", "SEK"),
    ("kr", "SEK"),
    ("Euro", "EUR"),
    ("euros", "EUR"),
    ("euro", "EUR"),
    ("EURO", "EUR"),
    ("dollars", "USD"),
    ("PLN", "PLN"),
    ("zl", "PLN"),
];

/// ISO 4217 code of a currency given by code or sign; `None` when it is neither.
pub fn currency_code(text: &str) -> Option<&'static str> {
    let text = text.trim();
    by_code(text).or_else(|| SIGNS.iter().find(|(sign, _)| *sign == text).map(|(_, code)| *code))
}

/// Units that make about one US dollar; 1 for a currency that is not in the table or not known.
pub(super) fn units_per_dollar(code: Option<&str>) -> f64 {
    code.and_then(|code| CURRENCIES.iter().find(|(known, _)| *known == code)).map_or(1.0, |(_, units)| *units)
}

fn by_code(text: &str) -> Option<&'static str> {
    CURRENCIES.iter().map(|(code, _)| *code).find(|code| text.eq_ignore_ascii_case(code))
}

/// The currency that ends at the end of `text` (spaces allowed between), with the byte at which it begins. A code
/// before a sign says which dollar it is ("CAD $90,000").
pub(super) fn currency_before(text: &str) -> Option<(&'static str, usize)> {
    let trimmed = text.trim_end();
    if text.len() - trimmed.len() > 2 {
        return None;
    }
    if let Some(found) = code_before(trimmed) {
        return Some(found);
    }
    let (code, start) = SIGNS.iter().find_map(|(sign, code)| {
        let before = trimmed.strip_suffix(sign)?;
        let starts_with_letter = sign.starts_with(char::is_alphabetic);
        (!starts_with_letter || is_boundary(before.chars().next_back())).then_some((*code, before.len()))
    })?;
    let before = trimmed.get(..start)?;
    let precise = code_before(before.trim_end()).filter(|_| before.len() - before.trim_end().len() <= 2);
    Some(precise.unwrap_or((code, start)))
}

/// A code in capitals at the end of `text`.
fn code_before(text: &str) -> Option<(&'static str, usize)> {
    let start = text.len().checked_sub(3)?;
    let code = text.get(start..).and_then(upper_code)?;
    is_boundary(text.get(..start)?.chars().next_back()).then_some((code, start))
}

/// Whether the currency is written with the bare dollar sign, so that a code behind the amount may say which dollar.
pub(super) fn is_dollar(code: &str) -> bool {
    matches!(code, "USD" | "CAD" | "AUD" | "NZD" | "SGD" | "HKD" | "TWD" | "MXN" | "ARS" | "CLP" | "COP")
}

/// The currency at the start of `text` (one space allowed before it), with the byte behind it.
pub(super) fn currency_behind(text: &str) -> Option<(&'static str, usize)> {
    let trimmed = text.trim_start_matches([' ', '\u{A0}', '\u{202F}']);
    let skipped = text.len() - trimmed.len();
    if skipped > 3 {
        return None;
    }
    if let Some(code) = trimmed.get(..3).and_then(upper_code)
        && is_boundary(trimmed.get(3..)?.chars().next())
    {
        return Some((code, skipped + 3));
    }
    SIGNS.iter().find_map(|(sign, code)| {
        let rest = trimmed.strip_prefix(sign)?;
        let ends_in_letter = sign.ends_with(char::is_alphabetic);
        (!ends_in_letter || is_boundary(rest.chars().next())).then_some((*code, skipped + sign.len()))
    })
}

/// A currency code in capitals: "Try" and "all" are words.
fn upper_code(text: &str) -> Option<&'static str> {
    text.bytes().all(|byte| byte.is_ascii_uppercase()).then(|| by_code(text)).flatten()
}

fn is_boundary(neighbour: Option<char>) -> bool {
    neighbour.is_none_or(|character| !character.is_alphanumeric())
}
