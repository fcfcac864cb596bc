//! The résumé, in one of the three forms that Peregrine keeps it in: two schemas of `plain_text_resume.yaml`, or the raw
//! text in `user.yaml`.

use std::collections::BTreeMap;

use aerie_documents::Imported;
use serde_json::{Map, Value as Json, json};
use serde_yaml_ng::Value;

use super::{entries, first_text, first_texts, text, texts};
use crate::resumes;

/// Where the résumé is.
pub(super) struct Document<'a> {
    /// The file.
    pub(super) file: &'static str,
    value: &'a Value,
}

/// The most detailed form that is there.
pub(super) fn find<'a>(yaml: &'a BTreeMap<&str, Value>) -> Option<Document<'a>> {
    let typed = yaml.get("plain_text_resume.yaml").filter(|value| value.is_mapping());
    if let Some(value) = typed {
        return Some(Document { file: "plain_text_resume.yaml", value });
    }
    let user = yaml.get("user.yaml").filter(|user| !text(user, "resume_raw_text").is_empty())?;
    Some(Document { file: "user.yaml", value: user })
}

/// Reads it into the profile's form.
pub(super) async fn read(document: &Document<'_>, user: Option<&Value>) -> Result<Imported, String> {
    let (name, content) = match document.file {
        "user.yaml" => ("resume.md", text(document.value, "resume_raw_text")),
        _ => ("resume.json", json_resume(document.value, user).to_string()),
    };
    let read = resumes::read_file(name.to_owned(), content.into_bytes()).await;
    read.map_err(|error| error.to_string())
}

/// Either schema as JSON Resume.
fn json_resume(value: &Value, user: Option<&Value>) -> Json {
    let none = Value::Null;
    let person = value.get("personal_information").unwrap_or(value);
    let user = user.unwrap_or(&none);
    let either = |keys: &[&str]| match first_text(person, keys) {
        found if found.is_empty() => first_text(user, keys),
        found => found,
    };
    let name = match (text(person, "name"), text(person, "surname")) {
        (name, surname) if !surname.is_empty() => format!("{name} {surname}"),
        _ => either(&["name", "full_name"]),
    };
    let mut basics = Map::new();
    let mut put = |key: &str, value: String| {
        if !value.is_empty() {
            basics.insert(key.to_owned(), json!(value));
        }
    };
    put("name", name);
    put("email", either(&["email"]));
    put("phone", either(&["phone"]));
    put("summary", first_text(value, &["career_summary", "summary"]));
    let links: Vec<String> = ["linkedin", "github", "website"].iter().map(|key| either(&[key])).collect();
    let links: Vec<Json> =
        links.iter().filter(|link| link.starts_with("http")).map(|link| json!({ "url": link })).collect();
    if !links.is_empty() {
        basics.insert("profiles".to_owned(), json!(links));
    }
    let city = first_text(person, &["city", "location", "address"]);
    if !city.is_empty() {
        basics.insert("location".to_owned(), json!({ "city": city }));
    }
    let work: Vec<Json> =
        [entries(value, "experience_details"), entries(value, "experience")].concat().iter().map(job).collect();
    let education: Vec<Json> =
        [entries(value, "education_details"), entries(value, "education")].concat().iter().map(school).collect();
    let mut skills = texts(value, "skills");
    for entry in entries(value, "experience_details") {
        skills.extend(texts(entry, "skills_acquired"));
    }
    skills.dedup();
    let languages: Vec<Json> = entries(value, "languages")
        .iter()
        .map(|one| json!({ "language": first_text(one, &["language", "name"]), "fluency": first_text(one, &["proficiency", "level"]) }))
        .filter(|one| one["language"] != "")
        .collect();
    let certificates: Vec<Json> = entries(value, "certifications")
        .iter()
        .map(|one| json!({ "name": one.as_str().map_or_else(|| first_text(one, &["name"]), str::to_owned) }))
        .filter(|one| one["name"] != "")
        .collect();
    json!({
        "basics": basics,
        "work": work,
        "education": education,
        "skills": if skills.is_empty() { json!([]) } else { json!([{ "keywords": skills }]) },
        "languages": languages,
        "certificates": certificates,
    })
}

fn job(value: &Value) -> Json {
    let mut job = dates(value);
    for (key, keys) in [
        ("name", &["company", "employer"][..]),
        ("position", &["position", "title"]),
        ("location", &["location"]),
        ("summary", &["summary", "description"]),
    ] {
        let found = first_text(value, keys);
        if !found.is_empty() {
            job.insert(key.to_owned(), json!(found));
        }
    }
    let mut points = first_texts(value, &["key_responsibilities", "responsibilities", "bullets", "achievements"]);
    // One of the forms has a map for each point.
    if points.is_empty() {
        let maps = entries(value, "key_responsibilities").iter().filter_map(Value::as_mapping);
        points =
            maps.flat_map(|map| map.values().filter_map(Value::as_str)).map(|point| point.trim().to_owned()).collect();
    }
    job.insert("highlights".to_owned(), json!(points));
    Json::Object(job)
}

fn school(value: &Value) -> Json {
    let mut school = dates(value);
    for (key, keys) in [
        ("institution", &["institution", "university", "school"][..]),
        ("studyType", &["education_level", "degree"]),
        ("area", &["field_of_study", "field"]),
        ("score", &["final_evaluation_grade", "gpa"]),
    ] {
        let found = first_text(value, keys);
        if !found.is_empty() {
            school.insert(key.to_owned(), json!(found));
        }
    }
    Json::Object(school)
}

/// Start and end, from fields of their own or from one text as résumés write it.
fn dates(value: &Value) -> Map<String, Json> {
    let mut dates = Map::new();
    let (mut start, mut end) =
        (first_text(value, &["start_date", "start"]), first_text(value, &["end_date", "end", "year_of_completion"]));
    let together = first_text(value, &["employment_period", "period", "dates"]);
    if start.is_empty()
        && let Some(found) = aerie_documents::resume::find_periods(&together).into_iter().next()
    {
        start = found.period.start.map(|month| month.to_string()).unwrap_or_default();
        end = found.period.end_month().map(|month| month.to_string()).unwrap_or_default();
    }
    for (key, text) in [("startDate", start), ("endDate", end)] {
        // "present" is the absence of an end there.
        if text.parse::<aerie_documents::resume::YearMonth>().is_ok() {
            dates.insert(key.to_owned(), json!(text));
        }
    }
    dates
}
