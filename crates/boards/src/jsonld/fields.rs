//! From one schema.org `JobPosting` object to a raw posting.

use aerie_postings::{RawPlace, RawPosting, RawSalary, RemoteKind};
use serde_json::Value;
use url::Url;

use crate::html_select::{absolute_url, fold_space};
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_section, add_tag, date_at, posting, set_description};

/// Most places and scopes read from one posting.
const MAX_PLACES: usize = 200;

/// Reads one `JobPosting` object. Fields of a wrong type are left out; the title may be missing.
pub fn posting_of(value: &Value, source: &str, base: Option<&Url>) -> RawPosting {
    let mut row = posting(source);
    row.title = value.first_text(&["title", "name"]).map(|title| fold_space(&title));
    row.company = name_of(value.at("hiringOrganization"));
    row.source_id = identifier(value);
    row.url = value
        .first_text(&["url", "mainEntityOfPage.@id", "mainEntityOfPage", "@id", "sameAs"])
        .and_then(|address| absolute_url(base, &address));
    row.apply_url =
        ["applyUrl", "potentialAction.target.urlTemplate", "potentialAction.target", "applicationContact.url"]
            .iter()
            .find_map(|path| absolute_url(base, &value.text(path)?));
    description(value, &mut row);
    for word in items(value.at("employmentType")).filter_map(|item| item.text("").or_else(|| item.text("name"))) {
        // One string may hold several codes.
        word.split([',', ';', '|']).for_each(|code| add_employment(&mut row, code));
    }
    row.places = items(value.at("jobLocation")).take(MAX_PLACES).flat_map(place).collect();
    remote(value, &mut row);
    row.salary = salary(value);
    row.department = name_of(value.at("occupationalCategory")).or_else(|| name_of(value.at("industry")));
    tags(value, &mut row);
    row.language = value.first_text(&["inLanguage", "inLanguage.name", "inLanguage.alternateName"]);
    row.seniority_text = value.first_text(&["seniorityLevel", "experienceLevel", "careerLevel"]);
    row.posted = date_at(value, "datePosted").or_else(|| date_at(value, "datePublished"));
    row.updated = date_at(value, "dateModified");
    row.expires = date_at(value, "validThrough");
    row
}

/// A value as a list: itself when it is one, otherwise the single value.
fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (list, single) = match value {
        Some(Value::Array(items)) => (items.as_slice(), None),
        other => (&[] as &[Value], other),
    };
    list.iter().chain(single)
}

/// The name of a thing that may be a string, an object, or a list of either.
fn name_of(value: Option<&Value>) -> Option<String> {
    items(value).find_map(|item| item.first_text(&["", "name", "legalName", "alternateName", "@value"]))
}

fn names_of(value: Option<&Value>) -> Vec<String> {
    items(value).take(MAX_PLACES).filter_map(|item| name_of(Some(item))).collect()
}

fn identifier(value: &Value) -> Option<String> {
    items(value.at("identifier"))
        .find_map(|item| item.first_text(&["value", "", "@value", "propertyID"]))
        .filter(|id| id.len() <= 300)
}

/// The description, and after it the parts that some pages keep in fields of their own.
fn description(value: &Value, row: &mut RawPosting) {
    if let Some(text) = value.first_text(&["description", "description.@value"]) {
        set_description(row, &text);
    }
    let sections = [
        ("responsibilities", "Responsibilities"),
        ("qualifications", "Qualifications"),
        ("educationRequirements", "Education"),
        ("experienceRequirements", "Experience"),
        ("jobBenefits", "Benefits"),
        ("incentiveCompensation", "Incentives"),
        ("workHours", "Working hours"),
    ];
    for (field, heading) in sections {
        let parts: Vec<String> = items(value.at(field)).take(MAX_PLACES).filter_map(section_text).collect();
        if !parts.is_empty() {
            add_section(row, heading, &parts.join("\n"));
        }
    }
}

fn section_text(item: &Value) -> Option<String> {
    if let Some(months) = item.integer("monthsOfExperience") {
        return Some(format!("{months} months of experience"));
    }
    item.first_text(&["", "credentialCategory", "name", "description", "value"])
        .filter(|text| text.chars().any(char::is_alphanumeric))
}

