//! Replay, then live: one stream without gaps or duplicates.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use aerie_store::{Database, PersonId};
use chrono::Utc;
use futures::{Stream, stream};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, timeout_at},
};

use crate::{
    Event, EventBus, EventError, Wake, person_of,
    read::{bounds, read_after},
};

/// What a subscriber receives.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// The next event.
    Event(Event),
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
    // Listening starts before the first read: what is committed in between is found by that read or wakes us.
    let wakes = bus.listen();
    let poll = options.poll.unwrap_or_else(|| bus.poll());
    let reader = person_of(&database).map(|person| Reader {
        database,
        person,
        wakes,
        options,
        poll,
        position: after,
        tells_start,
        ready: VecDeque::new(),
        caught_up: false,
        lag: Lag::default(),
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
    wakes: Receiver<Wake>,
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
                self.wait().await;
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

    /// Waits until the person's log may have grown.
    async fn wait(&mut self) {
        let deadline = Instant::now() + self.poll;
        loop {
            match timeout_at(deadline, self.wakes.recv()).await {
                Ok(Ok(wake)) if !wake.concerns(self.person) => {}
                Ok(Err(RecvError::Closed)) => return tokio::time::sleep_until(deadline).await,
                // Ours, a lag (which may hide ours), or time to look anyway.
                Ok(Ok(_)) | Ok(Err(RecvError::Lagged(_))) | Err(_) => return,
            }
        }
    }

    /// Reads the next page.
    async fn read(&mut self) -> Result<(), EventError> {
        let mut tx = self.database.read().await?;
        let Some(position) = self.position else {
            let latest = bounds(&mut tx).await?.last;
            self.position = Some(latest);
            self.caught_up = true;
            self.lag.is_live = true;
            self.ready.extend(self.tells_start.then_some(Delivery::Resync { latest }));
            return Ok(tx.rollback().await?);
        };
        let limit = self.options.page.max(1);
        let (bounds, events) = read_after(&mut tx, position, &self.options.kinds, limit).await?;
        tx.rollback().await?;
        if !bounds.can_replay_after(position) {
            self.position = Some(bounds.last);
            self.ready.push_back(Delivery::Resync { latest: bounds.last });
            return Ok(());
        }
        // A short page means that nothing of interest is left up to the end.
        self.caught_up = events.len() < limit;
        self.position = match events.last() {
            Some(event) if !self.caught_up => Some(event.sequence),
            _ => Some(bounds.last),
        };
        for event in &events {
            self.lag.tell(event);
        }
        // Whoever has come to the end once hears of everything after it as it happens.
        self.lag.is_live |= self.caught_up;
        self.ready.extend(events.into_iter().map(Delivery::Event));
        Ok(())
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
