//! How fast a backend answers: an exponentially weighted mean that follows a rise at once and forgets it slowly (the
//! "peak EWMA" of Finagle's and linkerd's balancers).

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Time in which a rise is forgotten to 1/e.
const MEMORY: Duration = Duration::from_secs(10);

/// Time to the first token, or to the whole answer.
#[derive(Debug, Default)]
pub(crate) struct Speed {
    seen: Mutex<Option<Seen>>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    seconds: f64,
    at: Instant,
}

impl Speed {
    /// An answer took this long.
    pub(crate) fn observe(&self, took: Duration, now: Instant) {
        let took = took.as_secs_f64();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = match *seen {
            Some(before) if took < before.seconds => {
                let weight = weight(now.duration_since(before.at));
                before.seconds * weight + took * (1.0 - weight)
            }
            _ => took,
        };
        *seen = Some(Seen { seconds, at: now });
    }

    /// What is usual; none before the first answer.
    pub(crate) fn usual(&self) -> Option<Duration> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.map(|seen| Duration::from_secs_f64(seen.seconds))
    }

    /// What to expect in seconds: the usual, forgotten while nobody asks, so that a backend that was slow once is tried
    /// again. An unknown backend is expected to be fast.
    pub(crate) fn expected(&self, now: Instant) -> f64 {
        const LEAST: f64 = 1e-6;
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.map_or(LEAST, |seen| (seen.seconds * weight(now.duration_since(seen.at))).max(LEAST))
    }
}

fn weight(elapsed: Duration) -> f64 {
    (-elapsed.as_secs_f64() / MEMORY.as_secs_f64()).exp()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_rise_counts_at_once_and_is_forgotten_slowly() {
        let (speed, start) = (Speed::default(), Instant::now());
        assert_eq!(speed.usual(), None);
        speed.observe(Duration::from_millis(100), start);
        speed.observe(Duration::from_secs(4), start + Duration::from_millis(10));
        assert_eq!(speed.usual(), Some(Duration::from_secs(4)), "the peak is taken as it is");
        speed.observe(Duration::from_millis(100), start + Duration::from_secs(1));
        assert!(speed.usual().unwrap() > Duration::from_secs(3), "one fast answer does not erase it");
        speed.observe(Duration::from_millis(100), start + Duration::from_secs(60));
        assert!(speed.usual().unwrap() < Duration::from_millis(150));
    }

    #[test]
    fn a_slow_backend_is_expected_to_recover_while_nobody_asks_it() {
        let (speed, start) = (Speed::default(), Instant::now());
        speed.observe(Duration::from_secs(4), start);
        assert!(speed.expected(start) > 3.9);
        assert!(speed.expected(start + Duration::from_secs(60)) < 0.02);
        assert!(Speed::default().expected(start) < speed.expected(start + Duration::from_secs(60)));
    }
}
