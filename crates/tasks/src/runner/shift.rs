//! Finding due tasks and starting them, one person after another.

use std::{
    collections::{HashSet, VecDeque},
    mem,
    sync::Arc,
};

use aerie_events::person_of;
use aerie_store::{Database, PersonId};

use super::{Inner, run};
use crate::{
    QueueError,
    lease::{Claimed, Due, Gone, claim, claim_notices, peek, reap},
    metric,
    queue::lock,
};

/// What the loop of a runner remembers between its rounds.
#[derive(Debug, Default)]
pub(super) struct Shift {
    /// Stores with something due, in the order in which they are served.
    ready: VecDeque<(PersonId, Database, Due)>,
    /// Stores that were served while a limited kind had no room.
    starved: HashSet<PersonId>,
}

impl Shift {
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Looks for stores with something due: all of them, or those that were stirred.
    pub(super) async fn look(&mut self, inner: &Inner, all: bool) {
        let mut people = inner.queue.take_stirred();
        if mem::take(&mut lock(&inner.slots).limited_freed) {
            people.extend(self.starved.drain());
        }
        let stores = if all { inner.stores_to_poll().await } else { inner.stores_of(people).await };
        for database in stores {
            let Ok(person) = person_of(&database) else { continue };
            let waiting = self.ready.iter().position(|(ready, ..)| *ready == person);
            // Whoever waits for a worker has tasks; only a poll also looks for run-out leases and schedules there,
            // which must not wait until a long queue is done.
            if waiting.is_some() && !all {
                continue;
            }
            match peek(&database, &inner.kinds, inner.queue.now()).await {
                Ok(due) if due.any() => match waiting.and_then(|position| self.ready.get_mut(position)) {
                    Some((.., waiting)) => *waiting = due,
                    None => self.ready.push_back((person, database, due)),
                },
                Ok(_) => {}
                Err(error) => tracing::warn!(%person, %error, "could not look at the tasks of {person}: {error}"),
            }
        }
    }

    /// Serves stores in turn while there are free workers; true if something was started or moved.
    pub(super) async fn fill(&mut self, inner: &Arc<Inner>) -> bool {
        let mut moved = false;
        loop {
            let free = inner.options.workers.saturating_sub(lock(&inner.slots).in_work);
            if free == 0 {
                return moved;
            }
            let Some((person, database, due)) = self.ready.pop_front() else { return moved };
            // An equal share for everybody who waits, so that one person's thousand tasks do not stop another's one.
            let share = free.div_ceil(self.ready.len() + 1);
            match self.serve(inner, person, &database, due, share).await {
                Ok(claimed) => {
                    moved |= claimed > 0 || due.expired || due.schedules;
                    if claimed >= share {
                        let due = Due { tasks: true, expired: false, schedules: false };
                        self.ready.push_back((person, database, due));
                    }
                }
                Err(error) => tracing::warn!(%person, %error, "could not claim tasks of {person}: {error}"),
            }
        }
    }

    async fn serve(
        &mut self,
        inner: &Arc<Inner>,
        person: PersonId,
        database: &Database,
        due: Due,
        share: usize,
    ) -> Result<usize, QueueError> {
        if due.schedules {
            inner.queue.fire_due(database).await?;
        }
        let now = inner.queue.now();
        let mut tx = database.begin().await?;
        if due.expired {
            let reaped = reap(&mut tx, database, Gone::Silent(now), now).await?;
            metric::reaped(reaped.len());
            // A run of our own may be among them, if this process was paused.
            inner.queue.stop_runs(&reaped);
        }
        let mut claimed: Vec<(usize, Claimed)> = Vec::new();
        for (index, group) in inner.groups.iter().enumerate() {
            let wanted = share - claimed.len().min(share);
            let room = inner.room(index).min(wanted);
            if group.limit.is_some() && room < wanted {
                self.starved.insert(person);
            }
            if room == 0 {
                continue;
            }
            let found = claim(&mut tx, database, &group.claim, room, &inner.options.name, now).await?;
            claimed.extend(found.into_iter().map(|task| (index, task)));
        }
        let tasks: Vec<Claimed> = claimed.iter().map(|(_, task)| task.clone()).collect();
        if tasks.is_empty() && !due.expired {
            tx.rollback().await?;
            return Ok(0);
        }
        if !tasks.is_empty() {
            aerie_events::append_all(&mut tx, claim_notices(&tasks, now)).await?;
        }
        inner.queue.commit_quietly(tx, person).await?;
        let count = claimed.len();
        for (group, task) in claimed {
            metric::claimed(&task.lease.kind);
            let slot = inner.take_slot(group);
            inner.tracker.spawn(run::run(Arc::clone(inner), database.clone(), person, task, slot));
        }
        Ok(count)
    }
}
