//! Workday career sites: a paged list without descriptions, and one detail a posting.
//!
//! The interface behind every `…myworkdayjobs.com` page. A page holds at most 20 rows; `total` is right on the first
//! page only and capped at 2,000 on some sites, where the first rows come again beyond it.

use aerie_postings::{RawDate, RawPlace, RawPosting};
use async_trait::async_trait;
use serde_json::{Value, json};
use url::Url;

use crate::board_address::{host_of, host_url};
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::greenhouse::workplace;
use crate::lenient::Lenient;
use crate::raw_fields::{add_employment, add_place, add_tag, date_at, posting, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};

/// Rows a page; more are refused.
const PAGE_ROWS: usize = 20;

/// Most pages of one board and run.
const MOST_PAGES: usize = 250;

/// The source. A token is `<tenant>.wd<n>.myworkdayjobs.com/<site>`.
#[derive(Debug)]
pub struct Workday {
    info: SourceInfo,
}

impl Default for Workday {
    fn default() -> Self {
        let hosts = ["*.myworkdayjobs.com", "*.myworkdaysite.com"];
        Self { info: SourceInfo::new("workday", "Workday", SourceKind::CompanyBoard, &hosts) }
    }
}

/// Host, tenant and site of a token.
struct Site {
    host: String,
    tenant: String,
    site: String,
}

impl Workday {
    fn site(&self, board: &CompanyBoard) -> Result<Site, SourceError> {
        let unusable = || SourceError::BadQuery {
            name: self.info.name.clone(),
            reason: format!("`{}` is no Workday board; write <tenant>.wd<n>.myworkdayjobs.com/<site>", board.token),
        };
        let (host, site) = board.token.trim_end_matches('/').split_once('/').ok_or_else(unusable)?;
        let host = host.to_ascii_lowercase();
        let known = host.ends_with(".myworkdayjobs.com") || host.ends_with(".myworkdaysite.com");
        let plain = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let tenant = host.split('.').next().unwrap_or_default().to_owned();
        // On the shared host the token names the tenant too: `wd5.myworkdaysite.com/acme/External`.
        let (tenant, site) = match site.split_once('/') {
            Some((tenant, site)) => (tenant.to_owned(), site.to_owned()),
            None => (tenant, site.to_owned()),
        };
        if !known || !plain(&tenant) || !plain(&site) || !host.split('.').all(plain) {
            return Err(unusable());
        }
        Ok(Site { host, tenant, site })
    }
}

#[async_trait]
impl BoardSource for Workday {
    async fn search_board(
        &self,
        query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let Site { host, tenant, site } = self.site(board)?;
        let base = format!("/wday/cxs/{tenant}/{site}");
        let list = host_url(&self.info, &host, &format!("{base}/jobs"))?;
        let origin = format!("https://{host}");
        let mut total = None;
        let mut first_row: Option<String> = None;
        for number in 0..MOST_PAGES {
            let offset = number * PAGE_ROWS;
            let body = json!({"limit": PAGE_ROWS, "offset": offset, "searchText": "", "appliedFacets": {}});
            let request = Request::post(list.clone(), body).like_a_browser().header("Origin", &origin).for_board(board);
            let parsed = match collector.page(request).await {
                Ok(Some(parsed)) => parsed,
                Ok(None) => return Ok(()),
                Err(error) if number == 0 => return Err(error),
                Err(error) => {
                    collector.outcome.truncated = Some(format!("page {} failed: {error}", number + 1));
                    return Ok(());
                }
            };
            let begins = parsed.postings.first().and_then(|row| row.url.clone());
            if number > 0 && begins.is_some() && begins == first_row {
                collector.outcome.truncated = Some(format!("the site lists only its first {offset} postings"));
                return Ok(());
            }
            first_row = first_row.or(begins);
            total = total.or(parsed.total.filter(|total| *total > 0));
            let rows = parsed.postings.len() + parsed.dropped.len();
            let beyond = query.max_age_days.is_some_and(|days| all_older_than(&parsed.postings, days + 2));
            collector
                .deliver_with_details(parsed, |row| {
                    let path = row.url.as_deref()?.split_once(&format!("/{site}/job/"))?.1;
                    let url = Url::parse(&format!("{origin}{base}/job/{path}")).ok()?;
                    Some(Request::get(url).like_a_browser().for_board(board))
                })
                .await;
            let done = total.is_some_and(|total| (offset + rows) as u64 >= total);
            if beyond && !done {
                collector.outcome.truncated = Some("older postings were not read".to_owned());
                return Ok(());
            }
            if rows == 0 || rows < PAGE_ROWS && total.is_none() || done || collector.is_full() {
                return Ok(());
            }
        }
        collector.outcome.truncated = Some(format!("stopped after {MOST_PAGES} pages"));
        Ok(())
    }
}

