//! Craigslist: result pages, the old RDF feed, and posting pages.
//!
//! `https://{metro}.craigslist.org/search/{category}?query=&sort=date` has a static list of results; `&format=rss` was
//! RSS 1.0 (RDF) and is refused to programs today, but saved feeds are read. Lists name no company; the same ad is
//! posted again under a new id every week.

use aerie_postings::{RawPosting, RemoteKind};
use async_trait::async_trait;
use scraper::{ElementRef, Html};
use url::Url;

use crate::collect::Collector;
use crate::feed;
use crate::fetch::{Fetcher, Request};
use crate::html_select::{
    absolute_url, all, attribute, attribute_at, first, inner_html, parse_document, text, text_at,
};
use crate::merge::merged;
use crate::query_text::{address_with, real_places, titles, wants_remote};
use crate::raw_fields::{add_employment, add_place, add_tag, date, digits_in, posting, salary_text};
use crate::resisting;
use crate::source::{
    Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo, SourceKind,
};

mod metros;

pub use metros::{METROS, metro_of};

/// Posting pages read per run.
const MOST_DETAILS: usize = 60;
/// Metro areas searched per run.
const MOST_METROS: usize = 6;

/// The Craigslist source.
pub struct Craigslist {
    info: SourceInfo,
}

impl Default for Craigslist {
    fn default() -> Self {
        let mut info = SourceInfo::new("craigslist", "Craigslist", SourceKind::Aggregator, &["*.craigslist.org"])
            .with_terms("Personal use; the feed is refused to programs, and pages are limited per address.");
        info.default_on = false;
        info.best_effort = true;
        Self { info }
    }
}

#[async_trait]
impl Source for Craigslist {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let metros = metros_of(&self.info.name, query)?;
        let mut collector = Collector::new(self, query, fetch, sink);
        let mut details = MOST_DETAILS;
        let mut seen = std::collections::HashSet::new();
        for metro in &metros {
            for title in titles(query, 3) {
                let list = format!("https://{metro}.craigslist.org/search/jjj");
                let mut url = address_with(&list, &[("query", &title), ("sort", "date")])?;
                if wants_remote(query) {
                    url.query_pairs_mut().append_pair("is_telecommuting", "1");
                }
                let parsed = match collector.page(Request::page(url)).await.map_err(resisting::as_refusal) {
                    Ok(parsed) => parsed.unwrap_or_default(),
                    Err(error) if collector.outcome.fetched == 0 => return Err(error),
                    Err(error) => {
                        collector.outcome.truncated = Some(format!("{metro} failed: {error}"));
                        return Ok(collector.outcome);
                    }
                };
                collector.note(&parsed);
                for row in parsed.postings {
                    if !seen.insert(row.source_id.clone().or_else(|| row.url.clone())) {
                        continue;
                    }
                    let row = with_detail(&mut collector, row, &mut details).await;
                    collector.accept(row);
                }
            }
        }
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let text = page.text();
        let mut parsed = Parsed::default();
        if feed::is_feed(&text) {
            for (mut row, item) in feed::read(&text, "craigslist", Some(&page.url))? {
                row.source_id = row.url.as_deref().and_then(id_in_address);
                // The feed's `dc:source` is the address of the ad, not an employer.
                row.company = None;
                row.title = row.title.map(|title| split_title(&title, &mut row.places));
                if row.posted.is_none() {
                    row.posted = item.get(&["date", "issued"]).and_then(|text| date(&text));
                }
                parsed.push(row);
            }
            return Ok(parsed);
        }
        let document = parse_document(&text);
        read_document(&document, Some(&page.url)).into_iter().for_each(|row| parsed.push(row));
        if parsed.postings.is_empty()
            && let Some(wall) = resisting::wall(document.root_element(), &text)
        {
            return Err(wall);
        }
        parsed.or_broken(text.contains("cl-static-search-result") || text.contains("postingbody"), "it holds ads")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if is_page(sample.text) {
            return 90;
        }
        let named = crate::html_select::truncate(sample.text, 4_000).contains("craigslist.org");
        if feed::is_feed(sample.text) && named { 95 } else { 0 }
    }
}

/// Whether a page is one of Craigslist's.
pub(crate) fn is_page(html: &str) -> bool {
    html.contains("cl-static-search-result")
        || html.contains("id=\"titletextonly\"")
        || html.contains("id=\"postingbody\"")
}

fn metros_of(name: &str, query: &Query) -> Result<Vec<String>, SourceError> {
    let mut metros: Vec<String> =
        real_places(query, 20).iter().filter_map(|place| metro_of(place)).map(str::to_owned).collect();
    metros.dedup();
    metros.truncate(MOST_METROS);
    if metros.is_empty() {
        return Err(SourceError::BadQuery {
            name: name.to_owned(),
            reason: "it is divided by metropolitan areas, and none of the places is one; name a city such as \"San \
                     Francisco\""
                .to_owned(),
        });
    }
    Ok(metros)
}

