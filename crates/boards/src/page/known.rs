//! Pages of known sites, told apart by their markup.

use aerie_postings::{RawPlace, RawPosting, RemoteKind};
use scraper::{ElementRef, Html};
use url::Url;

use crate::embedded::assigned_in_page;
use crate::html_select::{absolute_url, all, attribute, attribute_at, text, text_at};
use crate::lenient::Lenient;
use crate::raw_fields::{date, date_at, posting, set_description};
use crate::{craigslist, glassdoor, googlejobs, icims, indeed, jobvite, linkedin, seek, theladders, ziprecruiter};

/// The postings of a page whose site is known; empty for any other.
pub(super) fn read(document: &Html, html: &str, own: Option<&Url>) -> Vec<RawPosting> {
    let root = document.root_element();
    if linkedin::is_page(html) {
        return linkedin::read_document(document, own);
    }
    if seek::is_page(html) {
        return seek::read_document(document, own);
    }
    if indeed::is_page(html) {
        return indeed::read_document(document, own);
    }
    if icims::is_page(html) {
        return icims::read_document(document, own);
    }
    if craigslist::is_page(html) {
        return craigslist::read_document(document, own);
    }
    if html.contains("ReqRowClick") || html.contains("hrmdirect.com") {
        return hrmdirect(root, own);
    }
    if html.contains("window.pageData") && html.contains("\"JobId\"") {
        return paylocity(root);
    }
    if googlejobs::is_page(html) {
        return googlejobs::read_document(document, own);
    }
    let host = own.and_then(Url::host_str).unwrap_or_default();
    if host.ends_with("jobvite.com") || html.contains("jv-job-list") || html.contains("jv-job-detail") {
        return jobvite::read_document(document, own);
    }
    if host.contains("glassdoor.") {
        return glassdoor::read_document(document, own);
    }
    if host.ends_with("ziprecruiter.com") {
        return ziprecruiter::read_document(document, own);
    }
    if host.ends_with("theladders.com") && theladders::is_page(html) {
        return theladders::read_document(document, own);
    }
    Vec::new()
}

/// HRM Direct (ClearCompany): a table of requisitions, linked relative to `https://{company}.hrmdirect.com/employment/`.
fn hrmdirect(root: ElementRef<'_>, own: Option<&Url>) -> Vec<RawPosting> {
    let mut rows = Vec::new();
    let company = text_at(root, "title").map(|title| employer_in_title(&title)).filter(|name| !name.is_empty());
    for line in all(root, "tr.ReqRowClick, tr[data-req-id]").into_iter().take(5_000) {
        let mut row = posting("page");
        row.source_id = attribute(line, "data-req-id");
        row.title = text_at(line, "td.posTitle a").or_else(|| text_at(line, "td.posTitle"));
        let link = attribute_at(line, "a[href]", "href");
        row.url = link.and_then(|href| absolute_url(own, &href)).or_else(|| {
            // Without the page's address, what is known is the employer's number only.
            let id = row.source_id.as_deref()?;
            Some(format!("https://hrmdirect.com/employment/job-opening.php?req={id}"))
        });
        row.company.clone_from(&company);
        row.department = text_at(line, "td.departments");
        for cell in all(line, "td") {
            let classes: Vec<&str> = cell.value().classes().collect();
            let Some(value) = text(cell) else { continue };
            if classes.iter().any(|class| matches!(*class, "cities" | "offices" | "state" | "country")) {
                crate::raw_fields::add_place(&mut row, &value);
            } else if row.posted.is_none() && value.len() == 10 {
                // A column without a name of its own holds the day as month/day/year.
                row.posted =
                    chrono::NaiveDate::parse_from_str(&value, "%m/%d/%Y").ok().map(aerie_postings::RawDate::Day);
            }
        }
        rows.push(row);
    }
    rows
}

/// "Careers At Acme Foundation" is Acme Foundation's.
fn employer_in_title(title: &str) -> String {
    let lower = title.to_lowercase();
    for prefix in ["careers at ", "jobs at ", "career opportunities at ", "open positions at ", "job openings at "] {
        if lower.starts_with(prefix) {
            return title.get(prefix.len()..).unwrap_or_default().trim().to_owned();
        }
    }
    for suffix in [" careers", " jobs", " - careers", " job openings", " career opportunities", " | careers"] {
        if lower.ends_with(suffix) {
            let end = title.len().saturating_sub(suffix.len());
            return title.get(..end).unwrap_or_default().trim().to_owned();
        }
    }
    String::new()
}

/// Paylocity: the whole list as `window.pageData`. `IndeedRemoteType` 1 is remote, 2 is hybrid.
fn paylocity(root: ElementRef<'_>) -> Vec<RawPosting> {
    let Some(state) = assigned_in_page(root, "window.pageData") else { return Vec::new() };
    let mut rows = Vec::new();
    for job in state.list("Jobs") {
        let mut row = posting("page");
        row.source_id = job.text("JobId");
        row.url = job.text("JobId").map(|id| format!("https://recruiting.paylocity.com/Recruiting/Jobs/Details/{id}"));
        row.title = job.text("JobTitle");
        row.company = state.text("ModuleTitle");
        let part = |name: &str| job.text(&format!("JobLocation.{name}"));
        let name = job.text("LocationName");
        let place = RawPlace { text: None, city: part("City"), region: part("State"), country: part("Country") };
        if place != RawPlace::default() {
            row.places.push(place);
        } else if let Some(name) = &name {
            row.places.push(RawPlace::text(name.clone()));
        }
        row.remote = match (job.truth("IsRemote"), job.integer("IndeedRemoteType")) {
            (Some(true), _) | (_, Some(1)) => Some(RemoteKind::Remote),
            (_, Some(2)) => Some(RemoteKind::Hybrid),
            _ => name.and_then(|name| crate::loose::remote_word(&name)),
        };
        row.department = job.text("HiringDepartment");
        row.posted = date_at(job, "PublishedDate");
        if let Some(text) = job.text("Description") {
            set_description(&mut row, &text);
        }
        rows.push(row);
    }
    if rows.is_empty() {
        // A single job's page has the same state without the list.
        let mut row = crate::loose::posting_of(&state, "page", None);
        row.posted = row.posted.or_else(|| date(&state.text("PublishedDate")?));
        rows.extend(row.title.is_some().then_some(row));
    }
    rows
}
