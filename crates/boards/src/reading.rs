//! A web page as a reader sees it: title, text and where its links lead.

use aerie_postings::{
    html::html_to_text,
    text::{clean_field, truncate_bytes},
};
use url::Url;

use crate::html_select::{all, first, parse_document, text};

/// Longest text of a page, in bytes.
const MOST_TEXT: usize = 256 << 10;

/// Most links of a page.
const MOST_LINKS: usize = 500;

/// A page for reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its title; may be empty.
    pub title: String,
    /// Its text, without menus and footers where the page marks its main part.
    pub text: String,
    /// Addresses with the words that lead there, in the page's order, http(s) only.
    pub links: Vec<(Url, String)>,
}

/// Reads a page. Any bytes give some reading; hostile markup is bounded as everywhere here.
pub fn read(html: &str, base: &Url) -> Reading {
    let document = parse_document(html);
    let root = document.root_element();
    let title = first(root, "title").and_then(text).unwrap_or_default();
    let main = first(root, "main, article, [role=main]").map(|element| element.inner_html());
    let text_of = |html: &str| truncate_bytes(&html_to_text(html), MOST_TEXT).to_owned();
    let main = main.map(|main| text_of(&main)).filter(|text| text.len() >= 200);
    let links = all(root, "a[href]")
        .into_iter()
        .filter_map(|element| {
            let url = base.join(element.value().attr("href")?.trim()).ok()?;
            let is_web = matches!(url.scheme(), "http" | "https");
            is_web.then(|| (url, clean_field(&text(element).unwrap_or_default(), 200)))
        })
        .take(MOST_LINKS)
        .collect();
    Reading { title: clean_field(&title, 300), text: main.unwrap_or_else(|| text_of(html)), links }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn base() -> Url {
        Url::parse("https://brasswick.example/a/").unwrap()
    }

    #[test]
    fn the_main_part_and_the_links_are_read() {
        let body = "We mend looms. ".repeat(20);
        let page = format!(
            "<title> Brasswick &amp; Sons </title><nav><a href='/about'>About <b>us</b></a><a href='mailto:x@y.z'>Mail</a>\
             </nav><main><p>{body}</p><script>alert(1)</script></main><footer>Imprint</footer>"
        );
        let reading = read(&page, &base());
        assert_eq!(reading.title, "Brasswick & Sons");
        assert!(reading.text.starts_with("We mend looms.") && !reading.text.contains("Imprint"), "{}", reading.text);
        assert!(!reading.text.contains("alert"));
        assert_eq!(reading.links, [(Url::parse("https://brasswick.example/about").unwrap(), "About us".to_owned())]);
    }

    proptest! {
        #[test]
        fn any_markup_gives_some_reading(html in "\\PC{0,400}") {
            let reading = read(&html, &base());
            prop_assert!(reading.title.chars().count() <= 300 && reading.text.len() <= MOST_TEXT);
        }
    }
}
