//! Background tasks.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Section `tasks`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tasks {
    /// Tasks running at once in this process.
    pub workers: usize,
    /// Seconds after which a task whose worker went silent is given to another.
    pub lease_seconds: u64,
    /// Milliseconds between two looks for due tasks when nothing wakes the workers.
    pub poll_ms: u64,
    /// Tries of a failing task unless its kind says otherwise.
    pub attempts: u32,
    /// Days to keep finished tasks and their logs.
    pub retention_days: u32,
    /// Limits per kind of task.
    pub limits: BTreeMap<String, KindLimit>,
}

/// Limits of one kind of task.
#[derive(Debug, Clone, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct KindLimit {
    /// Tasks of this kind running at once; none leaves it to the number of workers.
    #[serde(default)]
    pub concurrency: Option<usize>,
    /// Unfinished tasks of this kind that one person may have; none leaves it to the kind.
    #[serde(default)]
    pub queue_depth: Option<usize>,
}

impl Tasks {
    /// Time after which a task whose worker went silent is given to another.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// Time between two looks for due tasks.
    #[must_use]
    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("tasks.workers", self.workers, 1, 1024);
        checks.range("tasks.lease_seconds", self.lease_seconds, 2, 86_400);
        checks.range("tasks.poll_ms", self.poll_ms, 10, 600_000);
        checks.range("tasks.attempts", self.attempts, 1, 100);
        checks.range("tasks.retention_days", self.retention_days, 1, 36_500);
        for (kind, limit) in &self.limits {
            checks.require(
                limit.concurrency != Some(0) && limit.queue_depth != Some(0),
                "tasks.limits",
                || format!("has a 0 for \"{kind}\", so that nothing of it could ever run"),
                "write 1 or more, or leave it out",
            );
        }
    }
}
