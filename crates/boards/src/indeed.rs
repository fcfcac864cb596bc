//! Indeed: a job page or result page as saved or pasted, and a best-effort reader of the public result page.
//!
//! A job page (`viewjob?jk=…`) carries JSON-LD and `window._initialData`; a result page carries its cards in
//! `window.mosaic.providerData["mosaic-provider-jobcards"]`. The mobile interface is not used: it rests on a key that
//! belongs to Indeed's own app.

use aerie_postings::{RawPosting, RawSalary, RemoteKind};
use async_trait::async_trait;
use scraper::{ElementRef, Html};
use serde_json::Value;
use url::Url;

use crate::collect::Collector;
use crate::embedded::assigned_in_page;
use crate::fetch::{Fetcher, Request};
use crate::html_select::{all, attribute, html_at, parse_document, text_at};
use crate::jsonld::postings_in_document;
use crate::lenient::Lenient;
use crate::merge::merged;
use crate::query_text::{address_with, real_places, titles, wants_remote};
use crate::raw_fields::{add_employment, add_place, add_tag, date_at, posting, salary_text, set_description};
use crate::resisting;
use crate::source::{Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo};

const CARDS: &str = "window.mosaic.providerData[\"mosaic-provider-jobcards\"]";
const STATE: &str = "window._initialData";
const MOST_PAGES: usize = 3;

/// The Indeed source.
pub struct Indeed {
    info: SourceInfo,
}

impl Default for Indeed {
    fn default() -> Self {
        Self { info: resisting::info("indeed", "Indeed", &["*.indeed.com"]).with_cut_descriptions() }
    }
}

#[async_trait]
impl Source for Indeed {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        let country = query.countries.first().map_or("www", |code| if code == "us" { "www" } else { code.as_str() });
        let country = if country == "gb" { "uk" } else { country };
        let list = format!("https://{country}.indeed.com/jobs");
        for title in titles(query, 2) {
            let place = real_places(query, 1).into_iter().next().unwrap_or_default();
            let words = if wants_remote(query) && place.is_empty() { format!("{title} remote") } else { title };
            let days = query.max_age_days.map(|days| days.to_string());
            collector
                .pages(MOST_PAGES, |page, _| {
                    let start = (page * 10).to_string();
                    let mut url =
                        address_with(&list, &[("q", &words), ("l", &place), ("sort", "date"), ("start", &start)])
                            .ok()?;
                    if let Some(days) = &days {
                        url.query_pairs_mut().append_pair("fromage", days);
                    }
                    Some(Request::page(url).like_a_browser())
                })
                .await
                .map_err(resisting::as_refusal)?;
        }
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let html = page.text();
        let document = parse_document(&html);
        let rows = read_document(&document, Some(&page.url));
        if rows.is_empty()
            && let Some(wall) = resisting::wall(document.root_element(), &html)
        {
            return Err(wall);
        }
        let mut parsed = Parsed::default();
        rows.into_iter().for_each(|row| parsed.push(row));
        parsed.or_broken(is_page(&html), "it is a page of Indeed")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if is_page(sample.text) { 90 } else { 0 }
    }
}

/// Whether a page is one of Indeed's.
pub(crate) fn is_page(html: &str) -> bool {
    html.contains("mosaic-provider-jobcards")
        || html.contains("jobsearch-JobInfoHeader")
        || (html.contains("_initialData") && html.contains("indeed.com/"))
}

/// Reads a job page or a result page.
pub(crate) fn read_document(document: &Html, address: Option<&Url>) -> Vec<RawPosting> {
    let root = document.root_element();
    let own = address.filter(|url| url.host_str().is_some_and(|host| host.contains("indeed.")));
    let mut rows = postings_in_document(document, "indeed", own).postings;
    let state = assigned_in_page(root, STATE);
    let from_state = state.as_ref().and_then(|state| read_state(state, own));
    if let ([row], Some(more)) = (rows.as_mut_slice(), from_state.clone()) {
        *row = merged(more, row.clone());
    }
    if rows.is_empty() {
        rows.extend(from_state);
    }
    if rows.is_empty() {
        rows = cards(root);
    }
    if rows.is_empty() {
        rows.extend(read_markup(root, own));
    }
    rows
}

fn job_address(key: &str, own: Option<&Url>) -> String {
    let host = own.and_then(Url::host_str).unwrap_or("www.indeed.com");
    format!("https://{host}/viewjob?jk={key}")
}

