//! Any web page with postings in it: a career page by its address, or a page saved from or pasted out of a browser.
//!
//! In this order: schema.org data, the layouts of known sites, the state that the page embeds, links to jobs (an index
//! page), and at last the readable text of a page that is about one job. Works without knowing the page's address.

use aerie_postings::RawPosting;
use async_trait::async_trait;
use scraper::{ElementRef, Html};
use url::Url;

use crate::collect::{BoardSource, Collector};
use crate::fetch::{Fetcher, Request};
use crate::html_select::{own_address, parse_document};
use crate::jsonld;
use crate::merge::merged;
use crate::query_text::address;
use crate::source::{
    CompanyBoard, Outcome, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo, SourceKind,
};
use crate::{embedded, resisting};

mod known;
mod links;
mod readable;

/// Job pages that are read from one index page.
const MOST_DETAILS: usize = 100;

/// Any career page, named by its address.
pub struct WebPage {
    info: SourceInfo,
}

impl Default for WebPage {
    fn default() -> Self {
        let mut info = SourceInfo::new("page", "Career page", SourceKind::Page, &[]);
        info.default_on = false;
        info.capped_list = true;
        Self { info }
    }
}

#[async_trait]
impl Source for WebPage {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        crate::collect::each_board(self, query, fetch, sink).await
    }

    fn parse(&self, page: &crate::source::Page) -> Result<Parsed, ParseError> {
        let mut parsed = extract(&page.text(), Some(&page.url))?;
        let company = page.board.as_ref().and_then(|board| board.company.clone());
        for row in &mut parsed.postings {
            row.company = row.company.take().or_else(|| company.clone());
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        if sample.json.is_some() || crate::feed::is_feed(sample.text) || !is_html(sample.text) {
            return 0;
        }
        let marks = ["JobPosting", "job", "career", "Career", "position"];
        if marks.iter().any(|mark| sample.text.contains(mark)) { 30 } else { 5 }
    }
}

#[async_trait]
impl BoardSource for WebPage {
    async fn search_board(
        &self,
        _query: &Query,
        collector: &mut Collector<'_>,
        board: &CompanyBoard,
    ) -> Result<(), SourceError> {
        let request = Request::page(address(&board.token)?).for_board(board);
        let Some(parsed) = collector.page(request).await.map_err(resisting::as_refusal)? else {
            collector.outcome.not_modified = true;
            return Ok(());
        };
        collector.note(&parsed);
        let mut left = MOST_DETAILS;
        for row in parsed.postings {
            let row = with_detail(collector, board, row, &mut left).await;
            collector.accept(row);
        }
        Ok(())
    }
}

/// An index page lists titles and links only; the linked page has the rest. A page that cannot be read leaves the row.
async fn with_detail(
    collector: &mut Collector<'_>,
    board: &CompanyBoard,
    row: RawPosting,
    left: &mut usize,
) -> RawPosting {
    let bare = row.description_html.is_none() && row.description_text.is_none();
    let same_page = row.url.as_deref() == Some(board.token.as_str());
    if !bare || same_page || *left == 0 || !collector.wants_detail(&row) {
        return row;
    }
    let Some(url) = row.url.as_deref().and_then(|url| Url::parse(url).ok()) else { return row };
    *left -= 1;
    match collector.page(Request::page(url).for_board(board)).await {
        Ok(Some(parsed)) => match <[RawPosting; 1]>::try_from(parsed.postings) {
            Ok([detail]) => RawPosting { url: row.url.clone(), ..merged(row, detail) },
            Err(_) => row,
        },
        _ => row,
    }
}

