//! NEOGOV (governmentjobs.com): an RSS feed with an agency's whole board, pay and sections in `joblisting:` elements.

use aerie_postings::{RawPosting, RawSalary};
use async_trait::async_trait;
use url::Url;

use crate::board_address::path_url;
use crate::collect::{BoardSource, Collector, each_board};
use crate::fetch::{Fetcher, Request};
use crate::raw_fields::{add_employment, add_place, add_section, add_tag, date, posting, salary, set_description};
use crate::source::{
    CompanyBoard, Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo,
    SourceKind,
};
use crate::xml_tree::{self, Element};

/// The source. A token is the agency's name in `governmentjobs.com/careers/<agency>`.
#[derive(Debug)]
pub struct Neogov {
    info: SourceInfo,
}

impl Default for Neogov {
    fn default() -> Self {
        let hosts = ["www.governmentjobs.com"];
        Self { info: SourceInfo::new("neogov", "NEOGOV", SourceKind::CompanyBoard, &hosts) }
    }
}

#[async_trait]
impl BoardSource for Neogov {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let base = "https://www.governmentjobs.com/SearchEngine/JobsFeed";
        let url = path_url(&self.info, base, &[], &[("agency", board.token.as_str())])?;
        collector.whole(Request::get(url).for_board(board)).await
    }
}

#[async_trait]
impl Source for Neogov {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let text = page.text();
        let root = xml_tree::parse(&text).ok_or_else(|| ParseError::not_this("it is no XML"))?;
        let channel = root.descendants("channel").into_iter().next();
        let channel = channel.ok_or_else(|| ParseError::not_this("there is no RSS channel in it"))?;
        let agency = channel.text_of("title");
        let mut parsed = Parsed::default();
        for item in channel.all("item") {
            parsed.push(read(item, agency.clone(), page));
        }
        parsed.or_broken(text.contains("<item>"), "<item> elements")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let head = crate::html_select::truncate(sample.text, 20_000);
        if head.contains("neogov.com/namespaces") || head.contains("<joblisting:") { 98 } else { 0 }
    }

    fn recorded_url(&self, token: &str) -> Option<Url> {
        let mut url = Url::parse("https://www.governmentjobs.com/SearchEngine/JobsFeed").ok()?;
        url.query_pairs_mut().append_pair("agency", token);
        Some(url)
    }
}

fn read(item: &Element, agency: Option<String>, page: &Page) -> RawPosting {
    let mut raw = posting("neogov");
    raw.source_id = item.text_of("jobId").or_else(|| item.text_of("jobNumberSingle"));
    raw.title = item.text_of("title");
    raw.company = item
        .text_of("agencyName")
        .or_else(|| page.board.as_ref().and_then(|board| board.company.clone()))
        .or(agency)
        .or_else(|| page.company());
    raw.url = item.text_of("link").or_else(|| item.text_of("guid").filter(|guid| guid.starts_with("https://")));
    raw.apply_url = item.text_of("applyUrl");
    if let Some(place) = item.text_of("location") {
        add_place(&mut raw, &place);
    }
    if let Some(kind) = item.text_of("jobType") {
        add_employment(&mut raw, &kind);
    }
    raw.department = item.text_of("department");
    for category in item.descendants("category").into_iter().filter_map(Element::content) {
        add_tag(&mut raw, &category);
    }
    let moment =
        |names: [&str; 2]| names.iter().find_map(|name| item.text_of(name)).and_then(|text| date(&plain_time(&text)));
    raw.posted = moment(["advertiseFromDateUTC", "advertiseFromDate"])
        .or_else(|| item.text_of("pubDate").as_deref().and_then(date));
    raw.expires = moment(["advertiseToDateTimeUTC", "advertiseToDateTime"]);
    if let Some(text) = item.text_of("description") {
        set_description(&mut raw, &text);
    }
    let sections = [
        ("examplesofduties", "Examples of duties"),
        ("qualifications", "Qualifications"),
        ("supplementalinformation", "Supplemental information"),
        ("benefits", "Benefits"),
    ];
    for (name, heading) in sections {
        if let Some(text) = item.text_of(name) {
            add_section(&mut raw, heading, &text);
        }
    }
    let amount = |name: &str| item.text_of(name).and_then(|text| text.replace([',', '$'], "").parse().ok());
    raw.salary = salary(amount("minimumSalary"), amount("maximumSalary")).map(|pay| RawSalary {
        currency: item.text_of("salaryCurrency"),
        period: item.text_of("salaryInterval"),
        ..pay
    });
    raw
}

/// `Wed, 19 Aug 2026 05:00:00:0` is UTC with a stray fraction.
fn plain_time(text: &str) -> String {
    let mut parts = text.rsplitn(2, ':');
    let (last, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if rest.matches(':').count() == 2 && last.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{rest} GMT");
    }
    text.to_owned()
}
