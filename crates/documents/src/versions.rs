//! What changed between two versions of a text, word by word.

use serde::{Deserialize, Serialize};
use similar::{Algorithm, ChangeTag, TextDiff};

/// Longest text that is compared, in bytes.
const MOST_BYTES: usize = 200_000;

/// A run of words that both versions have, or only one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where it stands.
    pub kind: ChangeKind,
    /// The words with their blanks.
    pub text: String,
}

/// Which version has the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Both.
    Kept,
    /// Only the newer one.
    Added,
    /// Only the older one.
    Removed,
}

/// The changes in order. The texts of what is kept and removed are the older version, those of what is kept and added
/// the newer one.
pub fn diff(older: &str, newer: &str) -> Vec<Change> {
    let (older, newer) = (bounded(older), bounded(newer));
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).diff_unicode_words(older, newer);
    let mut changes: Vec<Change> = Vec::new();
    for change in diff.iter_all_changes() {
        let kind = match change.tag() {
            ChangeTag::Equal => ChangeKind::Kept,
            ChangeTag::Insert => ChangeKind::Added,
            ChangeTag::Delete => ChangeKind::Removed,
        };
        match changes.last_mut() {
            Some(last) if last.kind == kind => last.text.push_str(change.value()),
            _ => changes.push(Change { kind, text: change.value().to_owned() }),
        }
    }
    changes
}

fn bounded(text: &str) -> &str {
    aerie_postings::text::truncate_bytes(text, MOST_BYTES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(changes: &[Change], without: ChangeKind) -> String {
        changes.iter().filter(|change| change.kind != without).map(|change| change.text.as_str()).collect()
    }

    #[test]
    fn words_that_changed_are_named() {
        let changes = diff("I led six engineers.", "I led seven good engineers.");
        assert_eq!(text_of(&changes, ChangeKind::Added), "I led six engineers.");
        assert!(changes.contains(&Change { kind: ChangeKind::Removed, text: "six".to_owned() }), "{changes:?}");
    }

    proptest! {
        #[test]
        fn both_versions_can_be_read_from_the_changes(older in "\\PC{0,80}", newer in "\\PC{0,80}") {
            let changes = diff(&older, &newer);
            prop_assert_eq!(text_of(&changes, ChangeKind::Added), older);
            prop_assert_eq!(text_of(&changes, ChangeKind::Removed), newer);
        }
    }
}
