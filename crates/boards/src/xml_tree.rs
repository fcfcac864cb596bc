//! A small tree of an XML document, bounded in depth and size, tolerant of broken ends.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Most elements read; the rest of the document is left out.
const MOST_ELEMENTS: usize = 500_000;

/// Deepest nesting read; deeper elements are flattened into their ancestor.
const DEEPEST: usize = 64;

/// One element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Name as written, prefix included (`tt:city`).
    pub name: String,
    /// Attributes as written.
    pub attributes: Vec<(String, String)>,
    /// Text directly in it: entities and CDATA resolved.
    pub text: String,
    /// Child elements in order.
    pub children: Vec<Element>,
}

impl Element {
    /// The name without its prefix.
    pub fn local_name(&self) -> &str {
        self.name.rsplit(':').next().unwrap_or(&self.name)
    }

    /// The first child of this name (with or without prefix as given).
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is_named(name))
    }

    /// All children of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.is_named(name))
    }

    /// The text of the first child of this name, trimmed, when not blank.
    pub fn text_of(&self, name: &str) -> Option<String> {
        self.child(name).and_then(Element::content)
    }

    /// Its own text, trimmed, when not blank.
    pub fn content(&self) -> Option<String> {
        let text = self.text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// An attribute's value, when not blank.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(key, _)| key == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// All elements of this name below it, at any depth, in document order; not inside one another.
    pub fn descendants<'a>(&'a self, name: &str) -> Vec<&'a Element> {
        let mut found = Vec::new();
        let mut waiting: Vec<&Element> = self.children.iter().rev().collect();
        while let Some(element) = waiting.pop() {
            if element.is_named(name) {
                found.push(element);
            } else {
                waiting.extend(element.children.iter().rev());
            }
        }
        found
    }

    fn is_named(&self, name: &str) -> bool {
        self.name == name || (!name.contains(':') && self.local_name() == name)
    }
}

/// Reads a document as far as it goes; the root is a nameless element around everything. `None` when there is no
/// element at all.
pub fn parse(text: &str) -> Option<Element> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut open: Vec<Element> = vec![Element::default()];
    let mut elements = 0;
    // Elements opened below the deepest level: their ends close nothing.
    let mut too_deep = 0usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                elements += 1;
                if open.len() > DEEPEST {
                    too_deep += 1;
                } else {
                    open.push(element(&start));
                }
            }
            Ok(Event::Empty(start)) => {
                elements += 1;
                if let Some(parent) = open.last_mut() {
                    parent.children.push(element(&start));
                }
            }
            Ok(Event::End(_)) if too_deep > 0 => too_deep -= 1,
            Ok(Event::End(_)) => close(&mut open),
            Ok(Event::Text(text)) => add(&mut open, &text.xml10_content()),
            Ok(Event::CData(text)) => add(&mut open, &text.xml10_content()),
            Ok(Event::GeneralRef(reference)) => add(&mut open, &resolved(&reference)),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
        if elements > MOST_ELEMENTS {
            break;
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop().filter(|root| !root.children.is_empty())
}

fn close(open: &mut Vec<Element>) {
    if open.len() < 2 {
        return;
    }
    if let (Some(closed), Some(parent)) = (open.pop(), open.last_mut()) {
        parent.children.push(closed);
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>) -> Element {
    let mut attributes = start.attributes();
    let attributes = attributes.with_checks(false).flatten().take(64).map(|attribute| {
        let value = html_escape::decode_html_entities(&attribute.value).into_owned();
        (attribute.key.as_ref().to_owned(), value)
    });
    Element { name: start.name().as_ref().to_owned(), attributes: attributes.collect(), ..Element::default() }
}

fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    let name: &str = reference;
    if let Some(text) = resolve_predefined_entity(name) {
        return text.to_owned();
    }
    // Feeds use HTML's names too.
    html_escape::decode_html_entities(&format!("&{name};")).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_names_text_and_children() {
        let root = parse(
            "<?xml version='1.0'?><r><a x='1 &amp; 2'>R&amp;D &#8211; <![CDATA[<b>]]>&nbsp;</a><t:c>y</t:c><e/></r>",
        )
        .unwrap();
        let r = root.child("r").unwrap();
        assert_eq!(r.text_of("a").unwrap(), "R&D – <b>");
        assert_eq!(r.child("a").unwrap().attribute("x"), Some("1 & 2"));
        assert_eq!(r.text_of("c").as_deref(), Some("y"));
        assert_eq!(r.text_of("t:c").as_deref(), Some("y"));
        assert_eq!(parse("no xml"), None);
        assert!(parse("<a><b>cut").unwrap().descendants("b").len() == 1);
    }

    #[test]
    fn deep_nesting_is_bounded() {
        let deep = "<a>".repeat(200_000);
        assert!(parse(&deep).is_some());
    }

    proptest! {
        #[test]
        fn never_panics(text in "(<[a-c:/]{0,3}[ =\"'x]{0,4}>|&[a-z#0-9]{0,4};|<!\\[CDATA\\[|\\]\\]>|.){0,40}") {
            parse(&text);
        }
    }
}
