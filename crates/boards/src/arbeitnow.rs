//! Arbeitnow: jobs in Europe, mostly Germany, newest first, a hundred a page.
//!
//! `GET https://www.arbeitnow.com/api/job-board-api?page=N`. The answer's own `links.next` carries a rotating `?search=`
//! that narrows the list, so page addresses are built here. Descriptions are HTML, escaped in some rows.

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

const LIST: &str = "https://www.arbeitnow.com/api/job-board-api";
/// Ten thousand postings; the board holds fewer.
const MOST_PAGES: usize = 100;

/// The Arbeitnow source.
pub struct Arbeitnow {
    info: SourceInfo,
}

impl Default for Arbeitnow {
    fn default() -> Self {
        Self { info: SourceInfo::new("arbeitnow", "Arbeitnow", SourceKind::Aggregator, &["www.arbeitnow.com"]) }
    }
}

#[async_trait]
impl Source for Arbeitnow {
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
                let page = (number + 1).to_string();
                let request = Request::get(address_with(LIST, &[("page", &page)]).ok()?);
                // The list is newest first: an unchanged first page means an unchanged list.
                Some(if number == 0 { request.conditional(ignore_cache) } else { request })
            })
            .await?;
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let value = page.json()?;
        if !value.at("data").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("an object with a list `data` was expected"));
        }
        let mut parsed = Parsed::default();
        value.list("data").iter().for_each(|row| parsed.push(read(row)));
        let current = value.integer("meta.current_page").unwrap_or(1);
        let more = value.at("links.next").is_some();
        parsed.next = more.then(|| u32::try_from(current.saturating_add(1)).ok().map(Next::Page)).flatten();
        parsed.total = value.integer("meta.total").and_then(|total| total.try_into().ok());
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(row) = sample.json.and_then(|value| value.at("data.0")) else { return 0 };
        let fields = ["slug", "company_name", "job_types", "created_at"];
        if fields.iter().all(|field| row.at(field).is_some()) { 95 } else { 0 }
    }
}

fn read(value: &Value) -> aerie_postings::RawPosting {
    let mut row = posting("arbeitnow");
    row.source_id = value.text("slug");
    row.title = value.text("title");
    row.company = value.text("company_name");
    row.url = value.text("url").or_else(|| Some(format!("https://www.arbeitnow.com/jobs/{}", value.text("slug")?)));
    if let Some(place) = value.text("location") {
        add_place(&mut row, &place);
    }
    // `false` is what every row has that was not marked; it does not mean on site.
    row.remote = (value.truth("remote") == Some(true)).then_some(RemoteKind::Remote);
    value.texts("job_types").iter().for_each(|kind| add_employment(&mut row, kind));
    let tags = value.texts("tags");
    row.department = tags.first().cloned();
    tags.iter().for_each(|tag| add_tag(&mut row, tag));
    if let Some(text) = value.text("description") {
        set_description(&mut row, &text);
    }
    row.posted = date_at(value, "created_at");
    row
}
