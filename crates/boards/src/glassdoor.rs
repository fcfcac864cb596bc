//! Glassdoor: a job or result page as saved or pasted, and a best-effort reader of the first result page.
//!
//! Pages carry JSON-LD `JobPosting` and the state of their framework (`__NEXT_DATA__`, Apollo). The site has refused
//! most programs since 2025.

use async_trait::async_trait;
use url::Url;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::html_select::parse_document;
use crate::query_text::{address_with, real_places, titles};
use crate::resisting;
use crate::source::{Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo};

const LIST: &str = "https://www.glassdoor.com/Job/jobs.htm";

/// The Glassdoor source.
pub struct Glassdoor {
    info: SourceInfo,
}

impl Default for Glassdoor {
    fn default() -> Self {
        Self { info: resisting::info("glassdoor", "Glassdoor", &["www.glassdoor.com"]).with_cut_descriptions() }
    }
}

#[async_trait]
impl Source for Glassdoor {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        for title in titles(query, 2) {
            let place = real_places(query, 1).into_iter().next().unwrap_or_default();
            let url = address_with(LIST, &[("sc.keyword", &title), ("locKeyword", &place), ("sortBy", "date_desc")])?;
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
        let own = Some(&page.url).filter(|url| url.host_str().is_some_and(|host| host.contains("glassdoor.")));
        let rows = read_document(&document, own);
        if rows.is_empty()
            && let Some(wall) = resisting::wall(document.root_element(), &html)
        {
            return Err(wall);
        }
        let mut parsed = Parsed::default();
        rows.into_iter().for_each(|row| parsed.push(row));
        parsed.or_broken(is_page(&html), "it is a page of Glassdoor")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if sample.json.is_none() && is_page(sample.text) { 85 } else { 0 }
    }
}

/// Whether a page is one of Glassdoor's.
pub(crate) fn is_page(html: &str) -> bool {
    html.contains("glassdoor.")
        && (html.contains("JobDetails_") || html.contains("jobListing") || html.contains("application/ld+json"))
}

/// Reads a job page or a result page.
pub(crate) fn read_document(document: &scraper::Html, own: Option<&Url>) -> Vec<aerie_postings::RawPosting> {
    let mut rows = crate::page::structured(document, "glassdoor", own);
    for row in &mut rows {
        row.source_id = row.source_id.take().or_else(|| listing_id(row.url.as_deref()?));
    }
    if rows.is_empty() {
        rows = cards(document.root_element(), own);
    }
    rows
}

/// `…-JV_IC1147436_KO0,17.htm?jl=1009123456` and `?jobListingId=1009123456`.
fn listing_id(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let mut pairs = url.query_pairs();
    pairs.find(|(name, _)| name == "jl" || name == "jobListingId").map(|(_, id)| id.into_owned())
}

fn cards(root: scraper::ElementRef<'_>, own: Option<&Url>) -> Vec<aerie_postings::RawPosting> {
    use crate::html_select::{absolute_url, all, attribute, attribute_at, text_at};
    let base = own.cloned().or_else(|| Url::parse("https://www.glassdoor.com/").ok());
    let mut rows = Vec::new();
    for card in all(root, "li[data-test=\"jobListing\"], li[data-jobid]").into_iter().take(500) {
        let mut row = crate::raw_fields::posting("glassdoor");
        row.source_id = attribute(card, "data-jobid");
        row.title = text_at(card, "a[data-test=\"job-title\"], [class*=\"JobCard_jobTitle\"]");
        row.company = text_at(card, "[class*=\"EmployerProfile_compactEmployerName\"], [class*=\"employerName\"]");
        row.url = attribute_at(card, "a[data-test=\"job-title\"], a[href*=\"/job-listing/\"]", "href")
            .and_then(|href| absolute_url(base.as_ref(), &href));
        if let Some(place) = text_at(card, "[data-test=\"emp-location\"]") {
            crate::raw_fields::add_place(&mut row, &place);
        }
        row.salary = text_at(card, "[data-test=\"detailSalary\"]").and_then(|text| {
            let predicted = text.contains("est.)");
            let words = text.split('(').next().unwrap_or(&text);
            crate::raw_fields::salary_text(words).map(|pay| aerie_postings::RawSalary { predicted, ..pay })
        });
        if let Some(text) = text_at(card, "[data-test=\"descSnippet\"]") {
            row.description_text = Some(text);
            row.snippet = true;
        }
        row.posted = text_at(card, "[data-test=\"job-age\"]").and_then(|age| {
            let days = age.strip_suffix("d").filter(|days| days.bytes().all(|byte| byte.is_ascii_digit()));
            crate::raw_fields::date(&days.map_or(age.clone(), |days| format!("{days} days ago")))
        });
        rows.push(row);
    }
    rows
}
