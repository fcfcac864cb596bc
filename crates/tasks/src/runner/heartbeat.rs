//! Signs of life: renewing the leases of everything in work.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aerie_store::{Database, PersonId};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::Inner;
use crate::{QueueError, lease::Lease, queue::lock};

/// A run whose lease is renewed.
#[derive(Debug, Clone)]
pub(super) struct Beating {
    pub(super) person: PersonId,
    pub(super) database: Database,
    pub(super) lease: Lease,
    pub(super) cancelled: CancellationToken,
    pub(super) renew_at: Instant,
}

/// When a lease is renewed: a third of it after the last sign of life.
pub(super) fn next_beat(lease: &Lease) -> Instant {
    Instant::now() + (lease.duration / 3).max(Duration::from_millis(10))
}

impl Inner {
    /// Renews leases in the background until the handle is dropped.
    pub(super) fn start_heart(self: &Arc<Self>) -> AbortOnDropHandle<()> {
        let shortest = self.groups.iter().map(|group| group.claim.lease).min().unwrap_or(Duration::from_secs(60));
        let pause = (shortest / 12).clamp(Duration::from_millis(10), Duration::from_secs(2));
        let inner = Arc::clone(self);
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                inner.beat().await;
            }
        }))
    }

    /// Renews what is due, one transaction for each person.
    async fn beat(&self) {
        let now = Instant::now();
        let mut due: HashMap<PersonId, Vec<Beating>> = HashMap::new();
        for run in lock(&self.beating).values().filter(|run| run.renew_at <= now) {
            due.entry(run.person).or_default().push(run.clone());
        }
        for (person, mut runs) in due {
            runs.sort_by_key(|run| run.lease.id);
            match self.renew(&runs).await {
                Ok(()) => {}
                // The next round tries again; the lease lasts for some more of them.
                Err(error) => tracing::warn!(%person, %error, "could not renew leases of {person}: {error}"),
            }
        }
    }

    async fn renew(&self, runs: &[Beating]) -> Result<(), QueueError> {
        let Some(first) = runs.first() else { return Ok(()) };
        let mut tx = first.database.begin().await?;
        let mut lost = Vec::new();
        for run in runs {
            if !run.lease.hold(&mut tx, self.queue.now()).await? {
                lost.push(run);
            }
        }
        tx.commit().await?;
        for run in lost {
            run.cancelled.cancel();
        }
        let mut beating = lock(&self.beating);
        for run in runs {
            if let Some(beat) = beating.get_mut(&(run.lease.id, run.lease.token)) {
                beat.renew_at = next_beat(&run.lease);
            }
        }
        Ok(())
    }
}
