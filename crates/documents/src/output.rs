//! The same content in formats that need no typesetting: Markdown and DOCX; and what files are called.

mod docx;
mod markdown;
mod name;

pub use docx::{DocxError, letter_docx, resume_docx};
pub use markdown::{letter_markdown, resume_markdown};
pub use name::{DocumentKind, file_name};
