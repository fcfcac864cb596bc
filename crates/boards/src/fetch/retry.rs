//! When to try again, and how long to wait first.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Longest pause before another try, without a word from the host.
const LONGEST_BACKOFF: Duration = Duration::from_secs(8);

/// Reads `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3). A date in the past is zero.
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(7 * 86_400)));
    }
    let moment = DateTime::parse_from_rfc2822(value).ok()?.with_timezone(&Utc);
    Some((moment - now).to_std().unwrap_or_default())
}

/// Pause before try `attempt` (1 is the first repetition): 0.5 s × 2ⁿ, at most 8 s, plus up to a quarter of jitter.
pub fn backoff(attempt: u32) -> Duration {
    let base = Duration::from_millis(500).saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(LONGEST_BACKOFF);
    let random = std::hash::RandomState::new().build_hasher().finish() % 1_000;
    (base + base.mul_f64(0.25 * random as f64 / 1_000.0)).min(LONGEST_BACKOFF)
}

/// Whether an answer with this status is worth another try.
pub fn is_retryable(status: u16) -> bool {
    matches!(status, 408 | 425 | 429) || (500..600).contains(&status)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_seconds_and_dates() {
        let now = DateTime::parse_from_rfc3339("2026-03-01T10:00:00Z").unwrap().with_timezone(&Utc);
        assert_eq!(retry_after("30", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 01 Mar 2026 10:01:30 GMT", now), Some(Duration::from_secs(90)));
        assert_eq!(retry_after("Sun, 01 Mar 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for attempt in 1..40 {
            assert!(backoff(attempt) <= LONGEST_BACKOFF);
        }
        assert!(backoff(1) >= Duration::from_millis(500) && backoff(1) <= Duration::from_millis(625));
    }
}
