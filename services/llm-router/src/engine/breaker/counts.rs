//! Failures in a row and within a window.

use std::time::Duration;

use aerie_config::LlmBreaker;
use tokio::time::Instant;

/// Parts of the window; the oldest is forgotten as a whole.
const PARTS: usize = 10;

#[derive(Debug)]
pub(super) struct Counts {
    in_a_row: u32,
    part: Duration,
    start: Instant,
    parts: [Part; PARTS],
}

#[derive(Debug, Clone, Copy, Default)]
struct Part {
    number: u64,
    calls: u32,
    failures: u32,
}

impl Counts {
    pub(super) fn new(window: Duration) -> Self {
        let part = (window / PARTS as u32).max(Duration::from_millis(1));
        Self { in_a_row: 0, part, start: Instant::now(), parts: [Part::default(); PARTS] }
    }

    pub(super) fn clear(&mut self) {
        self.in_a_row = 0;
        self.parts = [Part::default(); PARTS];
    }

    pub(super) fn success(&mut self, now: Instant) {
        self.in_a_row = 0;
        self.current(now).calls += 1;
    }

    /// Counts a failure and says whether it is one too many.
    pub(super) fn failure(&mut self, now: Instant, settings: &LlmBreaker) -> bool {
        self.in_a_row += 1;
        let part = self.current(now);
        part.calls += 1;
        part.failures += 1;
        if self.in_a_row >= settings.consecutive {
            return true;
        }
        let oldest = self.number(now).saturating_sub(PARTS as u64 - 1);
        let recent = self.parts.iter().filter(|part| part.number >= oldest);
        let (calls, failures) =
            recent.fold((0, 0), |(calls, failures), part| (calls + part.calls, failures + part.failures));
        calls >= settings.least_calls && f64::from(failures) >= settings.error_share * f64::from(calls)
    }

    fn number(&self, now: Instant) -> u64 {
        (now.duration_since(self.start).as_nanos() / self.part.as_nanos()) as u64
    }

    fn current(&mut self, now: Instant) -> &mut Part {
        let number = self.number(now);
        let part = &mut self.parts[(number % PARTS as u64) as usize];
        if part.number != number {
            *part = Part { number, calls: 0, failures: 0 };
        }
        part
    }
}