#[async_trait]
impl Source for Workday {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let answer = page.json()?;
        let mut parsed = Parsed::default();
        if let Some(info) = answer.at("jobPostingInfo").filter(|info| info.is_object()) {
            parsed.push(read_detail(info, &answer, page));
            return Ok(parsed);
        }
        if !answer.at("jobPostings").is_some_and(Value::is_array) {
            return Err(ParseError::not_this("there is neither `jobPostings` nor `jobPostingInfo` in it"));
        }
        parsed.total = answer.integer("total").and_then(|total| total.try_into().ok());
        for row in answer.list("jobPostings") {
            parsed.push(read_row(row, page));
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(json) = sample.json else { return 0 };
        match json.at("jobPostingInfo").is_some() || json.at("jobPostings").is_some_and(Value::is_array) {
            true => 95,
            false => 0,
        }
    }

    fn recorded_url(&self, token: &str) -> Option<Url> {
        let tenant = crate::board_address::recorded(token, "wd1.myworkdayjobs.com", "/")?;
        let name = tenant.host_str()?.split('.').next()?.to_owned();
        tenant.join(&format!("/wday/cxs/{name}/External/jobs")).ok()
    }
}

/// Page of a posting: the interface's address without `/wday/cxs/<tenant>`.
fn public_url(page: &Page, external_path: &str) -> Option<String> {
    let segments: Vec<&str> = page.url.path_segments()?.collect();
    let site = match segments.as_slice() {
        ["wday", "cxs", _, site, ..] => *site,
        _ => return None,
    };
    let path = external_path.strip_prefix('/').unwrap_or(external_path);
    let base = Url::parse(&format!("https://{}/{site}/", host_of(page))).ok()?;
    let url = base.join(path).ok()?;
    (url.host_str() == base.host_str()).then(|| url.into())
}

/// The requisition in `…/slug_JR12345`: everything after the first `_` of the last segment.
fn requisition(path: &str) -> Option<String> {
    let (_, requisition) = path.rsplit('/').next()?.split_once('_')?;
    (!requisition.is_empty()).then(|| requisition.to_owned())
}

fn read_row(row: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("workday");
    raw.title = row.text("title");
    raw.company = page.company();
    let path = row.text("externalPath");
    raw.url = path.as_deref().and_then(|path| public_url(page, path));
    raw.source_id = path.as_deref().and_then(requisition);
    // The same requisition on another site ends in `-1`; the list names it without.
    let named = row.texts("bulletFields");
    let plain = named.iter().find(|field| raw.source_id.as_ref().is_none_or(|id| id.starts_with(field.as_str())));
    raw.source_id = plain.cloned().or(raw.source_id);
    let places = row.text("locationsText");
    match places.filter(|text| !is_a_count(text)) {
        Some(text) => add_place(&mut raw, &text),
        None => {
            if let Some(text) = path.as_deref().and_then(place_in) {
                add_place(&mut raw, &text);
            }
        }
    }
    raw.posted = row.text("postedOn").map(RawDate::Text);
    if let Some(kind) = row.text("timeType") {
        add_employment(&mut raw, &kind);
    }
    raw.remote = row.text("remoteType").and_then(|word| workplace(&word));
    for field in named {
        if raw.source_id.as_ref() != Some(&field) {
            add_tag(&mut raw, &field);
        }
    }
    raw
}

