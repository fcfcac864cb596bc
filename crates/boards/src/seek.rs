//! SEEK (Australia, New Zealand) and its sister sites: a job page as saved or pasted.
//!
//! The page holds its state as `window.SEEK_REDUX_DATA`; `data-automation` attributes mark the visible parts.

use aerie_postings::{RawPlace, RawPosting};
use async_trait::async_trait;
use scraper::{ElementRef, Html};
use serde_json::Value;
use url::Url;

use crate::embedded::assigned_in_page;
use crate::fetch::Fetcher;
use crate::html_select::{absolute_url, html_at, parse_document, text_at};
use crate::lenient::Lenient;
use crate::loose::remote_word;
use crate::merge::merged;
use crate::raw_fields::{add_employment, add_place, add_tag, date_at, posting, salary_text, set_description};
use crate::resisting;
use crate::source::{Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo};

const STATE: &str = "window.SEEK_REDUX_DATA";

/// The SEEK source: pages that a person brings; it is not searched.
pub struct Seek {
    info: SourceInfo,
}

impl Default for Seek {
    fn default() -> Self {
        let hosts = ["www.seek.com.au", "au.seek.com", "www.seek.co.nz", "nz.seek.com"];
        Self { info: resisting::info("seek", "SEEK", &hosts) }
    }
}

#[async_trait]
impl Source for Seek {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let _ = (query, fetch, sink);
        Err(SourceError::BadQuery {
            name: self.info.name.clone(),
            reason: "it is read from saved or pasted pages only; save the job's page and run `aerie import page.html`"
                .to_owned(),
        })
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let html = page.text();
        let document = parse_document(&html);
        let mut parsed = Parsed::default();
        let own = Some(&page.url).filter(|url| url.host_str().is_some_and(|host| host.contains("seek")));
        read_document(&document, own).into_iter().for_each(|row| parsed.push(row));
        if parsed.postings.is_empty()
            && let Some(wall) = resisting::wall(document.root_element(), &html)
        {
            return Err(wall);
        }
        parsed.or_broken(is_page(&html), "it holds SEEK's state")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if is_page(sample.text) { 93 } else { 0 }
    }
}

/// Whether a page is one of SEEK's.
pub(crate) fn is_page(html: &str) -> bool {
    html.contains("SEEK_REDUX_DATA") || html.contains("data-automation=\"jobAdDetails\"")
}

/// Reads a job page, or the results of a search page.
pub(crate) fn read_document(document: &Html, own: Option<&Url>) -> Vec<RawPosting> {
    let root = document.root_element();
    let state = assigned_in_page(root, STATE);
    let result = state.as_ref().and_then(|state| state.at("jobdetails.result"));
    let from_state = result.filter(|result| result.at("job").is_some()).map(read_state);
    let visible = read_markup(root, own);
    match (from_state, visible) {
        (Some(row), Some(visible)) => vec![merged(visible, row)],
        (Some(row), None) | (None, Some(row)) => vec![row],
        (None, None) => state.as_ref().map(results).unwrap_or_default(),
    }
}

fn read_state(result: &Value) -> RawPosting {
    let mut row = posting("seek");
    let Some(job) = result.at("job") else { return row };
    row.source_id = job.text("id");
    row.title = job.text("title");
    row.company = job.text("advertiser.name").or_else(|| result.text("companyProfile.name"));
    row.url = job
        .text("shareLink")
        .and_then(|link| {
            // The link to share carries a tracking parameter; the address of the job is what stands before it.
            absolute_url(None, link.split('?').next().unwrap_or(&link))
        })
        .or_else(|| Some(format!("https://www.seek.com.au/job/{}", job.text("id")?)));
    let part = |name: &str| result.text(&format!("gfjInfo.location.{name}"));
    let place = RawPlace {
        text: job.text("location.label"),
        city: part("suburb"),
        region: part("state"),
        country: part("country").or_else(|| part("countryCode")),
    };
    if place != RawPlace::default() {
        row.places.push(place);
    }
    row.remote = result
        .first_text(&["workArrangements.arrangements.0.type", "workArrangements.label"])
        .and_then(|word| remote_word(&word));
    let typed = result.texts("gfjInfo.workTypes.label");
    let words = if typed.is_empty() { job.texts("workTypes.label") } else { typed };
    words.iter().for_each(|word| add_employment(&mut row, word));
    row.salary = job.first_text(&["salary.label", "salary"]).and_then(|text| salary_text(&text)).map(|mut pay| {
        pay.currency = job.text("salary.currencyLabel");
        pay
    });
    if let Some(text) = job.first_text(&["content", "content2", "abstract"]) {
        set_description(&mut row, &text);
        row.snippet = job.at("content").is_none() && job.at("content2").is_none();
    }
    row.department =
        job.text("tracking.classificationInfo.subClassification").or_else(|| job.text("classifications.0.label"));
    let groups = ["tracking.classificationInfo.classification", "tracking.classificationInfo.subClassification"];
    groups.iter().filter_map(|path| job.text(path)).for_each(|tag| add_tag(&mut row, &tag));
    job.texts("products.bullets").iter().for_each(|tag| add_tag(&mut row, tag));
    row.posted = date_at(job, "listedAt.dateTimeUtc");
    row.expires = date_at(job, "expiresAt.dateTimeUtc");
    row.closed = job.truth("isExpired") == Some(true) || job.text("status").is_some_and(|status| status == "Expired");
    row
}

fn read_markup(root: ElementRef<'_>, own: Option<&Url>) -> Option<RawPosting> {
    let mut row = posting("seek");
    let part = |name: &str| text_at(root, &format!("[data-automation=\"{name}\"]"));
    row.title = Some(part("job-detail-title")?);
    row.company = part("advertiser-name");
    if let Some(place) = part("job-detail-location") {
        add_place(&mut row, &place);
    }
    if let Some(kind) = part("job-detail-work-type") {
        add_employment(&mut row, &kind);
    }
    row.department = part("job-detail-classifications");
    row.salary = part("job-detail-salary").and_then(|text| salary_text(&text));
    row.description_html = html_at(root, "[data-automation=\"jobAdDetails\"]");
    row.url = crate::html_select::meta(root, "og:url").or_else(|| own.map(Url::to_string));
    row.source_id = row.url.as_deref().and_then(|url| crate::raw_fields::digits_in(url, 5));
    Some(row)
}

/// The rows of a search page.
fn results(state: &Value) -> Vec<RawPosting> {
    let rows = [state.list("results.results.jobs"), state.list("results.jobs")].concat();
    let mut found = Vec::new();
    for value in rows.iter().take(500) {
        let mut row = posting("seek");
        row.source_id = value.text("id");
        row.title = value.text("title");
        row.company = value.first_text(&["advertiser.description", "companyName"]);
        row.url = value.text("id").map(|id| format!("https://www.seek.com.au/job/{id}"));
        value.texts_of("locations", "label").iter().for_each(|place| add_place(&mut row, place));
        value.texts("workTypes").iter().for_each(|kind| add_employment(&mut row, kind));
        row.salary = value.text("salaryLabel").and_then(|text| salary_text(&text));
        if let Some(text) = value.text("teaser") {
            set_description(&mut row, &text);
            row.snippet = true;
        }
        row.posted = date_at(value, "listingDate");
        found.push(row);
    }
    found
}
