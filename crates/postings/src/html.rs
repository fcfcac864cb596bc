//! From hostile HTML to clean text and to HTML that is safe to show.

use std::borrow::Cow;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use crate::text::{WINDOWS_1252, single_line, truncate_bytes};

mod markup;
mod plain;

pub use markup::unescape_markup;
pub use plain::{html_to_text, plain_text};

/// Most bytes of HTML that are read; what lies behind is dropped. Real descriptions stay below 60 kB.
pub const MAX_HTML_BYTES: usize = 400_000;

/// Deepest nesting that is handed to the HTML parser. Its scope searches are linear in the depth, so hostile nesting
/// would make it quadratic; such a fragment is shown as its plain text.
const MAX_DEPTH: usize = 80;

static SAFE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .add_tags([
            "a",
            "b",
            "blockquote",
            "br",
            "code",
            "dd",
            "div",
            "dl",
            "dt",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "i",
            "li",
            "ol",
            "p",
            "pre",
            "strong",
            "sub",
            "sup",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "u",
            "ul",
        ])
        .add_clean_content_tags([
            "script", "style", "noscript", "template", "iframe", "object", "svg", "math", "title", "textarea",
            "select", "button",
        ])
        .add_tag_attributes("a", ["href"])
        .add_url_schemes(["http", "https", "mailto"])
        .url_relative(UrlRelative::Deny)
        .strip_comments(true)
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

/// HTML that is safe to show: an allow-list of tags without attributes other than `href` (absolute http, https or
/// mailto) and a fixed `rel` on links. Escaped markup is decoded first; over-deep nesting falls back to plain text.
pub fn safe_html(html: &str) -> String {
    let markup = unescape_markup(truncate_bytes(html, MAX_HTML_BYTES));
    if markup::depth_exceeds(&markup, MAX_DEPTH) {
        return text_to_html(&html_to_text(&markup));
    }
    SAFE.clean(&markup).to_string().trim().to_owned()
}

/// Plain text as HTML: a paragraph for each run of lines, line breaks kept, everything escaped.
pub fn text_to_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for paragraph in text.split("\n\n") {
        let mut lines = paragraph.lines().filter(|line| !line.trim().is_empty()).peekable();
        if lines.peek().is_none() {
            continue;
        }
        html.push_str("<p>");
        while let Some(line) = lines.next() {
            html.push_str(&html_escape::encode_text(line));
            if lines.peek().is_some() {
                html.push_str("<br>");
            }
        }
        html.push_str("</p>");
    }
    html
}

/// Decodes entities once: `&lt;p&gt;` becomes `<p>`, `&amp;#8211;` becomes `&#8211;`. References to the codes 128 to
/// 159 are read as Windows-1252, as browsers do.
pub fn decode_entities(text: &str) -> String {
    let decoded = html_escape::decode_html_entities(text);
    if !decoded.contains(|character: char| ('\u{80}'..='\u{9F}').contains(&character)) || !text.contains("&#") {
        return decoded.into_owned();
    }
    decoded.chars().map(windows_1252).collect()
}

fn windows_1252(character: char) -> char {
    let code = u32::from(character);
    let Some(index) = code.checked_sub(0x80) else { return character };
    usize::try_from(index).ok().and_then(|index| WINDOWS_1252.get(index)).copied().unwrap_or(character)
}

/// Text of a short HTML fragment on one line (a title or a place that arrives with tags).
pub fn html_to_line(html: &str) -> Cow<'_, str> {
    if !html.contains(['<', '&']) {
        return Cow::Borrowed(html);
    }
    Cow::Owned(single_line(&html_to_text(html)))
}

#[cfg(test)]
mod tests;
