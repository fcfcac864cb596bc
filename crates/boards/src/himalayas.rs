//! Himalayas: remote jobs, newest first, twenty a page.
//!
//! `GET https://himalayas.app/jobs/api?limit=20&offset=N`. Rows were seen whose `companyName` is literally `name`; the
//! company then comes from `companySlug`.

use aerie_postings::{RawPlace, RemoteKind};
use async_trait::async_trait;
use serde_json::Value;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::lenient::Lenient;
use crate::query_text::{address_with, words_of_slug};
use crate::raw_fields::{add_employment, add_tag, date_at, posting, salary, set_description};
use crate::source::{
    Next, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo, SourceKind,
};

const LIST: &str = "https://himalayas.app/jobs/api";
const PER_PAGE: usize = 20;
/// Two thousand of the newest postings.
const MOST_PAGES: usize = 100;

/// The Himalayas source.
pub struct Himalayas {
    info: SourceInfo,
}

impl Default for Himalayas {
    fn default() -> Self {
        let info = SourceInfo::new("himalayas", "Himalayas", SourceKind::Aggregator, &["himalayas.app"])
            .with_terms("Link back to the posting on Himalayas.");
        Self { info }
    }
}

#[async_trait]
impl Source for Himalayas {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        let ignore_cache = query.ignore_cache;
        collector
            .pages(MOST_PAGES, |number, _| {
                let offset = (number * PER_PAGE).to_string();
                let request = Request::get(address_with(LIST, &[("limit", "20"), ("offset", &offset)]).ok()?);
                Some(if number == 0 { request.conditional(ignore_cache) } else { request })
            })
            .await?;
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let value = page.json()?;
        if !value.at("jobs").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("an object with a list `jobs` was expected"));
        }
        let mut parsed = Parsed::default();
        value.list("jobs").iter().for_each(|row| parsed.push(read(row)));
        parsed.total = value.integer("totalCount").and_then(|total| total.try_into().ok());
        let end = value.integer("offset").unwrap_or(0).max(0) as u64 + value.list("jobs").len() as u64;
        parsed.next = parsed.total.filter(|total| end < *total).map(|_| Next::Offset(end));
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(row) = sample.json.and_then(|value| value.at("jobs.0")) else { return 0 };
        let marks = ["applicationLink", "locationRestrictions", "pubDate"];
        if marks.iter().all(|field| row.at(field).is_some()) { 95 } else { 0 }
    }
}

fn read(value: &Value) -> aerie_postings::RawPosting {
    let mut row = posting("himalayas");
    row.title = value.text("title");
    row.company = value
        .text("companyName")
        .filter(|name| name != "name")
        .or_else(|| value.text("companySlug").map(|slug| words_of_slug(&slug)));
    let guid = value.text("guid");
    let guid_address = guid.clone().filter(|guid| guid.starts_with("http"));
    let apply = value.text("applicationLink");
    row.url = guid_address.clone().or_else(|| apply.clone());
    row.apply_url = apply.filter(|apply| Some(apply) != row.url.as_ref());
    row.source_id = guid;
    row.remote = Some(RemoteKind::Remote);
    let scope = value.texts_of("locationRestrictions", "name");
    row.places =
        scope.iter().map(|country| RawPlace { country: Some(country.clone()), ..RawPlace::default() }).collect();
    row.remote_scope = (!scope.is_empty()).then(|| scope.join(", "));
    if let Some(kind) = value.text("employmentType") {
        add_employment(&mut row, &kind);
    }
    let levels = value.texts("seniority");
    row.seniority_text = (!levels.is_empty()).then(|| levels.join(", "));
    row.salary = salary(value.number("minSalary"), value.number("maxSalary")).map(|mut pay| {
        pay.currency = value.text("currency");
        pay.period = value.text("salaryPeriod");
        pay
    });
    let categories = value.texts("categories");
    row.department = categories.first().map(|category| category.replace('-', " "));
    categories.iter().for_each(|tag| add_tag(&mut row, tag));
    match (value.text("description"), value.text("excerpt")) {
        (Some(text), _) => set_description(&mut row, &text),
        (None, Some(excerpt)) => {
            set_description(&mut row, &excerpt);
            row.snippet = true;
        }
        (None, None) => {}
    }
    row.posted = date_at(value, "pubDate");
    row.expires = date_at(value, "expiryDate");
    row
}
