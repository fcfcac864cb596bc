//! LinkedIn as a guest sees it: result cards, the job fragment, and the full page as saved from a browser.
//!
//! List: `/jobs-guest/jobs/api/seeMoreJobPostings/search?…&start=N` (ten cards, `start` below 1000). Detail:
//! `/jobs-guest/jobs/api/jobPosting/{id}`. About ten pages per address, then 429; a redirect to `/authwall` or
//! `/signup` means refused.

use aerie_postings::{RawPosting, RemoteKind};
use async_trait::async_trait;
use scraper::{ElementRef, Html};
use url::Url;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::html_select::{
    absolute_url, all, attribute, attribute_at, first, html_at, meta, parse_document, text, text_at,
};
use crate::merge::merged;
use crate::query_text::{address_with, real_places, titles, wants_remote};
use crate::raw_fields::{add_employment, add_place, add_tag, date, digits_in, posting, salary_text};
use crate::resisting;
use crate::source::{Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo};

const LIST: &str = "https://www.linkedin.com/jobs-guest/jobs/api/seeMoreJobPostings/search";
const DETAIL: &str = "https://www.linkedin.com/jobs-guest/jobs/api/jobPosting/";
/// The site answers 429 after about ten pages.
const MOST_PAGES: usize = 8;
/// Descriptions read per run; each is a request of its own.
const MOST_DETAILS: usize = 30;

/// The LinkedIn source.
pub struct LinkedIn {
    info: SourceInfo,
}

impl Default for LinkedIn {
    fn default() -> Self {
        Self { info: resisting::info("linkedin", "LinkedIn (guest)", &["www.linkedin.com"]) }
    }
}

#[async_trait]
impl Source for LinkedIn {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        let mut seen = std::collections::HashSet::new();
        let mut details = MOST_DETAILS;
        let place = real_places(query, 1);
        for title in titles(query, 3) {
            for page in 0..MOST_PAGES {
                let request = Request::get(list_address(query, &title, place.first(), page)?).like_a_browser();
                let parsed = match collector.page(request).await.map_err(resisting::as_refusal) {
                    Ok(Some(parsed)) => parsed,
                    Ok(None) => break,
                    Err(error) if collector.outcome.fetched == 0 => return Err(error),
                    Err(error) => {
                        collector.outcome.truncated =
                            Some(format!("stopped after {} requests: {error}", collector.outcome.requests));
                        return Ok(collector.outcome);
                    }
                };
                collector.note(&parsed);
                let cards = parsed.postings.len();
                for row in parsed.postings {
                    // Cards repeat across pages and searches.
                    if !row.source_id.as_ref().is_none_or(|id| seen.insert(id.clone())) {
                        continue;
                    }
                    let row = with_detail(&mut collector, row, &mut details).await;
                    collector.accept(row);
                }
                if cards == 0 || collector.is_full() {
                    break;
                }
            }
        }
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let html = page.text();
        let document = parse_document(&html);
        let rows = read_document(&document, Some(&page.url).filter(|url| is_own(url)));
        if rows.is_empty()
            && let Some(wall) = resisting::wall(document.root_element(), &html)
        {
            return Err(wall);
        }
        let mut parsed = Parsed::default();
        let markers = !rows.is_empty() || html.contains("urn:li:jobPosting") || html.contains("base-search-card");
        rows.into_iter().for_each(|row| parsed.push(row));
        parsed.or_broken(markers, "it holds job cards")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if !is_page(sample.text) { 0 } else { 92 }
    }

    fn recorded_url(&self, token: &str) -> Option<Url> {
        // The fragment of one job names neither its id nor its address.
        Url::parse(&format!("https://www.linkedin.com/jobs/view/{token}")).ok()
    }
}

fn is_own(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host.ends_with("linkedin.com"))
}

/// Whether a page is one of LinkedIn's.
pub(crate) fn is_page(html: &str) -> bool {
    let marks =
        ["base-search-card", "top-card-layout__title", "urn:li:jobPosting", "topcard__flavor", "job-search-card"];
    marks.iter().any(|mark| html.contains(mark))
}

