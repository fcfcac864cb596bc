//! The compact binary form of feature columns.

use serde::{Serialize, de::DeserializeOwned};

/// Bytes of a value. The features that are stored have no form that cannot be written; should one ever, nothing is
/// stored and the posting is treated like one of an older version.
pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap_or_default()
}

/// The value of bytes that [`encode`] wrote, or `None` for those of another version.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}
