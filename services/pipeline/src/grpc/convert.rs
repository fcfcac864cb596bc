//! Between the wire and the domain: the same things under two names.

use aerie_postings as domain;
use aerie_proto::pipeline::v1 as wire;
use chrono::{DateTime, Utc};
use prost_types::{Struct, Timestamp, Value, value::Kind};

use crate::{
    profile::{Profile, SearchProfile},
    status::JobStatus,
};

/// A time on the wire.
pub(crate) fn timestamp(time: DateTime<Utc>) -> Timestamp {
    // Below a second the count is under 2^30, so the cast keeps it.
    Timestamp { seconds: time.timestamp(), nanos: time.timestamp_subsec_nanos() as i32 }
}

/// A JSON value as the well-known type for free-form data. Numbers become doubles, as the format demands.
pub(crate) fn json_value(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    let kind = match value {
        Json::Null => Kind::NullValue(0),
        Json::Bool(value) => Kind::BoolValue(*value),
        Json::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or_default()),
        Json::String(value) => Kind::StringValue(value.clone()),
        Json::Array(values) => {
            Kind::ListValue(prost_types::ListValue { values: values.iter().map(json_value).collect() })
        }
        Json::Object(fields) => Kind::StructValue(json_fields(fields)),
    };
    Value { kind: Some(kind) }
}

fn json_fields(fields: &serde_json::Map<String, serde_json::Value>) -> Struct {
    Struct { fields: fields.iter().map(|(name, value)| (name.clone(), json_value(value))).collect() }
}

/// A JSON object as a struct; anything else becomes the field `value` of one.
pub(crate) fn json_struct(value: &serde_json::Value) -> Option<Struct> {
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::Object(fields) => Some(json_fields(fields)),
        other => Some(Struct { fields: [("value".to_owned(), json_value(other))].into() }),
    }
}

/// The other way round. A number that is whole becomes an integer, which is what payloads mean by it.
pub(crate) fn struct_json(fields: &Struct) -> serde_json::Value {
    fields.fields.iter().map(|(name, value)| (name.clone(), value_json(value))).collect()
}

fn value_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    /// Whole numbers up to here are exact in a double.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(value)) => Json::Bool(*value),
        Some(Kind::NumberValue(value)) if value.fract() == 0.0 && value.abs() < EXACT => Json::from(*value as i64),
        Some(Kind::NumberValue(value)) => Json::from(*value),
        Some(Kind::StringValue(value)) => Json::String(value.clone()),
        Some(Kind::ListValue(list)) => list.values.iter().map(value_json).collect(),
        Some(Kind::StructValue(fields)) => struct_json(fields),
    }
}

macro_rules! enum_pairs {
    ($to_wire:ident, $to_domain:ident, $domain:ty, $wire:ty, $($variant:ident => $wire_variant:ident),* $(,)?) => {
        #[doc = concat!("`", stringify!($domain), "` on the wire.")]
        pub(crate) fn $to_wire(value: $domain) -> i32 {
            match value { $(<$domain>::$variant => <$wire>::$wire_variant as i32),* }
        }

        #[doc = concat!("`", stringify!($domain), "` from the wire; `None` when unspecified or unknown.")]
        #[allow(dead_code, unreachable_patterns)]
        pub(crate) fn $to_domain(value: i32) -> Option<$domain> {
            match <$wire>::try_from(value).ok()? {
                $(<$wire>::$wire_variant => Some(<$domain>::$variant),)*
                _ => None,
            }
        }
    };
}

enum_pairs!(
    remote_to_wire, remote_from_wire, domain::RemoteKind, wire::RemoteKind,
    Unknown => Unspecified, OnSite => OnSite, Hybrid => Hybrid, Remote => Remote,
);
enum_pairs!(
    employment_to_wire, employment_from_wire, domain::EmploymentType, wire::EmploymentType,
    FullTime => FullTime, PartTime => PartTime, Contract => Contract, Temporary => Temporary,
    Internship => Internship, Volunteer => Volunteer, PerDiem => PerDiem, Other => Other,
);
enum_pairs!(
    seniority_to_wire, seniority_from_wire, domain::Seniority, wire::Seniority,
    Intern => Intern, Junior => Junior, Mid => Mid, Senior => Senior, Lead => Lead, Manager => Manager,
    Director => Director, VicePresident => VicePresident, Executive => Executive,
);
enum_pairs!(
    period_to_wire, period_from_wire, domain::PayPeriod, wire::PayPeriod,
    Hour => Hour, Day => Day, Week => Week, Month => Month, Year => Year,
);
enum_pairs!(
    extent_to_wire, extent_from_wire, domain::TextExtent, wire::TextExtent,
    TitleOnly => TitleOnly, Snippet => Snippet, FullText => FullText,
);
enum_pairs!(
    status_to_wire, status_from_wire, JobStatus, wire::JobStatus,
    Pending => Pending, Approved => Approved, Applied => Applied, Survey => Survey, PhoneScreen => PhoneScreen,
    Interviewing => Interviewing, Offer => Offer, Hired => Hired, Rejected => Rejected, Archived => Archived,
);

