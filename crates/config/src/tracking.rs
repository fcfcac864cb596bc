//! The course of applications.

use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Section `tracking`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tracking {
    /// Days after applying when Aerie reminds of a follow-up; 0 never does.
    pub follow_up_days: u32,
}

impl Tracking {
    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("tracking.follow_up_days", self.follow_up_days, 0, 365);
    }
}
