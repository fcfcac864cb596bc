//! How common each term is among the postings at hand: rare ones tell postings apart.

use serde::{Deserialize, Serialize};

use crate::features::PostingFeatures;

/// Counters; terms share them by hash. 131,072 keep collisions among some 30,000 stems rare and fit a processor's cache.
const BUCKETS: usize = 1 << 17;

/// Fewest documents from which rarity is judged fully; below, every term drifts towards equal weight.
const TRUSTED_DOCUMENTS: f32 = 8.0;

/// In how many documents each term occurs. Can be kept up to date posting by posting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorpusStatistics {
    documents: u32,
    counts: Vec<u32>,
}

impl Default for CorpusStatistics {
    fn default() -> Self {
        Self { documents: 0, counts: vec![0; BUCKETS] }
    }
}

impl CorpusStatistics {
    /// Counts over all the postings.
    pub fn from_postings<'posting>(postings: impl IntoIterator<Item = &'posting PostingFeatures>) -> Self {
        let mut statistics = Self::default();
        for posting in postings {
            statistics.add(posting);
        }
        statistics
    }

    /// Counts one more posting.
    pub fn add(&mut self, posting: &PostingFeatures) {
        self.add_terms(posting.terms().map(|(term, _)| term));
    }

    /// Counts one more document by its terms, each given once.
    pub fn add_terms(&mut self, terms: impl IntoIterator<Item = u32>) {
        self.documents = self.documents.saturating_add(1);
        for term in terms {
            if let Some(count) = self.counts.get_mut(bucket(term)) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// Number of documents counted.
    pub fn documents(&self) -> u32 {
        self.documents
    }

    /// The weight of a term in a table, for fast use.
    pub(crate) fn table(&self) -> RarityTable {
        let documents = self.documents as f32;
        let trust = documents / (documents + TRUSTED_DOCUMENTS);
        let weight = |count: &u32| {
            let count = (*count as f32).min(documents);
            let rarity = (1.0 + (documents - count + 0.5) / (count + 0.5)).ln();
            trust * rarity + (1.0 - trust)
        };
        RarityTable { weights: self.counts.iter().map(weight).collect() }
    }
}

/// Weight of every bucket: Robertson's inverse document frequency, `ln(1 + (N - n + 0.5) / (n + 0.5))`.
#[derive(Debug, Clone)]
pub(crate) struct RarityTable {
    weights: Vec<f32>,
}

impl RarityTable {
    pub(crate) fn weight(&self, term: u32) -> f32 {
        self.weights.get(bucket(term)).copied().unwrap_or(1.0)
    }
}

fn bucket(term: u32) -> usize {
    term as usize & (BUCKETS - 1)
}