/// `jobInfoWrapperModel.jobInfoModel` and what stands beside it.
fn read_state(state: &Value, own: Option<&Url>) -> Option<RawPosting> {
    let mut row = posting("indeed");
    let info = state.at("jobInfoWrapperModel.jobInfoModel").unwrap_or(state);
    let header = info.at("jobInfoHeaderModel").unwrap_or(info);
    row.title = header.first_text(&["jobTitle", "title"]).or_else(|| state.text("jobTitle"));
    row.title.as_ref()?;
    row.company = header.first_text(&["companyName", "company"]);
    let key = state.first_text(&["jobKey", "jk", "hostQueryExecutionResult.data.jobData.results.0.job.key"]);
    row.url = key.as_deref().map(|key| job_address(key, own));
    row.source_id = key;
    if let Some(place) = header.first_text(&["formattedLocation", "location"]).or_else(|| state.text("jobLocation")) {
        add_place(&mut row, &place);
    }
    let workplace = header.first_text(&["remoteWorkModel.text", "remoteWorkModel.type"]);
    row.remote = workplace.and_then(|word| crate::loose::remote_word(&word));
    if let Some(text) = info.first_text(&["sanitizedJobDescription", "sanitizedJobDescription.content"]) {
        set_description(&mut row, &text);
    }
    let pay = state.at("salaryInfoModel").or_else(|| state.at("jobInfoWrapperModel.salaryInfoModel"));
    row.salary = pay.and_then(|pay| {
        let numbers = crate::raw_fields::salary(pay.number("salaryMin"), pay.number("salaryMax"));
        let words = pay.text("salaryText");
        let mut salary = numbers.or_else(|| salary_text(&words.clone()?))?;
        salary.currency = pay.text("salaryCurrency");
        salary.period = pay.text("salaryType");
        Some(RawSalary { text: salary.text.or(words), ..salary })
    });
    let kinds = state.texts_of("jobInfoWrapperModel.jobInfoModel.jobInfoHeaderModel.jobTypes", "label");
    kinds.iter().chain(&header.texts("jobTypes")).for_each(|kind| add_employment(&mut row, kind));
    row.posted = date_at(state, "jobMetadataFooterModel.age").or_else(|| date_at(state, "pubDate"));
    row.closed = header.truth("expired") == Some(true) || state.truth("jobExpired") == Some(true);
    Some(row)
}

fn cards(root: ElementRef<'_>) -> Vec<RawPosting> {
    let Some(state) = assigned_in_page(root, CARDS) else { return Vec::new() };
    let rows = state.list("metaData.mosaicProviderJobCardsModel.results");
    rows.iter().take(500).map(card).collect()
}

fn card(value: &Value) -> RawPosting {
    let mut row = posting("indeed");
    row.source_id = value.text("jobkey");
    row.url = row.source_id.as_deref().map(|key| job_address(key, None));
    row.title = value.first_text(&["displayTitle", "title", "normTitle"]);
    row.company = value.first_text(&["company", "truncatedCompany"]);
    if let Some(place) = value.text("formattedLocation") {
        add_place(&mut row, &place);
    }
    row.remote = match value.truth("remoteLocation") {
        Some(true) => Some(RemoteKind::Remote),
        _ => value.text("remoteWorkModel.text").and_then(|word| crate::loose::remote_word(&word)),
    };
    row.salary = crate::raw_fields::salary(value.number("extractedSalary.min"), value.number("extractedSalary.max"))
        .map(|pay| RawSalary {
            period: value.text("extractedSalary.type"),
            currency: value.text("salarySnippet.currency"),
            ..pay
        })
        .or_else(|| salary_text(&value.text("salarySnippet.text")?))
        .or_else(|| {
            let estimate =
                crate::raw_fields::salary(value.number("estimatedSalary.min"), value.number("estimatedSalary.max"))?;
            Some(RawSalary { predicted: true, period: value.text("estimatedSalary.type"), ..estimate })
        });
    value.texts("jobTypes").iter().for_each(|kind| add_employment(&mut row, kind));
    for group in value.list("taxonomyAttributes").iter().take(20) {
        let labels = group.texts_of("attributes", "label");
        match group.text("label").as_deref() {
            Some("job-types") => labels.iter().for_each(|kind| add_employment(&mut row, kind)),
            _ => labels.iter().for_each(|tag| add_tag(&mut row, tag)),
        }
    }
    if let Some(text) = value.text("snippet") {
        set_description(&mut row, &text);
        row.snippet = true;
    }
    row.posted = date_at(value, "pubDate").or_else(|| date_at(value, "createDate"));
    row.closed = value.truth("expired") == Some(true);
    row
}

/// A page that was saved after its scripts ran.
fn read_markup(root: ElementRef<'_>, own: Option<&Url>) -> Option<RawPosting> {
    let mut row = posting("indeed");
    row.title = text_at(root, "h1.jobsearch-JobInfoHeader-title, [data-testid=jobsearch-JobInfoHeader-title]");
    row.title.as_ref()?;
    row.company = text_at(root, "[data-testid=inlineHeader-companyName], [data-company-name]");
    if let Some(place) = text_at(root, "[data-testid=inlineHeader-companyLocation], [data-testid=job-location]") {
        add_place(&mut row, &place);
    }
    row.description_html = html_at(root, "#jobDescriptionText");
    row.salary = text_at(root, "#salaryInfoAndJobType").and_then(|text| salary_text(&text));
    let address = all(root, "link[rel=canonical]").into_iter().find_map(|link| attribute(link, "href"));
    row.url = address.or_else(|| own.map(Url::to_string));
    row.source_id = row.url.as_deref().and_then(|url| {
        let url = Url::parse(url).ok()?;
        url.query_pairs().find(|(name, _)| name == "jk" || name == "vjk").map(|(_, key)| key.into_owned())
    });
    Some(row)
}
