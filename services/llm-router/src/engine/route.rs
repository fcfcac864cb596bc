//! One call's way over the backends: who is next, how long it may take, and what a failure leads to.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aerie_config::PolicyRefusal;
use futures::future::{Either, select};
use tokio::time::{Instant, sleep};

use super::{
    Shared,
    chain::Entry,
    lane::Lane,
    log::Log,
    plan::{Need, Plan},
    telemetry::{self, Operation},
    visit::{Setback, Won},
};
use crate::{
    backend::Hop,
    call::{Call, CallError},
    chat::ChatRequest,
    fault::{Fault, FaultKind},
};

/// A kind of question: how a backend is asked it once.
pub(crate) trait Work: Sync {
    /// What a backend gives.
    type Answer: Send;
    /// What it is called in traces.
    const OPERATION: Operation;
    /// Whether the answer goes on after [`Self::ask`] is over.
    const STREAMED: bool;

    /// Asks once.
    fn ask(&self, ask: Ask<'_>) -> impl Future<Output = Result<Self::Answer, Fault>> + Send;

    /// The question, for traces.
    fn request(&self) -> Option<&ChatRequest>;
}

/// One try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) lane: &'a Lane,
    pub(crate) hop: &'a Hop,
    /// Whether nobody else is left to ask.
    pub(crate) last: bool,
}

/// A call on its way.
#[derive(Debug)]
pub(crate) struct Route<'a> {
    pub(super) shared: &'a Shared,
    pub(super) call: &'a Call,
    pub(super) plan: Plan,
    pub(super) deadline: Instant,
    way: Mutex<Way>,
}

#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) log: Log,
    /// The next backend of the plan.
    next: usize,
    /// Tokens that a backend reads for which the question was too long.
    refused_context: Option<u32>,
}

impl<'a> Route<'a> {
    pub(crate) fn new(shared: &'a Shared, call: &'a Call, need: Need) -> Result<Self, CallError> {
        let began = Instant::now();
        let plan = Plan::new(shared.chain(call)?, need, &call.consent, &shared.dice);
        let total = began + Duration::from_millis(shared.settings.timeouts.total_ms);
        let deadline = call.deadline.map_or(total, |deadline| deadline.min(total));
        shared.hedges.call();
        Ok(Self { shared, call, plan, deadline, way: Mutex::default() })
    }

    pub(super) fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks one backend after another until one answers. Asked again (for the rest of an answer that broke off), it goes
    /// on behind the backends that were asked before.
    pub(crate) async fn run<W: Work>(&self, work: &W) -> Result<Won<W::Answer>, CallError> {
        while Instant::now() < self.deadline
            && let Some(entry) = self.next()
        {
            match self.ask_or_hedge(work, entry).await {
                Ok(won) => return Ok(won),
                Err(fault) if self.is_returned(&fault) => return Err(self.way().log.returned(&fault)),
                Err(_) => {}
            }
        }
        Err(self.failure())
    }

    /// The error when nobody is left.
    pub(crate) fn failure(&self) -> CallError {
        if self.plan.candidates.is_empty() {
            let (kind, message) = self.plan.nobody();
            return CallError { kind, message, trail: Box::default(), usage: None, retry_after: None };
        }
        let late = Instant::now() >= self.deadline;
        self.way().log.failure(&self.plan.exclusions(), late)
    }

    /// Whether anybody is left to ask.
    pub(crate) fn has_next(&self) -> bool {
        self.others_left() > 0
    }

    /// The next backend that may be able to help.
    fn next(&self) -> Option<Arc<Entry>> {
        let mut way = self.way();
        loop {
            let entry = self.plan.candidates.get(way.next)?;
            way.next += 1;
            if !too_short(&entry.lane, way.refused_context) {
                return Some(entry.clone());
            }
        }
    }

    /// Backends behind the present one that would be asked now.
    pub(super) fn others_left(&self) -> usize {
        let now = Instant::now();
        let way = self.way();
        let rest = self.plan.candidates.get(way.next..).unwrap_or_default();
        let open = |entry: &&Arc<Entry>| !too_short(&entry.lane, way.refused_context) && self.look(entry, now).is_ok();
        rest.iter().filter(open).count()
    }

    /// Whether a fault goes back to the caller instead of to the next backend.
    fn is_returned(&self, fault: &Fault) -> bool {
        match fault.kind {
            FaultKind::Caller => true,
            FaultKind::ContentPolicy => self.shared.settings.content_policy == PolicyRefusal::Return,
            _ => false,
        }
    }

