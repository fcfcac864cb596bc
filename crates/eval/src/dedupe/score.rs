//! The scoring half: pairs predicted against pairs of the gold column.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use serde::Serialize;

use super::{Predictions, Records, Report};

/// Pair figures of one tier.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TierFigures {
    /// Pairs of records in one cluster.
    pub predicted_pairs: usize,
    /// Of these, pairs that are the same by the gold column.
    pub correct_pairs: usize,
    /// Correct of predicted; 1 when nothing is predicted.
    pub precision: f64,
    /// Correct of true; 1 when nothing is true.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

/// Figures from predictions and gold labels. Records without a label are the same as no other.
pub fn score(records: &Records, predictions: &Predictions, labels: &[Option<String>], url_hidden: bool) -> Report {
    let labels: Vec<Option<&str>> =
        (0..records.rids.len()).map(|number| labels.get(number).and_then(|label| label.as_deref())).collect();
    let true_pairs = pairs_in(labels.iter().flatten());
    let tier = |clusters: &[usize]| {
        let predicted = pairs_in(clusters.iter());
        let correct = pairs_in(clusters.iter().zip(&labels).filter_map(|(cluster, label)| Some((cluster, (*label)?))));
        figures(predicted, correct, true_pairs)
    };
    let (threshold, best) = best_threshold(&predictions.pairs, &labels, true_pairs);
    Report {
        format: records.format,
        url_hidden,
        records: records.rids.len(),
        labelled: labels.iter().any(Option::is_some),
        true_pairs,
        merge: tier(&predictions.clusters.merge),
        possible: tier(&predictions.clusters.possible),
        best_f1: best.f1,
        best_f1_threshold: threshold,
        best_f1_precision: best.precision,
        best_f1_recall: best.recall,
    }
}

/// Number of pairs with equal values.
fn pairs_in<T: Hash + Eq>(values: impl Iterator<Item = T>) -> usize {
    let mut counts: HashMap<T, usize> = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.values().map(|count| count * (count - 1) / 2).sum()
}

fn figures(predicted: usize, correct: usize, true_pairs: usize) -> TierFigures {
    let share = |part: usize, whole: usize| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
    let (precision, recall) = (share(correct, predicted), share(correct, true_pairs));
    let f1 = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
    TierFigures { predicted_pairs: predicted, correct_pairs: correct, precision, recall, f1 }
}

/// The threshold with the best F1 over pairs on their own, without clusters. Pairs of equal score stand or fall together.
fn best_threshold(pairs: &[(usize, usize, f32)], labels: &[Option<&str>], true_pairs: usize) -> (f64, TierFigures) {
    let mut order: Vec<&(usize, usize, f32)> = pairs.iter().collect();
    order.sort_by(|one, other| other.2.total_cmp(&one.2));
    let label = |number: usize| labels.get(number).copied().flatten();
    let mut best = (1.0, TierFigures::default());
    let (mut predicted, mut correct) = (0, 0);
    for (position, (left, right, score)) in order.iter().enumerate() {
        predicted += 1;
        correct += usize::from(label(*left).is_some() && label(*left) == label(*right));
        let ends = order.get(position + 1).is_none_or(|next| next.2 < *score);
        let candidate = figures(predicted, correct, true_pairs);
        if ends && candidate.f1 > best.1.f1 {
            best = (f64::from(*score), candidate);
        }
    }
    best
}

impl fmt::Display for TierFigures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "precision {:.4}, recall {:.4}, F1 {:.4} ({} of {} pairs right)",
            self.precision, self.recall, self.f1, self.correct_pairs, self.predicted_pairs
        )
    }
}
