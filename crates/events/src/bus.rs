//! Wake-ups: who should look at their rows again.

use std::{fmt::Debug, time::Duration};

use aerie_store::{PersonId, Tx};
use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::EventError;

/// "Look at the rows again." Carries no content: whoever listens re-reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// This person's log has grown.
    Person(PersonId),
    /// Any log may have grown: wake-ups of other processes may have been lost.
    Everybody,
}

impl Wake {
    /// Whether a reader of this person's log is meant.
    #[must_use]
    pub fn concerns(self, reader: PersonId) -> bool {
        match self {
            Self::Person(person) => person == reader,
            Self::Everybody => true,
        }
    }
}

/// Carries wake-ups from writers to subscribers, inside a process or between them.
#[async_trait]
pub trait EventBus: Debug + Send + Sync {
    /// Announces the change of a person's log within its transaction, for buses that are part of the database or keep
    /// an outbox there.
    async fn announce(&self, _tx: &mut Tx, _person: PersonId) -> Result<(), EventError> {
        Ok(())
    }

    /// Announces the change after its transaction was committed.
    fn publish(&self, wake: Wake);

    /// Wake-ups from now on. A receiver that falls behind sees `Lagged`, which means no more than "look again".
    fn listen(&self) -> broadcast::Receiver<Wake>;

    /// How long a subscriber waits for a wake-up before it looks by itself. Short where other processes may write
    /// without a word.
    fn poll(&self) -> Duration {
        Duration::from_secs(2)
    }
}

/// Wake-ups within one process.
#[derive(Debug, Clone)]
pub struct LocalBus {
    sender: broadcast::Sender<Wake>,
}

impl LocalBus {
    /// A bus that keeps `capacity` wake-ups for slow listeners before they lag.
    pub fn new(capacity: usize) -> Self {
        Self { sender: broadcast::Sender::new(capacity.max(1)) }
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new(1024)
    }
}

#[async_trait]
impl EventBus for LocalBus {
    fn publish(&self, wake: Wake) {
        // Fails only when nobody listens.
        let _ = self.sender.send(wake);
    }

    fn listen(&self) -> broadcast::Receiver<Wake> {
        self.sender.subscribe()
    }
}

/// Commits a transaction that appended events and wakes the person's subscribers.
///
/// Dying between the commit and the wake-up loses nothing: subscribers also look on their own now and then.
pub async fn commit(mut tx: Tx, bus: &dyn EventBus, person: PersonId) -> Result<(), EventError> {
    bus.announce(&mut tx, person).await?;
    tx.commit().await?;
    bus.publish(Wake::Person(person));
    Ok(())
}
