//! Finding many phrases in one text at once, as whole words only.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::text::{Folded, fold_phrase};

/// Shortest name that may also be found with a plural `s`.
const PLURAL_FROM: usize = 4;

/// A set of phrases to find. "sales" is found in "sales manager" and not in "Salesforce".
#[derive(Debug, Clone)]
pub struct PhraseFinder {
    automaton: Option<AhoCorasick>,
    /// For every pattern of the automaton, the index of the phrase it stands for.
    phrases: Vec<u32>,
    plural: Vec<bool>,
}

/// One phrase found in a folded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) phrase: u32,
    /// Bytes of the folded text.
    pub(crate) range: Range<usize>,
}

impl PhraseFinder {
    /// A finder for the phrases; empty ones never match.
    pub fn new<Text: AsRef<str>>(phrases: impl IntoIterator<Item = Text>) -> Self {
        let mut patterns = Vec::new();
        let mut indexes = Vec::new();
        for (index, phrase) in (0_u32..).zip(phrases) {
            let folded = fold_phrase(phrase.as_ref());
            if !folded.is_empty() {
                patterns.push(folded);
                indexes.push(index);
            }
        }
        let plural = patterns
            .iter()
            .map(|name| {
                name.len() >= PLURAL_FROM && name.ends_with(|last: char| last.is_ascii_lowercase() && last != 's')
            })
            .collect();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&patterns).ok();
        Self { automaton, phrases: indexes, plural }
    }

    /// Whole-word matches, leftmost and then longest first, none overlapping another.
    pub(crate) fn find(&self, folded: &Folded) -> Vec<Found> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let mut found: Vec<Found> = Vec::new();
        for candidate in automaton.find_overlapping_iter(folded.text()) {
            let pattern = candidate.pattern().as_usize();
            let (Some(&phrase), Some(&plural)) = (self.phrases.get(pattern), self.plural.get(pattern)) else {
                continue;
            };
            let mut range = candidate.range();
            if !folded.is_whole(&range) {
                let longer = range.start..range.end + 1;
                if !plural || folded.text().get(range.end..longer.end) != Some("s") || !folded.is_whole(&longer) {
                    continue;
                }
                range = longer;
            }
            found.push(Found { phrase, range });
        }
        found.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
        let mut free_from = 0;
        found.retain(|found| {
            let free = found.range.start >= free_from;
            if free {
                free_from = found.range.end;
            }
            free
        });
        found
    }

    /// The first phrase found in a text, as its index and its bytes in the text.
    pub fn first_in(&self, text: &str) -> Option<(usize, Range<usize>)> {
        let folded = Folded::new(text);
        let found = self.find(&folded).into_iter().next()?;
        Some((found.phrase as usize, folded.original(&found.range)))
    }
}
