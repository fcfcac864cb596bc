//! Which format a file has: by its content, its name only where the content leaves it open.

use serde::{Deserialize, Serialize};

/// What can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Portable Document Format.
    Pdf,
    /// Office Open XML text.
    Docx,
    /// OpenDocument text.
    Odt,
    /// Markdown.
    Markdown,
    /// Any other text.
    PlainText,
    /// The JSON Resume schema.
    JsonResume,
    /// The zip archive of LinkedIn's data export.
    #[serde(rename = "linkedin")]
    LinkedIn,
}

/// Tells the format from the first bytes, the members of an archive, and the name's ending. `None` for pictures, old
/// Word files and other bytes that are no text.
pub fn recognise(name: &str, bytes: &[u8]) -> Option<Format> {
    let head = &bytes[..bytes.len().min(1024)];
    if memchr::memmem::find(head, b"%PDF-").is_some() {
        return Some(Format::Pdf);
    }
    if bytes.starts_with(b"PK") {
        return Some(archive_format(bytes));
    }
    let text = super::decode(bytes).ok()?;
    let ending = name.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    if ending == "json" || text.trim_start().starts_with('{') {
        return Some(Format::JsonResume);
    }
    let has_marks = text.lines().any(|line| line.starts_with("# ") || line.starts_with("## "));
    let is_markdown = matches!(ending.as_str(), "md" | "markdown") || has_marks;
    Some(if is_markdown { Format::Markdown } else { Format::PlainText })
}

/// Names of members stand uncompressed in the archive, so that looking for them needs no unpacking.
fn archive_format(bytes: &[u8]) -> Format {
    let has = |name: &[u8]| memchr::memmem::find(bytes, name).is_some();
    if has(b"word/document.xml") {
        Format::Docx
    } else if has(b"content.xml") {
        Format::Odt
    } else if has(b".csv") {
        Format::LinkedIn
    } else {
        Format::Docx
    }
}
