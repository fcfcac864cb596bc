//! Workable's widget feed: one answer holds a company's whole board.
//!
//! One host fronts every company and can block one account for hours, so requests are few and conditional.

use aerie_postings::{RawPlace, RawPosting, RemoteKind};
use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use crate::board_address::path_url;
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::greenhouse::workplace;
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_section, add_tag, date_at, posting, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// The source.
#[derive(Debug)]
pub struct Workable {
    info: SourceInfo,
}

impl Default for Workable {
    fn default() -> Self {
        Self { info: SourceInfo::new("workable", "Workable", SourceKind::CompanyBoard, &["apply.workable.com"]) }
    }
}

#[async_trait]
impl BoardSource for Workable {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let base = "https://apply.workable.com/api/v1/widget/accounts";
        let url = path_url(&self.info, base, &[&board.token], &[("details", "true")])?;
        collector.whole(Request::get(url).for_board(board).like_a_browser()).await
    }
}

#[async_trait]
impl Source for Workable {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        let company = answer.text("name").or_else(|| page.company());
        let mut parsed = Parsed { total: answer.integer("total").and_then(|n| n.try_into().ok()), ..Parsed::default() };
        let list = ["jobs", "results"].into_iter().find(|field| answer.at(field).is_some_and(Value::is_array));
        match list {
            Some(field) => {
                for row in answer.list(field) {
                    parsed.push(read(row, company.clone(), &page.url));
                }
            }
            None if answer.at("shortcode").is_some() => parsed.push(read(&answer, page.company(), &page.url)),
            None => return Err(ParseError::not_this("there is neither `jobs` nor a job in it")),
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(json) = sample.json else { return 0 };
        let row = json.at("jobs.0").or_else(|| json.at("results.0")).unwrap_or(json);
        match (row.get("shortcode").is_some(), row.get("telecommuting").is_some() || row.get("shortlink").is_some()) {
            (true, true) => 95,
            (true, false) => 70,
            _ => 0,
        }
    }
}

fn read(row: &Value, company: Option<String>, asked: &Url) -> RawPosting {
    let mut raw = posting("workable");
    raw.source_id = row.text("shortcode");
    raw.title = row.text("title");
    raw.company = company;
    raw.url = row.first_text(&["url", "shortlink"]).or_else(|| {
        // The newer list names no address.
        let account = asked.path_segments()?.skip_while(|segment| *segment != "accounts").nth(1)?;
        raw.source_id.as_ref().map(|code| format!("https://apply.workable.com/{account}/j/{code}/"))
    });
    raw.apply_url = row.text("application_url");
    raw.remote = row.text("workplace").and_then(|word| workplace(&word)).or_else(|| {
        let remote = row.truth("telecommuting").or_else(|| row.truth("remote"));
        remote.filter(|remote| *remote).map(|_| RemoteKind::Remote)
    });
    read_places(&mut raw, row);
    if let Some(kind) = row.first_text(&["employment_type", "type"]) {
        add_employment(&mut raw, &kind);
    }
    raw.seniority_text = row.text("experience");
    raw.department = row.text("department").or_else(|| row.texts("department").into_iter().next());
    for field in ["function", "industry", "education"] {
        if let Some(tag) = row.text(field) {
            add_tag(&mut raw, &tag);
        }
    }
    raw.language = row.text("language");
    raw.posted = ["published_on", "published", "created_at"].iter().find_map(|field| date_at(row, field));
    if let Some(text) = row.text("description") {
        set_description(&mut raw, &text);
    }
    for (field, heading) in [("requirements", "Requirements"), ("benefits", "Benefits")] {
        if let Some(text) = row.text(field) {
            add_section(&mut raw, heading, &text);
        }
    }
    raw
}

fn read_places(raw: &mut RawPosting, row: &Value) {
    for place in row.list("locations").iter().filter(|place| place.truth("hidden") != Some(true)) {
        raw.places.push(RawPlace {
            text: None,
            city: place.text("city"),
            region: place.text("region"),
            country: place.first_text(&["countryCode", "country"]),
        });
    }
    raw.places.retain(|place| *place != RawPlace::default());
    if !raw.places.is_empty() {
        return;
    }
    let at = |fields: [&str; 2]| row.first_text(&fields);
    let place = RawPlace {
        text: None,
        city: at(["city", "location.city"]),
        region: at(["state", "location.region"]),
        country: at(["country", "location.countryCode"]).or_else(|| row.text("location.country")),
    };
    if place != RawPlace::default() {
        raw.places.push(place);
    }
}
