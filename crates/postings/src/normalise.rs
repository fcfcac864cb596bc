//! From what a source said to a posting.

use chrono::{DateTime, Utc};

use crate::{Posting, RawPosting};

/// Why a raw posting is not a posting. The row is dropped and counted; the board goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No title, or an empty one.
    #[error("posting has no title")]
    NoTitle,
    /// No absolute http(s) address.
    #[error("posting has no usable address (found {0:?}; it must start with http:// or https://)")]
    NoUrl(Option<String>),
}

/// Normalises one posting as seen at `now` (relative dates count back from it).
pub fn normalise(raw: RawPosting, now: DateTime<Utc>) -> Result<Posting, Rejection> {
    let _ = (raw, now);
    Err(Rejection::NoTitle)
}
