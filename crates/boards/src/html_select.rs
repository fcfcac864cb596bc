//! Reading pages with CSS selectors, within limits: hostile markup costs a bounded amount of time and memory.

use std::sync::LazyLock;

use regex::Regex;
use scraper::{ElementRef, Html, Selector};
use url::Url;

/// Largest page that is read, in bytes; the rest is cut off.
pub const MAX_PAGE_BYTES: usize = 8 * 1024 * 1024;
/// Deepest nesting of elements that is read. HTML parsing takes time in proportion to size × depth.
const MAX_DEPTH: usize = 512;
/// Longest single text that is taken from an element, in bytes.
const MAX_TEXT_BYTES: usize = 512 * 1024;

/// Parses a page after cutting it to [`MAX_PAGE_BYTES`] and to a bounded nesting.
pub(crate) fn parse_document(html: &str) -> Html {
    Html::parse_document(bounded(html))
}

/// The longest beginning of `html` that stays within the limits.
fn bounded(html: &str) -> &str {
    let html = truncate(html, MAX_PAGE_BYTES);
    static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)").ok());
    let Some(tag) = TAG.as_ref() else { return html };
    let mut depth = 0usize;
    let mut raw_text_until: Option<&str> = None;
    for found in tag.captures_iter(html) {
        let name = found.get(2).map_or("", |m| m.as_str());
        let closing = found.get(1).is_some_and(|m| !m.is_empty());
        if let Some(open) = raw_text_until {
            if closing && name.eq_ignore_ascii_case(open) {
                raw_text_until = None;
            }
            continue;
        }
        if closing {
            depth = depth.saturating_sub(1);
            continue;
        }
        if is_raw_text(name) {
            raw_text_until = Some(name);
            continue;
        }
        if nests(name) {
            depth += 1;
        }
        if depth > MAX_DEPTH {
            let end = found.get(0).map_or(0, |m| m.start());
            return html.get(..end).unwrap_or(html);
        }
    }
    html
}

fn is_raw_text(name: &str) -> bool {
    ["script", "style", "textarea", "title"].iter().any(|raw| name.eq_ignore_ascii_case(raw))
}

/// Whether an open tag of this name deepens the tree: void elements and those with an optional end tag do not.
fn nests(name: &str) -> bool {
    const FLAT: [&str; 29] = [
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
        "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "optgroup", "html", "head",
        "body",
    ];
    !FLAT.iter().any(|flat| name.eq_ignore_ascii_case(flat))
}

/// Cuts `text` to at most `bytes` at a character boundary.
pub(crate) fn truncate(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

/// Every descendant of `root` that matches; nothing when the selector itself is wrong (see the tests of its user).
pub(crate) fn all<'a>(root: ElementRef<'a>, css: &str) -> Vec<ElementRef<'a>> {
    match Selector::parse(css) {
        Ok(selector) => root.select(&selector).collect(),
        Err(_) => Vec::new(),
    }
}

/// The first descendant of `root` that matches.
pub(crate) fn first<'a>(root: ElementRef<'a>, css: &str) -> Option<ElementRef<'a>> {
    let selector = Selector::parse(css).ok()?;
    root.select(&selector).next()
}

/// The text of an element with white space folded; `None` when there is none. Scripts and styles inside do not count.
pub(crate) fn text(element: ElementRef<'_>) -> Option<String> {
    let mut out = String::new();
    for node in element.descendants() {
        if node.value().as_element().is_some_and(|e| separates(e.name())) {
            out.push(' ');
            continue;
        }
        let Some(piece) = node.value().as_text() else { continue };
        let hidden = node.ancestors().take(2).any(|ancestor| {
            ancestor.value().as_element().is_some_and(|e| matches!(e.name(), "script" | "style" | "template"))
        });
        if hidden {
            continue;
        }
        if out.len() + piece.len() > MAX_TEXT_BYTES {
            break;
        }
        out.push_str(piece);
    }
    let folded = fold_space(&out);
    (!folded.is_empty()).then_some(folded)
}

/// Whether text before and after the start of such an element are different words.
fn separates(name: &str) -> bool {
    matches!(
        name,
        "br" | "p"
            | "div"
            | "li"
            | "tr"
            | "td"
            | "th"
            | "dt"
            | "dd"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "section"
    )
}

