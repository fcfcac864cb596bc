//! Finding tags in text of unknown quality, without building a tree.

use std::borrow::Cow;

use super::decode_entities;

/// Names that make `<name` a tag rather than a piece of text such as `Vec<T>`.
const TAGS: [&str; 78] = [
    "a",
    "abbr",
    "address",
    "article",
    "aside",
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "button",
    "caption",
    "center",
    "cite",
    "code",
    "colgroup",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "label",
    "li",
    "link",
    "main",
    "mark",
    "meta",
    "nav",
    "noscript",
    "object",
    "ol",
    "p",
    "picture",
    "pre",
    "script",
    "section",
    "select",
    "small",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "u",
    "ul",
    "video",
];

/// Longest tag name that is looked at.
const MAX_NAME: usize = 12;

/// A name of a tag in lower case, without allocation; longer names are cut.
#[derive(Clone, Copy)]
pub(super) struct Name {
    bytes: [u8; MAX_NAME],
    length: usize,
}

impl Name {
    pub(super) fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

/// The tag name at the start of `text`; `None` when it does not start with an ASCII letter.
pub(super) fn name_at(text: &str) -> Option<Name> {
    let mut name = Name { bytes: [0; MAX_NAME], length: 0 };
    for byte in text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b':') {
        if name.length == 0 && !byte.is_ascii_alphabetic() {
            return None;
        }
        let Some(slot) = name.bytes.get_mut(name.length) else { break };
        *slot = byte.to_ascii_lowercase();
        name.length += 1;
    }
    (name.length > 0).then_some(name)
}

/// One piece of a text with markup.
pub(super) enum Piece<'a> {
    /// Characters outside tags, entities still encoded.
    Text(&'a str),
    /// A start tag.
    Open(Name),
    /// An end tag.
    Close(Name),
}

/// Splits a text into characters and tags; comments, declarations and processing instructions are dropped, as are the
/// contents of elements that hold no text for people.
pub(super) struct Pieces<'a> {
    rest: &'a str,
    /// Elements whose end was searched and not found; not searched again, which keeps the scan linear.
    unclosed: Vec<&'static str>,
}

/// Elements of which nothing is read up to their end tag.
const DROPPED: [&str; 12] = [
    "script", "style", "noscript", "template", "svg", "math", "iframe", "object", "head", "textarea", "select",
    "button",
];

impl<'a> Pieces<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, unclosed: Vec::new() }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or("");
    }

    /// Drops the content of an element of which nothing is read.
    fn skip_element(&mut self, name: &str) {
        let Some(dropped) = DROPPED.iter().find(|dropped| **dropped == name) else { return };
        if self.unclosed.contains(dropped) {
            return;
        }
        match find_end_tag(self.rest, dropped) {
            Some(end) => self.skip(end),
            // An unclosed script runs to the end of the document, as in browsers.
            None if matches!(*dropped, "script" | "style") => self.rest = "",
            None => self.unclosed.push(dropped),
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if !self.rest.starts_with('<') {
                let end = self.rest.find('<').unwrap_or(self.rest.len());
                let text = self.rest.get(..end)?;
                self.skip(end);
                return Some(Piece::Text(text));
            }
            if self.rest.starts_with("<!--") {
                let end = self.rest.find("-->").map_or(self.rest.len(), |at| at + 3);
                self.skip(end);
                continue;
            }
            if self.rest.starts_with("<![CDATA[") {
                self.skip("<![CDATA[".len());
                continue;
            }
            if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
                let end = self.rest.find('>').map_or(self.rest.len(), |at| at + 1);
                self.skip(end);
                continue;
            }
            let closing = self.rest.starts_with("</");
            let Some(name) = self.rest.get(1 + usize::from(closing)..).and_then(name_at) else {
                let text = self.rest.get(..1)?;
                self.skip(1);
                return Some(Piece::Text(text));
            };
            let end = tag_end(self.rest);
            self.skip(end);
            if closing {
                return Some(Piece::Close(name));
            }
            self.skip_element(name.as_str());
            return Some(Piece::Open(name));
        }
    }
}

/// Bytes of the tag at the start of `text`. A quote that never closes is no quote.
fn tag_end(text: &str) -> usize {
    let mut quote = None;
    for (index, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return index + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    text.find('>').map_or(text.len(), |at| at + 1)
}

/// Offset of the end tag of `name` in `text`, whatever its case.
fn find_end_tag(text: &str, name: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find("</") {
        let start = from + at;
        let candidate = text.get(start + 2..)?;
        if candidate.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return Some(start);
        }
        from = start + 2;
    }
    None
}

/// Whether more than `limit` elements are open at once. Elements whose end tag is optional are not counted.
pub(super) fn depth_exceeds(html: &str, limit: usize) -> bool {
    let mut depth = 0_usize;
    for piece in Pieces::new(html) {
        match piece {
            Piece::Open(name) if nests(name.as_str()) => depth += 1,
            Piece::Close(name) if nests(name.as_str()) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

fn nests(name: &str) -> bool {
    !matches!(
        name,
        "p" | "li"
            | "br"
            | "hr"
            | "img"
            | "input"
            | "meta"
            | "link"
            | "td"
            | "th"
            | "tr"
            | "dt"
            | "dd"
            | "wbr"
            | "col"
            | "area"
            | "base"
            | "embed"
            | "source"
            | "track"
            | "param"
            | "option"
            | "o:p"
    )
}

/// HTML out of escaped HTML (`&lt;p&gt;…`, as Greenhouse and Arbeitnow carry it inside a JSON string), also when it
/// was escaped twice. Text that holds real tags is returned as it is, unless nearly all its tags are escaped.
pub fn unescape_markup(text: &str) -> Cow<'_, str> {
    let mut current = Cow::Borrowed(text);
    for _ in 0..2 {
        let escaped = count_escaped_tags(&current);
        if escaped == 0 {
            break;
        }
        let real = count_tags(&current);
        if real > 0 && escaped < 4 * real.max(2) {
            break;
        }
        current = Cow::Owned(decode_entities(&current));
    }
    current
}

/// Whether the text holds at least one tag.
pub(super) fn has_tags(text: &str) -> bool {
    tags_after(text, "<").next().is_some()
}

fn count_tags(text: &str) -> usize {
    tags_after(text, "<").count()
}

fn count_escaped_tags(text: &str) -> usize {
    // "lt;" also finds the doubly escaped "&amp;lt;".
    if text.contains("lt;") { tags_after(text, "lt;").count() } else { 0 }
}

fn tags_after<'a>(text: &'a str, opening: &'a str) -> impl Iterator<Item = Name> + 'a {
    text.match_indices(opening).filter_map(move |(at, _)| {
        let rest = text.get(at + opening.len()..)?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let name = name_at(rest)?;
        let after = rest.as_bytes().get(name.length);
        let ends = matches!(after, Some(b'>' | b' ' | b'/' | b'&' | b'\n' | b'\r' | b'\t'));
        (ends && TAGS.contains(&name.as_str())).then_some(name)
    })
}
