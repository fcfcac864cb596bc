//! Replay, then live: one stream without gaps or duplicates.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use aerie_store::{Database, PersonId};
use chrono::Utc;
use futures::{Stream, stream};
use tokio::{sync::watch, time::timeout};

use crate::{
    Event, EventBus, EventError,
    feed::{Feed, Known, driven},
    person_of,
    read::read_after,
};

/// What a subscriber receives.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// The next event.
    Event(Arc<Event>),
    /// Events between the subscriber's position and `latest` cannot be told any more: read the state afresh. The
    /// stream goes on with the events after `latest`.
    Resync {
        /// Position from which the stream goes on.
        latest: i64,
    },
}

/// How a subscription reads.
#[derive(Debug, Clone)]
pub struct SubscribeOptions {
    /// Only events of these kinds; all when empty.
    pub kinds: Vec<String>,
    /// Most events held in memory for a slow reader; the rest waits in the store.
    pub page: usize,
    /// How long a lost wake-up can delay an event; as the bus needs it when left out.
    pub poll: Option<Duration>,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        Self { kinds: Vec::new(), page: 256, poll: None }
    }
}

/// Streams the events of a person's store after sequence `after`: first what the store still has, then each new one
/// as it is committed. `None` starts at the present end.
///
/// The stream reads only when it is polled, so a slow reader costs one page of memory. An error that may pass (a busy
/// store) is retried inside; any other ends the stream.
pub fn subscribe(
    database: Database,
    bus: Arc<dyn EventBus>,
    after: Option<i64>,
    options: SubscribeOptions,
) -> impl Stream<Item = Result<Delivery, EventError>> + Send + 'static {
    stream_of(database, bus, after, options, false)
}

/// For a reader of rows that wants to know when to read them again: first [`Delivery::Resync`] with the present end, then
/// every event after it. Rows that are read when the first delivery has come are followed without a gap; rows that are read
/// before a stream from the "present end" is polled are not, as that end is looked up only then.
pub fn changes(
    database: Database,
    bus: Arc<dyn EventBus>,
    options: SubscribeOptions,
) -> impl Stream<Item = Result<Delivery, EventError>> + Send + 'static {
    stream_of(database, bus, None, options, true)
}

fn stream_of(
    database: Database,
    bus: Arc<dyn EventBus>,
    after: Option<i64>,
    options: SubscribeOptions,
    tells_start: bool,
) -> impl Stream<Item = Result<Delivery, EventError>> + Send + 'static {
    let poll = options.poll.unwrap_or_else(|| bus.poll());
    let reader = person_of(&database).map(|person| {
        let feed = bus.feed(person);
        Reader {
            database,
            person,
            // Listening starts before the first read: what is committed in between is found by that read or wakes us.
            wakes: feed.wakes(),
            feed,
            options,
            poll,
            position: after,
            tells_start,
            ready: VecDeque::new(),
            caught_up: false,
            lag: Lag::default(),
        }
    });
    stream::unfold(Some(reader), |reader| async move {
        let mut reader = match reader? {
            Ok(reader) => reader,
            Err(error) => return Some((Err(error), None)),
        };
        match reader.next().await {
            Ok(delivery) => Some((Ok(delivery), Some(Ok(reader)))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

struct Reader {
    database: Database,
    person: PersonId,
    feed: Arc<Feed>,
    wakes: watch::Receiver<u64>,
    options: SubscribeOptions,
    poll: Duration,
    position: Option<i64>,
    /// Whether the present end is a delivery of its own.
    tells_start: bool,
    ready: VecDeque<Delivery>,
    /// The last read found nothing more.
    caught_up: bool,
    lag: Lag,
}

impl Reader {
    async fn next(&mut self) -> Result<Delivery, EventError> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Ok(delivery);
            }
            if self.caught_up {
                // Woken, or time to look anyway.
                let _ = timeout(self.poll, self.wakes.changed()).await;
            }
            match self.read().await {
                Ok(()) => {}
                Err(error) if error.is_transient() => {
                    tracing::warn!(person = %self.person, %error, "could not read events of {}: {error}", self.person);
                    self.caught_up = true;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the next page.
    async fn read(&mut self) -> Result<(), EventError> {
        let wake = *self.wakes.borrow_and_update();
        let limit = self.options.page.max(1);
        match self.feed.after(&self.database, self.position, limit, wake, self.poll).await? {
            Known::Events { events, through, last } => {
                let is_start = self.position.is_none();
                self.ready.extend((is_start && self.tells_start).then_some(Delivery::Resync { latest: last }));
                let kinds = &self.options.kinds;
                let wanted =
                    events.into_iter().filter(|event| kinds.is_empty() || kinds.contains(&event.kind)).collect();
                self.take(wanted, through, through == last);
            }
            Known::Older => self.read_store(limit).await?,
            Known::Beyond { last } => self.resync(last),
        }
        Ok(())
    }

    /// Reads the next page of what nobody keeps in memory.
    async fn read_store(&mut self, limit: usize) -> Result<(), EventError> {
        let position = self.position.unwrap_or_default();
        let (database, kinds) = (self.database.clone(), self.options.kinds.clone());
        let page = async move {
            let mut tx = database.read().await?;
            let page = read_after(&mut tx, position, &kinds, limit).await?;
            tx.rollback().await?;
            Ok(page)
        };
        let (bounds, events) = driven(page).await?;
        if !bounds.can_replay_after(position) {
            self.resync(bounds.last);
            return Ok(());
        }
        // A short page means that nothing of interest is left up to the end.
        let caught_up = events.len() < limit;
        let through = events.last().filter(|_| !caught_up).map_or(bounds.last, |event| event.sequence);
        self.take(events.into_iter().map(Arc::new).collect(), through, caught_up);
        Ok(())
    }

    fn take(&mut self, events: Vec<Arc<Event>>, through: i64, caught_up: bool) {
        for event in &events {
            self.lag.tell(event);
        }
        self.ready.extend(events.into_iter().map(Delivery::Event));
        self.position = Some(through);
        self.caught_up = caught_up;
        // Whoever has come to the end once hears of everything after it as it happens.
        self.lag.is_live |= caught_up;
    }

    fn resync(&mut self, latest: i64) {
        self.position = Some(latest);
        self.ready.push_back(Delivery::Resync { latest });
    }
}

/// How late events reach a subscriber; those that it missed while it was away are old, and say nothing about that.
#[derive(Debug, Default)]
struct Lag {
    is_live: bool,
}

impl Lag {
    fn tell(&self, event: &Event) {
        if self.is_live {
            let late = (Utc::now() - event.at).to_std().unwrap_or_default();
            metrics::histogram!("aerie_events_delivery_seconds").record(late.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aerie_telemetry::Metrics;
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn only_what_happens_while_somebody_listens_counts_as_late() {
        let metrics = Metrics::install().unwrap();
        let (kind, data) = ("task.completed".to_owned(), serde_json::Value::Null);
        let event = Event { sequence: 1, kind, subject_id: None, data, at: Utc::now() - TimeDelta::seconds(30) };
        let mut lag = Lag::default();
        lag.tell(&event);
        assert!(!metrics.render().contains("aerie_events_delivery_seconds"), "{}", metrics.render());
        lag.is_live = true;
        lag.tell(&event);
        let text = metrics.render();
        assert!(text.contains("aerie_events_delivery_seconds_bucket{le=\"10\"} 0"), "{text}");
        assert!(text.contains("aerie_events_delivery_seconds_bucket{le=\"60\"} 1"), "{text}");
    }
}
