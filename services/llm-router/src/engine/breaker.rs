//! When a failing backend is left alone, and how it comes back.
//!
//! Closed, it lets calls through and counts. After failures in a row, or too large a share of them within the window, it
//! opens. When its time is over exactly one call goes through as a probe: an answer closes it, a failure opens it for
//! twice as long. A pause that the provider asked for ends without a probe; a backend that refused our key is hard down
//! and comes back by a probe.

mod counts;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aerie_config::LlmBreaker;
use tokio::time::Instant;

use self::counts::Counts;
use super::BreakerState;
use crate::fault::FaultKind;

/// A breaker of one backend, within one chain or for all of them.
#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// None opens only when told to.
    settings: Option<LlmBreaker>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    counts: Counts,
    /// Probes that failed since it was last closed.
    failed_probes: u32,
    cause: FaultKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    Open {
        until: Instant,
        why: Why,
    },
    /// A probe is on its way.
    Probing {
        why: Why,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Failing,
    Paused,
    Refused,
}

/// A backend that is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shut {
    /// How long still; zero while a probe is on its way.
    pub(crate) wait: Duration,
    /// What it did last.
    pub(crate) cause: FaultKind,
    /// Whether it refused our key or money.
    pub(crate) hard: bool,
}

impl Breaker {
    /// Opens after failures, as the settings say.
    pub(crate) fn counting(settings: LlmBreaker) -> Self {
        Self::new(Some(settings))
    }

    /// Opens only by [`Self::pause`] and [`Self::refuse`].
    pub(crate) fn told() -> Self {
        Self::new(None)
    }

    fn new(settings: Option<LlmBreaker>) -> Self {
        let window = Duration::from_millis(settings.map_or(1_000, |settings| settings.window_ms));
        let state = State {
            phase: Phase::Closed,
            counts: Counts::new(window),
            failed_probes: 0,
            cause: FaultKind::Unavailable,
        };
        Self { shared: Arc::new(Shared { settings, state: Mutex::new(state) }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call could go through; takes nothing.
    pub(crate) fn look(&self, now: Instant) -> Result<(), Shut> {
        self.state().look(now)
    }

    /// Lets a call through, or not. Of many callers at the end of a rest exactly one gets the probe.
    pub(crate) fn pass(&self, now: Instant) -> Result<Pass, Shut> {
        let mut state = self.state();
        state.look(now)?;
        let probe = match state.phase {
            Phase::Open { why: Why::Paused, .. } => {
                state.phase = Phase::Closed;
                false
            }
            Phase::Open { why, .. } => {
                state.phase = Phase::Probing { why };
                true
            }
            Phase::Closed | Phase::Probing { .. } => false,
        };
        Ok(Pass { breaker: self.clone(), probe, open: true })
    }

    /// Leaves the backend alone for as long as it asks; never shortens a rest.
    pub(crate) fn pause(&self, until: Instant, cause: FaultKind) {
        self.rest(until, Why::Paused, cause);
    }

    /// Leaves a backend alone that refused our key or money.
    pub(crate) fn refuse(&self, until: Instant, cause: FaultKind) {
        self.rest(until, Why::Refused, cause);
    }

    fn rest(&self, until: Instant, why: Why, cause: FaultKind) {
        let mut state = self.state();
        if !matches!(state.phase, Phase::Open { until: now, .. } if now >= until) {
            state.phase = Phase::Open { until, why };
            state.cause = cause;
        }
    }

    /// A call that went through is over and was answered.
    pub(crate) fn succeed(&self, now: Instant) {
        self.state().counts.success(now);
    }

    /// A call that went through failed later, in the middle of its answer, or a health check did.
    pub(crate) fn fail(&self, cause: FaultKind, now: Instant, chance: f64) {
        self.failed(false, cause, now, chance);
    }

    /// A health check was answered: the next call may try whether the backend answers questions too.
    pub(crate) fn hurry(&self, now: Instant) {
        let mut state = self.state();
        if let Phase::Open { why: Why::Failing, .. } = state.phase {
            state.phase = Phase::Open { until: now, why: Why::Failing };
        }
    }

    /// The state, and how long it rests.
    pub(crate) fn status(&self, now: Instant) -> (BreakerState, Option<Duration>) {
        match self.state().phase {
            Phase::Open { until, why } if until > now => {
                let state = if why == Why::Refused { BreakerState::HardDown } else { BreakerState::Open };
                (state, Some(until - now))
            }
            Phase::Closed | Phase::Open { why: Why::Paused, .. } => (BreakerState::Closed, None),
            Phase::Open { .. } | Phase::Probing { .. } => (BreakerState::HalfOpen, None),
        }
    }

    fn failed(&self, probe: bool, cause: FaultKind, now: Instant, chance: f64) {
        let Some(settings) = self.shared.settings else { return };
        let mut state = self.state();
        if probe {
            state.failed_probes = state.failed_probes.saturating_add(1);
        } else if state.phase != Phase::Closed || !state.counts.failure(now, &settings) {
            return;
        }
        let until = now + cooldown(&settings, state.failed_probes, chance);
        state.phase = Phase::Open { until, why: Why::Failing };
        state.cause = cause;
        state.counts.clear();
    }
}

impl State {
    fn look(&self, now: Instant) -> Result<(), Shut> {
        let (wait, why) = match self.phase {
            Phase::Closed => return Ok(()),
            Phase::Open { until, .. } if until <= now => return Ok(()),
            Phase::Open { until, why } => (until - now, why),
            Phase::Probing { why } => (Duration::ZERO, why),
        };
        Err(Shut { wait, cause: self.cause, hard: why == Why::Refused })
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.failed_probes = 0;
        self.counts.clear();
    }
}

/// Doubles with each failed probe, at most the longest, give or take a tenth so that callers do not come back in step.
fn cooldown(settings: &LlmBreaker, failed_probes: u32, chance: f64) -> Duration {
    let longest = settings.max_cooldown_ms.max(settings.cooldown_ms);
    let time = settings.cooldown_ms.saturating_mul(1 << failed_probes.min(32)).min(longest);
    Duration::from_millis(time).mul_f64(0.9 + 0.2 * chance)
}

/// A call that was let through. Dropped without a word it says nothing, and gives an unused probe back.
#[derive(Debug)]
pub(crate) struct Pass {
    breaker: Breaker,
    probe: bool,
    open: bool,
}

impl Pass {
    /// Whether it is the one call that tries whether the backend is well again.
    pub(crate) fn is_probe(&self) -> bool {
        self.probe
    }

    /// An answer has begun: a probe has seen enough. Whether it comes to its end is told later.
    pub(crate) fn began(mut self) {
        self.open = false;
        if self.probe {
            self.breaker.state().close();
        }
    }

    /// It was answered, or refused for a reason that is not the backend's.
    pub(crate) fn answered(self, now: Instant) {
        let breaker = self.breaker.clone();
        self.began();
        breaker.succeed(now);
    }

    /// It failed.
    pub(crate) fn failed(mut self, cause: FaultKind, now: Instant, chance: f64) {
        // A breaker that only opens when told to gives the probe back unless it was told again meanwhile.
        self.open = self.breaker.shared.settings.is_none();
        self.breaker.failed(self.probe, cause, now, chance);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !(self.open && self.probe) {
            return;
        }
        let mut state = self.breaker.state();
        if let Phase::Probing { why } = state.phase {
            state.phase = Phase::Open { until: Instant::now(), why };
        }
    }
}
