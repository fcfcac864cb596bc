//! Oracle Recruiting Cloud: a paged list and one detail a posting.
//!
//! `expand` is needed or the list is empty; `hasMore` lies, so paging goes by `TotalJobsCount` and empty pages.

use aerie_postings::{RawPlace, RawPosting};
use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use crate::board_address::{host_of, host_url, recorded};
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::greenhouse::workplace;
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_place, add_section, add_tag, date_at, posting, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// Rows a page.
const PAGE_ROWS: u64 = 200;

/// Most pages of one board and run.
const MOST_PAGES: u64 = 50;

/// The site that most tenants use.
const USUAL_SITE: &str = "CX_1";

/// The source. A token is `<host>/<site>` (`abcd.fa.us2.oraclecloud.com/CX_1`).
#[derive(Debug)]
pub struct Oracle {
    info: SourceInfo,
}

impl Default for Oracle {
    fn default() -> Self {
        let hosts = ["*.oraclecloud.com"];
        Self { info: SourceInfo::new("oracle", "Oracle Recruiting Cloud", SourceKind::CompanyBoard, &hosts) }
    }
}

impl Oracle {
    fn host_and_site(&self, board: &CompanyBoard) -> Result<(String, String), SourceError> {
        let (host, site) = board.token.split_once('/').unwrap_or((&board.token, USUAL_SITE));
        let plain = |text: &str, others: &[u8]| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
        };
        let host = host.to_ascii_lowercase();
        if !host.ends_with(".oraclecloud.com") || !plain(&host, b".-") || !plain(site, b"_-") {
            let reason =
                format!("`{}` is no Oracle board; write <host>.oraclecloud.com/<site>, e.g. …/CX_1", board.token);
            return Err(SourceError::BadQuery { name: self.info.name.clone(), reason });
        }
        Ok((host, site.to_owned()))
    }
}

#[async_trait]
impl BoardSource for Oracle {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let (host, site) = self.host_and_site(board)?;
        let resources = "/hcmRestApi/resources/latest";
        for number in 0..MOST_PAGES {
            let offset = number * PAGE_ROWS;
            let list = format!(
                "{resources}/recruitingCEJobRequisitions?onlyData=true\
                 &expand=requisitionList.workLocation,requisitionList.secondaryLocations\
                 &finder=findReqs;siteNumber={site},limit={PAGE_ROWS},sortBy=POSTING_DATES_DESC,offset={offset}"
            );
            let request = Request::get(host_url(&self.info, &host, &list)?).like_a_browser().for_board(board);
            let parsed = match collector.page(request).await {
                Ok(Some(parsed)) => parsed,
                Ok(None) => return Ok(()),
                Err(error) if number == 0 => return Err(error),
                Err(error) => {
                    collector.outcome.truncated = Some(format!("page {} failed: {error}", number + 1));
                    return Ok(());
                }
            };
            let rows = (parsed.postings.len() + parsed.dropped.len()) as u64;
            let total = parsed.total;
            collector
                .deliver_with_details(parsed, |row| {
                    let id = row.source_id.as_deref()?;
                    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-').then_some(())?;
                    let detail = format!(
                        "{resources}/recruitingCEJobRequisitionDetails?expand=all&onlyData=true\
                         &finder=ById;Id=%22{id}%22,siteNumber={site}"
                    );
                    let url = host_url(&self.info, &host, &detail).ok()?;
                    Some(Request::get(url).like_a_browser().for_board(board))
                })
                .await;
            let done = total.map_or(rows < PAGE_ROWS, |total| offset + rows >= total);
            if rows == 0 || done || collector.is_full() {
                return Ok(());
            }
        }
        collector.outcome.truncated = Some(format!("stopped after {MOST_PAGES} pages"));
        Ok(())
    }
}

#[async_trait]
impl Source for Oracle {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        let mut parsed = Parsed::default();
        let first = answer.at("items.0");
        if let Some(list) = first.filter(|first| first.get("requisitionList").is_some()) {
            parsed.total = list.integer("TotalJobsCount").and_then(|total| total.try_into().ok());
            for row in list.list("requisitionList") {
                parsed.push(read(row, page));
            }
        } else if let Some(row) = [first, Some(&answer)].into_iter().flatten().find(|row| row.get("Title").is_some()) {
            parsed.push(read(row, page));
        } else if !answer.at("items").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("there is neither a requisition nor a list of them in it"));
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(json) = sample.json else { return 0 };
        if json.at("items.0.requisitionList").is_some() {
            return 98;
        }
        let row = json.at("items.0").unwrap_or(json);
        let known = ["ExternalDescriptionStr", "ShortDescriptionStr", "PrimaryLocation", "ExternalPostedStartDate"];
        match known.iter().filter(|field| row.get(field).is_some()).count() {
            0 => 0,
            1 => 50,
            _ => 95,
        }
    }

    fn recorded_url(&self, token: &str) -> Option<Url> {
        let path = "/hcmRestApi/resources/latest/recruitingCEJobRequisitions?finder=findReqs;siteNumber=CX_1";
        recorded(token.trim_start_matches("orc").trim_start_matches('_'), "fa.us2.oraclecloud.com", path)
    }
}