async fn with_detail(collector: &mut Collector<'_>, row: RawPosting, left: &mut usize) -> RawPosting {
    let wanted = *left > 0 && collector.wants_detail(&row);
    let Some(url) = row.url.as_deref().filter(|_| wanted).and_then(|url| Url::parse(url).ok()) else { return row };
    *left -= 1;
    match collector.page(Request::page(url)).await {
        Ok(Some(parsed)) => match parsed.postings.into_iter().next() {
            Some(detail) => merged(row, detail),
            None => row,
        },
        Ok(None) => row,
        Err(error) => {
            if !matches!(error, SourceError::NotFound { .. }) {
                *left = 0;
                collector.outcome.truncated =
                    Some(format!("descriptions are missing: {}", resisting::as_refusal(error)));
            }
            row
        }
    }
}

/// Reads a result page or a posting page.
pub(crate) fn read_document(document: &Html, address: Option<&Url>) -> Vec<RawPosting> {
    let root = document.root_element();
    let cards = all(root, "li.cl-static-search-result, li.cl-search-result, li.result-row");
    if cards.is_empty() {
        return ad(root, address).into_iter().collect();
    }
    cards.into_iter().take(5_000).map(|card| card_row(card, address)).collect()
}

/// The number in `…/d/title/7712345678.html`.
fn id_in_address(address: &str) -> Option<String> {
    digits_in(address.rsplit('/').next()?.strip_suffix(".html")?, 8)
}

fn card_row(card: ElementRef<'_>, address: Option<&Url>) -> RawPosting {
    let mut row = posting("craigslist");
    row.url = attribute_at(card, "a[href]", "href").and_then(|href| absolute_url(address, &href));
    row.source_id = row.url.as_deref().and_then(id_in_address).or_else(|| attribute(card, "data-pid"));
    row.title = text_at(card, ".title, a.titlestring, a.result-title").or_else(|| attribute(card, "title"));
    if let Some(place) = text_at(card, ".location, .result-hood") {
        add_place(&mut row, place.trim_matches(['(', ')']));
    }
    row.salary = text_at(card, ".price").filter(|price| price != "$0").and_then(|text| salary_text(&text));
    row.posted = attribute_at(card, "time[datetime]", "datetime").and_then(|text| date(&text));
    row
}

/// `Barista wanted (Oakland)`: title and place.
fn split_title(title: &str, places: &mut Vec<aerie_postings::RawPlace>) -> String {
    if let Some((head, place)) = title.trim().strip_suffix(')').and_then(|title| title.rsplit_once(" ("))
        && !head.trim().is_empty()
    {
        places.push(aerie_postings::RawPlace::text(place.trim()));
        return head.trim().to_owned();
    }
    title.to_owned()
}

fn ad(root: ElementRef<'_>, address: Option<&Url>) -> Option<RawPosting> {
    let mut row = posting("craigslist");
    row.title = text_at(root, "#titletextonly").or_else(|| text_at(root, ".postingtitletext"));
    let removed = first(root, ".removed").is_some();
    row.title = row.title.or_else(|| if removed { text_at(root, "title") } else { None });
    row.title.as_ref()?;
    row.closed = removed;
    row.url =
        attribute_at(root, "link[rel=canonical]", "href").or_else(|| crate::html_select::meta(root, "og:url")).or_else(
            || address.filter(|url| url.host_str().is_some_and(|h| h.ends_with("craigslist.org"))).map(Url::to_string),
        );
    row.source_id = row.url.as_deref().and_then(id_in_address);
    // The body begins with a "QR Code Link" note for printing.
    row.description_html = first(root, "#postingbody").map(|body| {
        let html = inner_html(body);
        match first(body, ".print-information") {
            Some(note) => html.replace(note.html().as_str(), "").trim().to_owned(),
            None => html,
        }
    });
    if let Some(place) = text_at(root, ".mapaddress") {
        add_place(&mut row, &place);
    }
    for group in all(root, ".attrgroup .attr, .attrgroup span") {
        attribute_line(group, &mut row);
    }
    if let Some(hood) = text_at(root, ".postingtitletext small") {
        add_place(&mut row, hood.trim().trim_matches(['(', ')']));
    }
    row.posted = attribute_at(root, "time.date[datetime]", "datetime").and_then(|text| date(&text));
    let times = all(root, "time.date[datetime]");
    row.updated = times.get(1).and_then(|time| attribute(*time, "datetime")).and_then(|text| date(&text));
    row.updated = row.updated.filter(|updated| Some(updated) != row.posted.as_ref());
    Some(row)
}

/// `compensation: $25/hr`, `employment type: full-time`, `telecommuting okay`.
fn attribute_line(group: ElementRef<'_>, row: &mut RawPosting) {
    let Some(line) = text(group) else { return };
    let (name, value) = line.split_once(':').map_or((line.as_str(), ""), |(name, value)| (name.trim(), value.trim()));
    match name.to_lowercase().as_str() {
        "compensation" => row.salary = row.salary.take().or_else(|| salary_text(value)),
        "employment type" => value.split(',').for_each(|kind| add_employment(row, kind)),
        "company name" | "company" => row.company = Some(value.to_owned()).filter(|name| !name.is_empty()),
        "experience level" => row.seniority_text = Some(value.to_owned()),
        "telecommuting okay" | "telecommuting ok" => row.remote = Some(RemoteKind::Remote),
        "internship" => add_employment(row, "internship"),
        "non-profit organization" | "job category" => add_tag(row, if value.is_empty() { name } else { value }),
        _ => {}
    }
}
