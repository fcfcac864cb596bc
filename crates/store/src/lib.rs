//! The database (SQLite with SQLCipher, or PostgreSQL), tenancy, migrations and repositories.
//!
//! [`Database`] speaks to one store in one scope and knows both engines; the repositories above it are written once,
//! against `$1` parameters and the typed [`Value`]. Where the two engines need different words the repository says so
//! with [`Database::engine`]. [`Stores`] opens the platform store and the store of each person.

mod database;
mod error;
mod keys;
mod migrations;
mod row;
mod stores;
mod value;

pub use database::{Database, Engine, Scope, Tx};
pub use error::StoreError;
pub use keys::ServerSecret;
pub use row::Row;
pub use stores::{PersonId, Stores, StoresConfig};
pub use value::Value;
