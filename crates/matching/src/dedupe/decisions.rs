//! What a person decided about pairs. A decision stands for good and overrides every verdict.

use std::collections::HashSet;

/// Pairs of record numbers that a person joined or split.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    joined: HashSet<(usize, usize)>,
    split: HashSet<(usize, usize)>,
}

impl Decisions {
    /// No decisions.
    pub fn none() -> Self {
        Self::default()
    }

    /// The two are one opening. Replaces an earlier split of the same two.
    pub fn join(&mut self, left: usize, right: usize) {
        let pair = ordered(left, right);
        self.split.remove(&pair);
        if left != right {
            self.joined.insert(pair);
        }
    }

    /// The two are two openings. Replaces an earlier join of the same two.
    pub fn split(&mut self, left: usize, right: usize) {
        let pair = ordered(left, right);
        self.joined.remove(&pair);
        if left != right {
            self.split.insert(pair);
        }
    }

    /// Joined pairs, in order.
    pub fn joined(&self) -> Vec<(usize, usize)> {
        let mut pairs: Vec<_> = self.joined.iter().copied().collect();
        pairs.sort_unstable();
        pairs
    }

    /// Whether the two were joined.
    pub fn is_joined(&self, left: usize, right: usize) -> bool {
        self.joined.contains(&ordered(left, right))
    }

    /// Whether the two were split.
    pub fn is_split(&self, left: usize, right: usize) -> bool {
        self.split.contains(&ordered(left, right))
    }

    /// Whether anything was split at all.
    pub fn has_splits(&self) -> bool {
        !self.split.is_empty()
    }
}

fn ordered(left: usize, right: usize) -> (usize, usize) {
    (left.min(right), left.max(right))
}
