//! Plain text, whatever its encoding.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{ExtractError, Limits, TextBuilder, builder::Look};

/// Decodes UTF-8 and UTF-16, else Windows-1252, which every older text of Western Europe is read with.
///
/// # Errors
/// The bytes hold zeros and are no UTF-16, so they are no text.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ExtractError> {
    let utf16 = [(&b"\xff\xfe"[..], UTF_16LE), (&b"\xfe\xff"[..], UTF_16BE)];
    if let Some((_, encoding)) = utf16.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Ok(encoding.decode_with_bom_removal(bytes).0);
    }
    if bytes.contains(&0) {
        return Err(ExtractError::UnknownFormat);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) => Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0),
    }
}

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<TextBuilder, ExtractError> {
    let text = decode(bytes)?;
    let mut builder = TextBuilder::new(limits);
    for line in text.lines() {
        let rule = !line.trim().is_empty() && line.trim().chars().all(|character| "-=_*~#─━".contains(character));
        if rule {
            builder.gap();
        } else {
            builder.line(&cells(line.trim()), Look::default())?;
        }
    }
    Ok(builder)
}

/// Three blanks and more part cells, as people set dates to the right in a text.
fn cells(line: &str) -> Cow<'_, str> {
    if !line.contains("   ") {
        return Cow::Borrowed(line);
    }
    let parts: Vec<&str> = line.split("   ").map(str::trim).filter(|part| !part.is_empty()).collect();
    Cow::Owned(parts.join("\t"))
}
