//! Plain text of HTML in one pass.

use std::borrow::Cow;

use super::markup::{Piece, Pieces, has_tags, unescape_markup};
use super::{MAX_HTML_BYTES, decode_entities};
use crate::text::{is_invisible, truncate_bytes};

/// Plain text of an HTML fragment: blocks, list items and `<br>` on lines of their own, bullets as "• ", entities
/// decoded, scripts and styles dropped, runs of blank lines folded, at most one empty line between paragraphs.
///
/// Escaped markup is decoded first; text without any tag keeps its own lines. Linear in the input, which is cut at
/// [`MAX_HTML_BYTES`].
pub fn html_to_text(html: &str) -> String {
    let markup = unescape_markup(truncate_bytes(html, MAX_HTML_BYTES));
    if !has_tags(&markup) {
        return plain_text(&decode_text(&markup));
    }
    let mut writer = Writer::with_capacity(markup.len() / 2);
    for piece in Pieces::new(&markup) {
        match piece {
            Piece::Text(text) => writer.text(&decode_text(text)),
            Piece::Open(name) => writer.open(name.as_str()),
            Piece::Close(name) => writer.close(name.as_str()),
        }
    }
    writer.out
}

/// Plain text with its own lines, cleaned: line ends unified, invisible and control characters dropped, white space
/// inside lines folded, at most one empty line in a row. Idempotent.
pub fn plain_text(text: &str) -> String {
    let mut writer = Writer::with_capacity(text.len());
    let unified = truncate_bytes(text, MAX_HTML_BYTES).replace("\r\n", "\n");
    for line in unified.split(['\n', '\r', '\u{2028}', '\u{2029}']) {
        writer.text(line);
        writer.break_lines(writer.lines + 1);
    }
    writer.out
}

/// Entities decoded; twice when an entity is left, because an entity in readable text is always a fault.
fn decode_text(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let once = decode_entities(text);
    if once.contains('&') { Cow::Owned(decode_entities(&once)) } else { Cow::Owned(once) }
}

/// Writes text with pending breaks, so that leading, trailing and repeated ones never appear.
struct Writer {
    out: String,
    /// Line ends wanted before the next character: 0, 1, or 2 for an empty line.
    lines: usize,
    space: bool,
    bullet: bool,
    /// Open lists, and whether the innermost list item is open: paragraphs inside it do not make empty lines.
    lists: usize,
    item: bool,
    preformatted: bool,
}

impl Writer {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            out: String::with_capacity(bytes),
            lines: 0,
            space: false,
            bullet: false,
            lists: 0,
            item: false,
            preformatted: false,
        }
    }

    fn break_lines(&mut self, lines: usize) {
        self.lines = self.lines.max(lines.min(2));
        self.space = false;
    }

    fn break_paragraph(&mut self) {
        self.break_lines(if self.item { 1 } else { 2 });
    }

    fn open(&mut self, name: &str) {
        match name {
            "br" => self.break_lines(self.lines + 1),
            "ul" | "ol" => {
                self.break_paragraph();
                self.lists += 1;
                self.item = false;
                if self.lists > 1 {
                    self.lines = self.lines.min(1);
                }
            }
            "li" => {
                self.item = true;
                self.break_lines(1);
                self.bullet = true;
            }
            "pre" => {
                self.break_paragraph();
                self.preformatted = true;
            }
            "td" | "th" => self.space = true,
            _ if is_paragraph(name) => self.break_paragraph(),
            _ if is_line(name) => self.break_lines(1),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "ul" | "ol" => {
                self.lists = self.lists.saturating_sub(1);
                self.item = self.lists > 0;
                self.bullet = false;
                self.break_paragraph();
            }
            "li" => {
                self.item = false;
                self.bullet = false;
                self.break_lines(1);
            }
            "pre" => {
                self.preformatted = false;
                self.break_paragraph();
            }
            _ if is_paragraph(name) => self.break_paragraph(),
            _ if is_line(name) => self.break_lines(1),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let text = if self.bullet { without_bullet(text) } else { text };
        for character in text.chars() {
            if self.preformatted && character == '\n' {
                self.break_lines(self.lines + 1);
            } else if character.is_whitespace() || character.is_control() {
                self.space = true;
            } else if !is_invisible(character) {
                self.character(character);
            }
        }
    }

    fn character(&mut self, character: char) {
        if !self.out.is_empty() {
            if self.lines > 0 {
                self.out.push_str(if self.lines > 1 { "\n\n" } else { "\n" });
            } else if self.space {
                self.out.push(' ');
            }
        }
        if self.bullet {
            self.out.push_str("• ");
        }
        self.lines = 0;
        self.space = false;
        self.bullet = false;
        self.out.push(character);
    }
}

/// A list item that brings its own bullet does not get a second one.
fn without_bullet(text: &str) -> &str {
    let trimmed = text.trim_start();
    match trimmed.strip_prefix(['•', '·', '●', '▪', '◦', '■', '‣', '*', '-', '–']) {
        Some(rest) if rest.starts_with(char::is_whitespace) => rest,
        _ => text,
    }
}

fn is_paragraph(name: &str) -> bool {
    matches!(
        name,
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" | "blockquote" | "hr" | "dl" | "section" | "article"
    )
}

fn is_line(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "tr"
            | "dt"
            | "dd"
            | "header"
            | "footer"
            | "main"
            | "aside"
            | "nav"
            | "address"
            | "figure"
            | "form"
            | "fieldset"
            | "legend"
            | "caption"
            | "body"
            | "center"
            | "details"
            | "summary"
            | "option"
            | "thead"
            | "tbody"
            | "title"
    )
}
