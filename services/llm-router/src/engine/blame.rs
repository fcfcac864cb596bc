//! What a try's outcome means for the backend: its breakers, its limits, and the trail.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    admission::{Permit, Refusal},
    breaker::Shut,
    chain::Entry,
    lane::Lane,
    route::Route,
    visit::{Passes, Setback},
};
use crate::{
    answer::Attempt,
    fault::{Fault, FaultKind, Stage},
};

/// Time that a backend must have had whose usual time is not known before being late counts against it.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);

/// What was tried.
pub(super) struct Tried<'a> {
    pub(super) model: &'a str,
    pub(super) began: Instant,
    pub(super) hedge: bool,
}

impl<'a> Tried<'a> {
    pub(super) fn new(model: &'a str, began: Instant, hedge: bool) -> Self {
        Self { model, began, hedge }
    }
}

impl Route<'_> {
    /// Tells breakers, limits and trail of a failed try.
    pub(super) fn failed(
        &self,
        entry: &Entry,
        tried: Tried<'_>,
        passes: Passes,
        permit: Option<Permit>,
        fault: Fault,
    ) -> Setback {
        let lane = &entry.lane;
        let own_key = self.has_own_key(lane);
        self.note(lane, &tried, Some(&fault));
        lane.record.failed(&fault);
        // A try that may have been charged counts as reserved, which dropping the permit does.
        if let Some(permit) = permit.filter(|_| !may_cost(fault.kind)) {
            permit.settle(0, 0);
        }
        if fault.kind == FaultKind::ModelUnknown {
            lane.listed.forget();
        }
        if !own_key {
            self.rest(lane, &fault);
        }
        let now = Instant::now();
        let Passes { lane: lane_pass, chain } = passes;
        if let Some(pass) = lane_pass.filter(|_| is_well(fault.kind)) {
            pass.answered(now);
        }
        if self.counts(entry, &fault, tried.began, own_key) {
            chain.failed(fault.kind, now, self.shared.dice.fraction());
        } else if is_well(fault.kind) {
            chain.answered(now);
        }
        Setback::Fault(fault)
    }

    /// Leaves a backend alone that asked for it, or that refuses us.
    fn rest(&self, lane: &Lane, fault: &Fault) {
        let now = Instant::now();
        match fault.kind {
            FaultKind::KeyRefused | FaultKind::UsageCap => {
                let hard = Duration::from_millis(self.shared.settings.breaker.hard_down_ms);
                lane.rest.refuse(now + fault.retry_after.unwrap_or_default().max(hard), fault.kind);
            }
            FaultKind::Overloaded | FaultKind::Unavailable => {
                if let Some(wait) = fault.retry_after {
                    lane.rest.pause(now + wait, fault.kind);
                }
            }
            _ => {}
        }
    }

    /// Whether a fault counts against the backend. A time-out that came of the caller's own haste does not: the backend
    /// had less time than it usually takes, and than its settings give it.
    pub(super) fn counts(&self, entry: &Entry, fault: &Fault, began: Instant, own_key: bool) -> bool {
        let lane = &entry.lane;
        let usual = lane.whole.usual().max(lane.first_token.usual()).unwrap_or(LEAST_PATIENCE);
        let patient = |limit_ms: u64| began.elapsed() >= usual.min(Duration::from_millis(limit_ms));
        match fault.kind {
            FaultKind::Connect | FaultKind::Unavailable | FaultKind::Malformed | FaultKind::Empty => true,
            FaultKind::Incomplete | FaultKind::Timeout(Stage::Connect | Stage::BetweenTokens) => true,
            FaultKind::Timeout(Stage::Headers) => patient(lane.timeouts.headers_ms),
            FaultKind::Timeout(Stage::FirstToken) => patient(lane.timeouts.first_token_ms),
            FaultKind::Timeout(Stage::Total) => patient(lane.timeouts.total_ms),
            FaultKind::Overloaded => !own_key,
            FaultKind::ModelUnknown => self.call.model.is_none(),
            _ => false,
        }
    }

    pub(super) fn not_asked(&self, lane: &Lane, hedge: bool, fault: Fault) -> Setback {
        let model = self.call.model.as_deref().unwrap_or(&lane.settings.model);
        self.note(lane, &Tried::new(model, Instant::now(), hedge), Some(&fault));
        Setback::NotAsked(fault)
    }

    /// Writes a try into the trail and returns its place.
    pub(super) fn note(&self, lane: &Lane, tried: &Tried<'_>, fault: Option<&Fault>) -> usize {
        let message = fault.map(|fault| fault.message.clone()).unwrap_or_default();
        self.push(lane, tried, fault.map(|fault| fault.kind), message)
    }

    pub(super) fn push(&self, lane: &Lane, tried: &Tried<'_>, fault: Option<FaultKind>, message: String) -> usize {
        let attempts = &mut self.way().log.attempts;
        attempts.push(Attempt {
            backend: lane.name.to_string(),
            model: tried.model.to_owned(),
            fault,
            message,
            took: tried.began.elapsed(),
            hedge: tried.hedge,
        });
        attempts.len() - 1
    }
}

/// Whether a backend that says this is up and answers.
pub(super) fn is_well(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Caller
            | FaultKind::ContextTooLong
            | FaultKind::ContentPolicy
            | FaultKind::Unsupported
            | FaultKind::InvalidDocument
    )
}

/// Whether a try that failed like this may have used tokens.
fn may_cost(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Timeout(stage) => stage != Stage::Connect,
        FaultKind::Malformed
        | FaultKind::Empty
        | FaultKind::Incomplete
        | FaultKind::ContentPolicy
        | FaultKind::InvalidDocument => true,
        _ => false,
    }
}

pub(super) fn shut_fault(shut: Shut) -> Fault {
    let message = if shut.wait.is_zero() {
        format!("not asked: after {} one call is trying whether it is well again", shut.cause)
    } else {
        format!("not asked: left alone for {} ms more after {}", shut.wait.as_millis(), shut.cause)
    };
    Fault::new(shut.cause, message).retry_after(Some(shut.wait.max(Duration::from_secs(1))))
}

pub(super) fn refusal_fault(refusal: Refusal, lane: &Lane, waited: Duration) -> Fault {
    let (kind, message, wait) = match refusal {
        Refusal::Full => (FaultKind::Overloaded, "not asked: too many calls wait for it".to_owned(), expected(lane)),
        Refusal::Waited => {
            let message = format!("not asked: no place within {} ms", waited.as_millis());
            (FaultKind::Overloaded, message, expected(lane))
        }
        Refusal::Rate { wait } => {
            let message = "not asked: its requests or tokens of this minute are used up".to_owned();
            (FaultKind::Overloaded, message, wait)
        }
        Refusal::Money { wait } => (FaultKind::UsageCap, "not asked: its dollars of today are spent".to_owned(), wait),
    };
    Fault::new(kind, message).retry_after(Some(wait))
}

/// How long until there may be a place: one usual answer.
fn expected(lane: &Lane) -> Duration {
    lane.whole.usual().or(lane.first_token.usual()).unwrap_or_default().max(Duration::from_secs(1))
}