/// The text of the first match.
pub(crate) fn text_at(root: ElementRef<'_>, css: &str) -> Option<String> {
    first(root, css).and_then(text)
}

/// A trimmed, non-empty attribute of the first match that has it.
pub(crate) fn attribute_at(root: ElementRef<'_>, css: &str, name: &str) -> Option<String> {
    all(root, css).into_iter().find_map(|element| attribute(element, name))
}

/// A trimmed, non-empty attribute.
pub(crate) fn attribute(element: ElementRef<'_>, name: &str) -> Option<String> {
    let value = element.value().attr(name)?.trim();
    (!value.is_empty()).then(|| truncate(value, MAX_TEXT_BYTES).to_owned())
}

/// The markup inside the first match; `None` when it holds no text.
pub(crate) fn html_at(root: ElementRef<'_>, css: &str) -> Option<String> {
    let element = first(root, css)?;
    text(element)?;
    Some(inner_html(element))
}

/// The markup inside an element, cut to a bounded size.
pub(crate) fn inner_html(element: ElementRef<'_>) -> String {
    truncate(element.inner_html().trim(), MAX_TEXT_BYTES).to_owned()
}

/// The content of `<meta property=…>` or `<meta name=…>`.
pub(crate) fn meta(root: ElementRef<'_>, name: &str) -> Option<String> {
    ["property", "name", "itemprop"]
        .iter()
        .find_map(|attribute| attribute_at(root, &format!(r#"meta[{attribute}="{name}"]"#), "content"))
}

/// Runs of white space become one blank; ends are trimmed.
pub(crate) fn fold_space(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The absolute http(s) address that `href` means on the page `base`; `None` for anything else.
pub(crate) fn absolute_url(base: Option<&Url>, href: &str) -> Option<String> {
    let href = href.trim();
    let url = match Url::parse(href) {
        Ok(url) => url,
        Err(_) => base?.join(href).ok()?,
    };
    let usable = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    usable.then(|| url.to_string())
}

/// The page's own address as it names it: canonical link, `og:url`, or the comment that browsers leave in saved pages.
pub(crate) fn own_address(root: ElementRef<'_>, html: &str) -> Option<Url> {
    let named = attribute_at(root, r#"link[rel="canonical"]"#, "href")
        .or_else(|| meta(root, "og:url"))
        .or_else(|| saved_from(html))?;
    let url = Url::parse(&named).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// `<!-- saved from url=(0042)https://example.com/job -->`, as several browsers write it.
fn saved_from(html: &str) -> Option<String> {
    let start = html.find("saved from url=")?;
    let rest = truncate(html.get(start..)?, 2_100);
    let address = rest.get(rest.find("http")?..)?;
    let end = address.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(address.len());
    address.get(..end).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn deep_and_large_markup_is_cut() {
        let deep = "<div>".repeat(1_000_000);
        assert!(bounded(&deep).len() <= 5 * (MAX_DEPTH + 1));
        let flat = "<p>word<br>".repeat(100_000);
        assert_eq!(bounded(&flat).len(), flat.len());
        assert_eq!(truncate("aé", 2), "a");
    }

    #[test]
    fn tags_inside_scripts_do_not_count_as_depth() {
        let page = format!("<script>{}</script><b>x</b>", "\"<div>\",".repeat(2_000));
        assert_eq!(bounded(&page), page);
    }

    #[test]
    fn addresses_are_made_absolute_and_only_http_is_taken() {
        let base = Url::parse("https://jobs.example.com/list/?p=1").unwrap();
        assert_eq!(absolute_url(Some(&base), "../job/7").as_deref(), Some("https://jobs.example.com/job/7"));
        assert_eq!(absolute_url(Some(&base), "javascript:alert(1)"), None);
        assert_eq!(absolute_url(None, "/job/7"), None);
    }

    #[test]
    fn a_saved_page_knows_where_it_came_from() {
        let html = "<!-- saved from url=(0030)https://example.com/jobs/5 -->\n<p>x</p>";
        let document = parse_document(html);
        assert_eq!(own_address(document.root_element(), html).unwrap().as_str(), "https://example.com/jobs/5");
    }
}
