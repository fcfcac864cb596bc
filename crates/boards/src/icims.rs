//! iCIMS: the search page of one company's portal, and its job pages (JSON-LD).
//!
//! `GET https://{sub}.icims.com/jobs/search?ss=1&pr={page}&in_iframe=1`; a page beyond the last repeats the last. The
//! list has neither date nor full description; the job page has both.

use aerie_postings::{RawPlace, RawPosting};
use async_trait::async_trait;
use scraper::{ElementRef, Html};
use url::Url;

use crate::collect::{BoardSource, Collector};
use crate::fetch::{Fetcher, Request};
use crate::html_select::{absolute_url, all, attribute, first, html_at, parse_document, text, text_at};
use crate::jsonld::postings_in_document;
use crate::merge::merged;
use crate::query_text::address_with;
use crate::raw_fields::{digits_in, posting};
use crate::resisting;
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

const MOST_PAGES: usize = 50;
/// Job pages read per run and board.
const MOST_DETAILS: usize = 200;

/// The iCIMS source; a board's token is its host name without `.icims.com` (`careers-acme`).
pub struct Icims {
    info: SourceInfo,
}

impl Default for Icims {
    fn default() -> Self {
        Self { info: SourceInfo::new("icims", "iCIMS", SourceKind::CompanyBoard, &["*.icims.com"]) }
    }
}

#[async_trait]
impl Source for Icims {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        crate::collect::each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let html = page.text();
        let document = parse_document(&html);
        let own = Some(&page.url).filter(|url| url.host_str().is_some_and(|host| host.ends_with("icims.com")));
        let mut parsed = Parsed::default();
        for mut row in read_document(&document, own) {
            row.company = row.company.or_else(|| page.company());
            parsed.push(row);
        }
        if parsed.postings.is_empty()
            && let Some(wall) = resisting::wall(document.root_element(), &html)
        {
            return Err(wall);
        }
        parsed
            .or_broken(html.contains("iCIMS_JobCardItem") || html.contains("iCIMS_JobContent"), "it holds iCIMS cards")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if is_page(sample.text) { 93 } else { 0 }
    }
}

#[async_trait]
impl BoardSource for Icims {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        one_board(collector, board).await
    }
}

/// Whether a page is an iCIMS portal's.
pub(crate) fn is_page(html: &str) -> bool {
    html.contains("iCIMS_JobCardItem") || html.contains("iCIMS_JobContent") || html.contains("iCIMS_JobsTable")
}

async fn one_board(collector: &mut Collector<'_>, board: &CompanyBoard) -> Result<(), SourceError> {
    let list = format!("https://{}.icims.com/jobs/search", board.token.trim_end_matches(".icims.com"));
    let mut seen = std::collections::HashSet::new();
    let mut details = MOST_DETAILS;
    for page in 0..MOST_PAGES {
        let url = address_with(&list, &[("ss", "1"), ("pr", &page.to_string()), ("in_iframe", "1")])?;
        let parsed = match collector.page(Request::page(url).like_a_browser().for_board(board)).await {
            Ok(Some(parsed)) => parsed,
            Ok(None) => return Ok(()),
            Err(error) if page == 0 => return Err(error),
            Err(error) => {
                collector.outcome.truncated = Some(format!("page {} failed: {error}", page + 1));
                return Ok(());
            }
        };
        collector.note(&parsed);
        let mut new = 0usize;
        for row in parsed.postings {
            if !seen.insert(row.source_id.clone()) {
                continue;
            }
            new += 1;
            let row = with_detail(collector, board, row, &mut details).await;
            collector.accept(row);
        }
        // A page beyond the last repeats the last one.
        if new == 0 || collector.is_full() {
            return Ok(());
        }
    }
    collector.outcome.truncated = Some(format!("stopped after {MOST_PAGES} pages"));
    Ok(())
}

async fn with_detail(
    collector: &mut Collector<'_>,
    board: &CompanyBoard,
    row: RawPosting,
    left: &mut usize,
) -> RawPosting {
    let wanted = *left > 0 && collector.wants_detail(&row);
    let Some(mut url) = row.url.as_deref().filter(|_| wanted).and_then(|url| Url::parse(url).ok()) else { return row };
    url.query_pairs_mut().append_pair("in_iframe", "1");
    *left -= 1;
    match collector.page(Request::page(url).like_a_browser().for_board(board)).await {
        Ok(Some(parsed)) => match parsed.postings.into_iter().next() {
            Some(detail) => RawPosting { snippet: false, url: row.url.clone(), ..merged(row, detail) },
            None => row,
        },
        _ => row,
    }
}

