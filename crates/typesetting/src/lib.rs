//! Letters and résumés set in type: PDF through typst.
//!
//! A crate of its own because typst is long to build, and only who makes PDF files needs it. A person's text reaches a
//! template as a file of JSON, never as source: there is nothing in it that could be run or read as markup.
//!
//! A [`Typesetter`] holds fonts and templates, and is made once; [`Typesetter::letter`] and [`Typesetter::resume`] are
//! pure. A template is one file in `templates/` and one line in `templates.rs`; a person's own are read from a folder.

mod templates;
mod typesetter;
mod world;

pub use templates::{Kind, TemplateError, Templates};
pub use typesetter::{Paper, Typeset, TypesetError, Typesetter};
