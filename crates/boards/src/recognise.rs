//! Which hiring system a company uses: from the address of its board, or from the links, frames and scripts of its
//! career page.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use scraper::ElementRef;
use serde::Serialize;
use url::Url;

use crate::fetch::{Fetcher, Request};
use crate::html_select::{self, absolute_url, all, attribute};
use crate::source::SourceError;

mod rules;

/// A board that was recognised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RecognisedBoard {
    /// Name of the source that reads it.
    pub source: &'static str,
    /// The board's token for that source.
    pub token: String,
    /// Whether the token stands in the address; otherwise it is a guess from the company's own host, to be tried.
    pub certain: bool,
}

/// Most bytes of a page that are looked through.
const PAGE_BYTES: usize = 4 << 20;

/// Recognises a board by its address alone.
///
/// Addresses of single postings count too: they name the board they belong to.
pub fn board_of_address(url: &Url) -> Option<RecognisedBoard> {
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    rules::by_host(url).or_else(|| rules::by_query(url))
}

/// Recognises the boards that a career page leads to, those with most evidence first.
pub fn boards_in_page(html: &str, base: &Url) -> Vec<RecognisedBoard> {
    let html = html_select::truncate(html, PAGE_BYTES);
    let mut evidence: BTreeMap<RecognisedBoard, usize> = BTreeMap::new();
    let mut see = |board: RecognisedBoard, weight: usize| *evidence.entry(board).or_default() += weight;

    for address in addresses_in(html) {
        if let Some(board) = board_of_address(&address) {
            // A page of a system links to its own maker and to neighbours; a sure token counts for more.
            see(board.clone(), if board.certain { 4 } else { 1 });
        }
    }
    if let Some(board) = rules::by_marks(html, base) {
        see(board, 8);
    }
    let document = html_select::parse_document(html);
    for feed in feeds(document.root_element(), base) {
        see(feed, 2);
    }
    if html.contains("JobPosting") && html.contains("schema.org") {
        see(RecognisedBoard { source: "page", token: base.to_string(), certain: true }, 1);
    }
    let mut boards: Vec<(RecognisedBoard, usize)> = evidence.into_iter().collect();
    boards.sort_by_key(|(board, weight)| (std::cmp::Reverse((board.certain, *weight)), board.clone()));
    boards.into_iter().map(|(board, _)| board).take(20).collect()
}

/// Recognises the boards behind any address of a company: by the address, then by the page, then by the pages that it
/// calls careers or jobs.
///
/// # Errors
/// [`SourceError`] when the page cannot be read.
pub async fn boards_of_site(url: &Url, fetch: &Fetcher) -> Result<Vec<RecognisedBoard>, SourceError> {
    if let Some(board) = board_of_address(url).filter(|board| board.certain) {
        return Ok(vec![board]);
    }
    let page = fetch.page(Request::page(url.clone()).redirecting_to(&["*"])).await?;
    if let Some(board) = board_of_address(&page.url).filter(|board| board.certain) {
        return Ok(vec![board]);
    }
    let text = page.text();
    let mut boards = boards_in_page(&text, &page.url);
    if !boards.is_empty() {
        return Ok(boards);
    }
    let links = career_links(&text, &page.url);
    for link in links.into_iter().take(3) {
        // A career page that cannot be read leaves the other ones.
        let Ok(page) = fetch.page(Request::page(link).redirecting_to(&["*"])).await else { continue };
        boards.extend(board_of_address(&page.url).filter(|board| board.certain));
        boards.extend(boards_in_page(&page.text(), &page.url));
        if !boards.is_empty() {
            break;
        }
    }
    if boards.is_empty() {
        boards.extend(board_of_address(url));
    }
    Ok(boards)
}

/// Every address in a page at a host of a known system, also within scripts.
fn addresses_in(html: &str) -> Vec<Url> {
    static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let hosts = rules::HOSTS.map(regex::escape).join("|");
        Regex::new(&format!(r#"(?i)(?:https?:)?(?:\\?/){{2}}(?:[a-z0-9_-]+\.)*(?:{hosts})(?:[/?\\][^\s"'<>)]*)?"#)).ok()
    });
    let Some(pattern) = ADDRESS.as_ref() else { return Vec::new() };
    let read = |found: regex::Match<'_>| {
        let plain = found.as_str().replace("\\/", "/").replace("\\u0026", "&").replace("&amp;", "&");
        let plain = plain.split('\\').next().unwrap_or_default();
        let whole = if plain.starts_with("//") { format!("https:{plain}") } else { plain.to_owned() };
        Url::parse(&whole).ok()
    };
    pattern.find_iter(html).take(2_000).filter_map(read).collect()
}

/// Feeds that the page offers.
fn feeds(root: ElementRef<'_>, base: &Url) -> Vec<RecognisedBoard> {
    let about_jobs = |text: &str| {
        let lower = text.to_lowercase();
        ["job", "career", "vacanc", "position", "stellen", "emploi"].iter().any(|word| lower.contains(word))
    };
    let mut feeds = Vec::new();
    for link in all(root, "link[rel=\"alternate\"][href]") {
        let kind = attribute(link, "type").unwrap_or_default();
        let Some(href) = attribute(link, "href").and_then(|href| absolute_url(Some(base), &href)) else { continue };
        let is_feed = ["rss", "atom", "feed+json"].iter().any(|word| kind.contains(word));
        if is_feed && about_jobs(&format!("{href} {}", attribute(link, "title").unwrap_or_default())) {
            feeds.push(RecognisedBoard { source: "feed", token: href, certain: true });
        }
    }
    feeds
}

/// Links that lead to careers, on the same site.
fn career_links(html: &str, base: &Url) -> Vec<Url> {
    let document = html_select::parse_document(html);
    let site = |url: &Url| url.host_str().map(rules::company_label).unwrap_or_default();
    let mut links: Vec<Url> = Vec::new();
    for link in all(document.root_element(), "a[href]") {
        let Some(url) = attribute(link, "href")
            .and_then(|href| absolute_url(Some(base), &href))
            .and_then(|href| Url::parse(&href).ok())
        else {
            continue;
        };
        let words = format!("{} {}", url.path(), html_select::text(link).unwrap_or_default()).to_lowercase();
        let leads = ["career", "jobs", "vacanc", "join-us", "join us", "karriere", "stellen"];
        let same = site(&url) == site(base) && url.as_str() != base.as_str();
        if same && leads.iter().any(|word| words.contains(word)) && !links.contains(&url) {
            links.push(url);
        }
    }
    links
}

#[cfg(test)]
mod tests;
