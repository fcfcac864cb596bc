//! A bucket of tokens that grows with the number of calls: something may happen for a share of them, and no more.

use std::sync::atomic::{AtomicU64, Ordering};

/// One token, in the bucket's own unit, so that a share of a token can be added.
const TOKEN: u64 = 1_000_000;
/// Most tokens that are saved up: a quiet day does not allow a burst.
const MOST: u64 = 10 * TOKEN;

/// Tokens for a share of calls.
#[derive(Debug)]
pub(crate) struct ShareBucket {
    share: u64,
    level: AtomicU64,
}

impl ShareBucket {
    /// Every call adds `share` of a token; `first` tokens are there at the start.
    pub(crate) fn new(share: f64, first: u64) -> Self {
        let share = (share.clamp(0.0, 1.0) * TOKEN as f64) as u64;
        // Nothing is to happen at a share of 0, not even at the start.
        let level = if share == 0 { 0 } else { (first * TOKEN).min(MOST) };
        Self { share, level: AtomicU64::new(level) }
    }

    /// A call came.
    pub(crate) fn call(&self) {
        if self.level.load(Ordering::Relaxed) < MOST {
            self.level.fetch_add(self.share, Ordering::Relaxed);
        }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&self) -> bool {
        self.level.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |level| level.checked_sub(TOKEN)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_share_and_the_start_is_taken() {
        let bucket = ShareBucket::new(0.05, 1);
        let taken = (0..1_000).filter(|_| {
            bucket.call();
            bucket.take()
        });
        assert_eq!(taken.count(), 51);
    }

    #[test]
    fn a_quiet_time_saves_up_a_few_and_a_share_of_none_gives_none() {
        let bucket = ShareBucket::new(1.0, 0);
        (0..1_000).for_each(|_| bucket.call());
        assert_eq!((0..1_000).filter(|_| bucket.take()).count(), 10);
        assert!(!ShareBucket::new(0.0, 5).take());
    }
}
