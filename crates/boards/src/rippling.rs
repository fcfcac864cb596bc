//! Rippling job boards: one list without descriptions that repeats a posting for each of its places, and one detail a
//! posting.

use aerie_postings::RawPosting;
use async_trait::async_trait;
use serde_json::Value;

use crate::board_address::path_url;
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::greenhouse::workplace;
use crate::lenient::{Lenient, MOST_ROWS};
use crate::raw_fields::{add_employment, add_place, add_section, add_tag, date_at, posting, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

const BASE: &str = "https://api.rippling.com/platform/api/ats/v1/board";

/// The source.
#[derive(Debug)]
pub struct Rippling {
    info: SourceInfo,
}

impl Default for Rippling {
    fn default() -> Self {
        Self { info: SourceInfo::new("rippling", "Rippling", SourceKind::CompanyBoard, &["api.rippling.com"]) }
    }
}

#[async_trait]
impl BoardSource for Rippling {
    async fn search_board(
        &self,
        query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let list = path_url(&self.info, BASE, &[&board.token, "jobs"], &[])?;
        let list = Request::get(list).for_board(board).conditional(query.ignore_cache);
        let Some(parsed) = collector.page(list).await? else {
            collector.outcome.not_modified = true;
            return Ok(());
        };
        collector
            .deliver_with_details(parsed, |row| {
                let id = row.source_id.as_deref()?;
                let url = path_url(&self.info, BASE, &[&board.token, "jobs", id], &[]).ok()?;
                Some(Request::get(url).for_board(board))
            })
            .await;
        Ok(())
    }
}

#[async_trait]
impl Source for Rippling {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        let mut parsed = Parsed::default();
        match &answer {
            Value::Array(rows) => rows.iter().take(MOST_ROWS).for_each(|row| add(&mut parsed, read(row, page))),
            Value::Object(_) if answer.at("uuid").is_some() => parsed.push(read(&answer, page)),
            _ => return Err(ParseError::not_this("there is neither a list nor a posting in it")),
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(json) = sample.json else { return 0 };
        let row = json.at("0").unwrap_or(json);
        let place = row.get("workLocation").is_some() || row.get("workLocations").is_some();
        match (row.get("uuid").is_some(), place) {
            (true, true) => 95,
            (true, false) if row.get("name").is_some() && row.get("url").is_some() => 50,
            _ => 0,
        }
    }
}

/// Adds a row, or its places to the posting that has been listed for another place.
fn add(parsed: &mut Parsed, raw: RawPosting) {
    let known = parsed.postings.iter_mut().find(|known| raw.source_id.is_some() && known.source_id == raw.source_id);
    match known {
        Some(known) => {
            let fresh: Vec<_> = raw.places.into_iter().filter(|place| !known.places.contains(place)).collect();
            known.places.extend(fresh);
        }
        None => parsed.push(raw),
    }
}

fn read(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("rippling");
    raw.source_id = row.text("uuid");
    raw.title = row.text("name");
    raw.url = row.text("url").or_else(|| {
        let board = page.board.as_ref()?;
        raw.source_id.as_ref().map(|id| format!("https://ats.rippling.com/{}/jobs/{id}", board.token))
    });
    raw.company = row
        .first_text(&["companyName", "company.name"])
        .or_else(|| page.company())
        .or_else(|| raw.url.as_deref().and_then(board_in));
    raw.department = row.first_text(&["department.label", "department.name", "department"]);
    if let Some(place) = row.first_text(&["workLocation.label", "workLocation.name", "workLocation"]) {
        add_place(&mut raw, &place);
    }
    for place in row.texts_of("workLocations", "label") {
        add_place(&mut raw, &place);
    }
    raw.remote = row.first_text(&["workplaceType", "workModel"]).and_then(|word| workplace(&word));
    if let Some(kind) = row.first_text(&["employmentType.label", "employmentType.id", "employmentType"]) {
        // `SALARIED_FT` or "Salaried, full-time": how it is paid, then the hours.
        let hours = kind.rsplit(['_', ',']).next().unwrap_or(&kind).trim().to_owned();
        add_employment(&mut raw, &hours);
    }
    raw.posted = ["createdOn", "createdAt", "publishedAt"].iter().find_map(|field| date_at(row, field));
    if let Some(text) = row.first_text(&["description.role", "description"]) {
        set_description(&mut raw, &text);
    }
    if let Some(text) = row.text("description.company") {
        add_section(&mut raw, "About the company", &text);
    }
    row.texts_of("tags", "label").iter().for_each(|tag| add_tag(&mut raw, tag));
    raw.salary = pay(row);
    raw
}

fn pay(row: &Value) -> Option<aerie_postings::RawSalary> {
    let range = row.at("payRangeDetails.0")?;
    let (min, max) = (range.number("rangeStart"), range.number("rangeEnd"));
    (min.is_some() || max.is_some()).then(|| aerie_postings::RawSalary {
        min,
        max,
        currency: range.first_text(&["currency", "currencyCode"]),
        period: range.first_text(&["frequency", "interval"]),
        ..aerie_postings::RawSalary::default()
    })
}

/// The board's name in `…/acme/jobs/<uuid>`.
fn board_in(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    let path: Vec<&str> = url.path_segments()?.collect();
    let jobs = path.iter().position(|segment| *segment == "jobs")?;
    let board = path.get(jobs.checked_sub(1)?)?.replace('-', " ");
    (!board.is_empty()).then_some(board)
}
