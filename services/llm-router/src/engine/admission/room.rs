//! What a backend's limits leave.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::{Load, Ticket, minute::Minute};

const DAY: u64 = 86_400;

/// The limits of a backend; none is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) concurrency: u32,
    pub(crate) requests_per_minute: Option<u64>,
    pub(crate) tokens_per_minute: Option<u64>,
    pub(crate) micros_per_day: Option<u64>,
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    /// Until somebody leaves.
    Busy,
    /// Until this time, or until somebody leaves who used less than reserved.
    Until(Instant),
    /// Until tomorrow.
    Spent,
}

/// What was reserved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reserved {
    tokens: u64,
    micros: u64,
    second: u64,
    day: u64,
    metered: bool,
}

#[derive(Debug)]
pub(super) struct Room {
    limits: Limits,
    in_flight: u32,
    requests: Minute,
    tokens: Minute,
    day: u64,
    spent: u64,
    reserved: u64,
    /// Model of the call that was let in last: what a local server has loaded.
    model: String,
}

impl Room {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            in_flight: 0,
            requests: Minute::new(now),
            tokens: Minute::new(now),
            day: 0,
            spent: 0,
            reserved: 0,
            model: String::new(),
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// Begins a new day's account when there is one, and returns how long today still lasts.
    pub(super) fn turn_day(&mut self, now: SystemTime) -> Duration {
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if seconds / DAY != self.day {
            (self.day, self.spent, self.reserved) = (seconds / DAY, 0, 0);
        }
        Duration::from_secs(DAY - seconds % DAY)
    }

    pub(super) fn blocked(&self, ticket: &Ticket, now: Instant) -> Option<Blocked> {
        let Limits { concurrency, requests_per_minute, tokens_per_minute, micros_per_day } = self.limits;
        if ticket.metered {
            if micros_per_day.is_some_and(|limit| self.spent >= limit) {
                return Some(Blocked::Spent);
            }
            let requests = requests_per_minute.and_then(|limit| self.requests.free_at(1, limit, now));
            let tokens = tokens_per_minute.and_then(|limit| self.tokens.free_at(ticket.tokens, limit, now));
            if let Some(free) = requests.max(tokens) {
                return Some(Blocked::Until(free));
            }
            // What runs may turn out cheaper than reserved: wait for it.
            if micros_per_day.is_some_and(|limit| self.spent + self.reserved >= limit) {
                return Some(Blocked::Busy);
            }
        }
        (self.in_flight >= concurrency).then_some(Blocked::Busy)
    }

    pub(super) fn reserve(&mut self, ticket: &Ticket, now: Instant) -> Reserved {
        let Ticket { tokens, micros, metered, .. } = *ticket;
        self.in_flight += 1;
        if self.model != ticket.model {
            self.model.clone_from(&ticket.model);
        }
        let mut second = 0;
        if metered {
            self.reserved += micros;
            self.requests.add(1, now);
            second = self.tokens.add(tokens, now);
        }
        Reserved { tokens, micros, second, day: self.day, metered }
    }

    /// A call leaves; what it used replaces what was reserved, or the reservation stands.
    pub(super) fn leave(&mut self, reserved: Reserved, used: Option<(u64, u64)>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if !reserved.metered {
            return;
        }
        let (tokens, micros) = used.unwrap_or((reserved.tokens, reserved.micros));
        self.tokens.correct(reserved.second, reserved.tokens, tokens);
        // What began yesterday was forgotten with yesterday.
        if reserved.day == self.day {
            self.reserved = self.reserved.saturating_sub(reserved.micros);
            self.spent += micros;
        }
    }

    pub(super) fn load(&self, now: Instant) -> Load {
        Load {
            in_flight: self.in_flight,
            queued: 0,
            requests: self.requests.sum(now),
            tokens: self.tokens.sum(now),
            spent_micros: self.spent,
        }
    }
}