/// The postings of a page. `url` is its address, where known; otherwise what the page says about itself counts.
///
/// # Errors
/// [`ParseError`] that says what to do when there is no posting: a wall, a page that is not about a job, no page at all.
pub fn extract(html: &str, url: Option<&Url>) -> Result<Parsed, ParseError> {
    if !is_html(html) {
        return Err(ParseError::not_this(
            "this is no web page; save the page in the browser as HTML, or paste the text of the posting as an article",
        ));
    }
    let document = parse_document(html);
    let root = document.root_element();
    let named = url.filter(|url| url.host_str().is_some_and(|host| !host.ends_with(".invalid"))).cloned();
    let own = named.or_else(|| own_address(root, html));
    let base = base_of(root, own.as_ref());

    let structured = jsonld::postings_in_document(&document, "page", base.as_ref());
    let known = known::read(&document, html, own.as_ref());
    let mut rows = joined(structured.postings, known);
    if !rows.iter().any(is_complete) {
        let state = embedded::postings(root, "page", base.as_ref());
        if rows.is_empty() || state.len() == 1 {
            rows = joined(rows, state);
        }
    }
    if rows.is_empty() {
        rows = links::job_links(root, base.as_ref());
        let listed: Vec<&String> =
            structured.listed.iter().filter(|url| !rows.iter().any(|row| row.url.as_ref() == Some(url))).collect();
        rows.extend(listed.into_iter().filter_map(|url| links::row_of_address(url)));
    }
    if rows.is_empty()
        && let Some(row) = readable::posting_of(root, own.as_ref())
    {
        rows = vec![row];
    }
    give_address(&mut rows, own.as_ref());

    let mut parsed = Parsed::default();
    rows.into_iter().for_each(|row| parsed.push(row));
    if !parsed.postings.is_empty() {
        return Ok(parsed);
    }
    if let Some(wall) = resisting::wall(root, html) {
        return Err(wall);
    }
    if structured.markers > 0 {
        return Err(ParseError::Broken { reason: "it has JobPosting marks".to_owned() });
    }
    if !parsed.dropped.is_empty() {
        return Err(ParseError::not_this(
            "a posting was found, but not its address; give the address of the page together with the file",
        ));
    }
    Err(ParseError::not_this(
        "no posting was found; open the posting itself (not the search that led to it), save that page, or paste its text",
    ))
}

/// Schema.org data and embedded state only, as a source of a known site needs it.
pub(crate) fn structured(document: &Html, source: &str, own: Option<&Url>) -> Vec<RawPosting> {
    let mut rows = jsonld::postings_in_document(document, source, own).postings;
    if rows.is_empty() {
        rows = embedded::postings(document.root_element(), source, own);
        give_address(&mut rows, own);
    }
    rows
}

/// Whether a text looks like a web page or a part of one.
fn is_html(text: &str) -> bool {
    let start = crate::html_select::truncate(text.trim_start(), 2_000);
    start.contains('<') && crate::raw_fields::has_tags(start)
}

/// `<base href>` where the page has one.
fn base_of(root: ElementRef<'_>, own: Option<&Url>) -> Option<Url> {
    let written = crate::html_select::attribute_at(root, "base[href]", "href");
    let base = written.and_then(|href| crate::html_select::absolute_url(own, &href));
    base.and_then(|base| Url::parse(&base).ok()).or_else(|| own.cloned())
}

/// Two readings of one page: a single posting in both is one posting with the fields of both.
fn joined(first: Vec<RawPosting>, second: Vec<RawPosting>) -> Vec<RawPosting> {
    match (<[RawPosting; 1]>::try_from(first), <[RawPosting; 1]>::try_from(second)) {
        (Ok([one]), Ok([other])) => {
            // The site's own layout knows which site it is.
            let source = other.source.clone();
            vec![RawPosting { source, ..merged(other, one) }]
        }
        (Ok([one]), Err(several)) if several.is_empty() => vec![one],
        (Err(several), Ok([one])) if several.is_empty() => vec![one],
        (Ok(one), Err(_)) => one.into(),
        (Err(first), Ok(_)) => first,
        (Err(first), Err(second)) => {
            if first.is_empty() {
                second
            } else {
                first
            }
        }
    }
}

fn has_text(row: &RawPosting) -> bool {
    row.description_html.is_some() || row.description_text.is_some()
}

fn is_complete(row: &RawPosting) -> bool {
    has_text(row) && row.company.is_some() && row.title.is_some()
}

/// A single posting without an address is the page's; several get none, since they would become one.
fn give_address(rows: &mut [RawPosting], own: Option<&Url>) {
    if let ([row], Some(own)) = (rows, own)
        && row.url.is_none()
    {
        row.url = Some(own.to_string());
    }
}
