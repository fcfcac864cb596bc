//! Measures duplicates, relevance, titles and board parsing on labelled data.
mod agreement;
pub mod boards;
pub mod dedupe;
pub mod relevance;
#[cfg(test)]
mod testdata;
pub mod titles;
