//! Filling the fields of a raw posting from the spellings that several formats share.

use aerie_postings::html::decode_entities;
use aerie_postings::{EmploymentType, RawDate, RawPlace, RawPosting, RawSalary};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::Value;

use crate::lenient::Lenient;

/// A posting of a source with nothing in it yet.
pub(crate) fn posting(source: &str) -> RawPosting {
    RawPosting { source: source.to_owned(), ..RawPosting::default() }
}

/// A date as typed as the text allows: a calendar day, a moment (a time without a zone is UTC), otherwise the words.
pub(crate) fn date(text: &str) -> Option<RawDate> {
    let text = text.trim();
    if text.is_empty() || text.len() > 100 {
        return None;
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(RawDate::Day(day));
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text)) {
        return Some(RawDate::At(moment.to_utc()));
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f %z"] {
        if let Ok(moment) = DateTime::parse_from_str(text, format) {
            return Some(RawDate::At(moment.to_utc()));
        }
    }
    let zoneless = text.trim_end_matches(" UTC").trim_end_matches('Z');
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
        if let Ok(moment) = NaiveDateTime::parse_from_str(zoneless, format) {
            return Some(RawDate::At(moment.and_utc()));
        }
    }
    Some(RawDate::Text(text.to_owned()))
}

/// A date field: text, or a number of seconds or milliseconds since 1970.
pub(crate) fn date_at(value: &Value, path: &str) -> Option<RawDate> {
    if let Some(Value::Number(_)) = value.at(path) {
        return epoch(value.integer(path)?);
    }
    let text = value.text(path)?;
    match text.parse::<i64>() {
        Ok(number) if text.len() >= 9 => epoch(number),
        _ => date(&text),
    }
}

/// Seconds or milliseconds since 1970, told apart by size: 10^11 seconds is the year 5138.
pub(crate) fn epoch(number: i64) -> Option<RawDate> {
    if number >= 100_000_000_000 {
        return RawDate::from_epoch_milliseconds(number);
    }
    RawDate::from_epoch_seconds(number)
}

/// The employment type that a code or label means, in the spellings of schema.org and of the boards read here.
pub(crate) fn employment(word: &str) -> Option<EmploymentType> {
    let code: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    Some(match code.as_str() {
        "fulltime" | "permanent" | "regular" | "ft" | "employee" => EmploymentType::FullTime,
        "parttime" | "pt" => EmploymentType::PartTime,
        "contract" | "contractor" | "freelance" | "freelancer" | "subcontract" | "contracttemp" => {
            EmploymentType::Contract
        }
        "temporary" | "temp" | "fixedterm" | "seasonal" => EmploymentType::Temporary,
        "intern" | "interns" | "internship" | "internships" | "apprenticeship" | "workingstudent" => {
            EmploymentType::Internship
        }
        "volunteer" => EmploymentType::Volunteer,
        "perdiem" | "casual" | "casualvacation" => EmploymentType::PerDiem,
        "other" => EmploymentType::Other,
        _ => return None,
    })
}

/// Adds an employment type: typed when the word is a known code, and always as written when it is not.
pub(crate) fn add_employment(posting: &mut RawPosting, word: &str) {
    let word = word.trim();
    match employment(word) {
        Some(kind) if !posting.employment.contains(&kind) => posting.employment.push(kind),
        Some(_) => {}
        None if !word.is_empty() && !posting.employment_text.iter().any(|known| known == word) => {
            posting.employment_text.push(word.to_owned());
        }
        None => {}
    }
}

/// Sets the description as HTML or as text, whichever it is, decoding markup that is escaped inside the string.
pub(crate) fn set_description(posting: &mut RawPosting, text: &str) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    if has_tags(text) {
        posting.description_html = Some(text.to_owned());
        return;
    }
    if !text.contains('&') {
        posting.description_text = Some(text.to_owned());
        return;
    }
    let decoded = decode_entities(text);
    // Some boards escape twice.
    let decoded = if !has_tags(&decoded) && decoded.contains("&lt;") { decode_entities(&decoded) } else { decoded };
    if has_tags(&decoded) {
        posting.description_html = Some(decoded);
    } else {
        posting.description_text = Some(decoded);
    }
}

/// Adds a part to the description under a heading, unless the description holds it already.
pub(crate) fn add_section(posting: &mut RawPosting, heading: &str, text: &str) {
    let mut section = RawPosting::default();
    set_description(&mut section, text);
    let as_html = match (section.description_html, section.description_text) {
        (Some(html), _) => html,
        (None, Some(text)) => paragraphs(&text),
        (None, None) => return,
    };
    let mut whole = match (posting.description_html.take(), posting.description_text.take()) {
        (Some(html), _) => html,
        (None, Some(text)) => paragraphs(&text),
        (None, None) => String::new(),
    };
    if !whole.contains(as_html.trim()) {
        if !heading.is_empty() {
            whole.push_str(&format!("\n<h3>{}</h3>", html_escape::encode_text(heading)));
        }
        whole.push('\n');
        whole.push_str(&as_html);
    }
    posting.description_html = Some(whole);
}

