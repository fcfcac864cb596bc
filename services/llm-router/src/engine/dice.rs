//! Chance that a test can repeat: SplitMix64 (Steele, Lea and Flood 2014) on one atomic counter. Not for secrets.

use std::sync::atomic::{AtomicU64, Ordering};

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A source of chance that many calls share.
#[derive(Debug)]
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        let mut value = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// At least 0 and below 1.
    pub(crate) fn fraction(&self) -> f64 {
        // 53 bits are what a double holds exactly.
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Below `limit`; 0 for a limit of 0.
    pub(crate) fn below(&self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_even_and_repeats_with_its_seed() {
        let (dice, again) = (Dice::new(7), Dice::new(7));
        let mut counts = [0u32; 4];
        for _ in 0..4_000 {
            let drawn = dice.below(4);
            assert_eq!(drawn, again.below(4));
            counts[drawn as usize] += 1;
            assert!((0.0..1.0).contains(&dice.fraction()));
            again.fraction();
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
        assert_eq!(dice.below(0), 0);
    }
}
