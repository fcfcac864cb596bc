//! Collects what a source gives and tells how far it is.

use aerie_boards::{PostingSink, RowProblem};
use aerie_postings::RawPosting;
use tokio::sync::watch;

use crate::filter::Filter;

/// How far a search is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SearchProgress {
    /// Pages read.
    pub(crate) pages: usize,
    /// Postings so far.
    pub(crate) postings: usize,
    /// The source's own total.
    pub(crate) total: Option<u64>,
}

impl SearchProgress {
    /// For people.
    pub(crate) fn words(self) -> String {
        match self.total {
            Some(total) => format!("reading page {}: {} of {total}", self.pages, self.postings),
            None => format!("reading page {}: {}", self.pages, self.postings),
        }
    }

    /// Share done, as far as it is known.
    pub(crate) fn share(self) -> Option<f64> {
        let total = self.total.filter(|total| *total > 0)?;
        Some((self.postings as f64 / total as f64).min(1.0))
    }
}

/// Takes postings and asks for details only where the title passes the person's filters.
pub(crate) struct CollectingSink<'a> {
    filter: Filter<'a>,
    progress: watch::Sender<SearchProgress>,
    pub(crate) postings: Vec<RawPosting>,
    pub(crate) dropped: Vec<RowProblem>,
}

impl<'a> CollectingSink<'a> {
    pub(crate) fn new(filter: Filter<'a>, progress: watch::Sender<SearchProgress>) -> Self {
        Self { filter, progress, postings: Vec::new(), dropped: Vec::new() }
    }
}

impl PostingSink for CollectingSink<'_> {
    fn accept(&mut self, posting: RawPosting) {
        self.postings.push(posting);
        let count = self.postings.len();
        self.progress.send_modify(|progress| progress.postings = count);
    }

    fn wants_detail(&self, posting: &RawPosting) -> bool {
        posting.title.as_deref().is_none_or(|title| self.filter.check_title(title).is_none())
    }

    fn dropped(&mut self, problem: RowProblem) {
        self.dropped.push(problem);
    }

    fn progress(&mut self, pages: usize, total: Option<u64>) {
        self.progress.send_modify(|progress| {
            progress.pages = pages;
            progress.total = total;
        });
    }
}
