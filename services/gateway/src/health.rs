//! How the services behind the gateway are.

use std::{sync::Arc, time::Duration};

use aerie_rpc::{Backend, HealthSwitch};
use aerie_telemetry::Lifecycle;
use futures::{StreamExt, future::join_all};
use tonic::Request;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::services::{ServiceRoute, Services};

const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// Checks in progress at once for one backend: they are small, but there is no need for more.
const CHECKS_AT_ONCE: usize = 8;

/// How one service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Serving,
    NotServing,
    Unreachable,
}

impl Condition {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::NotServing => "not serving",
            Self::Unreachable => "not reachable",
        }
    }
}

/// How one backend and each of its services are.
#[derive(Debug, Clone)]
pub(crate) struct RouteHealth {
    pub(crate) route: ServiceRoute,
    pub(crate) services: Vec<(String, Condition)>,
}

impl RouteHealth {
    pub(crate) fn is_serving(&self) -> bool {
        self.services.iter().all(|(_, condition)| *condition == Condition::Serving)
    }
}

/// Asks every backend about every service of it.
pub(crate) async fn check_all(services: &Services) -> Vec<RouteHealth> {
    let checks = services.routes.iter().map(|route| async {
        let names = futures::stream::iter(services.names(route.package));
        let checks = names.map(|name| async {
            let condition = check(route.backend.clone(), &name).await;
            (name, condition)
        });
        RouteHealth { route: route.clone(), services: checks.buffered(CHECKS_AT_ONCE).collect().await }
    });
    join_all(checks).await
}

async fn check(backend: Backend, service: &str) -> Condition {
    let mut request = Request::new(HealthCheckRequest { service: service.to_owned() });
    request.set_timeout(CHECK_TIMEOUT);
    let mut client = HealthClient::new(backend);
    match tokio::time::timeout(CHECK_TIMEOUT, client.check(request)).await {
        Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => Condition::Serving,
        Ok(Ok(_)) => Condition::NotServing,
        // The server is there but does not have this service.
        Ok(Err(status)) if status.code() == tonic::Code::NotFound => Condition::NotServing,
        _ => Condition::Unreachable,
    }
}

/// Keeps the gateway's own `grpc.health.v1` saying what the services say.
pub(crate) fn mirror(services: Arc<Services>, switch: HealthSwitch, lifecycle: &Lifecycle) {
    let watched = lifecycle.clone();
    lifecycle.spawn(async move {
        let (stop, mut ticks) = (watched.soft(), tokio::time::interval(CHECK_INTERVAL));
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let health = check_all(&services).await;
            for (name, condition) in health.iter().flat_map(|route| &route.services) {
                switch.set(name, *condition == Condition::Serving).await;
            }
            switch.set("", watched.is_ready() && required_are_serving(&health)).await;
        }
        switch.set("", false).await;
    });
}

/// Whether everything that the gateway needs is serving.
pub(crate) fn required_are_serving(health: &[RouteHealth]) -> bool {
    health.iter().all(|route| !route.route.required || route.is_serving())
}
