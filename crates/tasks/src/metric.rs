//! Counters and times for Prometheus.

use std::time::Duration;

use chrono::TimeDelta;
use metrics::{counter, gauge, histogram};

pub(crate) fn submitted(kind: &str) {
    counter!("aerie_tasks_submitted_total", "kind" => kind.to_owned()).increment(1);
}

pub(crate) fn claimed(kind: &str) {
    counter!("aerie_tasks_claimed_total", "kind" => kind.to_owned()).increment(1);
}

pub(crate) fn cancelled(kind: &str) {
    counter!("aerie_tasks_cancelled_total", "kind" => kind.to_owned()).increment(1);
}

pub(crate) fn reaped(count: usize) {
    counter!("aerie_tasks_lease_expired_total").increment(u64::try_from(count).unwrap_or(u64::MAX));
}

/// One run: how it ended and how long it took.
pub(crate) fn run_ended(kind: &str, ending: &'static str, took: Duration) {
    counter!("aerie_tasks_runs_total", "kind" => kind.to_owned(), "ending" => ending).increment(1);
    histogram!("aerie_task_duration_seconds", "kind" => kind.to_owned()).record(took.as_secs_f64());
}

/// Runs that this process has in work.
pub(crate) fn in_work(count: usize) {
    #[allow(clippy::cast_precision_loss)] // A runner has far fewer workers than a double has digits.
    gauge!("aerie_tasks_in_work").set(count as f64);
}

/// Unfinished tasks of a kind in one state, over every store that the process serves.
pub(crate) fn depth(kind: &str, state: &'static str, count: i64) {
    #[allow(clippy::cast_precision_loss)] // Counts of rows.
    gauge!("aerie_tasks_depth", "kind" => kind.to_owned(), "state" => state).set(count as f64);
}

/// Tasks of a kind that wait for a worker, over every store that the process serves, and how long the first of them has.
pub(crate) fn due(kind: &str, count: i64, waited: Duration) {
    #[allow(clippy::cast_precision_loss)] // Counts of rows.
    gauge!("aerie_tasks_due", "kind" => kind.to_owned()).set(count as f64);
    gauge!("aerie_tasks_oldest_due_seconds", "kind" => kind.to_owned()).set(waited.as_secs_f64());
}

/// How far this machine's clock is ahead of the database server's.
pub(crate) fn clock_ahead(difference: TimeDelta) {
    gauge!("aerie_clock_ahead_seconds").set(difference.as_seconds_f64());
}
