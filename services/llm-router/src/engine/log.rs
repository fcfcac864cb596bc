//! What was tried for a call, and what it means when nothing helped.

use std::{fmt::Write, time::Duration};

use crate::{
    answer::{Attempt, Trail},
    call::{CallError, CallErrorKind},
    fault::{Fault, FaultKind},
};

/// Longest message of an error, in bytes.
const LONGEST: usize = 2_000;

#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) attempts: Vec<Attempt>,
    /// How each backend was left.
    ends: Vec<FaultKind>,
    /// The shortest time after which one of them may be asked again.
    wait: Option<Duration>,
}

impl Log {
    /// A backend was left for the next one.
    pub(crate) fn left(&mut self, fault: &Fault) {
        self.ends.push(fault.kind);
        let waits = [self.wait, fault.retry_after];
        self.wait = waits.into_iter().flatten().min();
    }

    /// The error when no backend is left. `exclusions` says who could not be asked at all.
    pub(crate) fn failure(&self, exclusions: &str, late: bool) -> CallError {
        let kind = if late { CallErrorKind::DeadlineExceeded } else { meaning(&self.ends) };
        let again = matches!(kind, CallErrorKind::Exhausted | CallErrorKind::Unavailable);
        CallError {
            kind,
            message: self.message(kind, exclusions),
            trail: Box::new(self.trail()),
            usage: None,
            retry_after: self.wait.filter(|_| again),
        }
    }

    /// The error when a fault is to be returned as it is.
    pub(crate) fn returned(&self, fault: &Fault) -> CallError {
        CallError {
            kind: CallErrorKind::of(fault.kind),
            message: fault.message.clone(),
            trail: Box::new(self.trail()),
            usage: None,
            retry_after: fault.retry_after,
        }
    }

    pub(crate) fn trail(&self) -> Trail {
        Trail { attempts: self.attempts.clone(), ..Trail::default() }
    }

    fn message(&self, kind: CallErrorKind, exclusions: &str) -> String {
        let mut message = match kind {
            CallErrorKind::DeadlineExceeded => "the time was up",
            CallErrorKind::ContextTooLong => "the question is too long for every backend that may be asked",
            CallErrorKind::InvalidDocument => "no backend gave a document that fits the schema",
            CallErrorKind::Exhausted => "every backend is at its limit",
            _ => "no backend answered",
        }
        .to_owned();
        for attempt in self.attempts.iter().filter(|attempt| attempt.fault.is_some()) {
            // Writing to a string cannot fail.
            let _ = write!(message, "; {}: {}", attempt.backend, attempt.message);
        }
        if !exclusions.is_empty() {
            let _ = write!(message, "; not asked: {exclusions}");
        }
        if message.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| message.is_char_boundary(*end));
            message.truncate(end.unwrap_or(0));
            message.push('…');
        }
        message
    }
}

/// What the faults of several backends mean together: what may be better next time counts most.
fn meaning(ends: &[FaultKind]) -> CallErrorKind {
    const ORDER: [CallErrorKind; 7] = [
        CallErrorKind::Unavailable,
        CallErrorKind::InvalidDocument,
        CallErrorKind::Exhausted,
        CallErrorKind::ContextTooLong,
        CallErrorKind::ContentPolicy,
        CallErrorKind::Incomplete,
        CallErrorKind::Invalid,
    ];
    let holds = |kind: &CallErrorKind| ends.iter().any(|end| CallErrorKind::of(*end) == *kind);
    ORDER.into_iter().find(holds).unwrap_or(CallErrorKind::NoBackend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_better_next_time_counts_most() {
        use FaultKind::{Connect, ContextTooLong, InvalidDocument, Overloaded, Unsupported, UsageCap};
        for (ends, kind) in [
            (vec![Overloaded, UsageCap], CallErrorKind::Exhausted),
            (vec![Overloaded, Connect], CallErrorKind::Unavailable),
            (vec![ContextTooLong, Overloaded], CallErrorKind::Exhausted),
            (vec![Unsupported, ContextTooLong], CallErrorKind::ContextTooLong),
            (vec![InvalidDocument, Overloaded], CallErrorKind::InvalidDocument),
            (vec![Unsupported], CallErrorKind::NoBackend),
            (vec![], CallErrorKind::NoBackend),
        ] {
            assert_eq!(meaning(&ends), kind, "{ends:?}");
        }
    }

    #[test]
    fn the_message_holds_every_backend_and_is_bounded() {
        let mut log = Log::default();
        for backend in ["a", "b"] {
            let fault = Fault::new(FaultKind::Overloaded, "busy").retry_after(Some(Duration::from_secs(3)));
            log.left(&fault);
            log.attempts.push(Attempt {
                backend: backend.into(),
                model: String::new(),
                fault: Some(fault.kind),
                message: fault.message,
                took: Duration::ZERO,
                hedge: false,
            });
        }
        let error = log.failure("c is switched off", false);
        assert_eq!(error.message, "every backend is at its limit; a: busy; b: busy; not asked: c is switched off");
        assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
        log.attempts[0].message = "é".repeat(5_000);
        assert!(log.failure("", false).message.len() <= LONGEST + 3);
    }
}