fn place(value: &Value) -> Vec<RawPlace> {
    let addresses: Vec<&Value> = items(value.at("address")).collect();
    if addresses.is_empty() {
        // A postal address without a Place around it, a string, or a place with a name only.
        return address(value).or_else(|| name_of(Some(value)).map(RawPlace::text)).into_iter().collect();
    }
    let mut places: Vec<RawPlace> =
        addresses.into_iter().filter_map(|item| address(item).or_else(|| item.text("").map(RawPlace::text))).collect();
    if places.is_empty() {
        places.extend(value.text("name").map(RawPlace::text));
    }
    places
}

/// A `PostalAddress`; the name of the country may be a code, a name or an object.
fn address(value: &Value) -> Option<RawPlace> {
    let part = |field: &str| {
        name_of(value.at(field)).map(|text| fold_space(&text)).filter(|text| text.chars().any(char::is_alphanumeric))
    };
    let place = RawPlace {
        text: None,
        city: part("addressLocality"),
        region: part("addressRegion"),
        country: part("addressCountry"),
    };
    if place.city.is_some() || place.region.is_some() || place.country.is_some() {
        return Some(place);
    }
    part("streetAddress").map(RawPlace::text)
}

fn remote(value: &Value, row: &mut RawPosting) {
    let telecommute = names_of(value.at("jobLocationType")).iter().any(|kind| {
        let kind = kind.to_ascii_uppercase();
        kind.contains("TELECOMMUTE") || kind == "REMOTE"
    });
    if telecommute {
        row.remote = Some(RemoteKind::Remote);
    }
    let mut scopes: Vec<String> = Vec::new();
    for requirement in items(value.at("applicantLocationRequirements")).take(MAX_PLACES) {
        let scope = name_of(Some(requirement)).or_else(|| name_of(requirement.at("address.addressCountry")));
        if let Some(scope) = scope
            && !scopes.contains(&scope)
        {
            scopes.push(scope);
        }
    }
    row.remote_scope = (!scopes.is_empty()).then(|| scopes.join(", "));
}

fn salary(value: &Value) -> Option<RawSalary> {
    let stated = items(value.at("baseSalary")).find_map(|item| money(item, value));
    stated.or_else(|| {
        let estimated = items(value.at("estimatedSalary")).find_map(|item| money(item, value))?;
        Some(RawSalary { predicted: true, ..estimated })
    })
}

/// A `MonetaryAmount`, a `MonetaryAmountDistribution`, a bare number or words.
fn money(amount: &Value, posting: &Value) -> Option<RawSalary> {
    let value = amount.at("value").and_then(|value| items(Some(value)).next()).unwrap_or(amount);
    let read = |fields: &[&str]| {
        fields.iter().find_map(|field| value.number(field).or_else(|| amount.number(field))).filter(|n| *n > 0.0)
    };
    let exact = read(&["value"]).or_else(|| value.number("").filter(|n| *n > 0.0));
    let min = read(&["minValue", "percentile10"]).or(exact);
    let max = read(&["maxValue", "percentile90"]).or(exact);
    let words = value.first_text(&["", "value", "name", "description"]).or_else(|| amount.text("name"));
    if min.is_none() && max.is_none() && !words.as_deref().is_some_and(|w| w.contains(|c: char| c.is_ascii_digit())) {
        return None;
    }
    Some(RawSalary {
        text: if min.is_none() && max.is_none() { words.filter(|words| words != "0") } else { None },
        min,
        max,
        currency: amount
            .first_text(&["currency", "value.currency", "priceCurrency"])
            .or_else(|| posting.text("salaryCurrency")),
        period: value
            .first_text(&["unitText", "unitCode", "duration"])
            .or_else(|| amount.first_text(&["unitText", "unitCode", "duration"])),
        predicted: false,
    })
    .filter(|salary| salary.text.is_some() || salary.min.is_some() || salary.max.is_some())
}

fn tags(value: &Value, row: &mut RawPosting) {
    for field in ["skills", "keywords", "industry"] {
        for item in items(value.at(field)).take(MAX_PLACES) {
            let Some(text) = name_of(Some(item)) else { continue };
            if field == "skills" && (text.len() > 300 || crate::raw_fields::has_tags(&text)) {
                // Some pages keep a whole section of the description here.
                add_section(row, "Skills", &text);
                continue;
            }
            text.split([',', ';', '\n']).for_each(|tag| add_tag(row, tag));
        }
    }
}
