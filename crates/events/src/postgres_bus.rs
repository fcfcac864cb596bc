//! Wake-ups between processes that share a PostgreSQL server.

use std::fmt;

use aerie_store::Tx;
use async_trait::async_trait;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{EventBus, EventError, LocalBus, Wake};

/// Name of the notification channel.
pub const CHANNEL: &str = "aerie_wake";

/// Sends wake-ups with `NOTIFY` in the transaction of the change: the server passes them on exactly if it commits, so
/// there is nothing to lose between the two. Payloads are ids only.
///
/// Hearing needs a connection of its own, which somebody else owns (`aerie_tasks::listen`); what it hears it hands to
/// [`PostgresBus::hear`].
pub struct PostgresBus {
    local: LocalBus,
    /// Tells our own notifications apart; within the process they were passed on already.
    origin: Uuid,
}

impl fmt::Debug for PostgresBus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgresBus").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl PostgresBus {
    /// A bus that keeps `capacity` wake-ups for slow listeners before they lag.
    pub fn new(capacity: usize) -> Self {
        Self { local: LocalBus::new(capacity), origin: Uuid::new_v4() }
    }

    /// Takes the payload of a notification. Returns the wake-up if it came from another process; anything that this
    /// bus did not write is ignored.
    pub fn hear(&self, payload: &str) -> Option<Wake> {
        let (person, origin) = payload.split_once(' ')?;
        if Uuid::parse_str(origin).ok()? == self.origin {
            return None;
        }
        let wake = Wake { person: Uuid::parse_str(person).ok()? };
        self.local.publish(wake);
        Some(wake)
    }
}

#[async_trait]
impl EventBus for PostgresBus {
    async fn announce(&self, tx: &mut Tx, wake: Wake) -> Result<(), EventError> {
        let payload = format!("{} {}", wake.person, self.origin);
        tx.fetch_all("select pg_notify($1, $2) is null", vec![CHANNEL.into(), payload.into()]).await?;
        Ok(())
    }

    fn publish(&self, wake: Wake) {
        self.local.publish(wake);
    }

    fn listen(&self) -> broadcast::Receiver<Wake> {
        self.local.listen()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hears_others_and_ignores_itself_and_noise() {
        let bus = PostgresBus::new(4);
        let mut heard = bus.listen();
        let person = Uuid::now_v7();
        assert_eq!(bus.hear(&format!("{person} {}", Uuid::new_v4())), Some(Wake { person }));
        assert_eq!(heard.try_recv().unwrap(), Wake { person });
        for noise in [format!("{person} {}", bus.origin), String::new(), "a b".to_owned(), person.to_string()] {
            assert_eq!(bus.hear(&noise), None, "{noise:?}");
        }
        assert!(heard.try_recv().is_err());
    }
}
