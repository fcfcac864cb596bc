//! How long to wait before the next attempt.

use std::time::Duration;

use uuid::Uuid;

/// Exponential back-off with jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Wait after the first attempt.
    pub first: Duration,
    /// Longest wait.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(2), most: Duration::from_secs(600) }
    }
}

impl Backoff {
    /// The wait after attempt number `attempt` (from 1): doubled each time up to the longest, of which `jitter` (0 to
    /// 1) decides between half and all. Never shorter than `after`, what a server asked for.
    pub fn wait(&self, attempt: i64, after: Option<Duration>, jitter: f64) -> Duration {
        let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 30)).unwrap_or(0);
        let full = self.first.saturating_mul(1 << doublings).min(self.most);
        let jittered = full.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
        match after {
            // Spread over the next tenth, so that everybody who was sent away does not come back at once.
            Some(after) => jittered.max(after.saturating_add(after.mul_f64(0.1 * jitter.clamp(0.0, 1.0)))),
            None => jittered,
        }
    }
}

/// A random number from 0 to 1, from the operating system's generator.
pub(crate) fn random_share() -> f64 {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    // The top bits of a version 4 UUID are random; 32 of them are plenty.
    f64::from((high >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(2), most: Duration::from_secs(60) };

    #[test]
    fn doubles_up_to_the_longest_wait() {
        let waits: Vec<u64> = (1..8).map(|attempt| BACKOFF.wait(attempt, None, 1.0).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(BACKOFF.wait(i64::MAX, None, 1.0).as_secs(), 60);
    }

    #[test]
    fn jitter_takes_up_to_half() {
        assert_eq!(BACKOFF.wait(3, None, 0.0).as_secs(), 4);
        assert!((0..100).map(|_| random_share()).all(|share| (0.0..=1.0).contains(&share)));
    }

    #[test]
    fn never_comes_back_before_it_was_asked_to() {
        let asked = Duration::from_secs(100);
        assert_eq!(BACKOFF.wait(1, Some(asked), 0.0), asked);
        assert_eq!(BACKOFF.wait(1, Some(asked), 1.0), asked.mul_f64(1.1));
        assert_eq!(BACKOFF.wait(6, Some(Duration::from_secs(1)), 1.0).as_secs(), 60);
        // A hostile header must not overflow.
        assert!(BACKOFF.wait(1, Some(Duration::from_secs(u64::MAX / 2)), 1.0) > asked);
    }
}
