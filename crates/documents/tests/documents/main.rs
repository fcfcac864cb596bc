//! Résumés of every format, files that want to do harm, and claims of letters: what the crate gets right, in figures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod claims;
mod hostile;
mod resumes;
mod samples;
mod support;
