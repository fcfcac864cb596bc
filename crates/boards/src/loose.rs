//! Postings in JSON objects or table rows whose field names are not known beforehand: files that people bring and the
//! state that pages embed. Names are compared without case and punctuation, in several spellings and languages.

use std::collections::HashMap;

use aerie_postings::{RawPlace, RawPosting, RemoteKind};
use serde_json::Value;
use url::Url;

use crate::html_select::{absolute_url, fold_space};
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_section, add_tag, date_at, posting, salary, salary_text, set_description};

mod names;

/// A field name without case and punctuation.
pub(crate) fn normalised_name(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(60).collect()
}

/// Whether a column of this name is known.
pub(crate) fn is_known(name: &str) -> bool {
    let name = normalised_name(name);
    [
        names::TITLE,
        names::TITLE_OR_NAME,
        names::COMPANY,
        names::URL,
        names::APPLY,
        names::ID,
        names::PLACE,
        names::CITY,
        names::COUNTRY,
        names::DESCRIPTION,
        names::SALARY,
        names::POSTED,
    ]
    .iter()
    .any(|list| list.contains(&name.as_str()))
}

/// The fields of an object under their normalised names.
struct Fields<'a>(HashMap<String, &'a Value>);

impl<'a> Fields<'a> {
    fn of(value: &'a Value) -> Self {
        let fields = value.as_object().into_iter().flatten().take(500);
        let mut map = HashMap::new();
        for (name, value) in fields {
            if !value.is_null() {
                map.entry(normalised_name(name)).or_insert(value);
            }
        }
        Self(map)
    }

    fn find<T>(&self, names: &[&str], read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        names.iter().find_map(|name| self.0.get(*name).copied().and_then(&read))
    }

    fn text(&self, names: &[&str]) -> Option<String> {
        self.find(names, name_in)
    }

