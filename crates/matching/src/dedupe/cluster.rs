//! Batches: every record gets a merge cluster and a possible cluster.

use std::collections::HashMap;

use rayon::prelude::*;

use super::blocking::Index;
use super::comparison::{Comparison, POSSIBLE_POINTS, Reason, Verdict, has_veto, points, shares_key};
use super::decisions::Decisions;
use super::features::Features;
use super::linking::{Sets, none_split, within_limit};
use super::rivals::explain;

/// Pairs further below zero than this are not kept: they are neither candidates nor rivals.
const LOWEST_POINTS: f32 = -9.0;

/// A judged pair of records, `left < right`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredPair {
    /// Number of the first record.
    pub left: usize,
    /// Number of the second record.
    pub right: usize,
    /// The comparison with rivals counted.
    pub comparison: Comparison,
}

/// Cluster of each record: the smallest record number in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    /// Records shown as one.
    pub merge: Vec<usize>,
    /// Records shown together for the person to decide; never finer than `merge`.
    pub possible: Vec<usize>,
}

/// Every pair worth a look, judged with its rivals, in order of the records.
pub fn score_pairs(records: &[Features]) -> Vec<ScoredPair> {
    let mut index = Index::default();
    for (number, features) in records.iter().enumerate() {
        index.insert(u32::try_from(number).unwrap_or(u32::MAX), features);
    }
    let judged: Vec<(usize, usize, f32, Vec<Reason>)> = records
        .par_iter()
        .enumerate()
        .flat_map_iter(|(right, features)| {
            let candidates = index.candidates(features);
            candidates.into_iter().map(|left| left as usize).filter(move |left| *left != right).filter_map(
                move |left| {
                    let (points, reasons) = points(records.get(left)?, features);
                    (points > LOWEST_POINTS).then_some((left.min(right), left.max(right), points, reasons))
                },
            )
        })
        .collect();
    let judged = without_repetition(judged);
    let best = best_rivals(records, &judged);
    judged
        .into_par_iter()
        .map(|(left, right, points, reasons)| {
            let rival = best.rival_of(records, left, right);
            ScoredPair { left, right, comparison: explain(points, rival, reasons) }
        })
        .collect()
}

type Judged = (usize, usize, f32, Vec<Reason>);

fn without_repetition(mut judged: Vec<Judged>) -> Vec<Judged> {
    judged.par_sort_unstable_by_key(|pair| (pair.0, pair.1));
    judged.dedup_by_key(|pair| (pair.0, pair.1));
    judged
}

/// For each record and source: the two best partners there.
struct BestPartners {
    by_record_and_source: HashMap<(usize, u64), [(f32, usize); 2]>,
}

fn best_rivals(records: &[Features], judged: &[Judged]) -> BestPartners {
    let mut by_record_and_source = HashMap::new();
    let mut note = |record: usize, partner: usize, points: f32| {
        let source = records.get(partner).map_or(0, |features| features.source);
        let entry = by_record_and_source
            .entry((record, source))
            .or_insert([(f32::NEG_INFINITY, usize::MAX), (f32::NEG_INFINITY, usize::MAX)]);
        let [first, second] = entry;
        if points > first.0 {
            *second = *first;
            *first = (points, partner);
        } else if points > second.0 {
            *second = (points, partner);
        }
    };
    for (left, right, points, _) in judged {
        note(*left, *right, *points);
        note(*right, *left, *points);
    }
    BestPartners { by_record_and_source }
}

impl BestPartners {
    /// Points of the best pair that competes with this one: the same record with another entry of the partner's source.
    fn rival_of(&self, records: &[Features], left: usize, right: usize) -> Option<f32> {
        let best = |record: usize, partner: usize| {
            let source = records.get(partner).map_or(0, |features| features.source);
            let entries = self.by_record_and_source.get(&(record, source))?;
            entries.iter().find(|(points, other)| *other != partner && points.is_finite()).map(|(points, _)| *points)
        };
        match (best(left, right), best(right, left)) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        }
    }
}

/// Clusters a batch. A merge by text is made only if no two members of the united cluster have a veto between them, so
/// chains of likenesses cannot pull two openings together. Decisions of the person come first and last: joined pairs
/// are one, split pairs are never in one cluster of either tier (a split wins over a chain of joins).
pub fn cluster(records: &[Features], decisions: &Decisions) -> Clusters {
    cluster_scored(records, &score_pairs(records), decisions)
}

/// The same, from pairs already scored by [`score_pairs`].
pub fn cluster_scored(records: &[Features], pairs: &[ScoredPair], decisions: &Decisions) -> Clusters {
    let mut sets = Sets::new(records.len());
    for (left, right) in decisions.joined() {
        sets.unite(left, right, |one, other| none_split(decisions, one, other));
    }
    unite_shared_keys(records, decisions, &mut sets);
    for pair in by_points(pairs, |pair| pair.comparison.verdict == Verdict::Same) {
        sets.unite(pair.left, pair.right, |one, other| {
            within_limit(one, other) && none_split(decisions, one, other) && agree(records, decisions, one, other)
        });
    }
    let merge = sets.labels();
    let points: HashMap<(usize, usize), f32> =
        pairs.iter().map(|pair| ((pair.left, pair.right), pair.comparison.points)).collect();
    for pair in by_points(pairs, |pair| pair.comparison.points >= POSSIBLE_POINTS) {
        sets.unite(pair.left, pair.right, |one, other| {
            within_limit(one, other) && none_split(decisions, one, other) && mostly_alike(&points, one, other)
        });
    }
    Clusters { merge, possible: sets.labels() }
}

fn by_points(pairs: &[ScoredPair], wanted: impl Fn(&ScoredPair) -> bool) -> Vec<&ScoredPair> {
    let mut chosen: Vec<&ScoredPair> = pairs.iter().filter(|pair| wanted(pair)).collect();
    chosen.sort_by(|one, other| {
        let by_points = other.comparison.points.total_cmp(&one.comparison.points);
        by_points.then_with(|| (one.left, one.right).cmp(&(other.left, other.right)))
    });
    chosen
}

/// Records with an identity key in common are one, however many they are.
fn unite_shared_keys(records: &[Features], decisions: &Decisions, sets: &mut Sets) {
    let mut first_with: HashMap<u64, usize> = HashMap::new();
    for (number, features) in records.iter().enumerate() {
        for key in &features.keys {
            match first_with.get(key) {
                Some(first) => {
                    sets.unite(*first, number, |one, other| none_split(decisions, one, other));
                }
                None => {
                    first_with.insert(*key, number);
                }
            }
        }
    }
}

/// Complete link over vetoes: every pair across is the same by key or by decision, or nothing forbids it.
fn agree(records: &[Features], decisions: &Decisions, left: &[usize], right: &[usize]) -> bool {
    left.iter().all(|one| {
        right.iter().all(|other| match (records.get(*one), records.get(*other)) {
            (Some(first), Some(second)) => {
                decisions.is_joined(*one, *other) || shares_key(first, second) || !has_veto(first, second)
            }
            _ => false,
        })
    })
}

/// At least half of the pairs across are possible duplicates themselves.
fn mostly_alike(points: &HashMap<(usize, usize), f32>, left: &[usize], right: &[usize]) -> bool {
    let alike = left
        .iter()
        .flat_map(|one| right.iter().map(move |other| (*one.min(other), *one.max(other))))
        .filter(|pair| points.get(pair).is_some_and(|points| *points >= POSSIBLE_POINTS))
        .count();
    2 * alike >= left.len() * right.len()
}
