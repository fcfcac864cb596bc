//! Measures duplicates, relevance, titles, board parsing and mail on labelled data.
mod agreement;
pub mod boards;
pub mod dedupe;
pub mod mail;
pub mod relevance;
#[cfg(test)]
mod testdata;
pub mod titles;