fn list_address(query: &Query, title: &str, place: Option<&String>, page: usize) -> Result<Url, SourceError> {
    let mut url = address_with(LIST, &[("keywords", title), ("start", &(page * 10).to_string())])?;
    let mut pairs = url.query_pairs_mut();
    if let Some(place) = place {
        pairs.append_pair("location", place);
    }
    if wants_remote(query) {
        pairs.append_pair("f_WT", "2");
    }
    if let Some(days) = query.max_age_days {
        pairs.append_pair("f_TPR", &format!("r{}", u64::from(days) * 86_400));
    }
    pairs.append_pair("sortBy", "DD");
    drop(pairs);
    Ok(url)
}

/// The card with its description, while the site lets us; the first refusal ends the asking.
async fn with_detail(collector: &mut Collector<'_>, row: RawPosting, left: &mut usize) -> RawPosting {
    let id = row.source_id.clone().filter(|_| *left > 0 && collector.wants_detail(&row));
    let Some(address) = id.and_then(|id| Url::parse(&format!("{DETAIL}{id}")).ok()) else { return row };
    *left -= 1;
    match collector.page(Request::get(address).like_a_browser()).await {
        Ok(Some(parsed)) => match parsed.postings.into_iter().next() {
            Some(detail) => merged(row, detail),
            None => row,
        },
        Ok(None) => row,
        Err(error) => {
            *left = 0;
            collector.outcome.truncated = Some(format!("descriptions are missing: {}", resisting::as_refusal(error)));
            row
        }
    }
}

/// Reads the page of one job, or a list of cards.
pub(crate) fn read_document(document: &Html, address: Option<&Url>) -> Vec<RawPosting> {
    let root = document.root_element();
    if let Some(row) = detail(root, address) {
        // Cards beside a job are other jobs that the site suggests; the person saved this one.
        return vec![row];
    }
    let cards = all(root, "div.base-card, div.base-search-card, a.base-card, div.job-search-card");
    let mut rows: Vec<RawPosting> = Vec::new();
    for card in cards {
        let row = card_row(card);
        if row.title.is_some() && !rows.iter().any(|known| known.url == row.url) {
            rows.push(row);
        }
    }
    rows
}

fn job_address(id: &str) -> String {
    format!("https://www.linkedin.com/jobs/view/{id}/")
}

