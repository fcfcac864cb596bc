//! What the subscribers of one person share within a process: the wake-ups, and the newest events in memory.

use std::{
    collections::{HashMap, VecDeque},
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use aerie_store::{Database, PersonId, StoreError};
use tokio::{sync::watch, time::Instant};

use crate::{Bounds, Event, EventError, read::read_after};

/// Most of a person's newest events that are kept in memory while somebody subscribes to them.
const MOST_NEWEST: usize = 256;

/// One person's log as the subscribers of this process see it. However many they are, what is new is read once.
#[derive(Debug)]
pub struct Feed {
    person: PersonId,
    /// Counts the wake-ups.
    wakes: watch::Sender<u64>,
    newest: Mutex<Newest>,
    /// Held by whoever reads the store. Only within [`driven`]: a subscriber may not be polled for as long as its client
    /// likes, and would keep all others from reading.
    reading: tokio::sync::Mutex<()>,
    feeds: Weak<Feeds>,
}

/// The feeds of everybody with a subscriber.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    people: Mutex<HashMap<PersonId, Weak<Feed>>>,
}

/// The end of a log, without gaps: every event after `from` up to `last`.
#[derive(Debug, Default)]
struct Newest {
    from: i64,
    last: i64,
    events: VecDeque<Arc<Event>>,
    /// When it was read from the store, if ever.
    read_at: Option<Instant>,
    /// How many wake-ups had come before that.
    seen: u64,
}

/// What a feed knows of the events after a position.
#[derive(Debug)]
pub(crate) enum Known {
    /// The next ones, up to `through`; `last` is the end of the log.
    Events { events: Vec<Arc<Event>>, through: i64, last: i64 },
    /// They begin before what is kept in memory: read the store.
    Older,
    /// The log ends at `last`, before the position.
    Beyond { last: i64 },
}

impl Feeds {
    /// The feed of a person, made when nobody subscribes to it yet.
    pub(crate) fn of(self: &Arc<Self>, person: PersonId) -> Arc<Feed> {
        let mut people = self.people();
        if let Some(feed) = people.get(&person).and_then(Weak::upgrade) {
            return feed;
        }
        let feed = Arc::new(Feed {
            person,
            wakes: watch::Sender::new(0),
            newest: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            feeds: Arc::downgrade(self),
        });
        people.insert(person, Arc::downgrade(&feed));
        feed
    }

    /// Wakes the subscribers of a person.
    pub(crate) fn wake(&self, person: PersonId) {
        // Let go of the table first: the last owner of a feed takes it to leave it.
        let feed = self.people().get(&person).and_then(Weak::upgrade);
        if let Some(feed) = feed {
            feed.wake();
        }
    }

    /// Wakes every subscriber.
    pub(crate) fn wake_everybody(&self) {
        let feeds: Vec<Arc<Feed>> = self.people().values().filter_map(Weak::upgrade).collect();
        feeds.iter().for_each(|feed| feed.wake());
    }

    fn people(&self) -> MutexGuard<'_, HashMap<PersonId, Weak<Feed>>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    /// Changes with each wake-up.
    pub(crate) fn wakes(&self) -> watch::Receiver<u64> {
        self.wakes.subscribe()
    }

    fn wake(&self) {
        self.wakes.send_modify(|count| *count += 1);
    }

    /// Up to `limit` events after `position` (none after the end of the log as it is now, when that is left out).
    ///
    /// Reads the store only if nobody did since wake-up number `wake` or for `poll`; subscribers that ask meanwhile wait for
    /// that one read.
    pub(crate) async fn after(
        self: &Arc<Self>,
        database: &Database,
        position: Option<i64>,
        limit: usize,
        wake: u64,
        poll: Duration,
    ) -> Result<Known, EventError> {
        if self.newest().is_stale(position, wake, poll) {
            let (this, database) = (Arc::clone(self), database.clone());
            driven(async move { this.read(&database, position, wake, poll).await }).await?;
        }
        Ok(self.newest().after(position, limit))
    }

    /// Reads what is new, unless somebody just did.
    async fn read(
        &self,
        database: &Database,
        position: Option<i64>,
        wake: u64,
        poll: Duration,
    ) -> Result<(), EventError> {
        let _only_one = self.reading.lock().await;
        let (last, seen) = {
            let newest = self.newest();
            if !newest.is_stale(position, wake, poll) {
                return Ok(());
            }
            (newest.last, newest.seen)
        };
        let (at, wakes) = (Instant::now(), *self.wakes.borrow());
        let mut tx = database.read().await?;
        let (bounds, events) = read_after(&mut tx, last, &[], MOST_NEWEST).await?;
        tx.rollback().await?;
        let mut newest = self.newest();
        newest.take(bounds, events);
        (newest.read_at, newest.seen) = (Some(at), wakes);
        if seen == wakes && newest.last != last {
            // Found without having been woken: the others do not know yet, and need not read it again.
            newest.seen = wakes + 1;
            self.wake();
        }
        Ok(())
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        // What is under the lock is replaced whole or not at all.
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a read to its end in a task of its own, whether or not the subscriber that asks is polled meanwhile: what a read holds (a
/// turn, a connection) is never held by somebody who waits for a slow client.
pub(crate) async fn driven<T: Send + 'static>(
    read: impl Future<Output = Result<T, EventError>> + Send + 'static,
) -> Result<T, EventError> {
    match tokio::spawn(read).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(error) => Err(StoreError::Unavailable { detail: error.to_string() }.into()),
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let Some(feeds) = self.feeds.upgrade() else { return };
        let mut people = feeds.people();
        // Somebody may have made a new one since.
        if people.get(&self.person).is_some_and(|feed| feed.strong_count() == 0) {
            people.remove(&self.person);
        }
    }
}

impl Newest {
    fn is_stale(&self, position: Option<i64>, wake: u64, poll: Duration) -> bool {
        // A position beyond the end was told by a process that has seen more.
        self.seen < wake
            || self.read_at.is_none_or(|at| at.elapsed() >= poll)
            || position.is_none_or(|position| position > self.last)
    }

    /// Takes up what the store has after the end that was known.
    fn take(&mut self, bounds: Bounds, events: Vec<Event>) {
        let is_whole = events.last().map_or(self.last, |event| event.sequence) == bounds.last;
        if self.read_at.is_some() && is_whole && bounds.can_replay_after(self.last) {
            self.events.extend(events.into_iter().map(Arc::new));
            let excess = self.events.len().saturating_sub(MOST_NEWEST);
            if let Some(dropped) = self.events.drain(..excess).next_back() {
                self.from = dropped.sequence;
            }
        } else {
            // The first look, more than is kept, or another log than the one before: only what comes from now on.
            self.events.clear();
            self.from = bounds.last;
        }
        self.last = bounds.last;
    }

    fn after(&self, position: Option<i64>, limit: usize) -> Known {
        let position = position.unwrap_or(self.last);
        if position > self.last {
            return Known::Beyond { last: self.last };
        }
        if position < self.from {
            return Known::Older;
        }
        let known = self.events.partition_point(|event| event.sequence <= position);
        let events: Vec<Arc<Event>> = self.events.range(known..).take(limit).cloned().collect();
        let through =
            if events.len() < limit { self.last } else { events.last().map_or(self.last, |event| event.sequence) };
        Known::Events { events, through, last: self.last }
    }
}