/// Plain text as HTML paragraphs.
pub(crate) fn paragraphs(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 32);
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        html.push_str("<p>");
        html.push_str(&html_escape::encode_text(paragraph).replace('\n', "<br>"));
        html.push_str("</p>\n");
    }
    html
}

/// Whether the text holds something that looks like a tag.
pub(crate) fn has_tags(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| {
        let mut rest = text.get(at + 1..).unwrap_or("").chars();
        match rest.next() {
            Some('/' | '!') => true,
            Some(c) if c.is_ascii_alphabetic() => rest.take(200).any(|c| c == '>'),
            _ => false,
        }
    })
}

/// Adds a place given as one string, once.
pub(crate) fn add_place(posting: &mut RawPosting, text: &str) {
    let text = text.trim().trim_matches(',').trim();
    let place = RawPlace::text(text);
    if !text.is_empty() && !posting.places.contains(&place) {
        posting.places.push(place);
    }
}

/// Adds a tag, once.
pub(crate) fn add_tag(posting: &mut RawPosting, tag: &str) {
    let tag = decode_entities(tag.trim());
    let tag = tag.as_str();
    if !tag.is_empty() && tag.len() <= 200 && posting.tags.len() < 200 && !posting.tags.iter().any(|known| known == tag)
    {
        posting.tags.push(tag.to_owned());
    }
}

/// Pay in numbers; `None` when both ends are missing or not positive (several formats write 0 for unknown).
pub(crate) fn salary(min: Option<f64>, max: Option<f64>) -> Option<RawSalary> {
    let positive = |amount: Option<f64>| amount.filter(|amount| *amount > 0.0);
    let (min, max) = (positive(min), positive(max));
    (min.is_some() || max.is_some()).then(|| RawSalary { min, max, ..RawSalary::default() })
}

/// Pay in words.
pub(crate) fn salary_text(text: &str) -> Option<RawSalary> {
    let text = text.trim();
    (!text.is_empty()).then(|| RawSalary { text: Some(text.to_owned()), ..RawSalary::default() })
}

/// The last path segment of an address that is not empty.
pub(crate) fn last_segment(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    url.path_segments()?.rfind(|segment| !segment.is_empty()).map(str::to_owned)
}

/// The first run of at least `digits` digits in a text, as ids are written in addresses.
pub(crate) fn digits_in(text: &str, digits: usize) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() >= digits && run.len() <= 20).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono::{TimeZone, Utc};

    use super::*;

    #[test]
    fn dates_are_typed_when_they_can_be() {
        let at = |h, m, s| Some(RawDate::At(Utc.with_ymd_and_hms(2026, 7, 3, h, m, s).unwrap()));
        assert_eq!(date("2026-07-03"), Some(RawDate::Day(NaiveDate::from_ymd_opt(2026, 7, 3).unwrap())));
        assert_eq!(date("2026-07-03T10:11:12"), at(10, 11, 12));
        assert_eq!(date("2026-07-03T00:00:00.0000000"), at(0, 0, 0));
        assert_eq!(date("2026-07-03T10:11:12-0500"), at(15, 11, 12));
        assert_eq!(date("2026-07-03 10:11:12 UTC"), at(10, 11, 12));
        assert_eq!(date("Fri, 03 Jul 2026 10:11:12 GMT"), at(10, 11, 12));
        assert_eq!(date("3 days ago"), Some(RawDate::Text("3 days ago".into())));
        assert_eq!(date("  "), None);
        assert_eq!(epoch(1_783_073_472), epoch(1_783_073_472_000));
        assert_eq!(epoch(0), None);
    }

    #[test]
    fn escaped_markup_is_decoded_once_or_twice() {
        let mut row = posting("x");
        set_description(&mut row, "&lt;p&gt;R&amp;amp;D&lt;/p&gt;");
        assert_eq!(row.description_html.as_deref(), Some("<p>R&amp;D</p>"));
        let mut row = posting("x");
        set_description(&mut row, "R&amp;D, a < b");
        assert_eq!(row.description_text.as_deref(), Some("R&D, a < b"));
        add_section(&mut row, "Skills", "Rust");
        assert_eq!(row.description_html.as_deref(), Some("<p>R&amp;D, a &lt; b</p>\n\n<h3>Skills</h3>\n<p>Rust</p>\n"));
    }

    #[test]
    fn unknown_employment_words_are_kept_as_written() {
        let mut row = posting("x");
        for word in ["FULL_TIME", "Full-time", "Festanstellung", "Festanstellung"] {
            add_employment(&mut row, word);
        }
        assert_eq!(row.employment, vec![EmploymentType::FullTime]);
        assert_eq!(row.employment_text, vec!["Festanstellung".to_owned()]);
    }
}
