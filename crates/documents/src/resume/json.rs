//! JSON Resume (jsonresume.org schema 1.0.0), in and out without loss: members that the profile has no field for are
//! kept beside it.
//!
//! The schema reads a missing `endDate` as "until today". A period whose end is not known carries `isCurrent: false`,
//! which the schema allows as an additional member.

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::{
    Certificate, Contact, Education, End, Extra, Language, Link, Period, Position, Profile, Section, SkillGroup,
    Sourced, YearMonth,
};

/// A text that is no JSON Resume.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JsonResumeError {
    /// It is no JSON.
    #[error("this is no JSON: {0}")]
    Syntax(String),
    /// It is JSON of another shape.
    #[error("this is JSON, but no JSON Resume: {0}")]
    Shape(&'static str),
}

/// Reads a JSON Resume. Fields have no span, as there is no running text.
///
/// # Errors
/// The text is no JSON, or no object with one of the schema's sections.
pub fn from_json_resume(text: &str) -> Result<Profile, JsonResumeError> {
    let value: Value = serde_json::from_str(text).map_err(|error| JsonResumeError::Syntax(error.to_string()))?;
    let Value::Object(mut root) = value else { return Err(JsonResumeError::Shape("its outermost value is no object")) };
    let known = ["basics", "work", "education", "skills", "languages", "certificates", "projects", "volunteer"];
    if !known.iter().any(|name| root.contains_key(*name)) {
        return Err(JsonResumeError::Shape("it has none of basics, work, education and skills"));
    }
    let mut basics = object(root.remove("basics"));
    Ok(Profile {
        summary: take(&mut basics, "summary"),
        contact: contact(basics),
        positions: objects(&mut root, "work").map(position).collect(),
        education: objects(&mut root, "education").map(education).collect(),
        skills: objects(&mut root, "skills").map(skill_group).collect(),
        certificates: objects(&mut root, "certificates").filter_map(certificate).collect(),
        languages: objects(&mut root, "languages").filter_map(language).collect(),
        sections: objects(&mut root, "sections").map(section).collect(),
        extra: root,
    })
}

