//! Patterns that are constants.

use regex::{Captures, Match, Regex};

/// A pattern; one that did not compile, which the tests rule out, matches nothing.
pub(crate) struct Pattern(Option<Regex>);

pub(crate) fn pattern(text: &str) -> Pattern {
    let compiled = Regex::new(text);
    debug_assert!(compiled.is_ok(), "{compiled:?}");
    Pattern(compiled.ok())
}

impl Pattern {
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(text))
    }

    pub(crate) fn find<'text>(&self, text: &'text str) -> Option<Match<'text>> {
        self.0.as_ref()?.find(text)
    }

    pub(crate) fn find_iter<'text>(&self, text: &'text str) -> impl Iterator<Item = Match<'text>> {
        self.0.iter().flat_map(move |regex| regex.find_iter(text))
    }

    pub(crate) fn captures<'text>(&self, text: &'text str) -> Option<Captures<'text>> {
        self.0.as_ref()?.captures(text)
    }

    pub(crate) fn captures_iter<'text>(&self, text: &'text str) -> impl Iterator<Item = Captures<'text>> {
        self.0.iter().flat_map(move |regex| regex.captures_iter(text))
    }
}
