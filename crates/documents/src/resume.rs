//! The profile that a résumé holds, read from any of the known formats.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::extract::{Extract, ExtractError, Format, Limits, extract, recognise};

mod contact;
mod education;
mod json;
mod linkedin;
mod listings;
mod months;
mod parse;

mod places;
mod positions;
mod profile;
mod sections;
mod span;
mod words;
mod write;

pub use json::{JsonResumeError, from_json_resume, to_json_resume};
pub use months::{End, Found as FoundPeriod, NoMonth, Period, YearMonth, find as find_periods};
pub(crate) use places::is_place as is_known_place;
pub use profile::{Certificate, Contact, Education, Extra, Language, Link, Position, Profile, Section, SkillGroup};
pub use sections::{Head, Kind};
pub use span::{Sourced, Span};
pub(crate) use words::{is_language, is_month_name, title_score};

/// An imported résumé.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Imported {
    /// The format it was read as.
    pub format: Format,
    /// What it says.
    pub profile: Profile,
    /// The plain text that the profile's spans are bytes of. For JSON Resume and LinkedIn's export it is written from
    /// the profile, as they hold no running text.
    pub text: String,
    /// The heads that were found, in the order of the text.
    pub heads: Vec<Head>,
}

/// Why a file could not be imported.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImportError {
    /// It gave no text.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// It is no JSON Resume.
    #[error(transparent)]
    JsonResume(#[from] JsonResumeError),
}

/// Reads a résumé from a file's bytes. The format is told by the content; `name` helps where that leaves it open.
///
/// # Errors
/// [`ImportError`] says what is wrong with the file and what to do.
pub fn import(name: &str, bytes: &[u8], limits: &Limits) -> Result<Imported, ImportError> {
    if bytes.len() > limits.file_bytes {
        return Err(ExtractError::TooLarge { what: "bytes", limit: limits.file_bytes }.into());
    }
    let format = recognise(name, bytes).ok_or(ExtractError::UnknownFormat)?;
    match format {
        Format::JsonResume => written(format, from_json_resume(&crate::extract::decode(bytes)?)?, limits),
        Format::LinkedIn => written(format, linkedin::read(bytes, limits)?, limits),
        _ => Ok(from_extract(&extract(bytes, format, limits)?)),
    }
}

/// Reads a profile from text that was extracted before.
pub fn from_extract(extract: &Extract) -> Imported {
    let (profile, heads) = parse::parse(extract);
    Imported { format: extract.format, profile, text: extract.text.clone(), heads }
}

fn written(format: Format, mut profile: Profile, limits: &Limits) -> Result<Imported, ImportError> {
    let (text, heads) = write::to_text(&mut profile);
    if text.len() > limits.text_bytes {
        return Err(ExtractError::TooLarge { what: "bytes of text", limit: limits.text_bytes }.into());
    }
    Ok(Imported { format, profile, text, heads })
}

#[cfg(test)]
mod tests;
