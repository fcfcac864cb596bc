//! PDF: glyphs with their places, gathered to rows, columns and lines.
//!
//! The file's objects and fonts are read by `hayro-syntax` and `hayro-font`; the text operators of ISO 32000-2, 9.4 are
//! interpreted here, because only so every step can be counted: a few kilobytes of forms that draw one another, or of
//! packed zeros, would otherwise keep a machine busy for years.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_font::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::{ExtractError, Limits, TextBuilder};

mod bounds;
mod columns;
mod glyphs;
mod links;
mod rows;

const FORMAT: &str = "PDF";

/// One letter (or ligature) as it is drawn, in points; `y` is its base line and grows downwards.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glyph {
    pub text: String,
    pub x0: f32,
    pub x1: f32,
    pub y: f32,
    pub size: f32,
    pub bold: bool,
    /// Quarter turns of its base line.
    pub turn: u8,
}

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<TextBuilder, ExtractError> {
    bounds::check(bytes, limits)?;
    // The readers of fonts and objects are written with care, but they are others' code on hostile bytes: a fault in
    // them must not take down a service that many people share.
    let read = catch_unwind(AssertUnwindSafe(|| read_pages(bytes, limits)));
    read.unwrap_or_else(|_| Err(ExtractError::broken(FORMAT, "its objects make no sense")))
}

fn read_pages(bytes: &[u8], limits: &Limits) -> Result<TextBuilder, ExtractError> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => ExtractError::Protected,
        LoadPdfError::Decryption(_) => ExtractError::broken(FORMAT, "its encryption is unknown"),
        LoadPdfError::Invalid => ExtractError::broken(FORMAT, "no pages were found"),
    })?;
    let pages = pdf.pages();
    if pages.len() > limits.pages {
        return Err(ExtractError::TooLarge { what: "pages", limit: limits.pages });
    }
    let mut reader = glyphs::Reader::new(limits);
    let mut rows = Vec::new();
    for page in pages.iter() {
        rows.push(rows::gather(reader.page(page)?));
    }
    let usual = rows::usual_size(rows.iter().flatten());
    let mut builder = TextBuilder::new(limits);
    for page in rows {
        builder.block();
        columns::write(page, usual, &mut builder)?;
    }
    links::write(&pdf, limits, &mut builder)?;
    Ok(builder)
}
