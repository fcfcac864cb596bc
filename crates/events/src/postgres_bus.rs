//! Wake-ups between processes that share a PostgreSQL server.

use std::{fmt, sync::Arc, time::Duration};

use aerie_store::{PersonId, Tx};
use async_trait::async_trait;
use uuid::Uuid;

use crate::{EventBus, EventError, LocalBus, Wake, feed::Feed};

/// Name of the notification channel.
pub const CHANNEL: &str = "aerie_wake";

/// Every writer announces here, and a lost connection is made up for when it is back.
const POLL: Duration = Duration::from_secs(10);

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

impl Default for PostgresBus {
    fn default() -> Self {
        Self { local: LocalBus::default(), origin: Uuid::new_v4() }
    }
}

impl PostgresBus {
    /// Takes the payload of a notification. Returns whose log has grown if it came from another process; anything that
    /// no bus wrote is ignored.
    pub fn hear(&self, payload: &str) -> Option<PersonId> {
        let (person, origin) = payload.split_once(' ')?;
        if Uuid::parse_str(origin).ok()? == self.origin {
            return None;
        }
        let person = Uuid::parse_str(person).ok()?;
        self.local.publish(Wake::Person(person));
        Some(person)
    }

    /// Tells every subscriber to look: hearing has just begun, and what was said before was not heard.
    pub fn begin_hearing(&self) {
        self.local.publish(Wake::Everybody);
    }
}

#[async_trait]
impl EventBus for PostgresBus {
    async fn announce(&self, tx: &mut Tx, person: PersonId) -> Result<(), EventError> {
        let payload = format!("{person} {}", self.origin);
        tx.fetch_all("select pg_notify($1, $2) is null", vec![CHANNEL.into(), payload.into()]).await?;
        Ok(())
    }

    fn publish(&self, wake: Wake) {
        self.local.publish(wake);
    }

    fn feed(&self, person: PersonId) -> Arc<Feed> {
        self.local.feed(person)
    }

    fn poll(&self) -> Duration {
        POLL
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hears_others_and_ignores_itself_and_noise() {
        let bus = PostgresBus::default();
        let person = Uuid::now_v7();
        let feed = bus.feed(person);
        let mut wakes = feed.wakes();
        assert_eq!(bus.hear(&format!("{person} {}", Uuid::new_v4())), Some(person));
        assert!(wakes.has_changed().unwrap());
        wakes.mark_unchanged();
        for noise in [format!("{person} {}", bus.origin), String::new(), "a b".to_owned(), person.to_string()] {
            assert_eq!(bus.hear(&noise), None, "{noise:?}");
        }
        assert!(!wakes.has_changed().unwrap());
        bus.begin_hearing();
        assert!(wakes.has_changed().unwrap());
    }
}
