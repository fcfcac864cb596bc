//! A sum over the last minute, second by second. The second that is partly over counts whole, so that the limit holds for
//! every minute and not only from one full minute to the next.

use std::time::Duration;

use tokio::time::Instant;

const SECONDS: u64 = 61;

#[derive(Debug)]
pub(super) struct Minute {
    start: Instant,
    seconds: [(u64, u64); SECONDS as usize],
}

impl Minute {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, seconds: [(0, 0); SECONDS as usize] }
    }

    /// Adds to the present second and returns it, to correct the sum later.
    pub(super) fn add(&mut self, amount: u64, now: Instant) -> u64 {
        let second = self.second(now);
        let slot = &mut self.seconds[(second % SECONDS) as usize];
        *slot = if slot.0 == second { (second, slot.1 + amount) } else { (second, amount) };
        second
    }

    /// Replaces `before` by `after` in a second that was added to. Forgotten seconds stay forgotten.
    pub(super) fn correct(&mut self, second: u64, before: u64, after: u64) {
        let slot = &mut self.seconds[(second % SECONDS) as usize];
        if slot.0 == second {
            slot.1 = (slot.1 + after).saturating_sub(before);
        }
    }

    pub(super) fn sum(&self, now: Instant) -> u64 {
        let oldest = (self.second(now) + 1).saturating_sub(SECONDS);
        self.seconds.iter().filter(|(second, _)| *second >= oldest).map(|(_, amount)| amount).sum()
    }

    /// When `need` more fit under `limit`; none when they do now. More than the limit itself fits into an empty minute.
    pub(super) fn free_at(&self, need: u64, limit: u64, now: Instant) -> Option<Instant> {
        let mut sum = self.sum(now);
        if sum == 0 || sum + need <= limit {
            return None;
        }
        let present = self.second(now);
        for oldest in (present + 1).saturating_sub(SECONDS)..=present {
            let (second, amount) = self.seconds[(oldest % SECONDS) as usize];
            if second == oldest {
                sum -= amount;
            }
            if sum == 0 || sum + need <= limit {
                return Some(self.start + Duration::from_secs(oldest + SECONDS));
            }
        }
        Some(now + Duration::from_secs(SECONDS))
    }

    fn second(&self, now: Instant) -> u64 {
        now.duration_since(self.start).as_secs()
    }
}
