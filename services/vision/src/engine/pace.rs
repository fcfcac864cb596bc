//! How fast requests are taken from the queue.

use std::time::Duration;

/// Weight of the newest measurement.
const NEWEST: f64 = 0.2;

/// The mean time of the model's work for one request, as a moving average.
///
/// Requests run side by side, so it is the time that the model worked divided by the requests that ended in it, and not
/// the time that one of them took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    mean: Option<f64>,
    worked: Duration,
}

impl Pace {
    /// Counts time that the model worked.
    pub(crate) fn work(&mut self, time: Duration) {
        self.worked += time;
    }

    /// Counts requests that ended.
    pub(crate) fn ended(&mut self, requests: usize) {
        if requests == 0 {
            return;
        }
        let each = self.worked.as_secs_f64() / requests as f64;
        self.worked = Duration::ZERO;
        let mean = self.mean.get_or_insert(each);
        for _ in 0..requests.min(16) {
            *mean += NEWEST * (each - *mean);
        }
    }

    /// The time until the model has taken `ahead` requests in; none before anything was measured.
    pub(crate) fn wait(&self, ahead: usize) -> Duration {
        let seconds = self.mean.unwrap_or(0.0) * ahead as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_what_those_before_take() {
        let mut pace = Pace::default();
        assert_eq!(pace.wait(100), Duration::ZERO);
        pace.work(Duration::from_secs(3));
        pace.work(Duration::from_secs(1));
        pace.ended(2);
        assert_eq!((pace.wait(0), pace.wait(3)), (Duration::ZERO, Duration::from_secs(6)));
        pace.ended(0);
        pace.work(Duration::from_secs(7));
        pace.ended(1);
        assert_eq!(pace.wait(1), Duration::from_secs(3));
    }
}
