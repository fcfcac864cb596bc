//! Teamtailor career sites: a JSON feed or an RSS feed with a company's whole board, also on a company's own domain.
//!
//! Formats: JSON Feed 1.1 with a schema.org `JobPosting` in each item; RSS 2.0 with `tt:` elements.

use aerie_postings::{RawPlace, RawPosting, RemoteKind};
use async_trait::async_trait;
use serde_json::Value;

use crate::board_address::{host_url, tenant_host};
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::jsonld;
use crate::lenient::Lenient;
use crate::merge::merged;
use crate::raw_fields::{add_tag, date, date_at, digits_in, posting, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};
use crate::xml_tree::{self, Element};

/// The source. A token is the first part of the host (`acme`) or a company's own host (`careers.acme.example`).
#[derive(Debug)]
pub struct Teamtailor {
    info: SourceInfo,
}

impl Default for Teamtailor {
    fn default() -> Self {
        Self { info: SourceInfo::new("teamtailor", "Teamtailor", SourceKind::CompanyBoard, &["*.teamtailor.com"]) }
    }
}

#[async_trait]
impl BoardSource for Teamtailor {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let host = tenant_host(&self.info, &board.token, "teamtailor.com")?;
        let feed = host_url(&self.info, &host, "/jobs.rss")?;
        // The RSS feed says where the work is done, which the JSON feed leaves out.
        match collector.whole(Request::get(feed).for_board(board)).await {
            Err(SourceError::NotFound { .. } | SourceError::BadFormat { .. }) => {
                let feed = host_url(&self.info, &host, "/jobs.json")?;
                collector.whole(Request::get(feed).for_board(board)).await
            }
            ended => ended,
        }
    }
}

#[async_trait]
impl Source for Teamtailor {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let text = page.text();
        if text.trim_start().starts_with('<') {
            return read_rss(&text, page);
        }
        let answer = page.json()?;
        if !answer.at("items").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("there is no `items` in it"));
        }
        let company = answer.text("title").map(|title| title.trim_end_matches(" jobs").to_owned());
        let mut parsed = Parsed::default();
        for item in answer.list("items") {
            parsed.push(read_item(item, page, company.clone()));
        }
        if let Some(next) = answer.text("next_url").and_then(|next| page.url.join(&next).ok()) {
            parsed.next = Some(crate::source::Next::Url(next));
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if let Some(json) = sample.json {
            let feed = json.text("version").is_some_and(|version| version.contains("jsonfeed.org"));
            return match (feed, json.at("items.0._jobposting").is_some()) {
                (true, true) => 95,
                (true, false) => 40,
                (false, true) => 60,
                _ => 0,
            };
        }
        let head = crate::html_select::truncate(sample.text, 20_000);
        if head.contains("xmlns:tt=") || head.contains("<tt:") && head.contains("<rss") { 95 } else { 0 }
    }
}

fn read_item(item: &Value, page: &Page, company: Option<String>) -> RawPosting {
    let mut raw = posting("teamtailor");
    raw.title = item.text("title");
    raw.url = item.text("url");
    raw.source_id = item
        .text("_jobposting.identifier.value")
        .or_else(|| raw.url.as_deref().and_then(id_in))
        .or_else(|| item.text("id"));
    raw.posted = date_at(item, "date_published");
    raw.updated = date_at(item, "date_modified");
    raw.language = item.text("language");
    item.texts("tags").iter().for_each(|tag| add_tag(&mut raw, tag));
    if let Some(text) = item.first_text(&["content_html", "content_text"]) {
        set_description(&mut raw, &text);
    }
    if let Some(detail) = item.at("_jobposting") {
        let found = jsonld::postings_in_value(detail, "teamtailor", None).postings.into_iter().next();
        if let Some(detail) = found {
            raw = merged(raw, detail);
        }
    }
    raw.company = raw.company.or_else(|| page.board.as_ref().and_then(|board| board.company.clone())).or(company);
    raw
}

fn read_rss(text: &str, page: &Page) -> Result<Parsed, ParseError> {
    let root = xml_tree::parse(text).ok_or_else(|| ParseError::not_this("it is no XML"))?;
    let channel = root.descendants("channel").into_iter().next();
    let channel = channel.ok_or_else(|| ParseError::not_this("there is no RSS channel in it"))?;
    let company = channel.text_of("title");
    let mut parsed = Parsed::default();
    for item in channel.all("item") {
        parsed.push(read_rss_item(item, page, company.clone()));
    }
    Ok(parsed)
}

fn read_rss_item(item: &Element, page: &Page, company: Option<String>) -> RawPosting {
    let mut raw = posting("teamtailor");
    raw.title = item.text_of("title");
    raw.url = item.text_of("link");
    raw.source_id = raw.url.as_deref().and_then(id_in).or_else(|| item.text_of("guid"));
    raw.company = item
        .text_of("company_name")
        .or_else(|| page.board.as_ref().and_then(|board| board.company.clone()))
        .or(company)
        .or_else(|| page.company());
    raw.posted = item.text_of("pubDate").as_deref().and_then(date);
    if let Some(text) = item.text_of("description") {
        set_description(&mut raw, &text);
    }
    raw.remote = item.text_of("remoteStatus").and_then(|status| match status.as_str() {
        "fully" => Some(RemoteKind::Remote),
        "hybrid" | "temporary" => Some(RemoteKind::Hybrid),
        "none" => Some(RemoteKind::OnSite),
        _ => None,
    });
    raw.department = item.text_of("tt:department").or_else(|| item.text_of("department"));
    if let Some(role) = item.text_of("tt:role").or_else(|| item.text_of("role")) {
        add_tag(&mut raw, &role);
    }
    for place in item.descendants("location") {
        let place = RawPlace {
            text: place.text_of("name").filter(|_| place.child("city").is_none()),
            city: place.text_of("city"),
            region: place.text_of("region").or_else(|| place.text_of("state")),
            country: place.text_of("country"),
        };
        if place != RawPlace::default() {
            raw.places.push(place);
        }
    }
    raw
}

/// The number in `/jobs/7167985-account-executive`.
fn id_in(address: &str) -> Option<String> {
    digits_in(address.split("/jobs/").nth(1)?.split('-').next()?, 4)
}
