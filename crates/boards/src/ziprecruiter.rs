//! ZipRecruiter: a job or result page as saved or pasted, and a best-effort reader of the first result page.
//!
//! Pages carry JSON-LD and a JSON script `js_variables` with the list of jobs. Programs have been refused since 2025;
//! the interface of the mobile app is not used, since it rests on the credential of that app.

use async_trait::async_trait;
use url::Url;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::html_select::parse_document;
use crate::query_text::{address_with, real_places, titles};
use crate::resisting;
use crate::source::{Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo};

const LIST: &str = "https://www.ziprecruiter.com/jobs-search";

/// The ZipRecruiter source.
pub struct ZipRecruiter {
    info: SourceInfo,
}

impl Default for ZipRecruiter {
    fn default() -> Self {
        Self {
            info: resisting::info("ziprecruiter", "ZipRecruiter", &["www.ziprecruiter.com"]).with_cut_descriptions(),
        }
    }
}

#[async_trait]
impl Source for ZipRecruiter {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        for title in titles(query, 2) {
            let place = real_places(query, 1).into_iter().next().unwrap_or_default();
            let url = address_with(LIST, &[("search", &title), ("location", &place)])?;
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
        let own = Some(&page.url).filter(|url| url.host_str().is_some_and(|host| host.contains("ziprecruiter.")));
        let rows = read_document(&document, own);
        if rows.is_empty()
            && let Some(wall) = resisting::wall(document.root_element(), &html)
        {
            return Err(wall);
        }
        let mut parsed = Parsed::default();
        rows.into_iter().for_each(|row| parsed.push(row));
        parsed.or_broken(is_page(&html), "it is a page of ZipRecruiter")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if sample.json.is_none() && is_page(sample.text) { 85 } else { 0 }
    }
}

/// Whether a page is one of ZipRecruiter's.
pub(crate) fn is_page(html: &str) -> bool {
    html.contains("ziprecruiter.com")
        && (html.contains("job_result")
            || html.contains("hiring_company")
            || html.contains("application/ld+json")
            || html.contains("js_variables"))
}

/// Reads a job page or a result page.
pub(crate) fn read_document(document: &scraper::Html, own: Option<&Url>) -> Vec<aerie_postings::RawPosting> {
    let rows = crate::page::structured(document, "ziprecruiter", own);
    if rows.is_empty() { cards(document.root_element(), own) } else { rows }
}

fn cards(root: scraper::ElementRef<'_>, own: Option<&Url>) -> Vec<aerie_postings::RawPosting> {
    use crate::html_select::{absolute_url, all, attribute, attribute_at, text_at};
    let mut rows = Vec::new();
    for card in all(root, "article.job_result, div.job_content, article[id^=\"job-card\"]").into_iter().take(500) {
        let mut row = crate::raw_fields::posting("ziprecruiter");
        row.source_id = attribute(card, "data-job-id").or_else(|| attribute(card, "id"));
        row.title = text_at(card, "h2, .job_title, .just_job_title");
        row.company = text_at(card, "a.company_name, .hiring_company_text, [data-testid=\"job-card-company\"]");
        row.url = attribute_at(card, "a.job_link, h2 a, a[href*=\"/jobs/\"], a[href*=\"/c/\"]", "href")
            .and_then(|href| absolute_url(own, &href));
        if let Some(place) = text_at(card, "a.company_location, .job_location, [data-testid=\"job-card-location\"]") {
            crate::raw_fields::add_place(&mut row, &place);
        }
        if let Some(text) = text_at(card, "p.job_snippet, .job_snippet") {
            row.description_text = Some(text);
            row.snippet = true;
        }
        rows.push(row);
    }
    rows
}
