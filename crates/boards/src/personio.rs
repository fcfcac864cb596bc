//! Personio career sites: an XML feed with a company's whole board, or the page itself where the feed is off.
//!
//! Format: <https://developer.personio.de/docs/retrieving-open-job-positions>. The feed holds no addresses; they are
//! built from its host. `<name>` occurs in a position and again in its descriptions.

use std::collections::HashSet;

use aerie_postings::RawPosting;
use async_trait::async_trait;

use crate::board_address::{host_of, host_url, recorded, tenant_host};
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::html_select;
use crate::raw_fields::{add_employment, add_place, add_section, add_tag, date, posting};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};
use crate::xml_tree::{self, Element};

/// The source. A token is the first part of the host (`acme`, on personio.de) or a whole host (`acme.jobs.personio.com`).
#[derive(Debug)]
pub struct Personio {
    info: SourceInfo,
}

impl Default for Personio {
    fn default() -> Self {
        let hosts = ["*.jobs.personio.de", "*.jobs.personio.com"];
        Self { info: SourceInfo::new("personio", "Personio", SourceKind::CompanyBoard, &hosts) }
    }
}

#[async_trait]
impl BoardSource for Personio {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let host = tenant_host(&self.info, &board.token, "jobs.personio.de")?;
        let feed = host_url(&self.info, &host, "/xml")?;
        match collector.whole(Request::get(feed).for_board(board)).await {
            Err(SourceError::NotFound { .. }) => {
                let page = host_url(&self.info, &host, "/")?;
                collector.whole(Request::page(page).for_board(board)).await
            }
            ended => ended,
        }
    }
}

#[async_trait]
impl Source for Personio {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let text = page.text();
        if text.contains("<workzag-jobs") || text.contains("<position>") {
            return read_feed(&text, page);
        }
        if text.contains("job-box") || text.contains("href=\"/job/") {
            return read_page(&text, page);
        }
        Err(ParseError::not_this("there is neither <workzag-jobs> nor a list of jobs in it"))
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        match () {
            () if sample.text.contains("<workzag-jobs") => 98,
            () if sample.text.contains("jobs.personio.") && sample.text.contains("job-box") => 80,
            () => 0,
        }
    }

    fn recorded_url(&self, token: &str) -> Option<url::Url> {
        recorded(token, "jobs.personio.de", "/xml")
    }
}

fn read_feed(text: &str, page: &Page) -> Result<Parsed, ParseError> {
    let root = xml_tree::parse(text).ok_or_else(|| ParseError::not_this("it is no XML"))?;
    let mut parsed = Parsed::default();
    let mut seen = HashSet::new();
    let positions = root.descendants("position");
    for position in &positions {
        let raw = read_position(position, page);
        if raw.source_id.as_ref().is_some_and(|id| !seen.insert(id.clone())) {
            parsed.skip("listed twice");
            continue;
        }
        parsed.push(raw);
    }
    parsed.or_broken(text.contains("<position"), "<position> elements")
}

fn read_position(position: &Element, page: &Page) -> RawPosting {
    let mut raw = posting("personio");
    raw.source_id = position.text_of("id");
    raw.title = position.text_of("name");
    raw.company = position.text_of("subcompany").or_else(|| page.company());
    raw.url = raw.source_id.as_ref().map(|id| format!("https://{}/job/{id}", host_of(page)));
    if let Some(office) = position.text_of("office") {
        add_place(&mut raw, &office);
    }
    for offices in position.all("additionalOffices") {
        for office in offices.all("office").filter_map(Element::content) {
            add_place(&mut raw, &office);
        }
    }
    for field in ["schedule", "employmentType"] {
        if let Some(kind) = position.text_of(field) {
            add_employment(&mut raw, &kind);
        }
    }
    raw.seniority_text = position.text_of("seniority");
    raw.department = position.text_of("department").or_else(|| position.text_of("recruitingCategory"));
    for field in ["recruitingCategory", "occupationCategory", "occupation"] {
        if let Some(tag) = position.text_of(field).filter(|tag| Some(tag) != raw.department.as_ref()) {
            add_tag(&mut raw, &tag.replace('_', " "));
        }
    }
    if let Some(keywords) = position.text_of("keywords") {
        keywords.split(',').for_each(|word| add_tag(&mut raw, word));
    }
    raw.posted = position.text_of("createdAt").as_deref().and_then(date);
    for part in position.child("jobDescriptions").into_iter().flat_map(|parts| parts.all("jobDescription")) {
        if let Some(text) = part.text_of("value") {
            add_section(&mut raw, &part.text_of("name").unwrap_or_default(), &text);
        }
    }
    if let Some(years) = position.text_of("yearsOfExperience") {
        add_section(&mut raw, "Years of experience", &years);
    }
    raw
}

fn read_page(text: &str, page: &Page) -> Result<Parsed, ParseError> {
    let document = html_select::parse_document(text);
    let mut parsed = Parsed::default();
    for link in html_select::all(document.root_element(), "a[href*=\"/job/\"]") {
        let Some(address) =
            html_select::attribute(link, "href").and_then(|href| html_select::absolute_url(Some(&page.url), &href))
        else {
            continue;
        };
        let mut raw = posting("personio");
        raw.source_id = crate::raw_fields::digits_in(&address, 2);
        raw.title = html_select::text_at(link, "h3, .jb-title, [class*=\"title\"]");
        raw.company = page.company();
        raw.url = Some(address);
        parsed.push(raw);
    }
    parsed.or_broken(text.contains("job-box"), "job-box elements")
}
