//! One try at one backend: let in, asked, and its outcome told to everybody whom it concerns.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span};

use super::{
    admission::{Permit, Ticket},
    blame::{Tried, is_well, refusal_fault, shut_fault},
    breaker::{Pass, Shut},
    chain::Entry,
    lane::{AUTOMATIC, Lane},
    route::{Ask, Route, Work},
    telemetry::{self, Operation},
};
use crate::{
    answer::{Trail, Usage},
    backend::Hop,
    fault::{Fault, FaultKind, Stage},
};

/// An answer, and the visit at its backend, which is not over before its usage is known.
#[derive(Debug)]
pub(crate) struct Won<A> {
    pub(crate) answer: A,
    pub(crate) visit: Visit,
    /// How often the backend was asked again for a document that fits.
    pub(crate) reasks: u32,
}

/// A backend at work for a call. Dropped before its end, it counts as reserved.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) entry: Arc<Entry>,
    pub(crate) model: String,
    pub(crate) hedge: bool,
    pub(crate) span: Span,
    pub(crate) began: Instant,
    permit: Permit,
    /// Place in the trail.
    attempt: usize,
    own_key: bool,
    operation: Operation,
}

/// Why a try has no answer.
#[derive(Debug)]
pub(crate) enum Setback {
    /// The backend was not asked: it rests, or has no room.
    NotAsked(Fault),
    /// It failed.
    Fault(Fault),
}

/// The breakers' leave to ask.
pub(super) struct Passes {
    pub(super) lane: Option<Pass>,
    pub(super) chain: Pass,
}

