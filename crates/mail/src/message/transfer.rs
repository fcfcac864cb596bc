//! Bodies that arrive still in their transfer encoding: exports and broken senders leave quoted-printable and base64.

use std::{borrow::Cow, sync::LazyLock};

use mail_parser::decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode};

use crate::patterns::Pattern;

/// What only quoted-printable has: a byte of UTF-8 beyond ASCII, an encoded `=` before a quote, a space or a comma at
/// the end of a line, or a line of full length that ends with `=`. A lone `=20` may be part of an address.
static QUOTED: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r#"=[C-F][0-9A-F]=[89AB][0-9A-F]|=3D["'a-zA-Z0-9]|=(?:20|09|2C|2E|21|A0|92)\r?\n|(?m-s:^.{50,80}[^=\s]=\r?$)|=\r?\n.{0,80}=\r?\n"#,
    )
});

/// Less text than this is never taken for base64: short words are valid base64 too.
const LEAST_BASE64: usize = 60;

/// The text with a transfer encoding undone that should not be there any more.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if let Some(decoded) = base64(text) {
        return Cow::Owned(decoded);
    }
    if !QUOTED.is_match(text) {
        return Cow::Borrowed(text);
    }
    let decoded = quoted_printable_decode(text.as_bytes()).map(readable);
    match decoded {
        Some(decoded) if decoded.len() * 3 >= text.len() => Cow::Owned(decoded),
        // Not valid throughout: undo at least the line breaks, so that no word is cut in two.
        _ => Cow::Owned(text.replace("=\r\n", "").replace("=\n", "")),
    }
}

/// A body that is nothing but base64 lines and that reads as text when decoded.
fn base64(text: &str) -> Option<String> {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\r' | b'\n');
    let trimmed = text.trim();
    if trimmed.len() < LEAST_BASE64 || !trimmed.bytes().all(is_base64) {
        return None;
    }
    let mut compact: Vec<u8> = trimmed.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').collect();
    // A cut-off body ends inside a group of four.
    compact.truncate(compact.len() - usize::from(compact.len() % 4 == 1));
    while !compact.len().is_multiple_of(4) {
        compact.push(b'=');
    }
    let decoded = readable(base64_decode(&compact)?);
    let odd = |character: &char| *character == '\u{FFFD}' || (character.is_control() && !character.is_whitespace());
    let characters = decoded.chars().count();
    let reads = decoded.split_whitespace().count() * 40 >= characters;
    (reads && decoded.chars().filter(odd).count() * 50 <= characters).then_some(decoded)
}

/// UTF-8, or else Windows-1252: the two that mail is written in.
fn readable(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let bytes = error.into_bytes();
        mail_parser::decoders::charsets::map::charset_decoder(b"windows-1252")
            .map_or_else(|| String::from_utf8_lossy(&bytes).into_owned(), |decoder| decoder(&bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_is_undone_only_where_it_is_there() {
        let soft = "We regret to inform you that we have filled this position with another appl=\r\nicant.";
        assert!(decode(soft).ends_with("another applicant."));
        assert_eq!(decode("we=E2=80=99ve decided"), "we’ve decided");
        let address = "see https://jobs.example/apply?a=20&b=3 for more";
        assert_eq!(decode(address), address);
        assert_eq!(decode("x = 3D printing = fun"), "x = 3D printing = fun");
    }

    #[test]
    fn base64_is_undone_only_when_it_reads_as_text() {
        let encoded =
            "RGVhciBSb2JpbiwKV2UgcmVncmV0IHRvIGluZm9ybSB5b3UgdGhhdCB0aGUgcG9z\r\naXRpb24gaGFzIGJlZW4gZmlsbGVkLg==";
        assert!(decode(encoded).contains("position has been filled"));
        let word = "a".repeat(80);
        assert_eq!(decode(&word), word);
    }
}
