//! Who is asking. The gateway alone decides it; services believe the header because only the gateway can reach them.

use std::fmt;

use tonic::metadata::MetadataMap;

use crate::{code::ErrorCode, error::RpcError};

/// Header with the person's id, set by the gateway and removed from whatever comes from outside.
pub const PERSON_HEADER: &str = "x-aerie-person";
/// Start of all headers that only we may set.
pub const INTERNAL_HEADER_PREFIX: &str = "x-aerie-";

const LONGEST: usize = 64;

/// A person's id: 1 to 64 ASCII letters, digits, hyphens and underscores, so that it is safe as a folder name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(String);

impl PersonId {
    /// Checks and wraps an id.
    ///
    /// # Errors
    /// Text that is empty, too long, or has other characters.
    pub fn new(id: impl Into<String>) -> Result<Self, RpcError> {
        let id = id.into();
        let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if id.is_empty() || id.len() > LONGEST || !is_plain {
            let message = format!("a person's id has 1 to {LONGEST} letters, digits, hyphens and underscores");
            return Err(RpcError::new(ErrorCode::Unauthenticated, "PERSON_INVALID", message));
        }
        Ok(Self(id))
    }

    /// The person that the gateway put into the metadata.
    ///
    /// # Errors
    /// `Unauthenticated` when there is none.
    pub fn of(metadata: &MetadataMap) -> Result<Self, RpcError> {
        let value = metadata.get(PERSON_HEADER).and_then(|value| value.to_str().ok());
        let Some(value) = value else {
            let message = "nobody is signed in: the request did not come through the gateway";
            return Err(RpcError::new(ErrorCode::Unauthenticated, "PERSON_MISSING", message));
        };
        Self::new(value)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_accepted() {
        assert!(PersonId::new("local").is_ok() && PersonId::new("0192-ab_c").is_ok());
        for id in ["", "../x", "a b", "ä", "a/b", &"a".repeat(65)] {
            assert_eq!(PersonId::new(id).map_err(|error| error.code), Err(ErrorCode::Unauthenticated), "{id}");
        }
        assert_eq!(PersonId::of(&MetadataMap::new()).map_err(|error| error.reason), Err("PERSON_MISSING".into()));
    }
}
