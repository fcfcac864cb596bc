//! Submitting, looking at and steering tasks.

mod read;
mod steer;
mod submit;

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use aerie_events::EventBus;
use aerie_store::{PersonId, Tx};
use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Clock, QueueError, Registry, TaskId, lease::Lease};

pub use read::{Counts, Due, Filter, Page};
pub(crate) use submit::Inserted;

/// The tasks of every store that a process works with. Cheap to clone.
///
/// Methods that take a transaction write in it, so that a task exists exactly if the change that asked for it does;
/// end such a transaction with [`Queue::commit`], which also wakes the runner and the subscribers.
#[derive(Debug, Clone)]
pub struct Queue {
    registry: Arc<Registry>,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    bus: Arc<dyn EventBus>,
    /// People whose stores may have something due.
    stirred: Mutex<HashSet<PersonId>>,
    /// Whether there is a runner that looks at them.
    worked: AtomicBool,
    wake: Notify,
    /// Runs of this process, to be dropped when their task is cancelled.
    running: Mutex<HashMap<TaskId, (Uuid, CancellationToken)>>,
}

impl Queue {
    /// A queue of the given kinds.
    pub fn new(registry: Registry, clock: Arc<dyn Clock>, bus: Arc<dyn EventBus>) -> Self {
        let inner = Inner {
            clock,
            bus,
            stirred: Mutex::default(),
            worked: AtomicBool::new(false),
            wake: Notify::new(),
            running: Mutex::default(),
        };
        Self { registry: Arc::new(registry), inner: Arc::new(inner) }
    }

    /// The same queue, knowing other kinds. Handlers usually hold a queue to submit further tasks with: give them one
    /// that knows the kinds without handlers, and the runner this one.
    #[must_use]
    pub fn with_registry(&self, registry: Registry) -> Self {
        Self { registry: Arc::new(registry), inner: Arc::clone(&self.inner) }
    }

    /// The kinds that this process knows.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The clock that tasks live by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// The bus that carries wake-ups of this queue's changes.
    pub fn bus(&self) -> &Arc<dyn EventBus> {
        &self.inner.bus
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now()
    }

    /// Commits a transaction that changed a person's tasks, then wakes the runner and the person's subscribers. Dying
    /// in between loses nothing: both also look on their own.
    pub async fn commit(&self, tx: Tx, person: PersonId) -> Result<(), QueueError> {
        self.commit_quietly(tx, person).await?;
        self.stir(person);
        Ok(())
    }

    /// Commits a change that makes nothing due.
    pub(crate) async fn commit_quietly(&self, tx: Tx, person: PersonId) -> Result<(), QueueError> {
        Ok(aerie_events::commit(tx, &*self.inner.bus, person).await?)
    }

    /// Tells the runner to look at a person's store. Nothing is kept where no runner works on this queue.
    pub fn stir(&self, person: PersonId) {
        if !self.inner.worked.load(Ordering::Acquire) {
            return;
        }
        lock(&self.inner.stirred).insert(person);
        self.inner.wake.notify_one();
    }

    /// A runner looks at what is stirred from now on.
    pub(crate) fn work_begins(&self) {
        self.inner.worked.store(true, Ordering::Release);
    }

    /// Waits until some store may have something due.
    pub(crate) async fn stirred(&self) {
        self.inner.wake.notified().await;
    }

    pub(crate) fn take_stirred(&self) -> HashSet<PersonId> {
        mem::take(&mut *lock(&self.inner.stirred))
    }

    pub(crate) fn started(&self, lease: &Lease) -> CancellationToken {
        let token = CancellationToken::new();
        lock(&self.inner.running).insert(lease.id, (lease.token, token.clone()));
        token
    }

    /// Forgets a run; one that took over the task meanwhile stays.
    pub(crate) fn ended(&self, lease: &Lease) {
        let mut running = lock(&self.inner.running);
        if running.get(&lease.id).is_some_and(|(token, _)| *token == lease.token) {
            running.remove(&lease.id);
        }
    }

    /// Drops the runs of these tasks that this process has; other processes notice at their next sign of life.
    pub fn stop_runs(&self, ids: &[TaskId]) {
        let running = lock(&self.inner.running);
        for (_, token) in ids.iter().filter_map(|id| running.get(id)) {
            token.cancel();
        }
    }
}

/// The data under these locks is whole between any two statements, so a poisoned lock means nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
