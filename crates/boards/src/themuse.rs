//! The Muse: jobs of companies with a profile there, twenty a page.
//!
//! `GET https://www.themuse.com/api/public/jobs?page=N`, counted from 0; at most 99 pages are served and 500 requests an
//! hour without a key.

use aerie_postings::RemoteKind;
use async_trait::async_trait;
use serde_json::Value;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::lenient::Lenient;
use crate::query_text::address_with;
use crate::raw_fields::{add_employment, add_place, add_tag, date_at, posting, set_description};
use crate::source::{
    Next, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo, SourceKind,
};

const LIST: &str = "https://www.themuse.com/api/public/jobs";
const MOST_PAGES: usize = 99;

/// The Muse as a source.
pub struct TheMuse {
    info: SourceInfo,
}

impl Default for TheMuse {
    fn default() -> Self {
        let info = SourceInfo::new("themuse", "The Muse", SourceKind::Aggregator, &["www.themuse.com"])
            .with_terms("500 requests an hour without a key.");
        Self { info }
    }
}

#[async_trait]
impl Source for TheMuse {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        let ignore_cache = query.ignore_cache;
        collector
            .pages(MOST_PAGES, |number, last| {
                if number > 0 && last.is_none_or(|last| last.next.is_none()) {
                    return None;
                }
                let page = number.to_string();
                let request = Request::get(address_with(LIST, &[("page", &page), ("descending", "true")]).ok()?);
                Some(if number == 0 { request.conditional(ignore_cache) } else { request })
            })
            .await?;
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let value = page.json()?;
        if !value.at("results").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("an object with a list `results` was expected"));
        }
        let mut parsed = Parsed::default();
        value.list("results").iter().for_each(|row| parsed.push(read(row)));
        parsed.total = value.integer("total").and_then(|total| total.try_into().ok());
        let (page, count) = (value.integer("page").unwrap_or(0), value.integer("page_count").unwrap_or(0));
        parsed.next = (page.saturating_add(1) < count)
            .then(|| u32::try_from(page.saturating_add(1)).ok().map(Next::Page))
            .flatten();
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(row) = sample.json.and_then(|value| value.at("results.0")) else { return 0 };
        if row.at("refs.landing_page").is_some() || (row.at("contents").is_some() && row.at("levels").is_some()) {
            95
        } else {
            0
        }
    }
}

fn read(value: &Value) -> aerie_postings::RawPosting {
    let mut row = posting("themuse");
    row.source_id = value.text("id");
    row.title = value.text("name");
    row.company = value.text("company.name");
    row.url = value.text("refs.landing_page");
    for place in value.texts_of("locations", "name") {
        // "Flexible / Remote" is their way to say remote; it stands beside the places it may be done from.
        if place.to_ascii_lowercase().contains("remote") {
            row.remote = Some(RemoteKind::Remote);
        } else {
            add_place(&mut row, &place);
        }
    }
    let levels = value.texts_of("levels", "name");
    if levels.iter().any(|level| level.eq_ignore_ascii_case("internship")) {
        add_employment(&mut row, "internship");
    }
    row.seniority_text = (!levels.is_empty()).then(|| levels.join(", "));
    let categories = value.texts_of("categories", "name");
    row.department = categories.first().cloned();
    for tag in value.texts_of("tags", "name").iter().chain(&categories) {
        add_tag(&mut row, tag);
    }
    if let Some(text) = value.text("contents") {
        set_description(&mut row, &text);
    }
    row.posted = date_at(value, "publication_date");
    row
}
