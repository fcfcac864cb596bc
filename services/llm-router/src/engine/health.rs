//! How the backends are: for people, and by asking them.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::{
    BackendCheck, BackendStatus, BreakerState, Shared,
    lane::{AUTOMATIC, Lane},
    model, telemetry,
};
use crate::fault::{Fault, FaultKind, Stage};

/// How often the state of the backends is published as a metric.
const PUBLISH_EVERY: Duration = Duration::from_secs(5);

impl Shared {
    pub(super) fn status(&self, lane: &Arc<Lane>) -> BackendStatus {
        let now = Instant::now();
        let places = self.chains.entries().filter(|entry| Arc::ptr_eq(&entry.lane, lane));
        let states = places.map(|entry| entry.breaker.status(now)).chain([lane.rest.status(now)]);
        let (breaker, resting) = states.max().unwrap_or((BreakerState::Closed, None));
        let load = lane.admission.load();
        let model = if lane.settings.model == AUTOMATIC { lane.listed.known() } else { None };
        BackendStatus {
            name: lane.name.to_string(),
            kind: lane.kind,
            model: model.unwrap_or_else(|| lane.settings.model.clone()),
            local: lane.local,
            enabled: lane.settings.enabled,
            capabilities: lane.capabilities,
            breaker,
            resting,
            in_flight: load.in_flight,
            queued: load.queued,
            first_token: lane.first_token.usual(),
            requests_last_minute: load.requests,
            tokens_last_minute: load.tokens,
            spent_today_micros: load.spent_micros,
            answers: lane.record.answers(),
            failures: lane.record.failures(),
            last_fault: lane.record.last_fault(),
        }
    }

    /// Asks a backend for its models.
    pub(super) async fn check(&self, lane: &Lane) -> BackendCheck {
        let began = Instant::now();
        let limit = Duration::from_millis(lane.timeouts.headers_ms.min(10_000));
        let hop = lane.hop(String::new(), began + limit);
        let answer = timeout(limit, lane.backend.models(&hop)).await.unwrap_or_else(|_| {
            let message = format!("no list of models within {} ms", limit.as_millis());
            Err(Fault::new(FaultKind::Timeout(Stage::Total), message))
        });
        let latency = began.elapsed();
        let (models, fault) = match answer {
            Ok(models) => (models, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let configured = (lane.settings.model != AUTOMATIC).then(|| lane.settings.model.clone());
        let model = configured.or_else(|| model::choose(&models, false).map(str::to_owned));
        BackendCheck { name: lane.name.to_string(), models, model, latency, fault }
    }

    /// Checks the backends whose settings ask for it, and publishes how all of them are, for ever.
    pub(super) async fn watch(&self) {
        let watches = self.lanes.iter().filter_map(|lane| {
            let seconds = lane.settings.health_check_seconds.filter(|seconds| *seconds > 0 && lane.settings.enabled)?;
            Some(self.watch_one(lane, Duration::from_secs(seconds)))
        });
        tokio::join!(join_all(watches), self.publish());
    }

    async fn publish(&self) {
        loop {
            for lane in self.lanes.iter().filter(|lane| lane.settings.enabled) {
                telemetry::backend(&lane.name, self.status(lane).breaker);
            }
            sleep(PUBLISH_EVERY).await;
        }
    }

    async fn watch_one(&self, lane: &Arc<Lane>, every: Duration) {
        loop {
            sleep(every).await;
            let check = self.check(lane).await;
            for entry in self.chains.entries().filter(|entry| Arc::ptr_eq(&entry.lane, lane)) {
                match &check.fault {
                    None => entry.breaker.hurry(Instant::now()),
                    Some(fault) => entry.breaker.fail(fault.kind, Instant::now(), self.dice.fraction()),
                }
            }
            if let Some(fault) = &check.fault {
                tracing::debug!(aerie.llm.backend = &*lane.name, "health check of {} failed: {fault}", lane.name);
                lane.record.failed(fault);
            }
        }
    }
}
