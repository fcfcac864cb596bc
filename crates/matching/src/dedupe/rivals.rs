//! How clearly a pair beats its alternatives.
//!
//! A source hardly lists one opening twice. So of the entries of one source at most one is the same opening as a given
//! entry of another source, and a pair is sure only where neither side has an alternative that fits as well.

use super::comparison::{Comparison, Reason, Veto, points};
use super::features::Features;

/// Points for each point by which a pair beats its best rival, or loses to it.
pub const MARGIN_WEIGHT: f32 = 1.0;

/// Points of margin that count at most.
pub const MARGIN_LIMIT: f32 = 3.0;

/// The points of a pair with its margin over the best rival (`None`: no rival at all).
pub(super) fn with_margin(points: f32, best_rival: Option<f32>) -> f32 {
    let margin = best_rival.map_or(MARGIN_LIMIT, |rival| (points - rival).clamp(-MARGIN_LIMIT, MARGIN_LIMIT));
    points + MARGIN_WEIGHT * margin
}

/// Adds the reason that a margin gives.
pub(super) fn explain(points: f32, best_rival: Option<f32>, mut reasons: Vec<Reason>) -> Comparison {
    if reasons.first() == Some(&Reason::SharedKey) {
        return Comparison::new(points, reasons);
    }
    // Entries of one source are rivals themselves: being alone there is no sign that they are one.
    let one_source = reasons.contains(&Reason::Vetoed(Veto::SameSource));
    let total = if one_source { points } else { with_margin(points, best_rival) };
    if best_rival.is_some_and(|rival| rival >= points - 0.05) {
        reasons.insert(0, Reason::BetterRival);
    } else if total > points + 1.0 {
        reasons.push(Reason::NoRival);
    }
    Comparison::new(total, reasons)
}

/// Compares a newcomer with its candidates, each in the light of the others of the same source; in the order given.
/// At most one candidate of each source gets the margin.
pub fn assess(newcomer: &Features, candidates: &[&Features]) -> Vec<Comparison> {
    let judged: Vec<(f32, Vec<Reason>)> = candidates.iter().map(|candidate| points(newcomer, candidate)).collect();
    let mut comparisons = Vec::with_capacity(candidates.len());
    for (position, (candidate, (own, reasons))) in candidates.iter().zip(&judged).enumerate() {
        let best_rival = candidates
            .iter()
            .zip(&judged)
            .enumerate()
            .filter(|(other, (rival, _))| *other != position && rival.source == candidate.source)
            .map(|(_, (_, (points, _)))| *points)
            .reduce(f32::max);
        comparisons.push(explain(*own, best_rival, reasons.clone()));
    }
    comparisons
}
