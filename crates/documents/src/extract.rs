//! From a file's bytes to plain text in reading order, line by line, with what the layout says about each line.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::resume::Span;

mod archive;
mod builder;
mod docx;
mod flow;
mod format;
mod markdown;
mod odt;
mod pdf;
mod plain;
mod xml;

pub(crate) use archive::Archive;
pub(crate) use builder::{TextBuilder, is_bullet, starts_with_bullet};
pub use format::{Format, recognise};
pub(crate) use plain::decode;

/// How much a file may ask for. Everything over a limit is an error that names it; nothing is cut silently.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the file itself.
    pub file_bytes: usize,
    /// Bytes of one unpacked member of an archive, or of one unpacked stream of a PDF.
    pub unpacked_bytes: usize,
    /// Bytes of all unpacked members or streams together.
    pub total_unpacked_bytes: usize,
    /// Members of an archive.
    pub members: usize,
    /// Pages of a PDF.
    pub pages: usize,
    /// Bytes of the extracted text.
    pub text_bytes: usize,
    /// Depth of nested elements in XML, and of nested forms in a PDF.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 20 << 20,
            unpacked_bytes: 64 << 20,
            total_unpacked_bytes: 256 << 20,
            members: 2_000,
            pages: 100,
            text_bytes: 1 << 20,
            depth: 100,
        }
    }
}

/// Why a file gave no text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExtractError {
    /// More than a limit allows.
    #[error("the file has more {what} than the {limit} that are read; save a smaller one")]
    TooLarge {
        /// What there is too much of, with its unit.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The bytes are no file of this format, or a broken one.
    #[error("this is not a readable {format} file: {reason}")]
    Broken {
        /// The format it was taken for.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// An archive member's name leads out of the archive.
    #[error("the archive names the path {name:?}, which leads out of it")]
    UnsafePath {
        /// The member's name.
        name: String,
    },
    /// The file is locked with a password.
    #[error("the file is protected with a password; save a copy without one")]
    Protected,
    /// There is no text in it: a scan, or an empty file.
    #[error("there is no text in this file; a scanned page has to be read by a text recognition first")]
    NoText,
    /// Nothing that is known here.
    #[error(
        "unknown kind of file; known are PDF, DOCX, ODT, plain text, Markdown, JSON Resume and LinkedIn's data export"
    )]
    UnknownFormat,
}

impl ExtractError {
    pub(crate) fn broken(format: &'static str, reason: impl ToString) -> Self {
        Self::Broken { format, reason: reason.to_string() }
    }
}

/// One line of the extracted text, and how it looked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Where it is in the text, without the line break.
    pub span: Span,
    /// Size of its letters against the file's most used size; 1 where the format has none.
    pub size: f32,
    /// Most of it is bold.
    pub bold: bool,
    /// It is marked as a heading, of this level from 1.
    pub heading: Option<u8>,
    /// It begins an item of a list.
    pub bullet: bool,
    /// There is clearly more room above it than between lines of a paragraph, or an empty line.
    pub gap: bool,
    /// It begins a column, page, text box or table cell: what came before it is not its neighbour on the page.
    pub block: bool,
}

/// A file's text in reading order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extract {
    /// The format it was read as.
    pub format: Format,
    /// The whole text; cells of one row are parted by tabs.
    pub text: String,
    /// Its lines that are not empty, in order.
    pub lines: Vec<Line>,
}

/// Reads the text of a PDF, DOCX, ODT, Markdown or plain-text file.
///
/// # Errors
/// As [`ExtractError`] says; JSON Resume and LinkedIn's export are no running text and go through
/// [`import`](crate::import).
pub fn extract(bytes: &[u8], format: Format, limits: &Limits) -> Result<Extract, ExtractError> {
    if bytes.len() > limits.file_bytes {
        return Err(ExtractError::TooLarge { what: "bytes", limit: limits.file_bytes });
    }
    let builder = match format {
        Format::Pdf => pdf::read(bytes, limits)?,
        Format::Docx => docx::read(bytes, limits)?,
        Format::Odt => odt::read(bytes, limits)?,
        Format::Markdown => markdown::read(bytes, limits)?,
        Format::PlainText => plain::read(bytes, limits)?,
        Format::JsonResume | Format::LinkedIn => return Err(ExtractError::UnknownFormat),
    };
    let extract = builder.finish(format);
    if extract.lines.is_empty() { Err(ExtractError::NoText) } else { Ok(extract) }
}
