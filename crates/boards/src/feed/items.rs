//! The items of an XML feed as lists of elements, whatever their namespace; tolerant of broken XML.

use aerie_postings::html::decode_entities;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::lenient::MOST_ROWS;

/// Most elements read of one item.
const MOST_ELEMENTS: usize = 500;
/// Deepest nesting inside an item.
const MAX_DEPTH: usize = 64;
/// Longest text of one element, in bytes.
const LONGEST_TEXT: usize = 1 << 20;

/// The elements of one `item` or `entry`: local names in lower case, with their texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Item {
    elements: Vec<(String, String)>,
    attributes: Vec<(String, String)>,
}

impl Item {
    /// The text of the first of these elements that has one.
    pub(crate) fn get(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|wanted| self.all(&[wanted]).into_iter().next())
    }

    /// The texts of all elements with one of these names.
    pub(crate) fn all(&self, names: &[&str]) -> Vec<String> {
        let wanted = self.elements.iter().filter(|(name, _)| names.contains(&name.as_str()));
        wanted.map(|(_, text)| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
    }

    /// An attribute of the item element itself (`rdf:about`).
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn add(&mut self, name: String, text: String) {
        if self.elements.len() < MOST_ELEMENTS && !text.trim().is_empty() {
            self.elements.push((name, text));
        }
    }
}

/// The same XML with every `&` that begins no entity written as one: feeds are full of them, and readers fail or become
/// slow on them.
pub(crate) fn with_whole_entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, after) = rest.split_at_checked(at + 1).unwrap_or((rest, ""));
        out.push_str(before);
        let name: &str = after.get(..after.floor_char_boundary(32)).unwrap_or("");
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '#'));
        let whole = end.is_some_and(|end| end > 0 && name.get(end..).is_some_and(|rest| rest.starts_with(';')));
        // Inside CDATA the mark is the character itself; it is decoded there once more when the text is used.
        if !whole {
            out.push_str("amp;");
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether elements nest deeper than in any feed; readers that recurse or copy are not given such a text.
pub(crate) fn is_too_deep(text: &str) -> bool {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut depth = 0usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
        if depth > 2 * MAX_DEPTH {
            return true;
        }
    }
}

/// All items of a feed, up to where the XML breaks.
pub(crate) fn items(text: &str) -> Vec<Item> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;

    let mut found: Vec<Item> = Vec::new();
    let mut current: Option<Item> = None;
    // Names and texts of the open elements inside the current item.
    let mut open: Vec<(String, String)> = Vec::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(start) => {
                // An item that was never closed ends where the next begins.
                if is_item(&start.local_name().as_ref().to_ascii_lowercase()) {
                    if let Some(mut item) = current.take() {
                        close(&mut item, &mut open, 0);
                        found.push(item);
                    }
                    if found.len() >= MOST_ROWS {
                        break;
                    }
                }
                begin(&start, false, &mut current, &mut open);
            }
            Event::Empty(start) => begin(&start, true, &mut current, &mut open),
            Event::Text(text) => append(&mut open, &text.into_inner()),
            Event::CData(text) => append(&mut open, &text.into_inner()),
            Event::GeneralRef(name) => append(&mut open, &decode_entities(&format!("&{};", name.into_inner()))),
            Event::End(end) => {
                let name = end.local_name().as_ref().to_ascii_lowercase();
                let Some(item) = &mut current else { continue };
                if is_item(&name) {
                    close(item, &mut open, 0);
                    found.extend(current.take());
                    if found.len() >= MOST_ROWS {
                        break;
                    }
                } else if let Some(at) = open.iter().rposition(|(known, _)| *known == name) {
                    close(item, &mut open, at);
                }
            }
            _ => {}
        }
    }
    // A feed that was cut: what is there of the last item counts.
    found.extend(current.filter(|item| item.get(&["link"]).is_some()));
    found
}

fn begin(start: &BytesStart<'_>, empty: bool, current: &mut Option<Item>, open: &mut Vec<(String, String)>) {
    let name = start.local_name().as_ref().to_ascii_lowercase();
    let Some(item) = current else {
        if !empty && is_item(&name) {
            *current = Some(Item { elements: Vec::new(), attributes: attributes(start) });
            open.clear();
        }
        return;
    };
    // `<link href="…"/>` of Atom and `<category term="…"/>` carry their value in an attribute.
    let attributes = attributes(start);
    let related = attributes.iter().any(|(key, value)| key == "rel" && value != "alternate");
    let value = attributes.into_iter().find(|(key, _)| matches!(key.as_str(), "href" | "term" | "resource"));
    if let Some((_, value)) = value.filter(|_| !related) {
        item.add(name.clone(), value);
    }
    // Deeper than any feed goes: the elements are left out, their text counts for the last one.
    if !empty && open.len() < MAX_DEPTH {
        open.push((name, String::new()));
    }
}

fn is_item(name: &str) -> bool {
    matches!(name, "item" | "entry")
}

/// Closes the open elements from `at` on. Those above it were not closed themselves (`<br>`): text of the outer one.
fn close(item: &mut Item, open: &mut Vec<(String, String)>, at: usize) {
    let inner: String = open.drain((at + 1).min(open.len())..).map(|(_, text)| text).collect();
    append(open, &inner);
    if let Some((name, text)) = open.pop() {
        item.add(name, text);
    }
}

fn attributes(start: &BytesStart<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for attribute in start.attributes().with_checks(false).flatten().take(20) {
        let key = attribute.key.local_name().as_ref().to_ascii_lowercase();
        found.push((key, decode_entities(attribute.value.as_ref())));
    }
    found
}

fn append(open: &mut [(String, String)], text: &str) {
    let Some((_, collected)) = open.last_mut() else { return };
    if collected.len() + text.len() <= LONGEST_TEXT {
        collected.push_str(text);
    }
}