/// Reads a search page or a job page.
pub(crate) fn read_document(document: &Html, own: Option<&Url>) -> Vec<RawPosting> {
    let root = document.root_element();
    let cards = all(root, "li.iCIMS_JobCardItem, div.iCIMS_JobCardItem");
    if !cards.is_empty() {
        // The portal's own host: the page's, or what most cards link to. Cards that lead elsewhere are not jobs of it.
        let host = own.and_then(Url::host_str).map(str::to_owned).or_else(|| usual_host(&cards));
        return cards.into_iter().take(5_000).filter_map(|card| card_row(card, own, host.as_deref())).collect();
    }
    let mut rows = postings_in_document(document, "icims", own).postings;
    for row in &mut rows {
        row.source_id = row.url.as_deref().and_then(job_number).or(row.source_id.take());
    }
    if rows.is_empty() {
        rows.extend(markup_row(root, own));
    }
    rows
}

fn link_of(card: ElementRef<'_>, own: Option<&Url>) -> Option<Url> {
    let link = first(card, "a.iCIMS_Anchor").or_else(|| first(card, "a[href*=\"/jobs/\"]"))?;
    Url::parse(&absolute_url(own, &attribute(link, "href")?)?).ok()
}

fn usual_host(cards: &[ElementRef<'_>]) -> Option<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for host in cards.iter().take(200).filter_map(|card| Some(link_of(*card, None)?.host_str()?.to_owned())) {
        match counts.iter_mut().find(|(known, _)| *known == host) {
            Some((_, count)) => *count += 1,
            None => counts.push((host, 1)),
        }
    }
    let portal = |host: &str| usize::from(host.ends_with(".icims.com"));
    counts.into_iter().max_by_key(|(host, count)| (portal(host), *count)).map(|(host, _)| host)
}

/// The job's number in `/jobs/1234/slug/job`.
fn job_number(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let mut parts = url.path_segments()?.skip_while(|part| *part != "jobs");
    parts.next()?;
    digits_in(parts.next()?, 1)
}

fn card_row(card: ElementRef<'_>, own: Option<&Url>, host: Option<&str>) -> Option<RawPosting> {
    let mut row = posting("icims");
    let mut link = link_of(card, own)?;
    if host.is_some_and(|host| link.host_str() != Some(host)) {
        return None;
    }
    row.source_id = job_number(link.as_str());
    // `in_iframe` and `hashed` are about how the page is shown.
    link.set_query(None);
    row.url = Some(link.to_string());
    row.title = text_at(card, ".title h3, .title h2, .title h4")
        .or_else(|| text_at(card, "h3"))
        .or_else(|| Some(attribute(first(card, "a.iCIMS_Anchor")?, "title")?.split_once(" - ")?.1.to_owned()));
    for label in all(card, "span.field-label, dt") {
        let Some(name) = text(label) else { continue };
        let Some(value) = label.next_siblings().filter_map(ElementRef::wrap).find_map(text) else { continue };
        match name.to_lowercase().as_str() {
            "location" | "job locations" | "location : location" | "job location" => add_places(&mut row, &value),
            "category" | "department" => row.department = Some(value),
            "type" | "position type" | "employment type" => crate::raw_fields::add_employment(&mut row, &value),
            "remote" | "workplace type" => row.remote = crate::loose::remote_word(&value),
            "posted date" | "date posted" | "posted" => row.posted = crate::raw_fields::date(&value),
            _ => {}
        }
    }
    row.description_html = html_at(card, ".description");
    row.snippet = row.description_html.is_some();
    Some(row)
}

/// `US-NJ-Edison | CA-ON-Toronto`: country, region, city.
fn add_places(row: &mut RawPosting, text: &str) {
    for part in text.split('|').map(str::trim).filter(|part| !part.is_empty()).take(100) {
        if part.eq_ignore_ascii_case("remote") || part.to_lowercase().ends_with("-remote") {
            row.remote = Some(aerie_postings::RemoteKind::Remote);
        }
        let pieces: Vec<&str> = part.splitn(3, '-').map(str::trim).collect();
        let place = match pieces.as_slice() {
            [country, region, city] if country.len() == 2 && !city.is_empty() => RawPlace {
                text: None,
                city: Some((*city).to_owned()).filter(|city| !city.eq_ignore_ascii_case("remote")),
                region: Some((*region).to_owned()).filter(|region| !region.is_empty()),
                country: Some((*country).to_owned()),
            },
            [country, region] if country.len() == 2 && !region.is_empty() => RawPlace {
                text: None,
                city: None,
                region: Some((*region).to_owned()).filter(|region| !region.eq_ignore_ascii_case("remote")),
                country: Some((*country).to_owned()),
            },
            _ => RawPlace::text(part),
        };
        row.places.push(place);
    }
}

fn markup_row(root: ElementRef<'_>, own: Option<&Url>) -> Option<RawPosting> {
    let mut row = posting("icims");
    row.title = Some(text_at(root, "h1.iCIMS_Header, .iCIMS_JobContent h1, h2.iCIMS_Header")?);
    row.description_html = html_at(root, ".iCIMS_JobContent");
    row.url = own.map(Url::to_string);
    row.source_id = row.url.as_deref().and_then(job_number);
    Some(row)
}
