//! Ashby job boards: one answer holds a company's whole board.
//!
//! Format: <https://developers.ashbyhq.com/docs/public-job-posting-api>. `workplaceType` wins over `isRemote`: boards
//! carry `isRemote: true` together with "Hybrid".

use std::time::Duration;

use aerie_postings::{RawPlace, RawPosting, RawSalary, RemoteKind};
use async_trait::async_trait;
use serde_json::Value;

use crate::board_address::path_url;
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request, WHOLE_BOARD_BYTES};
use crate::greenhouse::workplace;
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_tag, date_at, posting};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// The host takes about 10 s whatever the board's size.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The source. Board names are case-sensitive.
#[derive(Debug)]
pub struct Ashby {
    info: SourceInfo,
}

impl Default for Ashby {
    fn default() -> Self {
        Self { info: SourceInfo::new("ashby", "Ashby", SourceKind::CompanyBoard, &["api.ashbyhq.com"]) }
    }
}

#[async_trait]
impl BoardSource for Ashby {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let base = "https://api.ashbyhq.com/posting-api/job-board";
        let url = path_url(&self.info, base, &[&board.token], &[("includeCompensation", "true")])?;
        collector.whole(Request::get(url).for_board(board).at_most(WHOLE_BOARD_BYTES).within(TIMEOUT)).await
    }
}

#[async_trait]
impl Source for Ashby {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        let single = answer.at("jobUrl").is_some();
        if !single && !answer.at("jobs").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("there is neither `jobs` nor a job in it"));
        }
        let mut parsed = Parsed::default();
        let rows = if single { std::slice::from_ref(&answer) } else { answer.list("jobs") };
        for row in rows {
            if row.truth("isListed") == Some(false) {
                parsed.skip("not listed");
                continue;
            }
            parsed.push(read(row, page));
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(json) = sample.json else { return 0 };
        let row = json.at("jobs.0").unwrap_or(json);
        let known = ["jobUrl", "descriptionHtml", "isListed", "secondaryLocations", "employmentType"];
        match known.iter().filter(|field| row.get(field).is_some()).count() {
            0 if json.at("apiVersion").is_some() && json.at("jobs").is_some_and(Value::is_array) => 60,
            0 => 0,
            1 => 30,
            _ => 95,
        }
    }
}

fn read(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("ashby");
    raw.source_id = row.text("id");
    raw.title = row.text("title");
    raw.url = row.text("jobUrl");
    raw.apply_url = row.text("applyUrl");
    raw.company = page.company().or_else(|| raw.url.as_deref().and_then(board_in));
    raw.department = row.first_text(&["department", "departmentName", "team"]);
    if let Some(team) = row.first_text(&["team", "teamName"]).filter(|team| Some(team) != raw.department.as_ref()) {
        add_tag(&mut raw, &team);
    }
    if let Some(kind) = row.text("employmentType") {
        add_employment(&mut raw, &kind);
    }
    raw.remote = row
        .text("workplaceType")
        .and_then(|word| workplace(&word))
        .or_else(|| row.truth("isRemote").filter(|remote| *remote).map(|_| RemoteKind::Remote));
    add(&mut raw, place(row, "location", "address"));
    for secondary in row.list("secondaryLocations") {
        add(&mut raw, place(secondary, "location", "address"));
    }
    raw.posted = date_at(row, "publishedAt").or_else(|| date_at(row, "publishedDate"));
    raw.updated = date_at(row, "updatedAt");
    raw.expires = date_at(row, "applicationDeadline");
    raw.description_html = row.text("descriptionHtml");
    raw.description_text = row.text("descriptionPlain");
    raw.salary = salary(row);
    raw
}

fn add(raw: &mut RawPosting, place: RawPlace) {
    if place != RawPlace::default() && !raw.places.contains(&place) {
        raw.places.push(place);
    }
}

/// A place has a name of the company's choosing and, beside it, an address in parts.
fn place(row: &Value, name: &str, address: &str) -> RawPlace {
    let part = |field: &str| {
        row.text(&format!("{address}.postalAddress.{field}")).or_else(|| row.text(&format!("{address}.{field}")))
    };
    RawPlace {
        text: row.text(name),
        city: part("addressLocality"),
        region: part("addressRegion"),
        country: part("addressCountry"),
    }
}

/// The salary component of the summary, else of the tiers; the words are kept beside the numbers.
fn salary(row: &Value) -> Option<RawSalary> {
    let compensation = row.at("compensation")?;
    let text = compensation.first_text(&["scrapeableCompensationSalarySummary", "compensationTierSummary"]);
    let tiers = compensation.list("compensationTiers").iter().flat_map(|tier| tier.list("components"));
    let is_pay = |part: &&Value| {
        part.text("compensationType").is_some_and(|kind| kind == "Salary" || kind == "Wage")
            && (part.number("minValue").is_some() || part.number("maxValue").is_some())
    };
    let Some(part) = compensation.list("summaryComponents").iter().chain(tiers).find(is_pay) else {
        return text.map(|text| RawSalary { text: Some(text), ..RawSalary::default() });
    };
    Some(RawSalary {
        text,
        min: part.number("minValue"),
        max: part.number("maxValue"),
        currency: part.text("currencyCode"),
        period: part.text("interval").filter(|interval| interval != "NONE"),
        predicted: false,
    })
}

/// The board's name in a posting's address.
fn board_in(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    url.host_str().filter(|host| host.ends_with("ashbyhq.com"))?;
    let board = url.path_segments()?.next()?.replace("%20", " ").replace('-', " ");
    (!board.is_empty()).then_some(board)
}
