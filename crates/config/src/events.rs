//! The stream of changes.

use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Section `events`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Days for which a client that was away can replay what it missed.
    pub retention_days: u32,
    /// Events held for a slow subscriber before it is told to read everything again.
    pub channel_capacity: usize,
}

impl Events {
    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("events.retention_days", self.retention_days, 1, 36_500);
        checks.range("events.channel_capacity", self.channel_capacity, 1, 1_000_000);
    }
}
