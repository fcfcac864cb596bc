//! Every change as a numbered event: written with the change, replayed to whoever was away.
//!
//! An event is a row of the person's store, appended in the transaction of the change that it tells of ([`append`]).
//! Its sequence follows the order of commits and has no gaps, so a reader that knows the last sequence it saw knows
//! what it missed. Wake-ups ([`EventBus`]) only say "look again"; losing one costs a polling interval, never an event.

mod append;
mod bus;
mod error;
mod feed;
mod nats_bus;
mod postgres_bus;
mod prune;
mod read;
mod subscribe;

pub use append::{Event, NewEvent, append, append_all};
pub use bus::{EventBus, LocalBus, Wake, commit};
pub use error::EventError;
pub use feed::Feed;
pub use nats_bus::{NatsBus, NatsOptions};
pub use postgres_bus::{CHANNEL, PostgresBus};
pub use prune::{Retention, prune};
pub use read::{Bounds, bounds, read_after};
pub use subscribe::{Delivery, SubscribeOptions, changes, subscribe};

use aerie_store::{Database, PersonId, Scope};

/// The person whose store this is; events belong to a person, so other scopes are an error.
pub fn person_of(database: &Database) -> Result<PersonId, EventError> {
    match database.scope() {
        Scope::Person(person) => Ok(person),
        scope => Err(EventError::NoPerson { place: database.place(), scope: format!("{scope:?}") }),
    }
}
