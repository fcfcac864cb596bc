//! Why something was not delivered.

use std::time::Duration;

/// Why a test or a push failed, and what that means for another try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// It may succeed later.
    #[error("{reason}")]
    Again {
        /// How long the service asked to wait.
        after: Option<Duration>,
        /// What happened.
        reason: String,
    },
    /// The service does not accept the credentials, or they may not do this.
    #[error("{reason}")]
    Credentials {
        /// What happened and what to do.
        reason: String,
    },
    /// A setting leads nowhere.
    #[error("{field}: {reason}")]
    Settings {
        /// Name of the setting.
        field: &'static str,
        /// What happened and what to do.
        reason: String,
    },
    /// The service takes this item under no circumstances.
    #[error("{reason}")]
    Refused {
        /// What happened.
        reason: String,
    },
    /// The connection broke when the item may have been delivered already, and the service gives no way to ask.
    #[error("{reason}")]
    Uncertain {
        /// What happened.
        reason: String,
    },
}

impl PushError {
    /// May succeed later.
    pub(crate) fn again(reason: impl Into<String>) -> Self {
        Self::Again { after: None, reason: reason.into() }
    }

    /// The service takes it under no circumstances.
    pub(crate) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    /// A setting leads nowhere.
    pub(crate) fn setting(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Settings { field, reason: reason.into() }
    }

    /// Whether another try may succeed without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Again { .. })
    }

    /// The same error with its words changed.
    #[must_use]
    pub(crate) fn map(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Again { after, reason } => Self::Again { after, reason: words(reason) },
            Self::Credentials { reason } => Self::Credentials { reason: words(reason) },
            Self::Settings { field, reason } => Self::Settings { field, reason: words(reason) },
            Self::Refused { reason } => Self::Refused { reason: words(reason) },
            Self::Uncertain { reason } => Self::Uncertain { reason: words(reason) },
        }
    }
}
