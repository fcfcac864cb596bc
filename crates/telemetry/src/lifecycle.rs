//! One place that knows whether the process is starting, serving or stopping.

use std::{future::Future, io, sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFutureOwned},
    task::TaskTracker,
};

use crate::signals;

/// Time that dropped tasks get to run their destructors after the hard stop.
const HARD_STOP_GRACE: Duration = Duration::from_secs(1);

/// Start, readiness and orderly stop of one process. Clones share the same state.
///
/// The *soft* token says: accept nothing new and finish. The *hard* token says: time is up. Tasks are spawned here so
/// that the stop can wait for them.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    soft: CancellationToken,
    hard: CancellationToken,
    tracker: TaskTracker,
    ready: watch::Sender<bool>,
}

/// How the stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Everything finished by itself.
    Finished,
    /// The time was up and this many tasks were dropped.
    CutOff {
        /// Tasks that were still running when the time was up.
        tasks: usize,
    },
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

impl Lifecycle {
    /// A process that is starting: not ready, not stopping.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                soft: CancellationToken::new(),
                hard: CancellationToken::new(),
                tracker: TaskTracker::new(),
                ready: watch::Sender::new(false),
            }),
        }
    }

    /// Stops softly at the first SIGTERM or SIGINT; at the second one the process exits at once with code 130.
    ///
    /// # Errors
    /// The system refuses signal handlers.
    pub fn listen_for_signals(&self) -> io::Result<()> {
        let signals = signals::stop_signals()?;
        // Not on the tracker: it must still hear the second signal while the tracker drains.
        tokio::spawn(signals::obey(signals, self.clone(), |code| std::process::exit(code)));
        Ok(())
    }

    /// Runs a task that the stop waits for. It is dropped at its next await when the hard stop comes.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let hard = self.inner.hard.clone();
        self.inner.tracker.spawn(async move {
            tokio::select! {
                () = hard.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// Cancelled when the stop begins.
    #[must_use]
    pub fn soft(&self) -> CancellationToken {
        self.inner.soft.clone()
    }

    /// Cancelled when the time for an orderly stop is up.
    #[must_use]
    pub fn hard(&self) -> CancellationToken {
        self.inner.hard.clone()
    }

    /// Completes when the stop begins.
    pub fn stopping(&self) -> WaitForCancellationFutureOwned {
        self.soft().cancelled_owned()
    }

    /// Says that the process can serve.
    pub fn mark_ready(&self) {
        self.inner.ready.send_replace(true);
    }

    /// Whether the process serves: started and not stopping.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.inner.ready.borrow() && !self.inner.soft.is_cancelled()
    }

    /// Completes when the process said that it can serve.
    pub async fn until_ready(&self) {
        let mut ready = self.inner.ready.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = ready.wait_for(|ready| *ready).await;
    }

    /// Begins the stop: not ready any more, nothing new is accepted.
    pub fn stop(&self) {
        self.inner.soft.cancel();
    }

    /// Waits until the stop has begun and every task has finished; after `grace` the rest is dropped.
    pub async fn drain(&self, grace: Duration) -> Drained {
        self.inner.soft.cancelled().await;
        self.inner.tracker.close();
        if tokio::time::timeout(grace, self.inner.tracker.wait()).await.is_ok() {
            self.inner.hard.cancel();
            return Drained::Finished;
        }
        let tasks = self.inner.tracker.len();
        tracing::warn!(
            tasks,
            grace_ms = grace.as_millis() as u64,
            "{tasks} tasks did not finish in time and are dropped"
        );
        self.inner.hard.cancel();
        let _ = tokio::time::timeout(HARD_STOP_GRACE, self.inner.tracker.wait()).await;
        Drained::CutOff { tasks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn drain_waits_for_tasks_that_finish() {
        let lifecycle = Lifecycle::new();
        let (soft, (sender, mut receiver)) = (lifecycle.soft(), tokio::sync::mpsc::channel(1));
        lifecycle.spawn(async move {
            soft.cancelled().await;
            let _ = sender.send("released the lease").await;
        });
        lifecycle.mark_ready();
        lifecycle.until_ready().await;
        assert!(lifecycle.is_ready());
        lifecycle.stop();
        assert!(!lifecycle.is_ready());
        assert_eq!(lifecycle.drain(Duration::from_secs(10)).await, Drained::Finished);
        assert_eq!(receiver.recv().await, Some("released the lease"));
    }

    #[tokio::test(start_paused = true)]
    async fn drain_drops_what_does_not_finish() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn(std::future::pending());
        lifecycle.spawn(async {});
        lifecycle.stop();
        assert_eq!(lifecycle.drain(Duration::from_secs(5)).await, Drained::CutOff { tasks: 1 });
        assert!(lifecycle.hard().is_cancelled());
    }
}
