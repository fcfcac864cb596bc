//! Choosing the next token from logits.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 takes the likeliest token; higher values flatten the distribution.
    pub temperature: f32,
    /// Tokens are drawn from the likeliest ones: those with at most this much probability before them.
    pub top_p: f32,
    /// Seed of the draws: the same request with the same seed gives the same text.
    pub seed: u64,
    /// Tokens of an answer at most, and of the reasoning before it.
    pub max_tokens: usize,
}

impl Default for Sampling {
    /// The reference's settings: temperature 0.5, top-p 0.3, 768 tokens.
    fn default() -> Self {
        Self { temperature: 0.5, top_p: 0.3, seed: 0, max_tokens: 768 }
    }
}

impl Sampling {
    /// The likeliest token at every step, `max_tokens` at most.
    pub fn greedy(max_tokens: usize) -> Self {
        Self { temperature: 0.0, max_tokens, ..Self::default() }
    }
}

/// Draws tokens of one request.
pub(crate) struct Sampler {
    temperature: f32,
    top_p: f32,
    random: StdRng,
}

impl Sampler {
    pub(crate) fn new(sampling: &Sampling) -> Self {
        let random = StdRng::seed_from_u64(sampling.seed);
        Self { temperature: sampling.temperature, top_p: sampling.top_p, random }
    }

    /// The next token, never one of `banned`. `None` where the logits hold no number that could win.
    pub(crate) fn choose(&mut self, logits: &[f32], banned: &[u32]) -> Option<u32> {
        if self.temperature <= 0.0 {
            return likeliest(logits, banned);
        }
        let kept = nucleus(logits, banned, self.temperature, self.top_p)?;
        let total: f64 = kept.iter().map(|(_, probability)| f64::from(*probability)).sum();
        let mut left = self.random.random::<f64>() * total;
        let drawn = kept.iter().find(|(_, probability)| {
            left -= f64::from(*probability);
            left < 0.0
        });
        drawn.or(kept.last()).map(|(token, _)| *token)
    }
}

/// The first token with the largest logit.
fn likeliest(logits: &[f32], banned: &[u32]) -> Option<u32> {
    let mut best: Option<(u32, f32)> = None;
    for (token, logit) in (0u32..).zip(logits) {
        if logit.is_nan() {
            return None;
        }
        if best.is_none_or(|(_, largest)| *logit > largest) && !banned.contains(&token) {
            best = Some((token, *logit));
        }
    }
    best.filter(|(_, logit)| logit.is_finite()).map(|(token, _)| token)
}

/// The tokens to draw from and their probabilities, which sum to one, the likeliest first.
///
/// The probabilities are `softmax(logits / temperature)`. A token stays where the probability of all tokens that are
/// likelier is at most `top_p`. `None` where a logit is not a number or all are minus infinity.
pub(crate) fn nucleus(logits: &[f32], banned: &[u32], temperature: f32, top_p: f32) -> Option<Vec<(u32, f32)>> {
    let banned = |token: u32| banned.contains(&token);
    let allowed = || (0u32..).zip(logits).filter(|(token, _)| !banned(*token));
    let largest = allowed().map(|(_, logit)| logit / temperature).fold(f32::NEG_INFINITY, f32::max);
    if !largest.is_finite() || logits.iter().any(|logit| logit.is_nan()) {
        return None;
    }
    let weights: Vec<Candidate> =
        allowed().map(|(token, logit)| Candidate { token, weight: (logit / temperature - largest).exp() }).collect();
    let total: f64 = weights.iter().map(|candidate| f64::from(candidate.weight)).sum();
    let mut heap = BinaryHeap::from(weights);
    let mut kept = Vec::new();
    let mut before = 0.0f64;
    while let Some(candidate) = heap.pop() {
        let probability = (f64::from(candidate.weight) / total) as f32;
        if before as f32 > top_p || probability == 0.0 {
            break;
        }
        before += f64::from(probability);
        kept.push((candidate.token, probability));
    }
    kept.iter_mut().for_each(|(_, probability)| *probability = (f64::from(*probability) / before) as f32);
    Some(kept)
}

/// A token in the order of its weight; of equal ones the first token is the larger.
struct Candidate {
    token: u32,
    weight: f32,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.weight.total_cmp(&other.weight).then(other.token.cmp(&self.token))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_nucleus_keeps_tokens_with_little_enough_before_them() {
        let logits = [0.5f32.ln(), 0.25f32.ln(), 0.125f32.ln(), 0.125f32.ln()];
        let ids =
            |top_p: f32| -> Vec<u32> { nucleus(&logits, &[], 1.0, top_p).unwrap().iter().map(|(id, _)| *id).collect() };
        assert_eq!(ids(0.0), [0]);
        assert_eq!(ids(0.4), [0]);
        assert_eq!(ids(0.6), [0, 1]);
        assert_eq!(ids(0.8), [0, 1, 2]);
        assert_eq!(ids(1.0), [0, 1, 2, 3]);
        let kept = nucleus(&logits, &[0], 1.0, 0.6).unwrap();
        assert_eq!(kept.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2]);
        assert!((kept[0].1 - 2.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn draws_follow_the_distribution_and_the_seed() {
        let logits = [0.5f32.ln(), 0.25f32.ln(), 0.25f32.ln()];
        let sampling = Sampling { temperature: 1.0, top_p: 1.0, seed: 7, max_tokens: 1 };
        let draw = |seed: u64| -> Vec<u32> {
            let mut sampler = Sampler::new(&Sampling { seed, ..sampling });
            (0..4000).map(|_| sampler.choose(&logits, &[]).unwrap()).collect()
        };
        let drawn = draw(7);
        let share = drawn.iter().filter(|id| **id == 0).count() as f64 / 4000.0;
        assert!((share - 0.5).abs() < 0.03, "{share}");
        assert_eq!(drawn, draw(7));
        assert_ne!(drawn, draw(8));
    }

    #[test]
    fn damaged_logits_choose_nothing() {
        let mut greedy = Sampler::new(&Sampling::greedy(1));
        let mut random = Sampler::new(&Sampling::default());
        for logits in [[f32::NAN, 1.0], [1.0, f32::NAN], [f32::NEG_INFINITY; 2]] {
            assert_eq!(greedy.choose(&logits, &[]), None);
            assert_eq!(random.choose(&logits, &[]), None);
        }
        assert_eq!(greedy.choose(&[1.0, 1.0, 0.5], &[]), Some(0));
        assert_eq!(greedy.choose(&[1.0, 0.5], &[0]), Some(1));
    }
}
