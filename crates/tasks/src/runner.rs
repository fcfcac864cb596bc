//! Workers: claim what is due, fairly over people, and run it.

mod finisher;
mod heartbeat;
mod run;
mod shift;
mod stores;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aerie_store::{Database, PersonId, Stores};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{Queue, QueueError, TaskId, lease::KindGroup, metric, queue::lock};
use finisher::Finisher;
use heartbeat::Beating;
use shift::Shift;
use stores::{Published, Source};

/// How often the depth of the queues is published.
const COUNT_EVERY: Duration = Duration::from_secs(15);

/// How long a free worker waits for company before it claims.
const GATHER: Duration = Duration::from_millis(2);

/// How a runner works.
#[derive(Debug, Clone)]
pub struct RunnerOptions {
    /// Name of this worker in rows and messages.
    pub name: String,
    /// Most tasks in work at once.
    pub workers: usize,
    /// How often every store is looked at without being asked to: how late a retry or a schedule can be.
    pub poll: Duration,
    /// How long running tasks may take to end when the process stops, before they are given back.
    pub grace: Duration,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            name: format!("process {}", std::process::id()),
            workers: 8,
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(20),
        }
    }
}

/// Runs the tasks of many stores. Cheap to clone; one runner per queue.
#[derive(Debug, Clone)]
pub struct Runner {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: Queue,
    options: RunnerOptions,
    groups: Vec<Group>,
    kinds: Vec<&'static str>,
    source: Mutex<Source>,
    /// By task and lease token: for a moment a run that lost its lease stands beside the one that took over.
    beating: Mutex<HashMap<(TaskId, Uuid), Beating>>,
    finishers: Mutex<HashMap<PersonId, Arc<Finisher>>>,
    slots: Mutex<Slots>,
    /// A run ended.
    freed: Notify,
    /// Drops every run; they are given back.
    give_back: CancellationToken,
    tracker: TaskTracker,
}

/// Kinds claimed together, and the limit that a single kind may have.
#[derive(Debug)]
struct Group {
    claim: KindGroup,
    limit: Option<usize>,
}

#[derive(Debug, Default)]
struct Slots {
    in_work: usize,
    by_group: Vec<usize>,
    /// A group with a limit has room again since this was last looked at.
    limited_freed: bool,
}

