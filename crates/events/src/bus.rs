//! Wake-ups: who should look at their rows again.

use std::{fmt::Debug, sync::Arc, time::Duration};

use aerie_store::{PersonId, Tx};
use async_trait::async_trait;

use crate::{
    EventError,
    feed::{Feed, Feeds},
};

/// "Look at the rows again." Carries no content: whoever listens re-reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// This person's log has grown.
    Person(PersonId),
    /// Any log may have grown: wake-ups of other processes may have been lost.
    Everybody,
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

    /// What the subscribers of a person share in this process.
    fn feed(&self, person: PersonId) -> Arc<Feed>;

    /// How long a subscriber waits for a wake-up before it looks by itself. Short where other processes may write
    /// without a word.
    fn poll(&self) -> Duration {
        Duration::from_secs(2)
    }
}

/// Wake-ups within one process.
#[derive(Debug, Clone, Default)]
pub struct LocalBus {
    feeds: Arc<Feeds>,
}

#[async_trait]
impl EventBus for LocalBus {
    fn publish(&self, wake: Wake) {
        match wake {
            Wake::Person(person) => self.feeds.wake(person),
            Wake::Everybody => self.feeds.wake_everybody(),
        }
    }

    fn feed(&self, person: PersonId) -> Arc<Feed> {
        self.feeds.of(person)
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