/// The site number in the finder of an address.
fn site_in(url: &Url) -> Option<String> {
    let (_, rest) = url.query()?.split_once("siteNumber=")?;
    let site: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
    (!site.is_empty()).then_some(site)
}

fn read(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("oracle");
    raw.source_id = row.text("Id");
    raw.title = row.text("Title");
    raw.company = page.board.as_ref().and_then(|board| board.company.clone());
    raw.url = row.text("ExternalURL").or_else(|| {
        let site = site_in(&page.url).unwrap_or_else(|| USUAL_SITE.to_owned());
        let id = raw.source_id.as_deref()?;
        let mut url = Url::parse(&format!("https://{}", host_of(page))).ok()?;
        let path = ["hcmUI", "CandidateExperience", "en", "sites", &site, "job", id];
        url.path_segments_mut().ok()?.pop_if_empty().extend(path);
        Some(url.into())
    });
    read_places(&mut raw, row);
    raw.remote = row.first_text(&["WorkplaceTypeCode", "WorkplaceType"]).and_then(|word| workplace(&word));
    for field in ["JobSchedule", "JobType", "ContractType"] {
        if let Some(kind) = row.text(field) {
            add_employment(&mut raw, &kind);
        }
    }
    raw.seniority_text = row.first_text(&["JobLevel", "ManagerLevel"]);
    raw.department = row.first_text(&["Department", "Organization", "BusinessUnit"]);
    for field in ["JobFamily", "JobFunction", "Category"] {
        if let Some(tag) = row.text(field) {
            add_tag(&mut raw, &tag);
        }
    }
    raw.language = row.text("Language");
    raw.posted = date_at(row, "ExternalPostedStartDate").or_else(|| date_at(row, "PostedDate"));
    raw.expires = date_at(row, "ExternalPostedEndDate").or_else(|| date_at(row, "PostingEndDate"));
    read_description(&mut raw, row);
    raw
}

fn read_places(raw: &mut RawPosting, row: &Value) {
    if let Some(text) = row.text("PrimaryLocation") {
        let country = row.text("PrimaryLocationCountry");
        raw.places.push(RawPlace { text: Some(text), country, ..RawPlace::default() });
    }
    for place in row.list("secondaryLocations") {
        if let Some(text) = place.text("Name") {
            let country = place.text("CountryCode");
            raw.places.push(RawPlace { text: Some(text), country, ..RawPlace::default() });
        }
    }
    for place in row.list("workLocation") {
        let parts = RawPlace {
            text: None,
            city: place.text("TownOrCity"),
            region: place.first_text(&["Region2", "Region1"]),
            country: place.text("Country"),
        };
        if raw.places.is_empty() && parts != RawPlace::default() {
            raw.places.push(parts);
        } else if raw.places.is_empty() {
            place.text("LocationName").iter().for_each(|name| add_place(raw, name));
        }
    }
}

/// The list has only a short description; the detail has the parts of the whole one.
fn read_description(raw: &mut RawPosting, row: &Value) {
    let short = row.text("ShortDescriptionStr");
    match row.text("ExternalDescriptionStr") {
        Some(text) => {
            set_description(raw, &text);
            if let Some(short) = short {
                add_section(raw, "Summary", &short);
            }
        }
        None => {
            if let Some(short) = short {
                set_description(raw, &short);
                raw.snippet = row.text("ExternalResponsibilitiesStr").is_none();
            }
        }
    }
    let parts = [
        ("ExternalResponsibilitiesStr", "Responsibilities"),
        ("ExternalQualificationsStr", "Qualifications"),
        ("CorporateDescriptionStr", "About the company"),
        ("OrganizationDescriptionStr", "About the organisation"),
    ];
    for (field, heading) in parts {
        if let Some(text) = row.text(field) {
            add_section(raw, heading, &text);
        }
    }
}