    fn has(&self, names: &[&str]) -> bool {
        self.find(names, |value| (!is_blank(value)).then_some(())).is_some()
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A text, or the name inside an object, or the first of a list.
fn name_in(value: &Value) -> Option<String> {
    const NAMES: [&str; 9] =
        ["", "name", "displayName", "display_name", "label", "text", "title", "longName", "shortName"];
    match value {
        Value::Array(items) => items.iter().take(100).find_map(name_in),
        _ => value.first_text(&NAMES).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
    }
}

/// Whether an object of unknown origin is a posting: a title, something that only jobs have, and one thing more.
pub(crate) fn resembles_posting(value: &Value) -> bool {
    let fields = Fields::of(value);
    let job_id = fields.has(names::JOB_ID);
    let titled = fields.text(names::TITLE).is_some() || (job_id && fields.text(names::TITLE_OR_NAME).is_some());
    if !titled {
        return false;
    }
    let place = fields.has(names::PLACE) || fields.has(names::CITY);
    let pay = fields.has(names::SALARY) || fields.has(names::SALARY_MIN);
    let specific = [job_id, place, pay, fields.has(names::EMPLOYMENT), fields.has(names::APPLY)];
    let general = [
        fields.has(names::COMPANY),
        fields.has(names::POSTED),
        fields.has(names::DESCRIPTION) || fields.has(names::SNIPPET),
        fields.has(names::URL),
    ];
    let count = |signs: &[bool]| signs.iter().filter(|sign| **sign).count();
    count(&specific) >= 1 && count(&specific) + count(&general) >= 3
}

/// Reads an object by the names of its fields. The title and the address may be missing.
pub(crate) fn posting_of(value: &Value, source: &str, base: Option<&Url>) -> RawPosting {
    let fields = Fields::of(value);
    let mut row = posting(source);
    row.title = fields.text(names::TITLE).or_else(|| fields.text(names::TITLE_OR_NAME)).map(|t| fold_space(&t));
    row.company = fields.text(names::COMPANY);
    row.url = fields.find(names::URL, |v| absolute_url(base, &v.first_text(&["", "url", "href"])?));
    row.apply_url = fields.find(names::APPLY, |v| absolute_url(base, &v.first_text(&["", "url", "href"])?));
    row.source_id = fields.find(names::ID, |v| v.text("")).filter(|id| id.len() <= 300);
    places(&fields, &mut row);
    remote(&fields, &mut row);
    match fields.find(names::DESCRIPTION, long_text) {
        Some(text) => set_description(&mut row, &text),
        None => {
            if let Some(text) = fields.find(names::SNIPPET, long_text) {
                set_description(&mut row, &text);
                row.snippet = true;
            }
        }
    }
    for (name, heading) in names::SECTIONS {
        if let Some(text) = fields.find(&[*name], long_text) {
            add_section(&mut row, heading, &text);
        }
    }
    pay(&fields, &mut row);
    for name in names::EMPLOYMENT {
        let Some(value) = fields.0.get(*name).copied() else { continue };
        for word in words_in(value) {
            word.split([',', ';', '|']).for_each(|code| add_employment(&mut row, code));
        }
    }
    row.seniority_text = fields.text(names::SENIORITY);
    row.department = fields.text(names::DEPARTMENT);
    for name in names::TAGS {
        let Some(value) = fields.0.get(*name).copied() else { continue };
        for word in words_in(value) {
            word.split([',', ';', '|']).for_each(|tag| add_tag(&mut row, tag));
        }
    }
    row.language = fields.text(names::LANGUAGE).filter(|language| language.len() <= 20);
    let date_of = |names: &[&str]| {
        fields.find(names, |v| match v {
            Value::Object(_) => ["dateTimeUtc", "date", "value"].iter().find_map(|path| date_at(v, path)),
            _ => date_at(v, ""),
        })
    };
    row.posted = date_of(names::POSTED);
    row.updated = date_of(names::UPDATED);
    row.expires = date_of(names::EXPIRES);
    row.closed = fields.find(names::CLOSED, |v| v.truth("")).unwrap_or(false)
        || fields.find(names::ACTIVE, |v| v.truth("")) == Some(false);
    row
}

fn long_text(value: &Value) -> Option<String> {
    value.first_text(&["", "text", "html", "content", "body", "value"])
}

/// The words of a list of texts or named objects, or one text.
fn words_in(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().take(200).filter_map(name_in).collect(),
        other => name_in(other).into_iter().collect(),
    }
}

fn places(fields: &Fields<'_>, row: &mut RawPosting) {
    let parts = RawPlace {
        text: None,
        city: fields.text(names::CITY),
        region: fields.text(names::REGION),
        country: fields.text(names::COUNTRY),
    };
    for name in names::PLACE {
        let Some(value) = fields.0.get(*name).copied() else { continue };
        let list = match value {
            Value::Array(items) => items.iter().take(100).collect(),
            single => vec![single],
        };
        for item in list {
            if let Some(place) = place_of(item).filter(|place| !row.places.contains(place)) {
                row.places.push(place);
            }
        }
    }
    if parts.city.is_some() || (row.places.is_empty() && (parts.region.is_some() || parts.country.is_some())) {
        row.places.insert(0, parts);
    }
}

fn place_of(value: &Value) -> Option<RawPlace> {
    if let Some(text) = value.text("") {
        return Some(RawPlace::text(fold_space(&text)));
    }
    let inner = Fields::of(value.at("address").filter(|address| address.is_object()).unwrap_or(value));
    let place = RawPlace {
        text: None,
        city: inner.text(names::CITY),
        region: inner.text(names::REGION),
        country: inner.text(names::COUNTRY),
    };
    if place.city.is_some() || place.region.is_some() || place.country.is_some() {
        return Some(place);
    }
    value.first_text(&["text", "name", "Name", "displayName", "display_name", "label", "formatted"]).map(RawPlace::text)
}

fn remote(fields: &Fields<'_>, row: &mut RawPosting) {
    for name in names::REMOTE {
        let Some(value) = fields.0.get(*name).copied() else { continue };
        row.remote = match value.truth("") {
            Some(true) => Some(RemoteKind::Remote),
            // "Not marked as remote" is the default of many forms and says nothing.
            Some(false) => None,
            None => name_in(value).and_then(|word| remote_word(&word)),
        };
        if row.remote.is_some() {
            break;
        }
    }
    row.remote_scope = names::REMOTE_SCOPE.iter().find_map(|name| {
        let words = words_in(fields.0.get(*name).copied()?);
        (!words.is_empty()).then(|| words.join(", "))
    });
}

/// Where the work is done, when a short label says so.
pub(crate) fn remote_word(word: &str) -> Option<RemoteKind> {
    let word = normalised_name(word);
    match word.as_str() {
        _ if word.contains("hybrid") => Some(RemoteKind::Hybrid),
        "onsite" | "inoffice" | "office" | "inperson" => Some(RemoteKind::OnSite),
        "telecommute" | "telecommuting" | "workfromhome" | "wfh" | "anywhere" => Some(RemoteKind::Remote),
        _ if word.starts_with("remote") || word.starts_with("fullyremote") || word.ends_with("remote") => {
            Some(RemoteKind::Remote)
        }
        _ => None,
    }
}

fn pay(fields: &Fields<'_>, row: &mut RawPosting) {
    let number = |names: &[&str]| fields.find(names, |v| v.number(""));
    row.salary = salary(number(names::SALARY_MIN), number(names::SALARY_MAX))
        .or_else(|| fields.find(names::SALARY, salary_value))
        .map(|mut salary| {
            salary.currency = salary.currency.or_else(|| fields.text(names::CURRENCY));
            salary.period = salary.period.or_else(|| fields.text(names::PERIOD));
            salary
        });
}

fn salary_value(value: &Value) -> Option<aerie_postings::RawSalary> {
    if let Value::Object(_) = value {
        let inner = Fields::of(value);
        let bound = |own: &[&str], names: &[&str]| {
            inner.find(own, |v| v.number("")).or_else(|| inner.find(names, |v| v.number("")))
        };
        let mut pay = salary(
            bound(&["min", "minvalue", "from", "low"], names::SALARY_MIN),
            bound(&["max", "maxvalue", "to", "high"], names::SALARY_MAX),
        )
        .or_else(|| value.first_text(&["text", "label", "display", "formatted"]).and_then(|text| salary_text(&text)))?;
        pay.currency = inner.text(names::CURRENCY);
        pay.period = inner.text(&["period", "interval", "unittext", "type", "unit"]);
        return Some(pay);
    }
    if let Value::Number(_) = value {
        return salary(value.number(""), value.number(""));
    }
    salary_text(&value.text("")?).filter(|pay| pay.text.as_deref() != Some("0"))
}
