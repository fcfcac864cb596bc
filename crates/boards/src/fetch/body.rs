//! Bodies: read up to a limit, then brought to UTF-8.

use bytes::{Bytes, BytesMut};
use encoding_rs::Encoding;
use futures::StreamExt;
use futures::stream::BoxStream;

/// A body as it arrives, already decompressed.
pub type BodyStream = BoxStream<'static, Result<Bytes, String>>;

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than allowed.
    TooLarge,
    /// It broke off.
    Broken(String),
}

/// Reads a body; stops as soon as it passes `limit_bytes`, whatever its announced length.
///
/// # Errors
/// [`BodyError`].
pub async fn read(mut stream: BodyStream, limit_bytes: usize) -> Result<Bytes, BodyError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(BodyError::Broken)?;
        if body.len() + chunk.len() > limit_bytes {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Brings a text to UTF-8: byte order mark, else valid UTF-8 as it is, else the charset of the header, the document's
/// own declaration, or windows-1252. Headers lie more often than bytes that happen to be valid UTF-8. An XML
/// declaration that names another encoding is changed to say UTF-8.
pub fn to_utf8(body: Bytes, content_type: Option<&str>) -> Bytes {
    let (text, had_other_encoding) = decode(&body, content_type);
    let declares_other = text.starts_with("<?xml") && declared_in_xml(&text).is_some_and(|(_, name)| !is_utf8(name));
    match (had_other_encoding, declares_other) {
        (_, true) => Bytes::from(with_utf8_declaration(&text)),
        (true, false) => Bytes::from(text.into_owned()),
        (false, false) => body,
    }
}

fn decode<'a>(body: &'a [u8], content_type: Option<&str>) -> (std::borrow::Cow<'a, str>, bool) {
    if let Some((encoding, length)) = Encoding::for_bom(body) {
        let (text, _) = encoding.decode_without_bom_handling(body.get(length..).unwrap_or_default());
        return (text, true);
    }
    let declared = content_type.and_then(charset_of).or_else(|| declared_in_document(body));
    let stateful = declared.is_some_and(|encoding| {
        encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE || encoding == encoding_rs::ISO_2022_JP
    });
    if !stateful && let Ok(text) = std::str::from_utf8(body) {
        return (text.into(), false);
    }
    let encoding = declared.filter(|encoding| *encoding != encoding_rs::UTF_8);
    // Mostly valid UTF-8 with a few broken bytes stays UTF-8; a text full of them is windows-1252.
    let encoding = encoding.unwrap_or_else(|| {
        let broken = String::from_utf8_lossy(body).matches('\u{fffd}').count();
        let others = body.iter().filter(|byte| **byte >= 0x80).count();
        if broken * 2 > others { encoding_rs::WINDOWS_1252 } else { encoding_rs::UTF_8 }
    });
    let (text, _) = encoding.decode_without_bom_handling(body);
    (text, true)
}

fn charset_of(content_type: &str) -> Option<&'static Encoding> {
    let lower = content_type.to_ascii_lowercase();
    let (_, rest) = lower.split_once("charset=")?;
    let name = rest.trim_start_matches(['"', '\'']).split(['"', '\'', ';', ' ', ',']).next()?;
    Encoding::for_label(name.as_bytes())
}

fn declared_in_document(body: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(body.get(..2_048).unwrap_or(body)).to_ascii_lowercase();
    if let Some((_, name)) = declared_in_xml(&head) {
        return Encoding::for_label(name.as_bytes());
    }
    let (_, rest) = head.split_once("charset=")?;
    let name = rest.trim_start_matches(['"', '\'']).split(['"', '\'', ';', ' ', '>', '/']).next()?;
    Encoding::for_label(name.as_bytes())
}

/// Position and name of the encoding in an XML declaration.
fn declared_in_xml(text: &str) -> Option<(usize, &str)> {
    let declaration =
        text.strip_prefix("<?xml").and_then(|rest| rest.find("?>").and_then(|end| text.get(..end + 5)))?;
    let start = declaration.find("encoding=")? + "encoding=".len();
    let quote = declaration.get(start..)?.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let name = declaration.get(start + 1..)?.split(quote).next()?;
    Some((start + 1, name))
}

fn with_utf8_declaration(text: &str) -> String {
    let Some((start, name)) = declared_in_xml(text) else { return text.to_owned() };
    let (before, after) = (text.get(..start).unwrap_or_default(), text.get(start + name.len()..).unwrap_or_default());
    format!("{before}UTF-8{after}")
}

fn is_utf8(name: &str) -> bool {
    name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("utf8")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn utf8(body: &[u8], content_type: Option<&str>) -> String {
        String::from_utf8(to_utf8(Bytes::copy_from_slice(body), content_type).to_vec()).unwrap()
    }

    #[test]
    fn brings_texts_to_utf8() {
        assert_eq!(utf8("Köln".as_bytes(), Some("text/html; charset=iso-8859-1")), "Köln", "the header lies");
        assert_eq!(utf8(b"K\xf6ln", Some("text/html; charset=ISO-8859-1")), "Köln");
        assert_eq!(utf8(b"<meta charset=\"windows-1252\">K\xf6ln", None), "<meta charset=\"windows-1252\">Köln");
        assert_eq!(utf8(b"K\xf6ln", None), "Köln");
        assert_eq!(utf8(b"\xef\xbb\xbfK", None), "K");
        assert_eq!(utf8(b"\xff\xfeK\0", None), "K");
        assert_eq!(
            utf8(b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xf6</a>", None),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>ö</a>"
        );
        assert_eq!(utf8("a – b\u{20ac} \u{20ac} ".as_bytes(), None), "a – b€ € ");
    }

    proptest! {
        #[test]
        fn always_gives_utf8(body in proptest::collection::vec(any::<u8>(), 0..400), kind in proptest::option::of(".{0,60}")) {
            utf8(&body, kind.as_deref());
        }
    }
}
