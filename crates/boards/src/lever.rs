//! Lever postings: one answer, a bare list, holds a company's whole board.
//!
//! Format: <https://github.com/lever/postings-api>. Requirements stand in `lists`, not in the description, so the
//! description is joined out of all parts.

use aerie_postings::{RawDate, RawPlace, RawPosting, RawSalary};
use async_trait::async_trait;
use serde_json::Value;

use crate::board_address::path_url;
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request, WHOLE_BOARD_BYTES};
use crate::greenhouse::workplace;
use crate::lenient::{Lenient, MOST_ROWS};
use crate::raw_fields::{add_employment, add_place, add_section, add_tag, posting, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// The source. A token that begins with `eu:` is an account on the European host.
#[derive(Debug)]
pub struct Lever {
    info: SourceInfo,
}

impl Default for Lever {
    fn default() -> Self {
        Self { info: SourceInfo::new("lever", "Lever", SourceKind::CompanyBoard, &["api.lever.co", "api.eu.lever.co"]) }
    }
}

#[async_trait]
impl BoardSource for Lever {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let (base, site) = match board.token.strip_prefix("eu:") {
            Some(site) => ("https://api.eu.lever.co/v0/postings", site),
            None => ("https://api.lever.co/v0/postings", board.token.as_str()),
        };
        let url = path_url(&self.info, base, &[site], &[("mode", "json")])?;
        collector.whole(Request::get(url).for_board(board).at_most(WHOLE_BOARD_BYTES)).await
    }
}

#[async_trait]
impl Source for Lever {
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
            Value::Array(rows) => rows.iter().take(MOST_ROWS).for_each(|row| parsed.push(read(row, page))),
            Value::Object(_) if answer.at("hostedUrl").is_some() => parsed.push(read(&answer, page)),
            _ => return Err(ParseError::not_this("there is neither a list nor a posting in it")),
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(json) = sample.json else { return 0 };
        let row = json.at("0").unwrap_or(json);
        let known = ["hostedUrl", "categories", "descriptionPlain", "workplaceType", "additionalPlain"];
        match known.iter().filter(|field| row.get(field).is_some()).count() {
            0 => 0,
            1 => 40,
            _ => 95,
        }
    }
}

fn read(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("lever");
    raw.source_id = row.text("id");
    raw.title = row.text("text");
    raw.url = row.text("hostedUrl");
    raw.apply_url = row.text("applyUrl");
    raw.company = page.company().or_else(|| raw.url.as_deref().and_then(site_in));
    raw.remote = row.text("workplaceType").and_then(|word| workplace(&word));
    read_places(&mut raw, row);
    if let Some(commitment) = row.text("categories.commitment") {
        add_employment(&mut raw, &commitment);
    }
    raw.department = row.first_text(&["categories.department", "categories.team"]);
    if let Some(team) = row.text("categories.team").filter(|team| Some(team) != raw.department.as_ref()) {
        add_tag(&mut raw, &team);
    }
    row.texts("tags").iter().for_each(|tag| add_tag(&mut raw, tag));
    raw.seniority_text = row.text("categories.level");
    raw.posted = row.integer("createdAt").and_then(RawDate::from_epoch_milliseconds);
    raw.updated = row.integer("updatedAt").and_then(RawDate::from_epoch_milliseconds);
    raw.salary = salary(row);
    read_description(&mut raw, row);
    raw
}

fn read_places(raw: &mut RawPosting, row: &Value) {
    for place in row.texts("categories.allLocations") {
        add_place(raw, &place);
    }
    if raw.places.is_empty()
        && let Some(place) = row.text("categories.location")
    {
        add_place(raw, &place);
    }
    let Some(country) = row.text("country") else { return };
    match raw.places.as_mut_slice() {
        [] => raw.places.push(RawPlace { country: Some(country), ..RawPlace::default() }),
        [only] => only.country = Some(country),
        _ => {}
    }
}

fn salary(row: &Value) -> Option<RawSalary> {
    let salary = RawSalary {
        text: row.first_text(&["salaryDescriptionPlain", "salaryDescription"]),
        min: row.number("salaryRange.min").filter(|amount| *amount > 0.0),
        max: row.number("salaryRange.max").filter(|amount| *amount > 0.0),
        currency: row.text("salaryRange.currency"),
        period: row.text("salaryRange.interval"),
        predicted: false,
    };
    (salary.min.is_some() || salary.max.is_some() || salary.text.is_some()).then_some(salary)
}

/// `description` is `opening` and `descriptionBody` joined; some answers carry only the plain forms.
fn read_description(raw: &mut RawPosting, row: &Value) {
    match row.first_text(&["description", "descriptionPlain"]) {
        Some(text) => set_description(raw, &text),
        None => {
            let parts = [["opening", "openingPlain"], ["descriptionBody", "descriptionBodyPlain"]];
            let parts: Vec<String> = parts.iter().filter_map(|names| row.first_text(names)).collect();
            set_description(raw, &parts.join("\n\n"));
        }
    }
    for list in row.list("lists") {
        let Some(content) = list.text("content") else { continue };
        let content =
            if content.contains("<li") && !content.contains("<ul") { format!("<ul>{content}</ul>") } else { content };
        add_section(raw, &list.text("text").unwrap_or_default(), &content);
    }
    if let Some(text) = row.first_text(&["additional", "additionalPlain"]) {
        add_section(raw, "", &text);
    }
}

/// The company's site name in a posting's address.
fn site_in(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    url.host_str().filter(|host| host.ends_with("lever.co"))?;
    let site = url.path_segments()?.next()?.replace('-', " ");
    (!site.is_empty()).then_some(site)
}
