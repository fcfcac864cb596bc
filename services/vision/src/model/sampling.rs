//! Choosing the next token from logits.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How much less than the largest logit, by the temperature, the first tokens have that are looked at.
const FIRST_REACH: f32 = 6.0;
/// Beyond it a token's weight is nothing.
const LAST_REACH: f32 = 110.0;
/// Mass beyond what is asked for, so that rounding leaves nobody out.
const SPARE_MASS: f64 = 1e-3;

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

    /// Whether the likeliest token is always the one.
    pub(crate) fn is_greedy(&self) -> bool {
        self.temperature <= 0.0
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
    let weight = |logit: f32| (logit / temperature - largest).exp();
    let total: f64 = allowed().map(|(_, logit)| f64::from(weight(*logit))).sum();
    // Few tokens hold nearly all of the mass, and only those that can be drawn have to be put in order.
    let mut reach = FIRST_REACH;
    let candidates = loop {
        let near = allowed().filter(|(_, logit)| largest - *logit / temperature <= reach);
        let mut near: Vec<(u32, f32)> = near.map(|(token, logit)| (token, weight(*logit))).collect();
        let mass: f64 = near.iter().map(|(_, weight)| f64::from(*weight)).sum();
        if mass / total > f64::from(top_p) + SPARE_MASS || reach > LAST_REACH {
            // Of equally likely ones the first token comes first.
            near.sort_unstable_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
            break near;
        }
        reach *= 2.0;
    };
    let mut kept = Vec::new();
    let mut before = 0.0f64;
    for (token, weight) in candidates {
        let probability = (f64::from(weight) / total) as f32;
        if before as f32 > top_p || probability == 0.0 {
            break;
        }
        before += f64::from(probability);
        kept.push((token, probability));
    }
    kept.iter_mut().for_each(|(_, probability)| *probability = (f64::from(*probability) / before) as f32);
    Some(kept)
}

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
    fn the_nucleus_is_that_of_all_tokens_in_order() {
        let mut random = StdRng::seed_from_u64(3);
        for (temperature, top_p) in [(0.2, 0.3), (1.0, 0.9), (3.0, 0.999), (50.0, 1.0)] {
            let logits: Vec<f32> = (0..3_000).map(|_| random.random::<f32>() * 20.0 - 10.0).collect();
            let weights = logits.iter().map(|logit| f64::from(logit / temperature).exp());
            let total: f64 = weights.clone().sum();
            let mut order: Vec<(usize, f64)> = weights.map(|weight| weight / total).enumerate().collect();
            order.sort_by(|one, other| other.1.total_cmp(&one.1));
            let mut before = 0.0;
            let wanted = order.iter().take_while(|(_, share)| {
                let stays = before <= f64::from(top_p);
                before += share;
                stays
            });
            let wanted: Vec<u32> = wanted.map(|(token, _)| *token as u32).collect();
            let kept = nucleus(&logits, &[], temperature, top_p).unwrap();
            assert_eq!(kept.iter().map(|(token, _)| *token).collect::<Vec<_>>(), wanted, "{temperature} {top_p}");
        }
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
