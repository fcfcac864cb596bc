//! SmartRecruiters postings: a paged list without descriptions, and one detail a posting.
//!
//! Format: <https://developers.smartrecruiters.com/docs/posting-api>. An unknown company answers like an empty board.

use aerie_postings::{RawPlace, RawPosting, RawSalary, RemoteKind};
use async_trait::async_trait;
use serde_json::Value;

use crate::board_address::path_url;
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_section, add_tag, date_at, posting};
use crate::source::{
    CompanyBoard, Next, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

const BASE: &str = "https://api.smartrecruiters.com/v1/companies";

/// The source.
#[derive(Debug)]
pub struct SmartRecruiters {
    info: SourceInfo,
}

impl Default for SmartRecruiters {
    fn default() -> Self {
        let hosts = ["api.smartrecruiters.com"];
        Self { info: SourceInfo::new("smartrecruiters", "SmartRecruiters", SourceKind::CompanyBoard, &hosts) }
    }
}

#[async_trait]
impl BoardSource for SmartRecruiters {
    async fn search_board(
        &self,
        query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let mut offset = 0;
        loop {
            let number = offset.to_string();
            let paging = [("limit", "100"), ("offset", number.as_str())];
            let url = path_url(&self.info, BASE, &[&board.token, "postings"], &paging)?;
            let request = Request::get(url).for_board(board);
            // The first page names the total, so it changes whenever a posting comes or goes.
            let request = if offset == 0 { request.conditional(query.ignore_cache) } else { request };
            let parsed = match collector.page(request).await {
                Ok(Some(parsed)) => parsed,
                Ok(None) => {
                    collector.outcome.not_modified = offset == 0;
                    return Ok(());
                }
                Err(error) if offset == 0 => return Err(error),
                Err(error) => {
                    collector.outcome.truncated = Some(format!("page at {offset} failed: {error}"));
                    return Ok(());
                }
            };
            let next = parsed.next.clone();
            collector
                .deliver_with_details(parsed, |row| {
                    let id = row.source_id.as_deref()?;
                    let url = path_url(&self.info, BASE, &[&board.token, "postings", id], &[]).ok()?;
                    Some(Request::get(url).for_board(board))
                })
                .await;
            match next {
                Some(Next::Offset(next)) if next > offset && !collector.is_full() => offset = next,
                _ => return Ok(()),
            }
        }
    }
}

#[async_trait]
impl Source for SmartRecruiters {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        if answer.at("jobAd").is_some() || answer.at("postingUrl").is_some() {
            let mut parsed = Parsed::default();
            parsed.push(read(&answer, page));
            return Ok(parsed);
        }
        if !answer.at("content").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("there is neither `content` nor a posting in it"));
        }
        let number = |field: &str| answer.integer(field).and_then(|number| u64::try_from(number).ok());
        let total = number("totalFound");
        let rows = answer.list("content");
        let reached = number("offset").unwrap_or_default() + rows.len() as u64;
        let more = !rows.is_empty() && total.is_some_and(|total| reached < total);
        let mut parsed = Parsed { total, next: more.then_some(Next::Offset(reached)), ..Parsed::default() };
        for row in rows {
            parsed.push(read(row, page));
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(json) = sample.json else { return 0 };
        let row = json.at("content.0").unwrap_or(json);
        let known = ["refNumber", "releasedDate", "typeOfEmployment", "experienceLevel", "jobAd", "postingUrl"];
        match known.iter().filter(|field| row.get(field).is_some()).count() {
            0 if json.at("totalFound").is_some() && json.at("content").is_some() => 80,
            0 => 0,
            1 => 40,
            _ => 95,
        }
    }
}

fn read(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("smartrecruiters");
    raw.source_id = row.text("id");
    raw.title = row.text("name");
    raw.company = row.text("company.name").or_else(|| page.company());
    // The list's `ref` is the interface's own address; the public one is built.
    raw.url = row.text("postingUrl").or_else(|| {
        let company =
            row.text("company.identifier").or_else(|| page.board.as_ref().map(|board| board.token.clone()))?;
        let mut url = url::Url::parse("https://jobs.smartrecruiters.com").ok()?;
        url.path_segments_mut().ok()?.pop_if_empty().push(&company).push(raw.source_id.as_deref()?);
        Some(url.into())
    });
    raw.apply_url = row.text("applyUrl");
    let place = RawPlace {
        text: row.text("location.fullLocation").map(|place| place.replace(", ,", ",")),
        city: row.text("location.city"),
        region: row.text("location.region"),
        country: row.text("location.country"),
    };
    if place != RawPlace::default() {
        raw.places.push(place);
    }
    raw.remote = match (row.truth("location.remote"), row.truth("location.hybrid")) {
        (_, Some(true)) => Some(RemoteKind::Hybrid),
        (Some(true), _) => Some(RemoteKind::Remote),
        (Some(false), Some(false)) => Some(RemoteKind::OnSite),
        _ => None,
    };
    if let Some(kind) = row.first_text(&["typeOfEmployment.label", "typeOfEmployment.id"]) {
        add_employment(&mut raw, &kind);
    }
    raw.seniority_text = row.text("experienceLevel.label").filter(|level| level != "Not Applicable");
    raw.department = row.first_text(&["department.label", "function.label"]);
    for field in ["function.label", "industry.label"] {
        if let Some(tag) = row.text(field).filter(|tag| tag != "Other" && Some(tag) != raw.department.as_ref()) {
            add_tag(&mut raw, &tag);
        }
    }
    raw.language = row.text("language.code");
    raw.posted = date_at(row, "releasedDate");
    raw.closed = row.truth("active") == Some(false);
    raw.salary = salary(row);
    for section in ["companyDescription", "jobDescription", "qualifications", "additionalInformation"] {
        let at = |field: &str| row.text(&format!("jobAd.sections.{section}.{field}"));
        if let Some(text) = at("text") {
            add_section(&mut raw, &at("title").unwrap_or_default(), &text);
        }
    }
    raw
}

fn salary(row: &Value) -> Option<RawSalary> {
    let pay = row.at("compensation")?;
    let (min, max) = (pay.number("min"), pay.number("max"));
    (min.is_some() || max.is_some()).then(|| RawSalary {
        min,
        max,
        currency: pay.text("currency"),
        period: pay.text("period"),
        ..RawSalary::default()
    })
}
