//! Recruitee career sites: one answer holds a company's whole board, also on a company's own domain.
//!
//! Format: <https://docs.recruitee.com/reference/offers>. Dates are written `2026-08-05 10:10:39 UTC`.

use aerie_postings::{RawPlace, RawPosting, RawSalary, RemoteKind};
use async_trait::async_trait;
use serde_json::Value;

use crate::board_address::{host_of, host_url, recorded, tenant_host};
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_section, add_tag, date_at, posting, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// The source. A token is the first part of the host (`acme`) or a company's own host (`jobs.acme.example`).
#[derive(Debug)]
pub struct Recruitee {
    info: SourceInfo,
}

impl Default for Recruitee {
    fn default() -> Self {
        Self { info: SourceInfo::new("recruitee", "Recruitee", SourceKind::CompanyBoard, &["*.recruitee.com"]) }
    }
}

#[async_trait]
impl BoardSource for Recruitee {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let host = tenant_host(&self.info, &board.token, "recruitee.com")?;
        let url = host_url(&self.info, &host, "/api/offers/")?;
        collector.whole(Request::get(url).for_board(board)).await
    }
}

#[async_trait]
impl Source for Recruitee {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        let mut parsed = Parsed::default();
        if let Some(offer) = answer.at("offer").filter(|offer| offer.is_object()) {
            parsed.push(read(offer, page));
        } else if answer.at("offers").is_some_and(Value::is_array) {
            for row in answer.list("offers") {
                parsed.push(read(row, page));
            }
        } else {
            return Err(ParseError::not_this("there is no `offers` in it"));
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(json) = sample.json else { return 0 };
        let row = json.at("offers.0").or_else(|| json.at("offer")).unwrap_or(json);
        match ["careers_url", "careers_apply_url", "employment_type_code"].iter().any(|field| row.get(field).is_some())
        {
            true => 95,
            false if json.at("offers").is_some_and(Value::is_array) => 50,
            false => 0,
        }
    }

    fn recorded_url(&self, token: &str) -> Option<url::Url> {
        recorded(token, "recruitee.com", "/api/offers/")
    }
}

fn read(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("recruitee");
    raw.source_id = row.text("id");
    let language = row.text("default_language").or_else(|| row.text("language"));
    let translation = translation(row, language.as_deref());
    let translated = |field: &str| translation.and_then(|(_, texts)| texts.text(field));
    raw.title = row.text("title").or_else(|| translated("title"));
    raw.company = row.text("company_name").or_else(|| page.company());
    raw.url = row.text("careers_url").or_else(|| {
        let slug = row.text("slug")?;
        let mut url = url::Url::parse(&format!("https://{}", host_of(page))).ok()?;
        url.path_segments_mut().ok()?.pop_if_empty().push("o").push(&slug);
        Some(url.into())
    });
    raw.apply_url = row.text("careers_apply_url");
    read_places(&mut raw, row);
    raw.remote = match (row.truth("remote"), row.truth("hybrid"), row.truth("on_site")) {
        (_, Some(true), _) | (Some(true), _, Some(true)) => Some(RemoteKind::Hybrid),
        (Some(true), ..) => Some(RemoteKind::Remote),
        (_, _, Some(true)) => Some(RemoteKind::OnSite),
        _ => None,
    };
    if let Some(code) = row.first_text(&["employment_type_code", "employment_type"]) {
        // Codes such as `fulltime_permanent` or `parttime_fixed_term` say two things.
        let words: Vec<&str> = code.splitn(2, '_').collect();
        words.iter().for_each(|word| add_employment(&mut raw, &word.replace('_', " ")));
    }
    raw.seniority_text = row.text("experience_code").map(|code| code.replace('_', " "));
    raw.department = row.text("department");
    for field in ["category_code", "education_code"] {
        if let Some(code) = row.text(field) {
            add_tag(&mut raw, &code.replace('_', " "));
        }
    }
    row.texts_of("tags", "name").iter().for_each(|tag| add_tag(&mut raw, tag));
    raw.language = language.or_else(|| translation.map(|(language, _)| language.to_owned()));
    raw.posted = date_at(row, "published_at").or_else(|| date_at(row, "created_at"));
    raw.updated = date_at(row, "updated_at");
    raw.expires = date_at(row, "close_at");
    raw.closed = row.text("status").is_some_and(|status| matches!(status.as_str(), "closed" | "archived"));
    if let Some(text) = row.text("description").or_else(|| translated("description")) {
        set_description(&mut raw, &text);
    }
    if let Some(text) = row.text("requirements").or_else(|| translated("requirements")) {
        add_section(&mut raw, "Requirements", &text);
    }
    raw.salary = salary(row);
    raw
}

/// The texts in the main language, or in the only one there is.
fn translation<'a>(row: &'a Value, language: Option<&str>) -> Option<(&'a str, &'a Value)> {
    let Some(Value::Object(all)) = row.at("translations") else { return None };
    let chosen = language.and_then(|language| all.get_key_value(language));
    let only = if all.len() == 1 { all.iter().next() } else { None };
    chosen.or(only).map(|(language, texts)| (language.as_str(), texts))
}

fn read_places(raw: &mut RawPosting, row: &Value) {
    for place in row.list("locations") {
        let mut place = RawPlace {
            text: place.text("name"),
            city: place.text("city"),
            region: place.first_text(&["state", "state_name"]),
            country: place.first_text(&["country_code", "country"]),
        };
        if place.city.is_some() || place.country.is_some() {
            // A location's name is the company's own ("Headquarters"); the parts are the place.
            place.text = None;
        }
        if place != RawPlace::default() && !raw.places.contains(&place) {
            raw.places.push(place);
        }
    }
    if !raw.places.is_empty() {
        return;
    }
    let place = RawPlace {
        text: row.text("location"),
        city: row.text("city"),
        region: row.first_text(&["state_name", "state_code"]),
        country: row.first_text(&["country_code", "country"]),
    };
    if place != RawPlace::default() {
        raw.places.push(place);
    }
}

fn salary(row: &Value) -> Option<RawSalary> {
    let pay = row.at("salary")?;
    let (min, max) = (pay.number("min"), pay.number("max"));
    (min.is_some() || max.is_some()).then(|| RawSalary {
        min,
        max,
        currency: pay.text("currency"),
        period: pay.text("period"),
        ..RawSalary::default()
    })
}
