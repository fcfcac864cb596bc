//! The Ladders: result and job pages as saved or pasted, and a best-effort reader of the first result page.
//!
//! Job pages carry JSON-LD; result pages are cards with a link `/job/{title}-{company}-{place}_{number}`, where the
//! company stands only in the address when the card does not show it.

use aerie_postings::RawPosting;
use async_trait::async_trait;
use scraper::{ElementRef, Html};
use url::Url;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::html_select::{absolute_url, all, attribute, parse_document, text, text_at};
use crate::query_text::{address_with, real_places, titles, words_of_slug};
use crate::raw_fields::{add_place, date, digits_in, posting, salary_text};
use crate::resisting;
use crate::source::{Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo};

const LIST: &str = "https://www.theladders.com/jobs/searchresults-jobs";

/// The Ladders as a source.
pub struct TheLadders {
    info: SourceInfo,
}

impl Default for TheLadders {
    fn default() -> Self {
        let hosts = ["www.theladders.com"];
        Self { info: resisting::info("theladders", "The Ladders", &hosts).with_cut_descriptions() }
    }
}

#[async_trait]
impl Source for TheLadders {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        for title in titles(query, 2) {
            let place = real_places(query, 1).into_iter().next().unwrap_or_default();
            let url = address_with(LIST, &[("keywords", &title), ("location", &place), ("order", "PUBLICATION_DATE")])?;
            let parsed = collector.page(Request::page(url).like_a_browser()).await.map_err(resisting::as_refusal)?;
            if let Some(parsed) = parsed {
                collector.deliver(parsed);
            }
        }
        collector.outcome.truncated.get_or_insert_with(|| "only the first page of results is read".to_owned());
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let html = page.text();
        let document = parse_document(&html);
        let own = Some(&page.url).filter(|url| url.host_str().is_some_and(|host| host.ends_with("theladders.com")));
        let rows = read_document(&document, own);
        if rows.is_empty()
            && let Some(wall) = resisting::wall(document.root_element(), &html)
        {
            return Err(wall);
        }
        let mut parsed = Parsed::default();
        rows.into_iter().for_each(|row| parsed.push(row));
        parsed.or_broken(is_page(&html), "it is a page of The Ladders")
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if is_page(sample.text) { 88 } else { 0 }
    }
}

/// Whether a page is one of The Ladders'.
pub(crate) fn is_page(html: &str) -> bool {
    html.contains("theladders.com")
        && (html.contains("job-card") || html.contains("\"/job/") || html.contains("theladders.com/job/"))
}

/// Reads a job page or a result page.
pub(crate) fn read_document(document: &Html, own: Option<&Url>) -> Vec<RawPosting> {
    let mut rows = crate::page::structured(document, "theladders", own);
    if rows.is_empty() {
        rows = cards(document.root_element(), own);
    }
    for row in &mut rows {
        row.source_id = row.source_id.take().or_else(|| digits_in(row.url.as_deref()?.rsplit('_').next()?, 4));
    }
    rows
}

fn cards(root: ElementRef<'_>, own: Option<&Url>) -> Vec<RawPosting> {
    let base = own.cloned().or_else(|| Url::parse("https://www.theladders.com/").ok());
    let mut rows: Vec<RawPosting> = Vec::new();
    for link in all(root, "a[href*=\"/job/\"]").into_iter().take(2_000) {
        let Some(mut url) =
            attribute(link, "href").and_then(|href| Url::parse(&absolute_url(base.as_ref(), &href)?).ok())
        else {
            continue;
        };
        url.set_query(None);
        if rows.iter().any(|row| row.url.as_deref() == Some(url.as_str())) {
            continue;
        }
        let mut row = posting("theladders");
        let card = link.ancestors().filter_map(ElementRef::wrap).take(6).find(|element| {
            element.value().classes().any(|class| class.contains("job-card") || class.contains("job-list"))
        });
        let scope = card.unwrap_or(link);
        row.title =
            text_at(scope, "[class*=\"job-card-title\"], [class*=\"job-title\"], h2, h3").or_else(|| text(link));
        row.company = text_at(scope, "[class*=\"company-name\"], [class*=\"company\"]")
            .or_else(|| company_in_slug(&url, row.title.as_deref()?));
        if let Some(place) = text_at(scope, "[class*=\"location\"]") {
            add_place(&mut row, &place);
        }
        row.salary =
            text_at(scope, "[class*=\"salary\"], [class*=\"compensation\"]").and_then(|text| salary_text(&text));
        row.posted = text_at(scope, "[class*=\"posted\"], time").and_then(|text| date(&text));
        row.url = Some(url.to_string());
        rows.push(row);
    }
    rows
}

/// What stands behind the title's words in `/job/{title}-{company}-{place}_{number}`: company and place are not told
/// apart there, so only the first two words count as the company.
fn company_in_slug(url: &Url, title: &str) -> Option<String> {
    let slug = url.path_segments()?.rfind(|part| !part.is_empty())?.split('_').next()?.to_owned();
    let plain = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
    };
    let words = plain(&slug);
    let title = plain(title);
    let rest = words.strip_prefix(title.as_slice())?;
    let company = rest.get(..rest.len().min(2))?.join("-");
    (!company.is_empty()).then(|| words_of_slug(&company))
}