impl Runner {
    /// A runner for the kinds of `queue` that have handlers. It works once [`Runner::run`] is called.
    pub fn new(queue: Queue, options: RunnerOptions) -> Self {
        let groups = group_kinds(&queue);
        let kinds = groups.iter().flat_map(|group| group.claim.kinds.iter().copied()).collect();
        let slots = Slots { by_group: vec![0; groups.len()], ..Slots::default() };
        let inner = Inner {
            queue,
            options,
            groups,
            kinds,
            source: Mutex::default(),
            beating: Mutex::default(),
            finishers: Mutex::default(),
            slots: Mutex::new(slots),
            freed: Notify::new(),
            give_back: CancellationToken::new(),
            tracker: TaskTracker::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The queue that is worked on.
    pub fn queue(&self) -> &Queue {
        &self.inner.queue
    }

    /// Adds one person's store.
    pub fn add(&self, database: Database) -> Result<(), QueueError> {
        let person = aerie_events::person_of(&database)?;
        lock(&self.inner.source).people.insert(person, database);
        self.inner.queue.stir(person);
        Ok(())
    }

    /// Stops looking at one person's store; runs in work go on.
    pub fn remove(&self, person: PersonId) {
        lock(&self.inner.source).people.remove(&person);
    }

    /// Adds everybody of a PostgreSQL installation, present and future. On an embedded one this does nothing: each
    /// store is added when it is opened.
    pub fn add_everybody(&self, stores: Arc<Stores>) {
        if stores.worker().is_some() {
            lock(&self.inner.source).everybody = Some(stores);
        }
    }

    /// Works until `stop`; then starts nothing more, waits for what runs, and gives back what takes too long.
    pub async fn run(&self, stop: CancellationToken) {
        self.inner.queue.work_begins();
        let _heart = self.inner.start_heart();
        let mut shift = Shift::default();
        let mut next_poll = Instant::now();
        let (mut next_count, mut published) = (Instant::now(), Published::default());
        while !stop.is_cancelled() {
            let polls = Instant::now() >= next_poll;
            if polls {
                next_poll = Instant::now() + self.inner.options.poll;
            }
            shift.look(&self.inner, polls).await;
            shift.fill(&self.inner).await;
            if Instant::now() >= next_count {
                self.inner.publish_depth(&mut published).await;
                next_count = Instant::now() + COUNT_EVERY;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.inner.queue.stirred() => {}
                () = self.inner.freed.notified() => self.inner.gather(shift.has_ready()).await,
                () = sleep_until(next_poll) => {}
            }
        }
        self.inner.tracker.close();
        if timeout(self.inner.options.grace, self.inner.tracker.wait()).await.is_err() {
            self.inner.give_back.cancel();
            self.inner.tracker.wait().await;
        }
    }

    /// Works until nothing is due and nothing runs, without ever waiting for the clock. For tests and one-shot programs.
    pub async fn run_until_idle(&self) {
        self.inner.queue.work_begins();
        let _heart = self.inner.start_heart();
        let mut shift = Shift::default();
        loop {
            // Asked before looking: a run that ends meanwhile may have made something due.
            let idle = lock(&self.inner.slots).in_work == 0;
            shift.look(&self.inner, true).await;
            let moved = shift.fill(&self.inner).await;
            if idle && !moved && !shift.has_ready() {
                break;
            }
            if lock(&self.inner.slots).in_work > 0 {
                self.inner.freed.notified().await;
                self.inner.gather(shift.has_ready()).await;
            }
        }
    }
}

impl Inner {
    /// When more tasks wait, gives other runs a moment to end too: a claim of several costs hardly more than of one.
    async fn gather(&self, more_wait: bool) {
        let deadline = Instant::now() + GATHER;
        while more_wait && lock(&self.slots).in_work * 2 > self.options.workers {
            if timeout_at(deadline, self.freed.notified()).await.is_err() {
                return;
            }
        }
    }

    /// Slots that a group may take now.
    fn room(&self, group: usize) -> usize {
        let slots = lock(&self.slots);
        let free = self.options.workers.saturating_sub(slots.in_work);
        let Some(limit) = self.groups.get(group).and_then(|group| group.limit) else { return free };
        free.min(limit.saturating_sub(slots.by_group.get(group).copied().unwrap_or(0)))
    }

    fn take_slot(self: &Arc<Self>, group: usize) -> Slot {
        let mut slots = lock(&self.slots);
        slots.in_work += 1;
        if let Some(count) = slots.by_group.get_mut(group) {
            *count += 1;
        }
        metric::in_work(slots.in_work);
        Slot { inner: Arc::clone(self), group }
    }
}

/// A worker's place, free again when dropped, however the run ends.
#[derive(Debug)]
struct Slot {
    inner: Arc<Inner>,
    group: usize,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut slots = lock(&self.inner.slots);
        slots.in_work = slots.in_work.saturating_sub(1);
        if let Some(count) = slots.by_group.get_mut(self.group) {
            *count = count.saturating_sub(1);
        }
        slots.limited_freed |= self.inner.groups.get(self.group).is_some_and(|group| group.limit.is_some());
        metric::in_work(slots.in_work);
        drop(slots);
        self.inner.freed.notify_one();
    }
}

/// One group for each lease among kinds without a limit, and one for each kind with a limit.
fn group_kinds(queue: &Queue) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (kind, policy) in queue.registry().runnable() {
        let limit = policy.concurrency.map(|limit| usize::try_from(limit.max(1)).unwrap_or(usize::MAX));
        let shared = groups
            .iter_mut()
            .find(|group| limit.is_none() && group.limit.is_none() && group.claim.lease == policy.lease);
        match shared {
            Some(group) => group.claim.kinds.push(kind),
            None => groups.push(Group { claim: KindGroup { kinds: vec![kind], lease: policy.lease }, limit }),
        }
    }
    groups
}