fn object(value: Option<Value>) -> Extra {
    match value {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

fn objects(root: &mut Extra, name: &str) -> impl Iterator<Item = Extra> + use<> {
    let list = match root.remove(name) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    list.into_iter().filter_map(|entry| match entry {
        Value::Object(entry) => Some(entry),
        _ => None,
    })
}

/// Takes a text out; numbers are read as texts, empty ones as nothing.
fn take(object: &mut Extra, name: &str) -> Option<Sourced> {
    let text = match object.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null => String::new(),
        _ => return None,
    };
    object.remove(name);
    (!text.is_empty()).then(|| Sourced::given(text))
}

fn take_list(object: &mut Extra, name: &str) -> Vec<Sourced> {
    let Some(Value::Array(list)) = object.get(name) else { return Vec::new() };
    if !list.iter().all(Value::is_string) {
        return Vec::new();
    }
    let list = list.iter().filter_map(Value::as_str).map(|text| Sourced::given(text.to_owned())).collect();
    object.remove(name);
    list
}

fn contact(mut basics: Extra) -> Contact {
    let mut links = Vec::new();
    if let Some(url) = take(&mut basics, "url") {
        links.push(Link { network: None, url, extra: Extra::new() });
    }
    for mut entry in objects(&mut basics, "profiles") {
        if let Some(url) = take(&mut entry, "url") {
            let network = take(&mut entry, "network").map(|network| network.value);
            links.push(Link { network, url, extra: entry });
        }
    }
    let place = basics.get("location").and_then(place_text).map(Sourced::given);
    if is_plain_place(basics.get("location")) {
        basics.remove("location");
    }
    Contact {
        name: take(&mut basics, "name"),
        headline: take(&mut basics, "label"),
        email: take(&mut basics, "email"),
        phone: take(&mut basics, "phone"),
        place,
        links,
        extra: basics,
    }
}

fn place_text(location: &Value) -> Option<String> {
    let part = |name: &str| location.get(name).and_then(Value::as_str).map(str::trim).filter(|part| !part.is_empty());
    let parts: Vec<&str> =
        ["address", "postalCode", "city", "region", "countryCode"].iter().filter_map(|n| part(n)).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn is_plain_place(location: Option<&Value>) -> bool {
    location.and_then(Value::as_object).is_some_and(|location| location.keys().all(|name| name == "address"))
}

/// Reads both ends. A date with a day keeps its full form beside the month.
fn period(entry: &mut Extra) -> Option<Sourced<Period>> {
    let start = take_month(entry, "startDate");
    let end = take_month(entry, "endDate");
    let is_current = match entry.get("isCurrent") {
        Some(Value::Bool(value)) => Some(*value),
        _ => None,
    };
    let end = match (end, is_current) {
        (Some(end), _) => Some(End::At(end)),
        (None, Some(false)) => None,
        (None, Some(true)) => Some(End::Present),
        (None, None) => start.map(|_| End::Present),
    };
    if is_current.is_some() {
        entry.remove("isCurrent");
    }
    (start.is_some() || end.is_some()).then(|| Sourced::given(Period { start, end }))
}

fn take_month(entry: &mut Extra, name: &str) -> Option<YearMonth> {
    let text = entry.get(name)?.as_str()?.to_owned();
    let month: Option<YearMonth> = text.parse().ok();
    if month.is_none_or(|month| month.to_string() == text) && (month.is_some() || text.trim().is_empty()) {
        entry.remove(name);
    }
    month
}

fn position(mut entry: Extra) -> Position {
    Position {
        employer: take(&mut entry, "name").or_else(|| take(&mut entry, "company")),
        title: take(&mut entry, "position"),
        period: period(&mut entry),
        place: take(&mut entry, "location"),
        summary: take(&mut entry, "summary"),
        bullets: take_list(&mut entry, "highlights"),
        extra: entry,
    }
}

fn education(mut entry: Extra) -> Education {
    Education {
        institution: take(&mut entry, "institution"),
        degree: take(&mut entry, "studyType"),
        field: take(&mut entry, "area"),
        period: period(&mut entry),
        place: take(&mut entry, "location"),
        score: take(&mut entry, "score"),
        notes: take_list(&mut entry, "courses"),
        extra: entry,
    }
}

fn skill_group(mut entry: Extra) -> SkillGroup {
    SkillGroup { name: take(&mut entry, "name"), skills: take_list(&mut entry, "keywords"), extra: entry }
}

fn certificate(mut entry: Extra) -> Option<Certificate> {
    Some(Certificate {
        name: take(&mut entry, "name")?,
        issuer: take(&mut entry, "issuer"),
        date: take_month(&mut entry, "date").map(Sourced::given),
        extra: entry,
    })
}

fn language(mut entry: Extra) -> Option<Language> {
    Some(Language { name: take(&mut entry, "language")?, level: take(&mut entry, "fluency"), extra: entry })
}

fn section(mut entry: Extra) -> Section {
    Section { title: take(&mut entry, "title"), lines: take_list(&mut entry, "lines") }
}

/// Writes a profile as JSON Resume. What was read from one and has no field here is written as it was.
pub fn to_json_resume(profile: &Profile) -> Value {
    let mut root = profile.extra.clone();
    root.insert("basics".to_owned(), Value::Object(basics(profile)));
    put_list(&mut root, "work", profile.positions.iter().map(work));
    put_list(&mut root, "education", profile.education.iter().map(school));
    put_list(&mut root, "skills", profile.skills.iter().map(skills));
    put_list(&mut root, "certificates", profile.certificates.iter().map(certified));
    put_list(&mut root, "languages", profile.languages.iter().map(spoken));
    put_list(&mut root, "sections", profile.sections.iter().map(other));
    Value::Object(root)
}

fn put_list(root: &mut Extra, name: &str, entries: impl Iterator<Item = Extra>) {
    let entries: Vec<Value> = entries.map(Value::Object).collect();
    if !entries.is_empty() {
        root.insert(name.to_owned(), Value::Array(entries));
    }
}

fn put(object: &mut Extra, name: &str, field: Option<&Sourced>) {
    if let Some(field) = field {
        object.insert(name.to_owned(), Value::String(field.value.clone()));
    }
}

fn put_texts(object: &mut Extra, name: &str, texts: &[Sourced]) {
    if !texts.is_empty() {
        object.insert(name.to_owned(), texts.iter().map(|text| text.value.clone()).collect());
    }
}

fn put_month(object: &mut Extra, name: &str, month: Option<YearMonth>) {
    // A full date that was read says more than its month, as long as it is still in it.
    let written = object.get(name).and_then(Value::as_str).and_then(|text| text.parse::<YearMonth>().ok());
    match month {
        Some(month) if written == Some(month) => {}
        Some(month) => {
            object.insert(name.to_owned(), Value::String(month.to_string()));
        }
        None if written.is_some() => {
            object.remove(name);
        }
        None => {}
    }
}

fn put_period(object: &mut Extra, period: Option<&Sourced<Period>>) {
    let Some(Sourced { value: period, .. }) = period else { return };
    put_month(object, "startDate", period.start);
    put_month(object, "endDate", period.end_month());
    match (period.start, period.end) {
        (Some(_), None) => {
            object.insert("isCurrent".to_owned(), Value::Bool(false));
        }
        (None, Some(End::Present)) => {
            object.insert("isCurrent".to_owned(), Value::Bool(true));
        }
        _ => {}
    }
}

fn basics(profile: &Profile) -> Extra {
    let contact = &profile.contact;
    let mut basics = contact.extra.clone();
    put(&mut basics, "name", contact.name.as_ref());
    put(&mut basics, "label", contact.headline.as_ref());
    put(&mut basics, "email", contact.email.as_ref());
    put(&mut basics, "phone", contact.phone.as_ref());
    put(&mut basics, "summary", profile.summary.as_ref());
    let written = basics.get("location").and_then(place_text);
    match &contact.place {
        Some(place) if written.as_ref() != Some(&place.value) => {
            basics.insert("location".to_owned(), json!({ "address": place.value }));
        }
        _ => {}
    }
    let mut links = contact.links.iter().peekable();
    if let Some(link) = links.next_if(|link| link.network.is_none() && link.extra.is_empty()) {
        put(&mut basics, "url", Some(&link.url));
    }
    put_list(
        &mut basics,
        "profiles",
        links.map(|link| {
            let mut entry = link.extra.clone();
            put(&mut entry, "url", Some(&link.url));
            if let Some(network) = &link.network {
                entry.insert("network".to_owned(), Value::String(network.clone()));
            }
            entry
        }),
    );
    basics
}

fn work(position: &Position) -> Extra {
    let mut entry = position.extra.clone();
    put(&mut entry, "name", position.employer.as_ref());
    put(&mut entry, "position", position.title.as_ref());
    put(&mut entry, "location", position.place.as_ref());
    put(&mut entry, "summary", position.summary.as_ref());
    put_period(&mut entry, position.period.as_ref());
    put_texts(&mut entry, "highlights", &position.bullets);
    entry
}

fn school(education: &Education) -> Extra {
    let mut entry = education.extra.clone();
    put(&mut entry, "institution", education.institution.as_ref());
    put(&mut entry, "studyType", education.degree.as_ref());
    put(&mut entry, "area", education.field.as_ref());
    put(&mut entry, "location", education.place.as_ref());
    put(&mut entry, "score", education.score.as_ref());
    put_period(&mut entry, education.period.as_ref());
    put_texts(&mut entry, "courses", &education.notes);
    entry
}

fn skills(group: &SkillGroup) -> Extra {
    let mut entry = group.extra.clone();
    put(&mut entry, "name", group.name.as_ref());
    put_texts(&mut entry, "keywords", &group.skills);
    entry
}

fn certified(certificate: &Certificate) -> Extra {
    let mut entry = certificate.extra.clone();
    put(&mut entry, "name", Some(&certificate.name));
    put(&mut entry, "issuer", certificate.issuer.as_ref());
    put_month(&mut entry, "date", certificate.date.as_ref().map(|date| date.value));
    entry
}

fn spoken(language: &Language) -> Extra {
    let mut entry = language.extra.clone();
    put(&mut entry, "language", Some(&language.name));
    put(&mut entry, "fluency", language.level.as_ref());
    entry
}

fn other(section: &Section) -> Extra {
    let mut entry = Map::new();
    put(&mut entry, "title", section.title.as_ref());
    put_texts(&mut entry, "lines", &section.lines);
    entry
}
