//! Why a request was not answered.

use std::time::Duration;

use crate::image::ImageError;
use crate::model::{ModelError, Revision, Skill};

/// Why a request was not answered. The messages name the value and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// No model is there.
    #[error("{0}")]
    Missing(String),
    /// The model is being loaded or tested.
    #[error("the vision model is still loading; ask again in a moment")]
    Loading,
    /// The model cannot answer any more.
    #[error("the vision model does not work: {0}")]
    Failed(String),
    /// The service ends.
    #[error("the vision service is stopping; ask again when it has started")]
    Stopping,
    /// A field of the request cannot be used.
    #[error("{field} {problem}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it and what would do.
        problem: String,
    },
    /// The model cannot do that.
    #[error("{model} cannot {}: it is a Moondream2 of {}{}", .skill.words(), .revision.name(), remedy(*.revision))]
    NotOffered {
        /// What it cannot do.
        skill: Skill,
        /// Its name.
        model: String,
        /// The network that it is.
        revision: Revision,
    },
    /// No variant has this name.
    #[error("variant \"{name}\" is not loaded; known are: {known}")]
    UnknownVariant {
        /// The name.
        name: String,
        /// All names.
        known: String,
    },
    /// Too many requests wait.
    #[error("{waiting} requests wait for the vision model already, the limit is {limit}; ask again later")]
    QueueFull {
        /// Requests that wait.
        waiting: usize,
        /// How many may.
        limit: usize,
        /// When a place may be free.
        retry_after: Duration,
    },
    /// Those before it would take longer than the caller waits.
    #[error(
        "the vision model is busy: the turn would come in about {wait_ms} ms and {left_ms} ms are left; ask again \
         later or allow more time"
    )]
    DeadlineTooShort {
        /// Estimated wait.
        wait_ms: u64,
        /// Time that was left.
        left_ms: u64,
        /// When it may be worth it.
        retry_after: Duration,
    },
    /// It needs more memory than there is in all.
    #[error("{0}")]
    TooLarge(String),
    /// The time is up.
    #[error("the time for the request is up; allow more time or ask for fewer tokens")]
    DeadlineExceeded,
    /// The numbers of this request cannot be used.
    #[error("{0}")]
    NoNumbers(String),
    /// The device failed under the request.
    #[error("the device failed: {0}; ask again")]
    Device(String),
}

impl EngineError {
    pub(crate) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }

    /// A short stable name, for metrics and for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing(_) => "MODEL_MISSING",
            Self::Loading => "MODEL_LOADING",
            Self::Failed(_) => "MODEL_FAILED",
            Self::Stopping => "SERVER_STOPPING",
            Self::Invalid { .. } => "INVALID_FIELD",
            Self::NotOffered { .. } => "NOT_OFFERED",
            Self::UnknownVariant { .. } => "VARIANT_NOT_FOUND",
            Self::QueueFull { .. } => "QUEUE_FULL",
            Self::DeadlineTooShort { .. } => "DEADLINE_TOO_SHORT",
            Self::TooLarge(_) => "TOO_LARGE",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NoNumbers(_) => "NO_NUMBERS",
            Self::Device(_) => "DEVICE_FAULT",
        }
    }
}

/// How a model is had that can do everything.
fn remedy(revision: Revision) -> &'static str {
    match revision {
        Revision::Current => " whose configuration has no prompt for it; use the config.json of the release",
        Revision::Spring2024 => "; fetch the current one with `aerie vision fetch` and name its folder in vision.model",
    }
}

impl From<ImageError> for EngineError {
    fn from(error: ImageError) -> Self {
        Self::invalid("image", format!("is not usable: {error}"))
    }
}

impl From<ModelError> for EngineError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Image(error) => error.into(),
            ModelError::CacheFull { .. } => Self::TooLarge(error.to_string()),
            ModelError::Inference(_) => Self::Device(error.to_string()),
            other => Self::invalid("request", format!("is not usable: {other}")),
        }
    }
}
