//! From judged pairs to clusters that no chain can stretch: a union is made only when the whole of both sides agrees.

use std::collections::HashMap;

use super::decisions::Decisions;

/// Largest cluster that text evidence may build; identity and the person may go beyond.
const MAX_CLUSTER: usize = 64;

/// Disjoint sets with their members.
#[derive(Debug, Clone)]
pub(super) struct Sets {
    parent: Vec<usize>,
    members: HashMap<usize, Vec<usize>>,
}

impl Sets {
    pub fn new(count: usize) -> Self {
        Self { parent: (0..count).collect(), members: HashMap::new() }
    }

    pub fn root(&self, mut record: usize) -> usize {
        while let Some(parent) = self.parent.get(record).copied().filter(|parent| *parent != record) {
            record = parent;
        }
        record
    }

    pub fn members(&self, root: usize) -> Vec<usize> {
        self.members.get(&root).cloned().unwrap_or_else(|| vec![root])
    }

    /// Unites the sets of two records when `allowed` says so for their members; gives whether they are one now.
    pub fn unite(&mut self, left: usize, right: usize, allowed: impl FnOnce(&[usize], &[usize]) -> bool) -> bool {
        if left >= self.parent.len() || right >= self.parent.len() {
            return false;
        }
        let (left, right) = (self.root(left), self.root(right));
        if left == right {
            return true;
        }
        let (mut kept, mut moved) = (self.members(left), self.members(right));
        if !allowed(&kept, &moved) {
            return false;
        }
        let (root, child) = if kept.len() >= moved.len() { (left, right) } else { (right, left) };
        if let Some(parent) = self.parent.get_mut(child) {
            *parent = root;
        }
        self.members.remove(&child);
        kept.append(&mut moved);
        self.members.insert(root, kept);
        true
    }

    /// The cluster of each record: the smallest record number in it.
    pub fn labels(&self) -> Vec<usize> {
        let count = self.parent.len();
        let mut smallest: Vec<usize> = (0..count).collect();
        for record in (0..count).rev() {
            if let Some(label) = smallest.get_mut(self.root(record)) {
                *label = record;
            }
        }
        // A root's label is set last by its smallest member, since records run downwards.
        (0..count).map(|record| smallest.get(self.root(record)).copied().unwrap_or(record)).collect()
    }
}

/// No pair of the two sides was split by the person.
pub(super) fn none_split(decisions: &Decisions, left: &[usize], right: &[usize]) -> bool {
    !decisions.has_splits() || left.iter().all(|one| right.iter().all(|other| !decisions.is_split(*one, *other)))
}

/// The union would not grow beyond what text evidence may build.
pub(super) fn within_limit(left: &[usize], right: &[usize]) -> bool {
    left.len() + right.len() <= MAX_CLUSTER
}