fn card_row(card: ElementRef<'_>) -> RawPosting {
    let mut row = posting("linkedin");
    let link = attribute_at(card, "a.base-card__full-link", "href")
        .or_else(|| attribute_at(card, r#"a[href*="/jobs/view/"]"#, "href"))
        .or_else(|| attribute(card, "href"));
    let urn = attribute(card, "data-entity-urn").or_else(|| attribute_at(card, "[data-entity-urn]", "data-entity-urn"));
    row.source_id = urn.and_then(|urn| digits_in(&urn, 3)).or_else(|| link.as_deref().and_then(id_in_address));
    row.url = row.source_id.as_deref().map(job_address).or_else(|| link.and_then(|link| absolute_url(None, &link)));
    row.title = text_at(card, "h3.base-search-card__title, h3.base-main-card__title, h3.base-aside-card__title")
        .or_else(|| text_at(card, "span.sr-only"));
    row.company =
        text_at(card, "h4.base-search-card__subtitle, h4.base-main-card__subtitle, h4.base-aside-card__subtitle");
    if let Some(place) = text_at(card, "[class*=\"job-card__location\"], span.job-search-card__location") {
        set_place(&mut row, &place);
    }
    row.posted = attribute_at(card, "time[datetime]", "datetime").and_then(|day| date(&day));
    row.salary = text_at(card, "[class*=\"salary-info\"]").and_then(|text| salary_text(&text));
    row
}

/// The last run of digits in `/jobs/view/slug-123?refId=…`.
fn id_in_address(address: &str) -> Option<String> {
    let path = address.split("/jobs/view/").nth(1)?.split(['?', '#', '/']).next()?;
    let digits = path.rsplit('-').next()?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.to_owned())
}

/// "Remote", "United States (Remote)" and "Berlin, Germany (Hybrid)" carry the workplace beside the place.
fn set_place(row: &mut RawPosting, place: &str) {
    let lower = place.to_lowercase();
    row.remote = if lower.contains("hybrid") {
        Some(RemoteKind::Hybrid)
    } else if lower.contains("remote") {
        Some(RemoteKind::Remote)
    } else if lower.contains("(on-site)") {
        Some(RemoteKind::OnSite)
    } else {
        None
    };
    let bare = ["(Remote)", "(Hybrid)", "(On-site)"].iter().fold(place.to_owned(), |text, mark| text.replace(mark, ""));
    let bare = bare.trim();
    if !bare.eq_ignore_ascii_case("remote") {
        add_place(row, bare.strip_prefix("Remote, ").unwrap_or(bare));
    }
}

fn detail(root: ElementRef<'_>, address: Option<&Url>) -> Option<RawPosting> {
    let mut row = posting("linkedin");
    row.title = Some(text_at(
        root,
        "h1.top-card-layout__title, h2.top-card-layout__title, h1.topcard__title, h2.topcard__title",
    )?);
    row.company = text_at(root, ".topcard__org-name-link").or_else(|| {
        let plain = all(root, "span.topcard__flavor").into_iter();
        plain.filter(|span| !span.value().classes().any(|class| class.contains("bullet"))).find_map(text)
    });
    row.source_id = own_id(root, address);
    row.url = row
        .source_id
        .as_deref()
        .map(job_address)
        .or_else(|| attribute_at(root, "link[rel=canonical]", "href"))
        .or_else(|| address.filter(|url| is_own(url)).map(Url::to_string));
    if let Some(place) = text_at(root, ".topcard__flavor--bullet:not(.num-applicants__caption)") {
        set_place(&mut row, &place);
    }
    for item in all(root, "li.description__job-criteria-item") {
        let (Some(name), Some(value)) = (text_at(item, "h3"), text_at(item, "span")) else { continue };
        match name.to_lowercase().as_str() {
            "seniority level" if value != "Not Applicable" => row.seniority_text = Some(value),
            "employment type" => add_employment(&mut row, &value),
            "job function" => row.department = Some(value),
            "industries" => value.split(',').for_each(|tag| add_tag(&mut row, tag)),
            _ => {}
        }
    }
    row.description_html = html_at(root, "div.show-more-less-html__markup")
        .or_else(|| html_at(root, "div.description__text"))
        .or_else(|| html_at(root, "section.description"));
    row.salary = text_at(root, ".compensation__salary, .salary").and_then(|text| salary_text(&text));
    row.posted = attribute_at(root, "time[datetime]", "datetime")
        .filter(|_| first(root, ".posted-time-ago__text").is_none())
        .or_else(|| text_at(root, ".posted-time-ago__text"))
        .and_then(|text| date(&text));
    row.closed = first(root, ".closed-job, .closed-job__flavor").is_some();
    row.apply_url = apply_address(root);
    Some(row)
}

fn own_id(root: ElementRef<'_>, address: Option<&Url>) -> Option<String> {
    let named = [attribute_at(root, "link[rel=canonical]", "href"), meta(root, "og:url"), address.map(Url::to_string)];
    let from_address = named.into_iter().flatten().find_map(|address| {
        id_in_address(&address)
            .or_else(|| digits_in(address.split("/jobPosting/").nth(1)?, 3))
            .or_else(|| digits_in(address.split("currentJobId=").nth(1)?, 3))
    });
    from_address.or_else(|| {
        // `<code id="decoratedJobPostingId"><!--"4411867124"--></code>`
        let code = first(root, "code#decoratedJobPostingId")?;
        digits_in(&code.inner_html(), 3)
    })
}

/// `<code id="applyUrl"><!--"https://www.linkedin.com/jobs/view/externalApply/1?url=https%3A%2F%2F…"--></code>`
fn apply_address(root: ElementRef<'_>) -> Option<String> {
    let code = first(root, "code#applyUrl")?.inner_html();
    let text = aerie_postings::html::decode_entities(&code);
    let address = text.get(text.find("http")?..)?.split(['"', ' ', '<']).next()?.trim_end_matches("--");
    let url = Url::parse(address).ok()?;
    let outside = url.query_pairs().find(|(name, _)| name == "url").map(|(_, value)| value.into_owned());
    absolute_url(None, outside.as_deref().unwrap_or(address))
}
