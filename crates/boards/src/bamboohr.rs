//! BambooHR career sites: a list without descriptions and dates, and one detail a posting.

use aerie_postings::{RawPlace, RawPosting, RemoteKind};
use async_trait::async_trait;
use serde_json::Value;

use crate::board_address::{host_of, host_url, recorded, tenant_host};
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, date_at, last_segment, posting, salary_text, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// The source. A token is the first part of the host (`acme`).
#[derive(Debug)]
pub struct BambooHr {
    info: SourceInfo,
}

impl Default for BambooHr {
    fn default() -> Self {
        Self { info: SourceInfo::new("bamboohr", "BambooHR", SourceKind::CompanyBoard, &["*.bamboohr.com"]) }
    }
}

#[async_trait]
impl BoardSource for BambooHr {
    async fn search_board(
        &self,
        query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let host = tenant_host(&self.info, &board.token, "bamboohr.com")?;
        let list = host_url(&self.info, &host, "/careers/list")?;
        let list = Request::get(list).for_board(board).conditional(query.ignore_cache);
        let Some(parsed) = collector.page(list).await? else {
            collector.outcome.not_modified = true;
            return Ok(());
        };
        collector
            .deliver_with_details(parsed, |row| {
                let id = row.source_id.as_deref().filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))?;
                let url = host_url(&self.info, &host, &format!("/careers/{id}/detail")).ok()?;
                Some(Request::get(url).for_board(board))
            })
            .await;
        Ok(())
    }
}

#[async_trait]
impl Source for BambooHr {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        let total = answer.integer("meta.totalCount").and_then(|total| total.try_into().ok());
        let mut parsed = Parsed { total, ..Parsed::default() };
        if let Some(opening) = answer.at("result.jobOpening") {
            parsed.push(read(opening, page));
        } else if answer.at("result").is_some_and(Value::is_array) {
            for row in answer.list("result") {
                parsed.push(read(row, page));
            }
        } else {
            return Err(ParseError::not_this("there is no `result` in it"));
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(json) = sample.json else { return 0 };
        let row = json.at("result.0").or_else(|| json.at("result.jobOpening"));
        match row {
            Some(row) if row.get("jobOpeningName").is_some() => 98,
            None if json.at("meta.totalCount").is_some() && json.at("result").is_some_and(Value::is_array) => 60,
            _ => 0,
        }
    }

    fn recorded_url(&self, token: &str) -> Option<url::Url> {
        recorded(token, "bamboohr.com", "/careers/list")
    }
}

fn read(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("bamboohr");
    // A detail names its id only in its address.
    let asked = page.url.path_segments().and_then(|mut path| path.nth(1)).filter(|id| id.parse::<u64>().is_ok());
    let shared = row.text("jobOpeningShareUrl");
    let in_share = shared.as_deref().and_then(last_segment).filter(|id| id.parse::<u64>().is_ok());
    raw.source_id = row.text("id").or_else(|| asked.map(str::to_owned)).or(in_share);
    raw.title = row.text("jobOpeningName");
    raw.company = page.company();
    let built = raw.source_id.as_ref().map(|id| format!("https://{}/careers/{id}", host_of(page)));
    raw.url = shared.filter(|url| url.starts_with("https://")).or(built);
    raw.department = row.text("departmentLabel");
    if let Some(kind) = row.first_text(&["employmentStatusLabel", "employmentType"]) {
        add_employment(&mut raw, &kind);
    }
    let part = |fields: [&str; 3]| row.first_text(&fields);
    let place = RawPlace {
        text: None,
        city: part(["location.city", "atsLocation.city", "city"]),
        region: row.first_text(&["location.state", "atsLocation.state", "atsLocation.province", "state"]),
        country: part(["location.addressCountry", "atsLocation.country", "country"]),
    };
    if place != RawPlace::default() {
        raw.places.push(place);
    }
    raw.remote = match row.text("locationType").as_deref() {
        Some("0") => Some(RemoteKind::OnSite),
        Some("1") => Some(RemoteKind::Remote),
        Some("2") => Some(RemoteKind::Hybrid),
        _ => row.truth("isRemote").filter(|remote| *remote).map(|_| RemoteKind::Remote),
    };
    raw.seniority_text = row.text("minimumExperience");
    raw.posted = date_at(row, "datePosted");
    raw.salary = row.text("compensation").and_then(|text| salary_text(&text));
    if let Some(text) = row.text("description") {
        set_description(&mut raw, &text);
    }
    raw.closed = row.text("jobOpeningStatus").is_some_and(|status| matches!(status.as_str(), "Closed" | "Filled"));
    raw
}
