//! Job sources: one file a source, parsing kept pure and apart from polite fetching.
//!
//! A [`Source`] describes itself, reads its own answers ([`Source::parse`], pure) and searches ([`Source::search`])
//! through the [`fetch::Fetcher`], which is polite and safe for all of them. [`registry`] lists every source;
//! [`parse_recorded`] reads a stored answer whose origin is known only by its content.

pub mod adzuna;
pub mod arbeitnow;
pub mod article;
pub mod ashby;
pub mod bamboohr;
mod board_address;
pub mod breezy;
pub mod collect;
pub mod craigslist;
pub mod eightfold;
mod embedded;
pub mod feed;
pub mod fetch;
pub mod glassdoor;
pub mod googlejobs;
pub mod greenhouse;
pub mod hackernews;
pub mod himalayas;
mod html_select;
pub mod icims;
pub mod import;
pub mod indeed;
pub mod jobicy;
pub mod jobvite;
pub mod jsonld;
pub mod lenient;
pub mod lever;
pub mod linkedin;
mod loose;
mod merge;
pub mod neogov;
pub mod oracle;
pub mod page;
pub mod personio;
pub mod pinpoint;
mod query_keys;
mod query_text;
mod raw_fields;
pub mod reading;
pub mod recipe;
pub mod recognise;
pub mod recruitee;
pub mod registry;
pub mod remoteok;
pub mod remotive;
mod resisting;
pub mod rippling;
pub mod seek;
pub mod smartrecruiters;
pub mod source;
pub mod teamtailor;
pub mod theladders;
pub mod themuse;
pub mod usajobs;
pub mod weworkremotely;
pub mod workable;
pub mod workday;
mod xml_tree;
pub mod ziprecruiter;

pub use registry::{all, by_name, parse_recorded};
pub use source::{
    CompanyBoard, KeyNeed, Next, Outcome, Page, ParseError, Parsed, PostingSink, Query, RowProblem, Sample,
    SharedSource, Source, SourceError, SourceInfo, SourceKind, Validators,
};