fn read_detail(info: &Value, answer: &Value, page: &Page) -> RawPosting {
    let mut raw = posting("workday");
    raw.source_id = info.text("jobReqId");
    raw.title = info.text("title");
    raw.company = answer.text("hiringOrganization.name").or_else(|| page.company());
    raw.url = info.text("externalUrl").or_else(|| {
        let (_, path) = page.url.path().split_once("/job/")?;
        public_url(page, &format!("/job/{path}"))
    });
    let country = info
        .first_text(&["jobRequisitionLocation.country.alpha2Code", "country.alpha2Code"])
        .or_else(|| info.first_text(&["country.descriptor", "jobRequisitionLocation.country.descriptor"]));
    if let Some(text) = info.first_text(&["location", "jobRequisitionLocation.descriptor"]) {
        raw.places.push(RawPlace { text: Some(text), country: country.clone(), ..RawPlace::default() });
    } else if country.is_some() {
        raw.places.push(RawPlace { country, ..RawPlace::default() });
    }
    info.texts_of("additionalLocations", "descriptor").iter().for_each(|text| add_place(&mut raw, text));
    raw.posted = date_at(info, "startDate").or_else(|| info.text("postedOn").map(RawDate::Text));
    raw.expires = date_at(info, "endDate");
    if let Some(kind) = info.text("timeType") {
        add_employment(&mut raw, &kind);
    }
    raw.remote = info.text("remoteType").and_then(|word| workplace(&word));
    raw.closed = info.truth("posted") == Some(false);
    if let Some(text) = info.text("jobDescription") {
        set_description(&mut raw, &text);
    }
    raw
}

/// "3 Locations" stands for several places that the list does not name.
fn is_a_count(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.next().is_some_and(|word| word.parse::<u32>().is_ok())
        && words.next().is_some_and(|word| word.eq_ignore_ascii_case("locations"))
        && words.next().is_none()
}

/// The place in `/job/Illinois---Chicago/…`: `---` stands for ` - `, `-` for a space.
fn place_in(path: &str) -> Option<String> {
    let segment = path.strip_prefix("/job/")?.split_once('/')?.0;
    let text = segment.replace("---", " \u{0} ").replace('-', " ").replace('\u{0}', "-");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// Whether every row says that it is older than `days` ("Posted 30+ Days Ago").
fn all_older_than(rows: &[RawPosting], days: u32) -> bool {
    let old = |row: &RawPosting| match &row.posted {
        Some(RawDate::Text(text)) => {
            let number: String = text.chars().filter(char::is_ascii_digit).collect();
            text.to_ascii_lowercase().contains("day") && number.parse::<u32>().is_ok_and(|age| age > days)
        }
        _ => false,
    };
    !rows.is_empty() && rows.iter().all(old)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn tokens_name_host_and_site() {
        let site = |token: &str| Workday::default().site(&CompanyBoard::new(token));
        let acme = site("acme.wd5.myworkdayjobs.com/External_Careers").unwrap();
        assert_eq!((acme.tenant.as_str(), acme.site.as_str()), ("acme", "External_Careers"));
        let shared = site("wd5.myworkdaysite.com/acme/Jobs").unwrap();
        assert_eq!((shared.tenant.as_str(), shared.site.as_str()), ("acme", "Jobs"));
        for bad in ["acme", "acme.example/Jobs", "acme.wd5.myworkdayjobs.com/a/b/c", "a@b.myworkdayjobs.com/x"] {
            assert!(site(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_words_of_the_list() {
        assert!(is_a_count("3 Locations") && !is_a_count("Berlin") && !is_a_count("3 Rivers"));
        assert_eq!(place_in("/job/Illinois---Chicago/x_1").as_deref(), Some("Illinois - Chicago"));
        assert_eq!(requisition("/job/X/a--b_JR_12-1").as_deref(), Some("JR_12-1"));
    }
}
