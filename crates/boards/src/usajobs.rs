//! USAJobs: vacancies of the federal government of the United States, searched with the person's own key.
//!
//! `GET https://data.usajobs.gov/api/search` with the headers `User-Agent: <registered e-mail>` and
//! `Authorization-Key`. `RateIntervalCode` is `PA` (per annum), `PH` (per hour) and a few others.

use aerie_postings::{RawPlace, RawPosting, RawSalary, RemoteKind};
use async_trait::async_trait;
use serde_json::Value;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::lenient::Lenient;
use crate::query_text::{address_with, real_places, titles, wants_remote};
use crate::raw_fields::{add_employment, add_section, add_tag, date_at, posting, set_description};
use crate::source::{
    KeyNeed, Next, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

const LIST: &str = "https://data.usajobs.gov/api/search";
const PER_PAGE: &str = "250";
const MOST_PAGES: usize = 20;

/// The USAJobs source.
pub struct UsaJobs {
    info: SourceInfo,
}

impl Default for UsaJobs {
    fn default() -> Self {
        let info = SourceInfo::new("usajobs", "USAJobs", SourceKind::Keyed, &["data.usajobs.gov"])
            .with_key(KeyNeed { names: &["email", "key"], obtain_at: "https://developer.usajobs.gov/apirequest/" });
        Self { info }
    }
}

#[async_trait]
impl Source for UsaJobs {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let email = crate::query_keys::required(&self.info, query, "email")?;
        let key = crate::query_keys::required(&self.info, query, "key")?;
        let mut collector = Collector::new(self, query, fetch, sink);
        let titles = titles(query, 5);
        let count = titles.len();
        for (number, title) in titles.into_iter().enumerate() {
            let parameters = parameters(query, &title);
            let ended = collector
                .pages(MOST_PAGES, |page, last| {
                    if page > 0 && last.is_none_or(|last| last.next.is_none()) {
                        return None;
                    }
                    let mut url = address_with(LIST, &[("ResultsPerPage", PER_PAGE)]).ok()?;
                    url.query_pairs_mut().extend_pairs(&parameters).append_pair("Page", &(page + 1).to_string());
                    Some(Request::get(url).header("User-Agent", &email).header("Authorization-Key", &key))
                })
                .await;
            match ended {
                Err(error) if number == 0 => return Err(error),
                Err(error) => {
                    collector.outcome.truncated = Some(format!("search {} of {count} failed: {error}", number + 1));
                    break;
                }
                Ok(()) if collector.is_full() => break,
                Ok(()) => {}
            }
        }
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let value = page.json()?;
        if value.at("SearchResult").is_none() {
            return Err(ParseError::not_this("an object with `SearchResult` was expected"));
        }
        let mut parsed = Parsed::default();
        value.list("SearchResult.SearchResultItems").iter().for_each(|row| parsed.push(read(row)));
        parsed.total = value.integer("SearchResult.SearchResultCountAll").and_then(|total| total.try_into().ok());
        let pages = value.integer("SearchResult.UserArea.NumberOfPages").unwrap_or(1);
        let current = page.url.query_pairs().find(|(name, _)| name == "Page").and_then(|(_, n)| n.parse::<u32>().ok());
        let current = current.unwrap_or(1);
        parsed.next = (i64::from(current) < pages).then(|| Next::Page(current.saturating_add(1)));
        let announced = value.integer("SearchResult.SearchResultCount").is_some_and(|count| count > 0);
        parsed.or_broken(announced, "SearchResultCount is above 0")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if sample.json.is_some_and(|value| value.at("SearchResult.SearchResultItems").is_some()) { 98 } else { 0 }
    }
}

fn parameters(query: &Query, title: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    if !title.is_empty() {
        parameters.push(("Keyword".to_owned(), title.to_owned()));
    }
    let places = real_places(query, 10);
    if !places.is_empty() {
        parameters.push(("LocationName".to_owned(), places.join(";")));
    } else if wants_remote(query) {
        parameters.push(("RemoteIndicator".to_owned(), "True".to_owned()));
    }
    if let Some(days) = query.max_age_days {
        parameters.push(("DatePosted".to_owned(), days.min(60).to_string()));
    }
    parameters
}

