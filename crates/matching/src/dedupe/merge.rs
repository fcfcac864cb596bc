//! One posting from two records of it: the more precise value of each field wins.

use aerie_postings::{Place, Posting, RemoteKind, Salary};
use chrono::{DateTime, Timelike, Utc};
use serde::{Deserialize, Serialize};

/// Most tags and places that a united posting keeps.
const MAX_TAGS: usize = 100;
const MAX_PLACES: usize = 100;

/// A field of a posting that a merge changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ChangedField {
    SourceId,
    Company,
    ApplyUrl,
    Places,
    Remote,
    RemoteScope,
    Employment,
    Seniority,
    Salary,
    Description,
    Department,
    Tags,
    Language,
    PostedAt,
    UpdatedAt,
    ExpiresAt,
    Closed,
}

/// A united posting and what is new in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The posting with the better value of each field.
    pub posting: Posting,
    /// Fields that differ from the existing posting, in order of the posting's fields.
    pub changed: Vec<ChangedField>,
}

/// Unites two records of one opening; see [`merge_with_changes`].
pub fn merge(existing: &Posting, incoming: &Posting) -> Posting {
    merge_with_changes(existing, incoming).posting
}

/// Unites two records of one opening. The existing record keeps its identity (source, id, title, url); a missing value
/// is filled, and a value is replaced by a more precise one: a city over a country, the employer's pay over an
/// estimate, a range over one amount, the longer text, a moment over a day, the earlier of two posting dates, the later
/// of two changes. A record of the same source and id is a newer state of the same page: its description, pay, places
/// and closing replace the old ones when they are there.
pub fn merge_with_changes(existing: &Posting, incoming: &Posting) -> Merged {
    let newer =
        existing.source == incoming.source && existing.source_id.is_some() && existing.source_id == incoming.source_id;
    let mut united = existing.clone();
    if united.source == incoming.source {
        fill(&mut united.source_id, &incoming.source_id);
    }
    if united.company.trim().is_empty() {
        united.company.clone_from(&incoming.company);
    }
    if united.apply_url.is_none() {
        let page = Some(&incoming.url).filter(|url| **url != united.url);
        united.apply_url = incoming.apply_url.clone().or_else(|| page.cloned()).filter(|url| *url != united.url);
    }
    united.places = if newer && !incoming.places.is_empty() {
        incoming.places.clone()
    } else {
        places(&united.places, &incoming.places)
    };
    united.remote = remote(united.remote, incoming.remote, newer);
    fill(&mut united.remote_scope, &incoming.remote_scope);
    for kind in &incoming.employment {
        if !united.employment.contains(kind) {
            united.employment.push(*kind);
        }
    }
    fill(&mut united.seniority, &incoming.seniority);
    united.salary = salary(united.salary.take(), incoming.salary.as_ref(), newer);
    if takes_description(existing, incoming, newer) {
        united.description_text.clone_from(&incoming.description_text);
        united.description_html.clone_from(&incoming.description_html);
        united.extent = incoming.extent;
    }
    fill(&mut united.department, &incoming.department);
    tags(&mut united.tags, &incoming.tags);
    fill(&mut united.language, &incoming.language);
    united.posted_at = posted(united.posted_at, incoming.posted_at);
    united.updated_at = united.updated_at.max(incoming.updated_at);
    united.expires_at =
        if newer { incoming.expires_at.or(united.expires_at) } else { united.expires_at.max(incoming.expires_at) };
    united.closed = if newer { incoming.closed } else { united.closed && incoming.closed };
    let changed = changed_fields(existing, &united);
    Merged { posting: united, changed }
}

fn fill<T: Clone>(value: &mut Option<T>, other: &Option<T>) {
    if value.is_none() {
        value.clone_from(other);
    }
}

/// Every place of both; a place without a city gives way to one with a city inside it.
fn places(existing: &[Place], incoming: &[Place]) -> Vec<Place> {
    let mut united: Vec<Place> = Vec::with_capacity(existing.len() + incoming.len());
    for place in existing.iter().chain(incoming) {
        if united.iter().any(|found| covers(found, place)) {
            continue;
        }
        match united.iter().position(|found| covers(place, found)) {
            Some(position) => {
                if let Some(found) = united.get_mut(position) {
                    *found = place.clone();
                }
                // What else the new place makes superfluous.
                let mut index = 0;
                united.retain(|found| {
                    index += 1;
                    index - 1 == position || !covers(place, found)
                });
            }
            None if united.len() < MAX_PLACES => united.push(place.clone()),
            None => {}
        }
    }
    united
}

