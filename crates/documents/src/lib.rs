//! Résumés read into one profile; letters written and checked against it. Pure functions: no input or output, no panic
//! on any bytes.
//!
//! [`import`](resume::import) takes a file's bytes (PDF, DOCX, ODT, plain text, Markdown, JSON Resume, LinkedIn's data
//! export) and returns a [`Profile`](resume::Profile) in which every field names the bytes of the extracted plain text it
//! came from. [`extract`] is the first half of that, file to text and lines; [`resume`] the second, lines to fields.

pub mod claims;
pub mod content;
pub mod extract;
pub mod letters;
mod lexicon;
pub mod output;
mod pattern;
pub mod resume;
pub mod tailoring;
pub mod versions;

pub use extract::{Extract, ExtractError, Format, Limits};
pub use resume::{ImportError, Imported, Profile, import};
