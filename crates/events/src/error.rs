//! What can go wrong with events.

use aerie_store::StoreError;

/// An error of the event log.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Events were asked of a scope that has none.
    #[error("{place}: scope {scope} has no events; use the store of one person")]
    NoPerson {
        /// File or server.
        place: String,
        /// The scope that was given.
        scope: String,
    },
    /// An event that cannot be written or read as JSON.
    #[error("event {kind:?}: its data is not JSON ({detail})")]
    Data {
        /// The event's kind.
        kind: String,
        /// What was wrong.
        detail: String,
    },
    /// An event larger than readers accept.
    #[error(
        "event {kind:?} has {found} bytes of data, at most {most} are kept; put the content into a row and its id here"
    )]
    TooLarge {
        /// The event's kind.
        kind: String,
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        most: usize,
    },
    /// The message bus did not do what was asked.
    #[error("NATS: {detail}")]
    Nats {
        /// What it said.
        detail: String,
    },
    /// Wake-ups between processes were asked for where one process works alone.
    #[error(
        "events.bus is {bus}, which needs a PostgreSQL store; set store.url to a postgres:// address, or events.bus to auto"
    )]
    NoServer {
        /// The bus.
        bus: &'static str,
    },
    /// The message bus has an address that cannot be read. The address itself may hold a password.
    #[error("events.nats_url: {reason}; write nats://host:4222, several parted by commas")]
    BadAddress {
        /// What was wrong.
        reason: String,
    },
}

impl EventError {
    /// Whatever the client of the message bus says.
    pub(crate) fn nats(error: impl std::fmt::Display) -> Self {
        Self::Nats { detail: error.to_string() }
    }

    /// Whether the same call may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }
}
