//! Google Jobs: a result page as saved or pasted, and a best-effort reader of the first result page.
//!
//! Results are lists under the key `520084652` in scripts: title, company, place, link, then unnamed positions. Since
//! 2025 the page is empty without JavaScript, so searching normally finds a wall; saving the page works.

use async_trait::async_trait;
use url::Url;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::html_select::parse_document;
use crate::query_text::{address_with, real_places, titles};
use crate::resisting;
use crate::source::{Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo};

const LIST: &str = "https://www.google.com/search";

/// The Google Jobs source.
pub struct GoogleJobs {
    info: SourceInfo,
}

impl Default for GoogleJobs {
    fn default() -> Self {
        Self { info: resisting::info("googlejobs", "Google Jobs", &["www.google.com"]).with_cut_descriptions() }
    }
}

#[async_trait]
impl Source for GoogleJobs {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        for title in titles(query, 2) {
            let place = real_places(query, 1).into_iter().next().unwrap_or_default();
            let url = {
                let words = format!("{title} jobs {place}");
                address_with(LIST, &[("q", words.trim()), ("udm", "8")])?
            };
            let parsed = collector.page(Request::page(url).like_a_browser()).await.map_err(resisting::as_refusal)?;
            if let Some(parsed) = parsed {
                collector.deliver(parsed);
            }
        }
        collector.outcome.truncated.get_or_insert_with(|| "only the first page of results is read".to_owned());
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let html = page.text();
        let document = parse_document(&html);
        let own = Some(&page.url).filter(|url| url.host_str().is_some_and(|host| host.contains("google.")));
        let rows = read_document(&document, own);
        if rows.is_empty()
            && let Some(wall) = resisting::wall(document.root_element(), &html)
        {
            return Err(wall);
        }
        let mut parsed = Parsed::default();
        rows.into_iter().for_each(|row| parsed.push(row));
        parsed.or_broken(is_page(&html), "it is a page of Google Jobs")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if sample.json.is_none() && is_page(sample.text) { 85 } else { 0 }
    }
}

/// Whether a page is one of Google Jobs's.
pub(crate) fn is_page(html: &str) -> bool {
    html.contains("520084652")
        || (html.contains("google.") && html.contains("htivrt=jobs"))
        || html.contains("ibp=htl;jobs")
}

/// Reads a result page: structured data where there is any, otherwise the lists under `520084652`.
pub(crate) fn read_document(document: &scraper::Html, own: Option<&Url>) -> Vec<aerie_postings::RawPosting> {
    let mut rows = Vec::new();
    for script in crate::html_select::all(document.root_element(), "script") {
        let text: String = script.text().collect();
        for (at, mark) in text.match_indices("520084652\":").take(200) {
            let rest = text.get(at + mark.len()..).unwrap_or("");
            if let Some(value) = crate::jsonld::repair::read_prefix(rest) {
                rows.extend(read_result(&value));
            }
        }
    }
    if rows.is_empty() {
        rows = crate::page::structured(document, "googlejobs", own);
    }
    rows
}

/// One result. Positions as observed: 0 title, 1 company, 2 place, 3 links, 12 age, 19 description, 28 id.
fn read_result(value: &serde_json::Value) -> Option<aerie_postings::RawPosting> {
    use crate::lenient::Lenient;
    let mut row = crate::raw_fields::posting("googlejobs");
    row.title = Some(value.text("0")?);
    row.company = value.text("1");
    if let Some(place) = value.text("2") {
        crate::raw_fields::add_place(&mut row, &place);
    }
    row.url = value.text("3.0.0").and_then(|href| crate::html_select::absolute_url(None, &href));
    if let Some(text) = value.text("19") {
        crate::raw_fields::set_description(&mut row, &text);
    }
    row.posted = value.text("12").and_then(|age| crate::raw_fields::date(&age));
    row.source_id = value.text("28");
    Some(row)
}
