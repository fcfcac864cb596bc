//! Learning from a person's approvals and rejections.
//!
//! A logistic regression over words, title words and skills of the judged postings, on top of the score they had: it
//! learns what the score does not know yet. Its opinion is damped three times over: by how few decisions there are, by
//! how one-sided they are, and by how far the judged postings lie from the average posting. When only the top of the
//! list was judged, the decisions say little about the rest, and a blend that ignores this makes the ranking worse; a few
//! exploratory cards ([`exploration`]) widen what is judged.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::features::PostingFeatures;
use crate::score::LearnedValue;
use crate::skills::{SkillId, SkillVocabulary};
use crate::statistics::{CorpusStatistics, RarityTable};
use crate::text::{term, words};
use crate::titleshape::title_word;

/// Decisions at which half of the full confidence is reached.
const HALF_CONFIDENCE: f32 = 25.0;
/// Fewest decisions of each kind before anything is said.
const FEWEST_OF_A_KIND: usize = 3;
/// Strength of the pull of all weights towards zero.
const RIDGE: f32 = 0.5;
/// Steps of the descent.
const STEPS: usize = 120;
/// Points of score that count as one unit of log-odds before learning.
const POINTS_PER_UNIT: f32 = 10.0;
/// Length of the blocks of title words and skills against that of all words.
const BLOCKS: [f32; 3] = [1.0, 0.7, 0.7];

/// One decision of a person.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'posting> {
    /// The judged posting.
    pub posting: &'posting PostingFeatures,
    /// Approved or rejected.
    pub approved: bool,
    /// The score without learning that the posting had, 0 to 100.
    pub base_score: f32,
}

/// How the scores without learning are spread over all postings, judged or not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScoreSpread {
    /// Their mean.
    pub mean: f32,
    /// Their standard deviation.
    pub deviation: f32,
}

impl ScoreSpread {
    /// The spread of the scores; that of a single value when there are none.
    pub fn of(scores: impl IntoIterator<Item = f32>) -> Self {
        let scores: Vec<f32> = scores.into_iter().filter(|score| score.is_finite()).collect();
        let count = scores.len().max(1) as f32;
        let mean = scores.iter().sum::<f32>() / count;
        let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f32>() / count;
        Self { mean, deviation: variance.sqrt() }
    }
}

/// What a person's decisions taught. Leave it out of scoring to switch learning off.
#[derive(Debug, Clone)]
pub struct Learner {
    weights: HashMap<u64, f32>,
    confidence: f32,
    centre: f32,
    scale: f32,
    skill_counts: HashMap<SkillId, (u32, u32)>,
    title_counts: HashMap<u32, (u32, u32)>,
    rarity: RarityTable,
}

/// Why the learner thinks what it thinks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LearnedReason {
    /// The skill's label or the title's word.
    pub name: String,
    /// Approved postings that have it.
    pub approved: u32,
    /// Rejected postings that have it.
    pub rejected: u32,
    /// Weight learned; above zero speaks for a posting.
    pub weight: f32,
}

impl std::fmt::Display for LearnedReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let postings = |count: u32| if count == 1 { "posting" } else { "postings" };
        let (verb, count, other) = if self.weight >= 0.0 {
            ("approved", self.approved, self.rejected)
        } else {
            ("rejected", self.rejected, self.approved)
        };
        write!(formatter, "you {verb} {count} {} with {}", postings(count), self.name)?;
        if other > 0 { write!(formatter, " (and {other} the other way)") } else { Ok(()) }
    }
}

