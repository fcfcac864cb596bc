//! The database (SQLite with SQLCipher, or PostgreSQL), tenancy, migrations and repositories.
//!
//! [`Database`] speaks to one store in one scope and knows both engines; the repositories above it are written once,
//! against `$1` parameters and the typed [`Value`]. Where the two engines need different words the repository says so
//! with [`Database::engine`]. [`Stores`] opens the platform store and the store of each person.

pub mod access;
pub mod accounts;
pub mod backup;
mod batch;
pub mod catalogue;
pub mod copying;
mod database;
pub mod deletions;
mod error;
pub mod foreign;
pub mod integrations;
pub mod jobs;
mod json;
mod keys;
pub mod mail;
pub mod materials;
mod migrations;
mod postgres;
mod private;
pub mod profiles;
mod row;
pub mod runs;
mod sealing;
pub mod sources;
mod stores;
pub mod surveys;
pub mod tracking;
mod value;

pub use database::{Database, Engine, Scope, Tx};
pub use error::StoreError;
pub use keys::ServerSecret;
pub use postgres::ServerOptions;
pub use private::seal_existing;
pub use row::Row;
pub use sealing::Sealed;
pub use stores::{PersonId, Stores, StoresConfig};
pub use value::Value;

#[cfg(test)]
mod tests {
    /// Every repository function is awaited inside spawned tasks.
    #[test]
    fn futures_can_be_sent() {
        fn assert_send<T: Send>(_: &T) {}
        fn check(tx: &mut crate::Tx) {
            assert_send(&crate::jobs::list(tx, &Default::default(), Default::default(), None, 1));
            assert_send(&crate::catalogue::for_each_match_features(tx, |_, _| Ok(())));
            assert_send(&crate::catalogue::keys_lookup(tx, &[]));
        }
        let _ = check;
    }
}
