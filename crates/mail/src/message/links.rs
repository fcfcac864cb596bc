//! Links of a body, with the words that they stand on.

use std::sync::LazyLock;

use aerie_postings::html::{decode_entities, html_to_line};
use aerie_postings::text::{clean_field, single_line, truncate_bytes, truncate_characters};
use serde::{Deserialize, Serialize};
use url::Url;

use super::MAX_ITEMS;
use crate::patterns::Pattern;

/// Longest address that is kept.
const MAX_URL_BYTES: usize = 2048;

/// Most bytes of markup between a link's tags that are read for its words.
const MAX_ANCHOR_BYTES: usize = 4000;

/// Characters before a bare address that say what it is.
const BEFORE_CHARACTERS: usize = 60;

static BARE: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(r#"https?://[^\s<>"'\]\[{}|\\^`]+"#));
static HREF: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(r#"(?i)\bhref\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)"#));

/// One link. It is never followed here: an address out of a mail is outside text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Absolute http or https address.
    pub url: String,
    /// The words that it stands on, or what stands before it on its line.
    pub text: String,
}

impl Link {
    fn new(url: &str, text: String) -> Option<Self> {
        let url = decode_entities(truncate_bytes(url.trim(), MAX_URL_BYTES));
        let parsed = Url::parse(&url).ok()?;
        let usable = matches!(parsed.scheme(), "http" | "https") && parsed.host_str().is_some();
        usable.then(|| Self { url: parsed.to_string(), text })
    }
}

/// Links of `<a href>` tags, in order, one an address (the longest words win). Linear in the text.
pub(super) fn of_html(html: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let lower = html.to_ascii_lowercase();
    let mut from = 0;
    while let Some(at) = lower.get(from..).and_then(|rest| rest.find("<a")).map(|at| from + at) {
        from = at + 2;
        let is_anchor = lower.as_bytes().get(from).is_some_and(u8::is_ascii_whitespace);
        let Some(end) = html.get(from..).and_then(|rest| rest.find('>')).map(|end| from + end).filter(|_| is_anchor)
        else {
            continue;
        };
        let href = html.get(from..end).and_then(|tag| HREF.captures(tag)).and_then(|found| found.get(1));
        let inside = truncate_bytes(html.get(end + 1..).unwrap_or(""), MAX_ANCHOR_BYTES);
        let close = inside.to_ascii_lowercase();
        let length = [close.find("</a"), close.find("<a ")].into_iter().flatten().min().unwrap_or(0);
        let words = clean_field(&html_to_line(inside.get(..length).unwrap_or("")), 300);
        from = end + 1;
        if let Some(link) = href.and_then(|href| Link::new(href.as_str().trim_matches(['"', '\'']), words)) {
            push(&mut links, link);
        }
        if links.len() >= MAX_ITEMS {
            break;
        }
    }
    links
}

/// Bare addresses of a text, with what stands before them on their line, else the line above.
pub(super) fn of_text(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut above = "";
    for line in text.lines() {
        let mut last = 0;
        for found in BARE.find_iter(line) {
            let before = single_line(line.get(last..found.start()).unwrap_or(""));
            let words = if before.is_empty() { above } else { &before };
            let skipped = words.chars().count().saturating_sub(BEFORE_CHARACTERS);
            let words: String = words.chars().skip(skipped).collect();
            let words = words.trim_end_matches([':', '-', '(', ' ', '<']).trim().to_owned();
            let url = found.as_str().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '*', '>']);
            links.extend(Link::new(url, words).into_iter().take(1));
            last = found.end();
            if links.len() >= MAX_ITEMS {
                return links;
            }
        }
        if last == 0 && !line.trim().is_empty() {
            above = truncate_characters(line.trim(), 300);
        }
    }
    links
}

fn push(links: &mut Vec<Link>, link: Link) {
    match links.iter_mut().find(|known| known.url == link.url) {
        Some(known) if known.text.len() < link.text.len() => known.text = link.text,
        Some(_) => {}
        None => links.push(link),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_their_words() {
        let html = r#"<p><A HREF='https://jobs.example/1?a=1&amp;b=2'><b>Data</b> Engineer</a> <a href="mailto:x@y">mail</a>
            <a href="javascript:alert(1)">no</a> <a href=https://jobs.example/2>Two<a href=https://jobs.example/3>Three</a>"#;
        let links: Vec<_> = of_html(html).into_iter().map(|link| (link.url, link.text)).collect();
        assert_eq!(
            links,
            [
                ("https://jobs.example/1?a=1&b=2".to_owned(), "Data Engineer".to_owned()),
                ("https://jobs.example/2".to_owned(), "Two".to_owned()),
                ("https://jobs.example/3".to_owned(), "Three".to_owned()),
            ]
        );
    }

    #[test]
    fn bare_addresses_take_the_words_before_them() {
        let links =
            of_text("Compiler Engineer\nView job: https://x.example/1).\n\nRuntime Engineer\nhttps://x.example/2");
        assert_eq!(links.first().map(|link| link.text.as_str()), Some("View job"));
        assert_eq!(links.first().map(|link| link.url.as_str()), Some("https://x.example/1"));
        assert_eq!(links.last().map(|link| link.text.as_str()), Some("Runtime Engineer"));
    }
}