fn read(value: &Value) -> RawPosting {
    let mut row = posting("usajobs");
    let Some(job) = value.at("MatchedObjectDescriptor") else { return row };
    row.title = job.text("PositionTitle");
    row.company = job.first_text(&["OrganizationName", "DepartmentName"]);
    row.url = job.text("PositionURI");
    row.source_id = value
        .text("MatchedObjectId")
        .or_else(|| row.url.as_deref().and_then(|url| crate::raw_fields::digits_in(url, 6)))
        .or_else(|| job.text("PositionID"));
    row.apply_url = job.texts("ApplyURI").into_iter().next().filter(|apply| Some(apply) != row.url.as_ref());
    for place in job.list("PositionLocation").iter().take(200) {
        row.places.push(RawPlace {
            text: place.text("LocationName"),
            city: place.text("CityName").map(|city| city.split(',').next().unwrap_or_default().trim().to_owned()),
            region: place.text("CountrySubDivisionCode"),
            country: place.text("CountryCode"),
        });
    }
    if row.places.is_empty() {
        row.places.extend(job.text("PositionLocationDisplay").map(RawPlace::text));
    }
    if job.truth("UserArea.Details.RemoteIndicator") == Some(true) {
        row.remote = Some(RemoteKind::Remote);
    } else if job.truth("UserArea.Details.TeleworkEligible") == Some(true) {
        row.remote = Some(RemoteKind::Hybrid);
    }
    for field in ["PositionSchedule", "PositionOfferingType"] {
        job.texts_of(field, "Name").iter().for_each(|word| add_employment(&mut row, word));
    }
    row.salary = job.list("PositionRemuneration").iter().find_map(pay);
    let grade = job.text("JobGrade.0.Code");
    let (low, high) = (job.text("UserArea.Details.LowGrade"), job.text("UserArea.Details.HighGrade"));
    row.seniority_text = match (grade, low, high) {
        (Some(grade), Some(low), Some(high)) if low != high => Some(format!("{grade}-{low} to {grade}-{high}")),
        (Some(grade), Some(low), _) => Some(format!("{grade}-{low}")),
        (grade, ..) => grade,
    };
    row.department = job.texts_of("JobCategory", "Name").into_iter().next().or_else(|| job.text("DepartmentName"));
    job.texts_of("JobCategory", "Name").iter().for_each(|tag| add_tag(&mut row, tag));
    description(job, &mut row);
    row.posted = date_at(job, "PublicationStartDate").or_else(|| date_at(job, "PositionStartDate"));
    row.expires = date_at(job, "ApplicationCloseDate").or_else(|| date_at(job, "PositionEndDate"));
    row
}

fn pay(value: &Value) -> Option<RawSalary> {
    let mut pay = crate::raw_fields::salary(value.number("MinimumRange"), value.number("MaximumRange"))?;
    pay.currency = Some("USD".to_owned());
    let code = value.text("RateIntervalCode").unwrap_or_default();
    let period = match code.as_str() {
        "PA" => "year",
        "PM" => "month",
        "BW" => "two weeks",
        "PW" => "week",
        "PD" => "day",
        "PH" => "hour",
        // Piece work, student stipend, without compensation: no span of time.
        _ => return value.text("Description").map(|words| RawSalary { text: Some(words), ..RawSalary::default() }),
    };
    pay.period = Some(period.to_owned());
    Some(pay)
}

fn description(job: &Value, row: &mut RawPosting) {
    if let Some(text) = job.first_text(&["UserArea.Details.JobSummary", "QualificationSummary"]) {
        set_description(row, &text);
    }
    let duties = job.texts("UserArea.Details.MajorDuties");
    if !duties.is_empty() {
        let list: Vec<String> =
            duties.iter().map(|duty| format!("<li>{}</li>", html_escape::encode_text(duty))).collect();
        add_section(row, "Duties", &format!("<ul>{}</ul>", list.join("")));
    }
    let sections = [
        ("QualificationSummary", "Qualifications"),
        ("UserArea.Details.Requirements", "Requirements"),
        ("UserArea.Details.Education", "Education"),
        ("UserArea.Details.OtherInformation", "More"),
    ];
    for (field, heading) in sections {
        if let Some(text) = job.text(field) {
            add_section(row, heading, &text);
        }
    }
}
