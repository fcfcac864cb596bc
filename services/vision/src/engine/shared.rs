//! What the callers and the model's thread share.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::ask::Job;
use super::images::ImageCache;
use super::pace::Pace;
use super::queue::FairQueue;
use super::{EngineError, EngineSettings, telemetry};
use crate::image::Preparation;
use crate::model::{Revision, Skill};

/// Shortest time that a refused caller is told to wait.
const LEAST_RETRY: Duration = Duration::from_millis(250);

/// What the model is doing.
#[derive(Clone, Debug)]
pub enum State {
    /// There is no model; the text says what to fetch.
    Missing(String),
    /// It is being loaded and tested.
    Loading,
    /// It answers.
    Ready(Arc<ModelInfo>),
    /// It cannot be loaded, or fails its test; starting again would not help.
    Failed(String),
    /// The device failed again and again; starting again may help.
    Broken(String),
    /// The thread has ended.
    Stopped,
}

/// The loaded model.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// Name and revision.
    pub name: String,
    /// Where it computes.
    pub device: String,
    /// Type that its weights are kept in.
    pub dtype: String,
    /// Positions of its context.
    pub context: usize,
    /// Positions of an image.
    pub image_positions: usize,
    /// Names of its variants.
    pub variants: Vec<String>,
    /// How it wants images.
    pub preparation: Preparation,
    /// The network that its weights belong to.
    pub revision: Revision,
    /// What it can do.
    pub skills: Vec<Skill>,
    /// Bytes of keys and values.
    pub cache_budget: u64,
}

/// The queue with what decides who may enter it.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) queue: FairQueue<Job>,
    pub(crate) pace: Pace,
    /// Whether the model has no place for another request now.
    pub(crate) is_full: bool,
    /// Set once nothing may enter any more.
    pub(crate) closed: Option<EngineError>,
}

pub(crate) struct Shared {
    pub(crate) settings: EngineSettings,
    pub(crate) state: watch::Sender<State>,
    pub(crate) cache_used: AtomicU64,
    waiting: Mutex<Waiting>,
    bell: Condvar,
    images: Mutex<ImageCache>,
    opening: AtomicUsize,
}

/// An image that is being opened; it counts until this is dropped.
pub(crate) struct Opening<'a>(&'a AtomicUsize);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    pub(crate) fn new(settings: EngineSettings) -> Self {
        Self {
            settings,
            state: watch::Sender::new(State::Loading),
            cache_used: AtomicU64::new(0),
            waiting: Mutex::default(),
            bell: Condvar::new(),
            images: Mutex::default(),
            opening: AtomicUsize::new(0),
        }
    }

    pub(crate) fn images(&self) -> MutexGuard<'_, ImageCache> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn model(&self) -> Result<Arc<ModelInfo>, EngineError> {
        match &*self.state.borrow() {
            State::Ready(info) => Ok(Arc::clone(info)),
            State::Missing(message) => Err(EngineError::Missing(message.clone())),
            State::Loading => Err(EngineError::Loading),
            State::Failed(message) | State::Broken(message) => Err(EngineError::Failed(message.clone())),
            State::Stopped => Err(EngineError::Stopping),
        }
    }

    /// Counts an image that is being opened, so that the memory of those is bounded as the queue's is.
    pub(crate) fn begin_opening(&self) -> Result<Opening<'_>, EngineError> {
        let before = self.opening.fetch_add(1, Ordering::Relaxed);
        let opening = Opening(&self.opening);
        let limit = self.settings.queue;
        if before >= limit {
            let error = EngineError::QueueFull { waiting: before, limit, retry_after: LEAST_RETRY };
            telemetry::refused(&error);
            return Err(error);
        }
        Ok(opening)
    }

    /// Refuses a request whose turn would not come in time.
    pub(crate) fn expect_in_time(&self, caller: &str, deadline: Instant, now: Instant) -> Result<(), EngineError> {
        self.waiting().expect_in_time(caller, deadline, now)
    }

    /// Gives a request its place in the queue.
    pub(crate) fn enqueue(&self, job: Job, now: Instant) -> Result<(), EngineError> {
        let mut waiting = self.waiting();
        let result = waiting.enter(&self.settings, &job, now);
        if let Err(error) = result {
            telemetry::refused(&error);
            return Err(error);
        }
        let caller = Arc::clone(&job.ask.caller);
        waiting.queue.push(&caller, job);
        telemetry::queue_length(waiting.queue.len());
        drop(waiting);
        self.bell.notify_one();
        Ok(())
    }

    /// Lets nothing in any more; `error` tells why.
    pub(crate) fn close(&self, error: EngineError) {
        let mut waiting = self.waiting();
        if waiting.closed.is_none() {
            waiting.closed = Some(error);
        }
        drop(waiting);
        self.bell.notify_all();
    }

    /// Waits for a request; false when none will come.
    pub(crate) fn wait_for_work(&self) -> bool {
        let waiting = self.waiting();
        let waited = self.bell.wait_while(waiting, |waiting| waiting.queue.is_empty() && waiting.closed.is_none());
        let waiting = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.closed.is_none()
    }
}

impl Waiting {
    fn expect_in_time(&self, caller: &str, deadline: Instant, now: Instant) -> Result<(), EngineError> {
        let ahead = self.queue.ahead_of(caller) + usize::from(self.is_full);
        let wait = self.pace.wait(ahead);
        let left = deadline.saturating_duration_since(now);
        if wait <= left {
            return Ok(());
        }
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let retry_after = (wait - left).max(LEAST_RETRY);
        Err(EngineError::DeadlineTooShort { wait_ms: milliseconds(wait), left_ms: milliseconds(left), retry_after })
    }

    fn enter(&mut self, settings: &EngineSettings, job: &Job, now: Instant) -> Result<(), EngineError> {
        if let Some(error) = &self.closed {
            return Err(error.clone());
        }
        let caller = &job.ask.caller;
        let is_full =
            |queue: &FairQueue<Job>| queue.len() >= settings.queue || queue.len_of(caller) >= settings.queue_per_caller;
        if is_full(&self.queue) {
            self.let_go(now);
        }
        if is_full(&self.queue) {
            let own = self.queue.len_of(caller);
            let (waiting, limit) = if own >= settings.queue_per_caller {
                (own, settings.queue_per_caller)
            } else {
                (self.queue.len(), settings.queue)
            };
            let retry_after = self.pace.wait(1).max(LEAST_RETRY);
            return Err(EngineError::QueueFull { waiting, limit, retry_after });
        }
        self.expect_in_time(caller, job.ask.deadline, now)
    }

    /// Lets requests go whose caller has left or whose time is up.
    pub(crate) fn let_go(&mut self, now: Instant) {
        for job in self.queue.extract(|job| job.is_abandoned() || job.is_late(now)) {
            job.refuse(EngineError::DeadlineExceeded);
        }
    }
}