    /// Asks a backend, and when it is slow a second one beside it; the first answer wins and the other is dropped.
    async fn ask_or_hedge<W: Work>(&self, work: &W, entry: Arc<Entry>) -> Result<Won<W::Answer>, Fault> {
        let Some(after) = self.hedge_after() else { return self.visit(work, &entry, false).await };
        let mut first = Box::pin(self.visit(work, &entry, false));
        tokio::select! {
            biased;
            answer = &mut first => return answer,
            () = sleep(after) => {}
        }
        if !(self.has_next() && self.shared.hedges.take()) {
            return first.await;
        }
        let Some(other) = self.next() else { return first.await };
        let second = Box::pin(self.visit(work, &other, true));
        let answer = match select(first, second).await {
            Either::Left((Err(fault), second)) if !self.is_returned(&fault) => second.await,
            Either::Right((Err(fault), first)) if !self.is_returned(&fault) => first.await,
            Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
        };
        telemetry::count_hedge(answer.as_ref().is_ok_and(|won| won.visit.hedge));
        answer
    }

    fn hedge_after(&self) -> Option<Duration> {
        let after = self.shared.settings.hedge.after_ms?;
        self.has_next().then(|| Duration::from_millis(after))
    }

    /// Asks one backend, again where that may help, until it answers or is left.
    async fn visit<W: Work>(&self, work: &W, entry: &Arc<Entry>, hedge: bool) -> Result<Won<W::Answer>, Fault> {
        let lane = &entry.lane;
        lane.retries.call();
        let until = self.share(lane);
        let (mut tries, mut reasks) = (0, 0);
        let mut left = None;
        let fault = loop {
            let fault = match self.attempt(work, entry, until, hedge).await {
                Ok(won) => return Ok(Won { reasks, ..won }),
                // Why it was left says more than that it is not asked again.
                Err(Setback::NotAsked(fault)) => break left.unwrap_or(fault),
                Err(Setback::Fault(fault)) => fault,
            };
            if fault.kind == FaultKind::InvalidDocument {
                if reasks >= self.shared.settings.extract_reasks || Instant::now() >= until {
                    break fault;
                }
                reasks += 1;
                continue;
            }
            tries += 1;
            // Beside a second request the first one still runs: it is the better retry.
            let Some(pause) = self.pause(lane, &fault, tries, until).filter(|_| !hedge) else { break fault };
            sleep(pause).await;
            left = Some(fault);
        };
        let mut way = self.way();
        way.log.left(&fault);
        if fault.kind == FaultKind::ContextTooLong {
            way.refused_context = way.refused_context.max(lane.capabilities.context_tokens);
        }
        Err(fault)
    }

    /// Until when a backend may take. While others are left it never gets all the time: of n backends the first gets n
    /// parts, the next n - 1, and so on.
    fn share(&self, lane: &Lane) -> Instant {
        let now = Instant::now();
        let others = self.others_left() as u32;
        let left = self.deadline.saturating_duration_since(now);
        let share = if others == 0 { left } else { left * 2 / (others + 2) };
        now + share.min(Duration::from_millis(lane.timeouts.total_ms))
    }

    /// How long to wait before the same backend is asked again; none leaves it.
    fn pause(&self, lane: &Lane, fault: &Fault, tries: u32, until: Instant) -> Option<Duration> {
        let retry = &self.shared.settings.retry;
        let attempts = if self.has_next() { retry.attempts } else { retry.last_attempts };
        if tries >= attempts || !is_transient(fault.kind) {
            return None;
        }
        let longest = Duration::from_millis(retry.max_delay_ms);
        let whole = Duration::from_millis(retry.base_delay_ms.saturating_mul(1 << (tries - 1).min(32))).min(longest);
        let drawn = whole.mul_f64(0.5 + 0.5 * self.shared.dice.fraction());
        let asked = fault.retry_after.unwrap_or_default();
        let pause = drawn.max(asked);
        let in_time = asked <= longest && Instant::now() + pause < until;
        (in_time && lane.retries.take()).then_some(pause)
    }
}

/// Whether a backend reads no more than one for which the question was too long.
fn too_short(lane: &Lane, refused: Option<u32>) -> bool {
    lane.capabilities.context_tokens.zip(refused).is_some_and(|(reads, refused)| reads <= refused)
}

/// Whether asking the same backend again may help.
fn is_transient(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Connect
            | FaultKind::Timeout(_)
            | FaultKind::Overloaded
            | FaultKind::Unavailable
            | FaultKind::Malformed
            | FaultKind::Empty
    )
}
