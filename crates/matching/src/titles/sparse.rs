//! An inverted index of unit-length TF-IDF vectors.

use std::collections::HashMap;

/// Collects documents.
#[derive(Default)]
pub(super) struct SparseIndexBuilder {
    documents: Vec<Vec<(u32, f32)>>,
    occurrences: HashMap<u32, u32>,
}

/// Cosines of a query with every document at once.
#[derive(Debug)]
pub(super) struct SparseIndex {
    /// For every feature its rarity and the documents that have it.
    lists: HashMap<u32, (f32, Vec<(u32, f32)>)>,
}

impl SparseIndexBuilder {
    /// Adds a document by its features, repetitions included.
    pub(super) fn add(&mut self, features: Vec<u32>) {
        let counted = count(features);
        for (feature, _) in &counted {
            *self.occurrences.entry(*feature).or_default() += 1;
        }
        self.documents.push(counted);
    }

    pub(super) fn build(self) -> SparseIndex {
        let documents = self.documents.len() as f32;
        let rarity = |occurrences: u32| ((1.0 + documents) / (1.0 + occurrences as f32)).ln() + 1.0;
        let mut lists: HashMap<u32, (f32, Vec<(u32, f32)>)> =
            self.occurrences.into_iter().map(|(feature, count)| (feature, (rarity(count), Vec::new()))).collect();
        for (number, document) in (0_u32..).zip(self.documents) {
            let weighted: Vec<(u32, f32)> = document
                .into_iter()
                .filter_map(|(feature, count)| lists.get(&feature).map(|(rarity, _)| (feature, count * rarity)))
                .collect();
            let length = weighted.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            for (feature, weight) in weighted {
                if let Some((_, list)) = lists.get_mut(&feature) {
                    list.push((number, weight / length));
                }
            }
        }
        SparseIndex { lists }
    }
}

impl SparseIndex {
    /// Adds `times` the cosine with each document to its place in `sums`. Features no document has are left out of the
    /// query's length, as they say nothing about which document is meant.
    pub(super) fn add_cosines(&self, features: Vec<u32>, times: f32, sums: &mut [f32]) {
        let known: Vec<(f32, &[(u32, f32)])> = count(features)
            .into_iter()
            .filter_map(|(feature, count)| {
                self.lists.get(&feature).map(|(rarity, list)| (count * rarity, list.as_slice()))
            })
            .collect();
        let length = known.iter().map(|(weight, _)| weight * weight).sum::<f32>().sqrt();
        if length <= 0.0 {
            return;
        }
        for (weight, list) in known {
            let weight = times * weight / length;
            for &(document, value) in list {
                if let Some(sum) = sums.get_mut(document as usize) {
                    *sum += weight * value;
                }
            }
        }
    }
}

/// Each feature once with `1 + ln(count)`, in rising order so that sums do not depend on hashing.
fn count(mut features: Vec<u32>) -> Vec<(u32, f32)> {
    features.sort_unstable();
    let mut counted: Vec<(u32, f32)> = Vec::new();
    for feature in features {
        match counted.last_mut() {
            Some(last) if last.0 == feature => last.1 += 1.0,
            _ => counted.push((feature, 1.0)),
        }
    }
    counted.iter_mut().for_each(|(_, count)| *count = 1.0 + count.ln());
    counted
}
