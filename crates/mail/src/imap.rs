//! Reads a mailbox over IMAP without changing it: `EXAMINE` and `BODY.PEEK` only, in small batches, each message once.
//!
//! What was read is remembered as a [`MailboxState`] (RFC 3501 `UIDVALIDITY` and `UID`, RFC 7162 `MODSEQ`). The caller
//! stores it together with each [`Batch`]; a sync that is cut off goes on behind the last stored batch. When the server
//! numbers a mailbox anew, the whole mailbox is read again and `renumbered` says so: messages are then recognised by
//! their `Message-ID`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

mod connect;
mod mailboxes;
mod names;
mod search;
mod sync;

pub use connect::{Account, Connection, Security};
pub use mailboxes::{MailboxInfo, sent_mailbox};
pub use names::{decode_name, encode_name};
pub use search::Criterion;
pub use sync::{Batch, FetchedMessage, MailboxSync, SyncOptions};

/// Longest wait for one answer of a server.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// What was read of a mailbox so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxState {
    /// Under which numbering; 0 before the first sync.
    pub uid_validity: u32,
    /// Every message up to this number was read.
    pub last_uid: u32,
    /// State of the mailbox after the last complete sync: the same one means that nothing changed.
    pub modseq: Option<u64>,
}

/// Why a mailbox cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    /// No connection.
    #[error("cannot reach {host}:{port}: {source}; check host, port and network")]
    Connect {
        /// Host.
        host: String,
        /// Port.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// The certificate, or the handshake, is not acceptable.
    #[error("no encrypted connection with {host}: {reason}; check the host's name and its certificate")]
    Tls {
        /// Host.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// User or password are not accepted.
    #[error("{host} does not accept the user or the password: {reason}; many providers want a password for programs")]
    Login {
        /// Host.
        host: String,
        /// What the server says.
        reason: String,
    },
    /// There is no mailbox of that name.
    #[error("cannot open the mailbox `{mailbox}`: {reason}")]
    Mailbox {
        /// Name.
        mailbox: String,
        /// What the server says.
        reason: String,
    },
    /// The server did not answer in time.
    #[error("the mail server did not answer within {} seconds", ANSWER_TIMEOUT.as_secs())]
    Timeout,
    /// An answer that cannot be used.
    #[error("the mail server answered: {0}")]
    Protocol(#[from] async_imap::error::Error),
    /// The server closed the connection.
    #[error("the mail server closed the connection")]
    Closed,
}

/// Waits for one answer, but not for ever.
async fn answer<T, E: Into<ImapError>>(future: impl Future<Output = Result<T, E>>) -> Result<T, ImapError> {
    tokio::time::timeout(ANSWER_TIMEOUT, future).await.map_err(|_| ImapError::Timeout)?.map_err(Into::into)
}
