//! Job sources: one file a source, parsing kept pure and apart from polite fetching.
//!
//! A [`Source`] describes itself, reads its own answers ([`Source::parse`], pure) and searches ([`Source::search`])
//! through the [`fetch::Fetcher`], which is polite and safe for all of them. [`registry`] lists every source;
//! [`parse_recorded`] reads a stored answer whose origin is known only by its content.

pub mod collect;
pub mod fetch;
pub mod lenient;
pub mod registry;
pub mod source;

pub use registry::{all, by_name, parse_recorded};
pub use source::{
    CompanyBoard, KeyNeed, Next, Outcome, Page, ParseError, Parsed, PostingSink, Query, RowProblem, Sample,
    SharedSource, Source, SourceError, SourceInfo, SourceKind, Validators,
};
