//! Measures duplicates, relevance, titles, board parsing, mail and résumé import on data of one's own.
mod agreement;
pub mod boards;
pub mod dedupe;
mod folder;
pub mod mail;
pub mod relevance;
pub mod resumes;
#[cfg(test)]
mod testdata;
pub mod titles;

pub use folder::FolderError;