impl Learner {
    /// Learns from all decisions made so far; later ones of the same posting should replace earlier ones before.
    pub fn train(decisions: &[Decision<'_>], spread: ScoreSpread, statistics: &CorpusStatistics) -> Self {
        let rarity = statistics.table();
        let approvals = decisions.iter().filter(|decision| decision.approved).count();
        let rejections = decisions.len() - approvals;
        let mut learner = Self {
            weights: HashMap::new(),
            confidence: 0.0,
            centre: 0.0,
            scale: 1.0,
            skill_counts: HashMap::new(),
            title_counts: HashMap::new(),
            rarity,
        };
        for decision in decisions {
            let step = if decision.approved { (1, 0) } else { (0, 1) };
            for skill in decision.posting.skill_ids() {
                add(learner.skill_counts.entry(skill).or_default(), step);
            }
            for &title in &decision.posting.title_terms {
                add(learner.title_counts.entry(title).or_default(), step);
            }
        }
        if approvals < FEWEST_OF_A_KIND || rejections < FEWEST_OF_A_KIND {
            return learner;
        }
        learner.descend(decisions, approvals as f32, rejections as f32);
        learner.confidence = confidence(decisions, approvals as f32, rejections as f32, spread);
        let margins: Vec<f32> = decisions.iter().map(|decision| learner.margin(decision.posting)).collect();
        let margins = ScoreSpread::of(margins);
        (learner.centre, learner.scale) = (margins.mean, margins.deviation.max(0.05));
        learner
    }

    /// Full-batch gradient descent on the log loss, each kind of decision weighing half, the score as fixed offset.
    fn descend(&mut self, decisions: &[Decision<'_>], approvals: f32, rejections: f32) {
        let all = approvals + rejections;
        let mean_score = decisions.iter().map(|decision| decision.base_score).sum::<f32>() / all;
        let rows: Vec<Example> = decisions
            .iter()
            .map(|decision| {
                let (target, kind) = if decision.approved { (1.0, approvals) } else { (0.0, rejections) };
                let offset = (decision.base_score - mean_score) / POINTS_PER_UNIT;
                Example { vector: self.vector(decision.posting), target, importance: all / (2.0 * kind), offset }
            })
            .collect();
        let rate = 1.0 / (RIDGE + all / 4.0 * BLOCKS.iter().map(|block| block * block).sum::<f32>() / 4.0);
        let mut bias = 0.0_f32;
        for _ in 0..STEPS {
            let mut gradient: HashMap<u64, f32> = HashMap::new();
            let mut bias_gradient = 0.0;
            for Example { vector, target, importance, offset } in &rows {
                let margin = dot(&self.weights, vector) + bias + offset;
                let error = importance * (sigmoid(margin) - target);
                bias_gradient += error;
                for (feature, value) in vector {
                    *gradient.entry(*feature).or_default() += error * value;
                }
            }
            for (feature, slope) in gradient {
                let weight = self.weights.entry(feature).or_default();
                *weight -= rate * (slope + RIDGE * *weight);
            }
            bias -= bias_gradient / all;
        }
    }

    /// What the decisions say about a posting; `None` before there are enough of both kinds.
    pub fn opinion(&self, posting: &PostingFeatures) -> Option<LearnedValue> {
        if self.confidence <= 0.0 {
            return None;
        }
        let standard = (self.margin(posting) - self.centre) / self.scale;
        Some(LearnedValue { value: sigmoid(standard), confidence: self.confidence })
    }

    /// How far the decisions bear an opinion, 0 to 1.
    pub fn confidence(&self) -> f32 {
        self.confidence
    }

    /// The skills and title words of a posting that shaped its opinion most, strongest first.
    pub fn reasons(&self, posting: &PostingFeatures, title: &str, vocabulary: &SkillVocabulary) -> Vec<LearnedReason> {
        let mut reasons = Vec::new();
        let mut add = |name: &str, counts: Option<&(u32, u32)>, feature: u64| {
            if let (Some(&(approved, rejected)), Some(&weight)) = (counts, self.weights.get(&feature)) {
                reasons.push(LearnedReason { name: name.to_owned(), approved, rejected, weight });
            }
        };
        for skill in posting.skill_ids() {
            if let Some(label) = vocabulary.label(skill) {
                add(label, self.skill_counts.get(&skill), feature(2, skill));
            }
        }
        for word in words(title) {
            if let Some(plain) = title_word(&word.folded) {
                let title_term = term(plain);
                add(title.get(word.span).unwrap_or(plain), self.title_counts.get(&title_term), feature(1, title_term));
            }
        }
        // A reason must read as one: its weight and its counts point the same way.
        reasons.retain(|reason| (reason.weight > 0.0) == (reason.approved > reason.rejected));
        reasons.sort_by(|left, right| {
            right.weight.abs().total_cmp(&left.weight.abs()).then_with(|| left.name.cmp(&right.name))
        });
        reasons.dedup_by(|left, right| left.name == right.name);
        reasons.truncate(5);
        reasons
    }

    fn margin(&self, posting: &PostingFeatures) -> f32 {
        dot(&self.weights, &self.vector(posting))
    }

    /// Three blocks of fixed length each: words by rarity, title words, skills.
    fn vector(&self, posting: &PostingFeatures) -> Vec<(u64, f32)> {
        let mut vector = Vec::with_capacity(posting.term_hashes.len() + 24);
        let mut block = |kind: u64, items: Vec<(u32, f32)>| {
            let length = items.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
            let scale = BLOCKS.get(kind as usize).copied().unwrap_or(1.0) / length.max(f32::MIN_POSITIVE);
            vector.extend(items.into_iter().map(|(item, value)| (feature(kind, item), value * scale)));
        };
        let weight = |term: u32| self.rarity.weight(term);
        block(0, posting.terms().map(|(term, count)| (term, weight(term) * (1.0 + f32::from(count).ln()))).collect());
        block(1, posting.title_terms.iter().map(|&term| (term, weight(term))).collect());
        block(2, posting.skill_ids().map(|skill| (skill, 1.0)).collect());
        vector
    }
}

/// One decision as the descent sees it.
struct Example {
    vector: Vec<(u64, f32)>,
    /// 1 for approved, 0 for rejected.
    target: f32,
    importance: f32,
    /// Log-odds that the score alone gives.
    offset: f32,
}

fn confidence(decisions: &[Decision<'_>], approvals: f32, rejections: f32, spread: ScoreSpread) -> f32 {
    let all = approvals + rejections;
    let enough = all / (all + HALF_CONFIDENCE);
    // One kind in ten still counts fully; below, a single decision would turn the picture.
    let balanced = (approvals.min(rejections) / all / 0.1).min(1.0);
    let mean = decisions.iter().map(|decision| decision.base_score).sum::<f32>() / all;
    let bias = if spread.deviation > 0.01 { (mean - spread.mean) / spread.deviation } else { 0.0 };
    enough * balanced / (1.0 + bias * bias)
}

fn feature(kind: u64, item: u32) -> u64 {
    kind << 32 | u64::from(item)
}

fn add(counts: &mut (u32, u32), step: (u32, u32)) {
    counts.0 += step.0;
    counts.1 += step.1;
}

fn dot(weights: &HashMap<u64, f32>, vector: &[(u64, f32)]) -> f32 {
    vector.iter().map(|(feature, value)| weights.get(feature).copied().unwrap_or(0.0) * value).sum()
}

fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

/// Mixes exploratory cards into a ranked list: about `share` (0 to 0.5) of the cards shown come from anywhere below, the
/// rest keep their order. The same seed gives the same list. Gives indexes into the ranked list, each once, and
/// whether the card is exploratory.
pub fn exploration(count: usize, share: f64, seed: u64) -> Vec<(usize, bool)> {
    let share = if share.is_finite() { share.clamp(0.0, 0.5) } else { 0.0 };
    let random = |position: usize| xxh3_64(format!("{seed}:{position}").as_bytes());
    let mut taken = vec![false; count];
    let mut next = 0;
    let mut order = Vec::with_capacity(count);
    for position in 0..count {
        while taken.get(next).copied().unwrap_or(false) {
            next += 1;
        }
        let number = random(position);
        let explores = (number >> 32) as f64 / f64::from(u32::MAX) < share;
        let below = count.saturating_sub(next + 1);
        let mut chosen = next;
        if explores && below > 0 {
            let candidate = next + 1 + (number & u64::from(u32::MAX)) as usize % below;
            if !taken.get(candidate).copied().unwrap_or(true) {
                chosen = candidate;
            }
        }
        if let Some(slot) = taken.get_mut(chosen) {
            *slot = true;
        }
        order.push((chosen, chosen != next));
    }
    order
}
