//! How this process and the others that work on the same store hear of each other's changes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aerie_config::{Bus, Events};
use aerie_events::{EventBus, EventError, LocalBus, NatsBus, NatsOptions, PostgresBus};
use aerie_store::Stores;
use aerie_tasks::Queue;
use aerie_telemetry::Lifecycle;

/// The bus of a process, and whether it already listens to others.
pub(crate) struct Wakes {
    bus: Kind,
    followed: AtomicBool,
}

enum Kind {
    Local(Arc<LocalBus>),
    Postgres(Arc<PostgresBus>),
    Nats(Arc<NatsBus>),
}

impl Wakes {
    /// The bus that the settings name. Nothing is connected yet.
    pub(crate) fn create(settings: &Events, stores: &Stores) -> Result<Self, EventError> {
        let on_server = stores.worker().is_some();
        let bus = match settings.bus_for(on_server) {
            Bus::Postgres if !on_server => return Err(EventError::NoServer { bus: "postgres" }),
            Bus::Nats if !on_server => return Err(EventError::NoServer { bus: "nats" }),
            Bus::Postgres => Kind::Postgres(Arc::new(PostgresBus::default())),
            Bus::Nats => {
                let days = Duration::from_secs(86_400).saturating_mul(settings.retention_days);
                let usual = NatsOptions::new(settings.nats_url.reveal());
                Kind::Nats(Arc::new(NatsBus::new(NatsOptions {
                    authority: settings.nats_authority.clone(),
                    retention: usual.retention.min(days),
                    ..usual
                })?))
            }
            Bus::Auto | Bus::Local => Kind::Local(Arc::new(LocalBus::default())),
        };
        Ok(Self { bus, followed: AtomicBool::new(false) })
    }

    pub(crate) fn bus(&self) -> Arc<dyn EventBus> {
        match &self.bus {
            Kind::Local(bus) => Arc::clone(bus) as _,
            Kind::Postgres(bus) => Arc::clone(bus) as _,
            Kind::Nats(bus) => Arc::clone(bus) as _,
        }
    }

    /// Begins to hear of other processes' changes, once; it ends with the lifecycle.
    pub(crate) fn follow(&self, queue: &Queue, stores: &Stores, lifecycle: &Lifecycle) {
        if self.followed.swap(true, Ordering::Relaxed) {
            return;
        }
        let (queue, stop) = (queue.clone(), lifecycle.soft());
        match &self.bus {
            Kind::Local(_) => {}
            Kind::Postgres(bus) => {
                let (bus, url) = (Arc::clone(bus), stores.session_url().to_owned());
                lifecycle.spawn(async move { aerie_tasks::listen(&url, &bus, &queue, stop).await });
            }
            Kind::Nats(bus) => {
                let (bus, worker) = (Arc::clone(bus), stores.worker());
                let Some(worker) = worker else { return };
                lifecycle.spawn(async move { bus.run(worker, |person| queue.stir(person), stop).await });
            }
        }
    }
}
