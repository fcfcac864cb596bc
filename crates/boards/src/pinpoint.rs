//! Pinpoint career sites: one answer holds a company's whole board.

use aerie_postings::{RawPlace, RawPosting, RawSalary};
use async_trait::async_trait;
use serde_json::Value;

use crate::board_address::{host_url, recorded, tenant_host};
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::greenhouse::workplace;
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_section, add_tag, date_at, posting, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// The source. A token is the first part of the host (`acme`) or a company's own host.
#[derive(Debug)]
pub struct Pinpoint {
    info: SourceInfo,
}

impl Default for Pinpoint {
    fn default() -> Self {
        Self { info: SourceInfo::new("pinpoint", "Pinpoint", SourceKind::CompanyBoard, &["*.pinpointhq.com"]) }
    }
}

#[async_trait]
impl BoardSource for Pinpoint {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let host = tenant_host(&self.info, &board.token, "pinpointhq.com")?;
        let url = host_url(&self.info, &host, "/postings.json")?;
        collector.whole(Request::get(url).for_board(board)).await
    }
}

#[async_trait]
impl Source for Pinpoint {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        if !answer.at("data").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("there is no `data` in it"));
        }
        let mut parsed = Parsed::default();
        for row in answer.list("data") {
            parsed.push(read(row, page));
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(row) = sample.json.and_then(|json| json.at("data.0")) else { return 0 };
        let known = ["key_responsibilities", "skills_knowledge_expertise", "workplace_type", "compensation_minimum"];
        if known.iter().any(|field| row.get(field).is_some()) { 95 } else { 0 }
    }

    fn recorded_url(&self, token: &str) -> Option<url::Url> {
        recorded(token, "pinpointhq.com", "/postings.json")
    }
}

fn read(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("pinpoint");
    raw.source_id = row.first_text(&["id", "job.requisition_id", "job.id"]);
    raw.title = row.text("title");
    raw.company = page.company();
    raw.url = row.text("url").or_else(|| {
        let path = row.text("path").filter(|path| path.starts_with('/'))?;
        page.url.join(&path).ok().map(Into::into)
    });
    let place = RawPlace {
        text: row.text("location.name"),
        city: row.text("location.city"),
        region: row.first_text(&["location.province", "location.state"]),
        country: row.first_text(&["location.country_code", "location.country"]),
    };
    if place != RawPlace::default() {
        raw.places.push(place);
    }
    raw.remote = row.first_text(&["workplace_type", "workplace_type_text"]).and_then(|word| workplace(&word));
    if let Some(kind) = row.first_text(&["employment_type_text", "employment_type"]) {
        add_employment(&mut raw, &kind.replace('_', " "));
    }
    raw.department = row.first_text(&["job.department.name", "job.department", "department.name"]);
    if let Some(division) = row.first_text(&["job.division.name", "job.division"]) {
        add_tag(&mut raw, &division);
    }
    raw.posted = ["published_at", "created_at", "open_at"].iter().find_map(|field| date_at(row, field));
    raw.expires = date_at(row, "deadline_at");
    if let Some(text) = row.text("description") {
        set_description(&mut raw, &text);
    }
    let sections = [
        ("key_responsibilities", "Key responsibilities"),
        ("skills_knowledge_expertise", "Skills, knowledge and expertise"),
        ("benefits", "Benefits"),
    ];
    for (section, usual) in sections {
        let Some(text) = row.text(section) else { continue };
        add_section(&mut raw, row.text(&format!("{section}_header")).as_deref().unwrap_or(usual), &text);
    }
    raw.salary = salary(row);
    raw
}

fn salary(row: &Value) -> Option<RawSalary> {
    if row.truth("compensation_visible") == Some(false) {
        return None;
    }
    let salary = RawSalary {
        text: row.text("compensation"),
        min: row.number("compensation_minimum").filter(|amount| *amount > 0.0),
        max: row.number("compensation_maximum").filter(|amount| *amount > 0.0),
        currency: row.text("compensation_currency"),
        period: row.text("compensation_frequency"),
        predicted: false,
    };
    (salary.text.is_some() || salary.min.is_some() || salary.max.is_some()).then_some(salary)
}