/// A posting on the wire, without catalogue facts (id, links, seen times).
pub(crate) fn posting(posting: &domain::Posting) -> wire::Posting {
    wire::Posting {
        source: posting.source.clone(),
        source_id: posting.source_id.clone().unwrap_or_default(),
        url: posting.url.clone(),
        apply_url: posting.apply_url.clone().unwrap_or_default(),
        title: posting.title.clone(),
        company: posting.company.clone(),
        places: posting.places.iter().map(place).collect(),
        remote_kind: remote_to_wire(posting.remote),
        remote_scope: posting.remote_scope.clone().unwrap_or_default(),
        employment_types: posting.employment.iter().copied().map(employment_to_wire).collect(),
        seniority: posting.seniority.map(seniority_to_wire).unwrap_or_default(),
        salary: posting.salary.as_ref().map(salary),
        description_text: posting.description_text.clone(),
        description_html: posting.description_html.clone(),
        text_extent: extent_to_wire(posting.extent),
        department: posting.department.clone().unwrap_or_default(),
        tags: posting.tags.clone(),
        language: posting.language.clone().unwrap_or_default(),
        post_time: posting.posted_at.map(timestamp),
        expire_time: posting.expires_at.map(timestamp),
        ..wire::Posting::default()
    }
}

fn place(place: &domain::Place) -> wire::Place {
    wire::Place {
        city: place.city.clone().unwrap_or_default(),
        region: place.region.clone().unwrap_or_default(),
        country: place.country.clone().unwrap_or_default(),
    }
}

fn salary(salary: &domain::Salary) -> wire::Salary {
    wire::Salary {
        minimum: salary.min,
        maximum: salary.max,
        currency: salary.currency.clone().unwrap_or_default(),
        period: period_to_wire(salary.period),
        predicted: salary.predicted,
    }
}

/// A profile on the wire.
pub fn profile_to_wire(profile: Profile) -> wire::Profile {
    wire::Profile {
        full_name: profile.full_name,
        summary: profile.summary,
        resume_text: profile.resume_text,
        skills: profile.skills,
        seniority: profile.seniority.map(seniority_to_wire).unwrap_or_default(),
        places: profile.places,
        remote_preference: remote_to_wire(profile.remote_preference),
        salary_minimum: profile.salary_minimum,
        salary_currency: profile.salary_currency,
        keywords: profile.keywords,
        dislikes: profile.dislikes,
        blocked_companies: profile.blocked_companies,
        blocked_industries: profile.blocked_industries,
        blocked_places: profile.blocked_places,
        learn_from_decisions: profile.learn_from_decisions,
        work_permits: profile.work_permits,
    }
}

/// A profile from the wire.
pub(crate) fn profile_from_wire(profile: wire::Profile) -> Profile {
    Profile {
        full_name: profile.full_name,
        summary: profile.summary,
        resume_text: profile.resume_text,
        skills: profile.skills,
        seniority: seniority_from_wire(profile.seniority),
        places: profile.places,
        remote_preference: remote_from_wire(profile.remote_preference).unwrap_or_default(),
        salary_minimum: profile.salary_minimum,
        salary_currency: profile.salary_currency,
        keywords: profile.keywords,
        dislikes: profile.dislikes,
        blocked_companies: profile.blocked_companies,
        blocked_industries: profile.blocked_industries,
        blocked_places: profile.blocked_places,
        learn_from_decisions: profile.learn_from_decisions,
        work_permits: profile.work_permits,
    }
}

/// A search profile on the wire.
pub fn search_to_wire(search: SearchProfile) -> wire::SearchProfile {
    wire::SearchProfile {
        id: search.id.to_string(),
        name: search.name,
        titles: search.titles,
        places: search.places,
        sources: search.sources,
        company_boards: search.company_boards,
        exclude_words: search.exclude_words,
        remote_preference: remote_to_wire(search.remote_preference),
        max_age_days: i32::try_from(search.max_age_days).unwrap_or(i32::MAX),
        results_per_source: i32::try_from(search.results_per_source).unwrap_or(i32::MAX),
        mission_tags: search.mission_tags,
        schedule: search.schedule,
        pages: search.pages,
        match_titles: search.match_titles,
    }
}

/// A search profile from the wire, under the id that the caller has made sure of.
pub(crate) fn search_from_wire(search: wire::SearchProfile, id: uuid::Uuid) -> SearchProfile {
    SearchProfile {
        id,
        name: search.name,
        titles: search.titles,
        places: search.places,
        sources: search.sources,
        company_boards: search.company_boards,
        exclude_words: search.exclude_words,
        remote_preference: remote_from_wire(search.remote_preference).unwrap_or_default(),
        max_age_days: u32::try_from(search.max_age_days).unwrap_or_default(),
        results_per_source: u32::try_from(search.results_per_source).unwrap_or_default(),
        mission_tags: search.mission_tags,
        schedule: search.schedule,
        pages: search.pages,
        match_titles: search.match_titles,
    }
}
