//! Chance that is the same for the same seed.

use std::time::Duration;

/// SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>).
#[derive(Debug, Clone, Copy)]
pub struct Moments(pub u64);

impl Moments {
    /// The next moment between nothing and `longest`.
    pub fn next(&mut self, longest: Duration) -> Duration {
        longest.mul_f64((self.mixed() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// The next number below `count`, which is not 0.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.mixed() >> 33).unwrap_or_default() % count
    }

    fn mixed(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
