//! The one person of an installation without accounts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aerie_rpc::{PersonId, RpcError};
use aerie_store::PersonId as AccountId;
use aerie_tasks::Clock;
use chrono::{DateTime, TimeDelta, Utc};

use crate::accounts::AccountStore;

/// For how long is believed who it is: another program may delete everything of theirs, which makes a new person of them.
const REMEMBERED_FOR: TimeDelta = TimeDelta::seconds(1);

/// Whoever sits at this machine.
#[derive(Debug)]
pub(super) enum Local {
    /// Always the same.
    Fixed(PersonId),
    /// Whoever the store says.
    Stored { store: AccountStore, clock: Arc<dyn Clock>, known: Mutex<Option<(AccountId, DateTime<Utc>)>> },
}

impl Local {
    pub(super) fn of_store(store: AccountStore, clock: Arc<dyn Clock>) -> Self {
        Self::Stored { store, clock, known: Mutex::default() }
    }

    /// Who it is now.
    pub(super) async fn person(&self) -> Result<PersonId, RpcError> {
        let (store, clock, known) = match self {
            Self::Fixed(person) => return Ok(person.clone()),
            Self::Stored { store, clock, known } => (store, clock, known),
        };
        let now = clock.now();
        let is_fresh = |at: DateTime<Utc>| (TimeDelta::zero()..REMEMBERED_FOR).contains(&(now - at));
        let remembered = *lock(known);
        let person = match remembered {
            Some((person, at)) if is_fresh(at) && !store.is_deleted(person) => person,
            _ => {
                let person = store.local_person(now).await?;
                *lock(known) = Some((person, now));
                person
            }
        };
        PersonId::new(person.to_string())
    }

    /// Asks the store at the next call.
    pub(super) fn forget(&self) {
        if let Self::Stored { known, .. } = self {
            *lock(known) = None;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
