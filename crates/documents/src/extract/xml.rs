//! One walk over an XML text with limits, for the office formats.

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
};

use super::{ExtractError, Limits, decode};

/// Most attributes of one element that are looked at.
const MOST_ATTRIBUTES: usize = 64;

/// What a format does with the elements it meets. Names are without their prefix.
pub(super) trait Visitor {
    fn start(&mut self, name: &str, attributes: &Attributes<'_>) -> Result<(), ExtractError>;
    fn end(&mut self, name: &str) -> Result<(), ExtractError>;
    fn text(&mut self, text: &str);
}

/// The attributes of the element at hand.
pub(super) struct Attributes<'start>(&'start BytesStart<'start>);

impl Attributes<'_> {
    /// The value of the attribute with this name, whatever its prefix.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let found = self
            .0
            .attributes()
            .with_checks(false)
            .flatten()
            .take(MOST_ATTRIBUTES)
            .find(|attribute| attribute.key.local_name().as_ref() == name)?;
        found.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
    }
}

/// Walks over the whole text; entities other than the five of XML stay unread, so that none can grow.
///
/// # Errors
/// The XML is broken or nested deeper than the limit, or the visitor says so.
pub(super) fn walk(
    bytes: &[u8],
    format: &'static str,
    limits: &Limits,
    visitor: &mut impl Visitor,
) -> Result<(), ExtractError> {
    let text = decode(bytes)?;
    let mut reader = Reader::from_str(&text);
    let mut depth = 0_usize;
    loop {
        match reader.read_event().map_err(|error| ExtractError::broken(format, error))? {
            Event::Start(start) => {
                depth += 1;
                if depth > limits.depth {
                    return Err(ExtractError::TooLarge { what: "levels of nested elements", limit: limits.depth });
                }
                visitor.start(start.local_name().as_ref(), &Attributes(&start))?;
            }
            Event::Empty(start) => {
                let name = start.local_name();
                visitor.start(name.as_ref(), &Attributes(&start))?;
                visitor.end(name.as_ref())?;
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                visitor.end(end.local_name().as_ref())?;
            }
            Event::Text(text) => visitor.text(&text.xml10_content()),
            Event::CData(text) => visitor.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let mut buffer = [0; 4];
                if let Some(text) = resolved(&reference, &mut buffer) {
                    visitor.text(text);
                }
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn resolved<'text>(reference: &BytesRef<'_>, buffer: &'text mut [u8; 4]) -> Option<&'text str> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Some(character.encode_utf8(buffer)),
        _ => resolve_predefined_entity(reference),
    }
}