impl Route<'_> {
    /// Whether the breakers would let a call through.
    pub(super) fn look(&self, entry: &Entry, now: Instant) -> Result<(), Shut> {
        if !self.has_own_key(&entry.lane) {
            entry.lane.rest.look(now)?;
        }
        entry.breaker.look(now)
    }

    /// Asks once.
    pub(super) async fn attempt<W: Work>(
        &self,
        work: &W,
        entry: &Arc<Entry>,
        until: Instant,
        hedge: bool,
    ) -> Result<Won<W::Answer>, Setback> {
        let lane = &entry.lane;
        let passes = self.pass(entry).map_err(|shut| self.not_asked(lane, hedge, shut_fault(shut)))?;
        let began = Instant::now();
        let model = match self.model(lane, W::OPERATION, until).await {
            Ok(model) => model,
            Err(fault) => return Err(self.failed(entry, Tried::new(AUTOMATIC, began, hedge), passes, None, fault)),
        };
        let permit = self.enter(lane, &model, until).await.map_err(|fault| self.not_asked(lane, hedge, fault))?;
        // The breaker may have opened while the call waited.
        if passes.chain_is_no_probe() {
            self.look(entry, Instant::now()).map_err(|shut| self.not_asked(lane, hedge, shut_fault(shut)))?;
        }
        let span = telemetry::attempt_span(lane, &model, W::OPERATION, work.request(), self.shared.recording);
        let began = Instant::now();
        let whole = self.deadline.min(began + Duration::from_millis(lane.timeouts.total_ms));
        let hop = self.hop(lane, &model, if W::STREAMED { whole } else { until }, &span);
        let witness = Witness { route: self, lane, model: &model, began, hedge, open: true };
        let ask = Ask { lane, hop: &hop, last: !self.has_next() };
        let answer = timeout_at(until, work.ask(ask)).instrument(span.clone()).await;
        witness.ended();
        let answer = answer.unwrap_or_else(|_| {
            let message = format!("no answer within {} ms", began.elapsed().as_millis());
            Err(Fault::new(FaultKind::Timeout(Stage::Total), message))
        });
        match answer.map_err(unseen) {
            Ok(answer) => {
                let visit = self.won(entry, W::OPERATION, passes, permit, Tried::new(&model, began, hedge), span);
                if W::STREAMED {
                    lane.first_token.observe(began.elapsed(), Instant::now());
                    telemetry::count_first_piece(lane, &model, began.elapsed());
                } else {
                    lane.whole.observe(began.elapsed(), Instant::now());
                }
                Ok(Won { answer, visit, reasks: 0 })
            }
            Err(fault) => {
                telemetry::failed(&span, &fault);
                telemetry::count_attempt(lane, &model, W::OPERATION, Some(&fault), began.elapsed());
                Err(self.failed(entry, Tried::new(&model, began, hedge), passes, Some(permit), fault))
            }
        }
    }

    /// The visit is over: its usage is settled and the trail told.
    pub(crate) fn finish(&self, visit: Visit, usage: Option<Usage>, settled: Usage) -> Trail {
        let lane = &visit.entry.lane;
        let cost = self.settle(&visit, usage, settled);
        telemetry::count_attempt(lane, &visit.model, visit.operation, None, visit.began.elapsed());
        lane.record.answered();
        visit.entry.breaker.succeed(Instant::now());
        let mut way = self.way();
        if let Some(attempt) = way.log.attempts.get_mut(visit.attempt) {
            attempt.took = visit.began.elapsed();
        }
        let trail = Trail {
            backend: lane.name.to_string(),
            model: visit.model.clone(),
            attempts: std::mem::take(&mut way.log.attempts),
            cost_micros: cost.0,
            cached: false,
            hedged: visit.hedge,
        };
        drop(way);
        visit.permit.settle(settled.input_tokens + settled.output_tokens, cost.1);
        trail
    }

    /// The answer broke off after it had begun.
    pub(crate) fn broke(&self, visit: Visit, fault: &Fault, settled: Usage) {
        let lane = &visit.entry.lane;
        let (_, micros) = self.settle(&visit, None, settled);
        telemetry::failed(&visit.span, fault);
        telemetry::count_attempt(lane, &visit.model, visit.operation, Some(fault), visit.began.elapsed());
        lane.record.failed(fault);
        if self.counts(&visit.entry, fault, visit.began, visit.own_key) {
            visit.entry.breaker.fail(fault.kind, Instant::now(), self.shared.dice.fraction());
        } else if is_well(fault.kind) {
            visit.entry.breaker.succeed(Instant::now());
        }
        let mut way = self.way();
        if let Some(attempt) = way.log.attempts.get_mut(visit.attempt) {
            attempt.took = visit.began.elapsed();
            attempt.fault = Some(fault.kind);
            attempt.message.clone_from(&fault.message);
        }
        way.log.left(fault);
        drop(way);
        visit.permit.settle(settled.input_tokens + settled.output_tokens, micros);
    }

    /// The cost to tell, and the cost to settle.
    fn settle(&self, visit: &Visit, usage: Option<Usage>, settled: Usage) -> (Option<u64>, u64) {
        let prices = &self.shared.prices;
        let cost = prices.cost(&visit.model, &usage.unwrap_or(settled));
        if let Some(usage) = &usage {
            telemetry::count_usage(&visit.entry.lane, &visit.model, visit.operation, usage, cost);
            telemetry::used(&visit.span, usage);
        }
        (cost, cost.unwrap_or(0))
    }

    pub(super) fn has_own_key(&self, lane: &Lane) -> bool {
        !self.call.consent.keys.is_empty() && self.call.consent.keys.contains_key(&*lane.name)
    }

    fn pass(&self, entry: &Entry) -> Result<Passes, Shut> {
        let now = Instant::now();
        let lane = if self.has_own_key(&entry.lane) { None } else { Some(entry.lane.rest.pass(now)?) };
        Ok(Passes { lane, chain: entry.breaker.pass(now)? })
    }

    async fn model(&self, lane: &Lane, operation: Operation, until: Instant) -> Result<String, Fault> {
        let vectors = operation == Operation::Embeddings;
        let model = self.call.model.as_deref().unwrap_or_else(|| lane.configured_model(vectors));
        if model != AUTOMATIC {
            return Ok(model.to_owned());
        }
        let hop = self.hop(lane, "", until, &Span::none());
        let limit = until.min(Instant::now() + hop.headers);
        Box::pin(timeout_at(limit, lane.listed.first(&*lane.backend, &hop, vectors))).await.unwrap_or_else(|_| {
            Err(Fault::new(FaultKind::Timeout(Stage::Headers), "it did not list its models in time"))
        })
    }

    fn hop(&self, lane: &Lane, model: &str, deadline: Instant, span: &Span) -> Hop {
        let mut hop = lane.hop(model.to_owned(), deadline);
        hop.key = self.call.consent.keys.get(&*lane.name).cloned();
        hop.person.clone_from(&self.call.person);
        // Only our own machines are told about our traces.
        if lane.local && !span.is_disabled() {
            span.in_scope(|| aerie_telemetry::inject(&mut hop.trace));
        }
        hop
    }

    async fn enter(&self, lane: &Lane, model: &str, until: Instant) -> Result<Permit, Fault> {
        let estimate = self.plan.need.estimate;
        let reserved = Usage { input_tokens: estimate.most, output_tokens: estimate.answer, ..Usage::default() };
        let ticket = Ticket {
            person: self.call.person.clone(),
            priority: self.call.priority,
            model: model.to_owned(),
            tokens: estimate.most + estimate.answer,
            micros: self.shared.prices.cost(model, &reserved).unwrap_or(0),
            metered: !self.has_own_key(lane),
        };
        let began = Instant::now();
        let longest = began + Duration::from_millis(self.shared.settings.queue.wait_ms);
        let entered = lane.admission.enter(ticket, longest.min(until)).await;
        let waited = began.elapsed();
        if !waited.is_zero() {
            telemetry::count_wait(lane, waited);
        }
        entered.map_err(|refusal| refusal_fault(refusal, lane, waited))
    }

    fn won(
        &self,
        entry: &Arc<Entry>,
        operation: Operation,
        passes: Passes,
        permit: Permit,
        tried: Tried<'_>,
        span: Span,
    ) -> Visit {
        passes.began();
        let attempt = self.note(&entry.lane, &tried, None);
        Visit {
            entry: entry.clone(),
            model: tried.model.to_owned(),
            hedge: tried.hedge,
            span,
            began: tried.began,
            permit,
            attempt,
            own_key: self.has_own_key(&entry.lane),
            operation,
        }
    }
}

impl Passes {
    fn chain_is_no_probe(&self) -> bool {
        !self.chain.is_probe() && !self.lane.as_ref().is_some_and(Pass::is_probe)
    }

    fn began(self) {
        if let Some(lane) = self.lane {
            lane.began();
        }
        self.chain.began();
    }
}

/// Notes a try that was dropped in the middle, because another one was faster.
struct Witness<'a> {
    route: &'a Route<'a>,
    lane: &'a Lane,
    model: &'a str,
    began: Instant,
    hedge: bool,
    open: bool,
}

impl Witness<'_> {
    fn ended(mut self) {
        self.open = false;
    }
}

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        if self.open {
            let tried = Tried::new(self.model, self.began, self.hedge);
            self.route.push(self.lane, &tried, None, "dropped: another backend answered first".to_owned());
        }
    }
}

/// A cut that nobody saw, because nothing was delivered yet, is an answer that cannot be read.
fn unseen(fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::Incomplete => Fault { kind: FaultKind::Malformed, ..fault },
        _ => fault,
    }
}