/// `precise` says all that `broad` says.
fn covers(precise: &Place, broad: &Place) -> bool {
    let part = |precise: &Option<String>, broad: &Option<String>| match (precise, broad) {
        (_, None) => true,
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (None, Some(_)) => false,
    };
    part(&precise.city, &broad.city) && part(&precise.region, &broad.region) && part(&precise.country, &broad.country)
}

/// "Hybrid" says more than "on site" or "remote", which many sources use loosely; anything says more than unknown.
fn remote(existing: RemoteKind, incoming: RemoteKind, newer: bool) -> RemoteKind {
    match (existing, incoming) {
        (existing, RemoteKind::Unknown) => existing,
        (RemoteKind::Unknown, incoming) => incoming,
        (_, incoming) if newer => incoming,
        (_, RemoteKind::Hybrid) => RemoteKind::Hybrid,
        (existing, _) => existing,
    }
}

/// The employer's statement over an estimate, then a range over one amount, then what names a currency.
fn salary(existing: Option<Salary>, incoming: Option<&Salary>, newer: bool) -> Option<Salary> {
    let (Some(old), Some(new)) = (&existing, incoming) else { return existing.or_else(|| incoming.cloned()) };
    let precision = |salary: &Salary| {
        (
            !salary.predicted,
            salary.min.is_some() && salary.max.is_some() && salary.min != salary.max,
            salary.currency.is_some(),
        )
    };
    let replaces = precision(new) > precision(old) || (newer && new.predicted == old.predicted);
    if replaces { Some(new.clone()) } else { existing }
}

fn takes_description(existing: &Posting, incoming: &Posting, newer: bool) -> bool {
    let length = |posting: &Posting| posting.description_text.trim().len();
    if length(incoming) == 0 || incoming.extent < existing.extent {
        return false;
    }
    newer || incoming.extent > existing.extent || length(incoming) > length(existing)
}

fn tags(united: &mut Vec<String>, incoming: &[String]) {
    for tag in incoming {
        if united.len() < MAX_TAGS && !united.iter().any(|found| found.eq_ignore_ascii_case(tag)) {
            united.push(tag.clone());
        }
    }
}

/// The earlier date; on the same day the one with a time of day.
fn posted(existing: Option<DateTime<Utc>>, incoming: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let (Some(old), Some(new)) = (existing, incoming) else { return existing.or(incoming) };
    if old.date_naive() != new.date_naive() {
        return Some(old.min(new));
    }
    let has_time = |moment: DateTime<Utc>| moment.num_seconds_from_midnight() != 0;
    match (has_time(old), has_time(new)) {
        (true, true) => Some(old.min(new)),
        (false, true) => Some(new),
        _ => Some(old),
    }
}

fn changed_fields(old: &Posting, new: &Posting) -> Vec<ChangedField> {
    let description = old.description_text != new.description_text
        || old.description_html != new.description_html
        || old.extent != new.extent;
    let checks = [
        (old.source_id != new.source_id, ChangedField::SourceId),
        (old.company != new.company, ChangedField::Company),
        (old.apply_url != new.apply_url, ChangedField::ApplyUrl),
        (old.places != new.places, ChangedField::Places),
        (old.remote != new.remote, ChangedField::Remote),
        (old.remote_scope != new.remote_scope, ChangedField::RemoteScope),
        (old.employment != new.employment, ChangedField::Employment),
        (old.seniority != new.seniority, ChangedField::Seniority),
        (old.salary != new.salary, ChangedField::Salary),
        (description, ChangedField::Description),
        (old.department != new.department, ChangedField::Department),
        (old.tags != new.tags, ChangedField::Tags),
        (old.language != new.language, ChangedField::Language),
        (old.posted_at != new.posted_at, ChangedField::PostedAt),
        (old.updated_at != new.updated_at, ChangedField::UpdatedAt),
        (old.expires_at != new.expires_at, ChangedField::ExpiresAt),
        (old.closed != new.closed, ChangedField::Closed),
    ];
    checks.into_iter().filter(|(changed, _)| *changed).map(|(_, field)| field).collect()
}
