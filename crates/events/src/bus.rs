//! Wake-ups: who should look at their rows again.

use std::fmt::Debug;

use aerie_store::{PersonId, Tx};
use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::EventError;

/// "This person's log has grown." Carries no content: whoever listens re-reads the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// Whose log.
    pub person: PersonId,
}

/// Carries wake-ups from writers to subscribers, inside a process or between them.
#[async_trait]
pub trait EventBus: Debug + Send + Sync {
    /// Announces the change within its transaction, for buses that are part of the database.
    async fn announce(&self, _tx: &mut Tx, _wake: Wake) -> Result<(), EventError> {
        Ok(())
    }

    /// Announces the change after its transaction was committed.
    fn publish(&self, wake: Wake);

    /// Wake-ups from now on. A receiver that falls behind sees `Lagged`, which means no more than "look again".
    fn listen(&self) -> broadcast::Receiver<Wake>;
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
    let wake = Wake { person };
    bus.announce(&mut tx, wake).await?;
    tx.commit().await?;
    bus.publish(wake);
    Ok(())
}
