//! Jobvite: the job list of one company's page, and its job pages.
//!
//! `GET https://jobs.jobvite.com/{slug}/search`: rows of a link `/{slug}/job/{id}` and a place.

use aerie_postings::RawPosting;
use async_trait::async_trait;
use scraper::{ElementRef, Html};
use url::Url;

use crate::collect::{BoardSource, Collector};
use crate::fetch::{Fetcher, Request};
use crate::html_select::{absolute_url, all, attribute, first, html_at, parse_document, text, text_at};
use crate::jsonld::postings_in_document;
use crate::query_text::{address, words_of_slug};
use crate::raw_fields::{add_place, posting};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// The Jobvite source; a board's token is the company's slug.
pub struct Jobvite {
    info: SourceInfo,
}

impl Default for Jobvite {
    fn default() -> Self {
        let info = SourceInfo::new("jobvite", "Jobvite", SourceKind::CompanyBoard, &["jobs.jobvite.com"]);
        Self { info: info.with_cut_descriptions() }
    }
}

#[async_trait]
impl Source for Jobvite {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        crate::collect::each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let html = page.text();
        let document = parse_document(&html);
        let mut parsed = Parsed::default();
        let own = Some(&page.url).filter(|url| url.host_str().is_some_and(|host| host.ends_with("jobvite.com")));
        for mut row in read_document(&document, own) {
            if let Some(company) = page.company() {
                row.company = Some(company);
            }
            parsed.push(row);
        }
        parsed.or_broken(html.contains("/job/"), "it links jobs")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if is_page(sample.text) { 90 } else { 0 }
    }
}

#[async_trait]
impl BoardSource for Jobvite {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let list = address(&format!("https://jobs.jobvite.com/{}/search", board.token))?;
        // Some answers have nearly two megabytes and take long.
        let request = Request::page(list).within(std::time::Duration::from_secs(30)).for_board(board);
        collector.whole(request).await
    }
}

/// Whether a page is one of Jobvite's.
pub(crate) fn is_page(html: &str) -> bool {
    html.contains("jv-job-list") || html.contains("jv-job-detail") || html.contains("jobs.jobvite.com/")
}

/// Reads a list of jobs or a job page.
pub(crate) fn read_document(document: &Html, own: Option<&Url>) -> Vec<RawPosting> {
    let root = document.root_element();
    let base = own.cloned().or_else(|| Url::parse("https://jobs.jobvite.com/").ok());
    let structured = postings_in_document(document, "jobvite", own).postings;
    if !structured.is_empty() {
        return structured;
    }
    let mut rows = Vec::new();
    for link in all(root, "a[href*=\"/job/\"]").into_iter().take(5_000) {
        let Some(url) = attribute(link, "href").and_then(|href| absolute_url(base.as_ref(), &href)) else { continue };
        let Some((slug, id)) = slug_and_id(&url) else { continue };
        let mut row = posting("jobvite");
        row.title = text_at(link, ".jv-job-list-name").or_else(|| text(link));
        row.company = Some(words_of_slug(&slug));
        row.source_id = Some(id);
        row.url = Some(url);
        if let Some(place) = place_beside(link) {
            add_place(&mut row, &place);
        }
        row.department = department_above(link);
        rows.push(row);
    }
    if let Some(row) = job_page(root, own).filter(|_| rows.is_empty()) {
        rows.push(row);
    }
    rows
}

/// `/{slug}/job/{id}`; the id begins with `o`.
fn slug_and_id(address: &str) -> Option<(String, String)> {
    let url = Url::parse(address).ok()?;
    let parts: Vec<&str> = url.path_segments()?.collect();
    let at = parts.iter().position(|part| *part == "job")?;
    let slug = parts.get(at.checked_sub(1)?)?;
    let id = parts.get(at + 1).filter(|id| !id.is_empty())?;
    Some(((*slug).to_owned(), (*id).to_owned()))
}

fn place_beside(link: ElementRef<'_>) -> Option<String> {
    let row = link.ancestors().filter_map(ElementRef::wrap).take(3).find(|e| matches!(e.value().name(), "tr" | "li"));
    row.and_then(|row| text_at(row, ".jv-job-list-location")).or_else(|| text_at(link, ".jv-job-list-location"))
}

/// The heading before the table that holds the link.
fn department_above(link: ElementRef<'_>) -> Option<String> {
    let table =
        link.ancestors().filter_map(ElementRef::wrap).take(6).find(|e| matches!(e.value().name(), "table" | "ul"))?;
    let before =
        table.prev_siblings().filter_map(ElementRef::wrap).find(|e| matches!(e.value().name(), "h2" | "h3" | "h4"))?;
    text(before)
}

fn job_page(root: ElementRef<'_>, own: Option<&Url>) -> Option<RawPosting> {
    let mut row = posting("jobvite");
    row.title = Some(text_at(root, "h2.jv-header")?);
    row.url = own.map(Url::to_string);
    row.source_id = own.and_then(|url| slug_and_id(url.as_str())).map(|(_, id)| id);
    row.company = own.and_then(|url| slug_and_id(url.as_str())).map(|(slug, _)| words_of_slug(&slug));
    row.description_html = html_at(root, ".jv-job-detail-description");
    // "Engineering Berlin, Germany": department and place in one line, parted by an icon.
    if let Some(meta) = first(root, "p.jv-job-detail-meta") {
        let parts: Vec<String> =
            meta.text().map(crate::html_select::fold_space).filter(|part| !part.is_empty()).collect();
        row.department = parts.first().cloned();
        for place in parts.iter().skip(1) {
            add_place(&mut row, place);
        }
    }
    Some(row)
}
