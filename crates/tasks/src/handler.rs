//! What a kind of task is: its handler, its limits, and the registry of all kinds.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};

use crate::{QueueError, TaskContext, TaskError, backoff::Backoff};

/// How one run of a task ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<T> {
    /// It is done, with this result.
    Done(T),
    /// It should be tried again, not before `after` if given (a server's `Retry-After`), else after the back-off.
    Retry {
        /// Least time to wait.
        after: Option<Duration>,
        /// Why, for people.
        reason: String,
    },
    /// It can never succeed.
    Fail {
        /// Why, for people.
        reason: String,
    },
    /// It continues, from the start with its steps remembered, when every spawned child has ended.
    Wait,
}

/// How often a task is started before it is parked as failed, where neither its kind nor the registry says otherwise.
const USUAL_ATTEMPTS: u32 = 5;

/// Limits of a kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KindPolicy {
    /// How often a task is started before it is parked as failed, at least once; `None` leaves it to
    /// [`Registry::with_attempts`].
    pub max_attempts: Option<u32>,
    /// Whether a run that was cut off may be started again. Otherwise it fails as "interrupted".
    pub repeatable: bool,
    /// Most tasks of this kind that one runner has in work at once; `None` leaves it to the runner's workers.
    pub concurrency: Option<u32>,
    /// Most unfinished tasks of this kind in one person's queue.
    pub queue_depth: u32,
    /// Longest time of one run.
    pub timeout: Duration,
    /// How long a worker owns a task after its last sign of life. Signs are given every third of it.
    pub lease: Duration,
    /// Waiting time between attempts.
    pub backoff: Backoff,
}

impl Default for KindPolicy {
    fn default() -> Self {
        Self {
            max_attempts: None,
            repeatable: true,
            concurrency: None,
            queue_depth: 1_000,
            timeout: Duration::from_secs(30 * 60),
            lease: Duration::from_secs(60),
            backoff: Backoff::default(),
        }
    }
}

impl KindPolicy {
    /// How often a task is started before it is parked as failed.
    pub(crate) fn attempts(&self) -> u32 {
        self.max_attempts.unwrap_or(USUAL_ATTEMPTS).max(1)
    }
}

/// A kind of task. One type, one file, one line of registration.
pub trait TaskHandler: Send + Sync + 'static {
    /// Stable name, stored in rows, for example `discovery.source`.
    const KIND: &'static str;
    /// What a task is given.
    type Payload: Serialize + DeserializeOwned + Send + 'static;
    /// What a completed task leaves.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// The kind's limits.
    fn policy() -> KindPolicy {
        KindPolicy::default()
    }

    /// Does the work. May be cut off at any await and started again: what must not happen twice belongs in a step.
    fn run(
        &self,
        context: TaskContext,
        payload: Self::Payload,
    ) -> impl Future<Output = Result<Outcome<Self::Output>, TaskError>> + Send;
}

/// A handler whose types are hidden behind JSON.
pub(crate) trait AnyHandler: Send + Sync {
    fn run(
        self: Arc<Self>,
        context: TaskContext,
        payload: serde_json::Value,
    ) -> BoxFuture<'static, Result<Outcome<String>, TaskError>>;
}

impl<H: TaskHandler> AnyHandler for H {
    fn run(
        self: Arc<Self>,
        context: TaskContext,
        payload: serde_json::Value,
    ) -> BoxFuture<'static, Result<Outcome<String>, TaskError>> {
        Box::pin(async move {
            let payload = match serde_json::from_value(payload) {
                Ok(payload) => payload,
                // Another attempt would read the same payload.
                Err(error) => return Ok(Outcome::Fail { reason: format!("payload of {:?}: {error}", H::KIND) }),
            };
            Ok(match TaskHandler::run(&*self, context, payload).await? {
                Outcome::Done(output) => match serde_json::to_string(&output) {
                    Ok(output) => Outcome::Done(output),
                    Err(error) => Outcome::Fail { reason: format!("result of {:?}: {error}", H::KIND) },
                },
                Outcome::Retry { after, reason } => Outcome::Retry { after, reason },
                Outcome::Fail { reason } => Outcome::Fail { reason },
                Outcome::Wait => Outcome::Wait,
            })
        })
    }
}

pub(crate) struct Kind {
    pub(crate) policy: KindPolicy,
    /// Absent where tasks are only submitted and run elsewhere.
    pub(crate) handler: Option<Arc<dyn AnyHandler>>,
}

/// Every kind of task that a process knows.
#[derive(Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Kind>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.kinds.keys()).finish()
    }
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind with its handler; the last one of a kind counts.
    #[must_use]
    pub fn with<H: TaskHandler>(mut self, handler: H) -> Self {
        self.kinds.insert(H::KIND, Kind { policy: H::policy(), handler: Some(Arc::new(handler)) });
        self
    }

    /// Adds a kind that this process submits but does not run.
    #[must_use]
    pub fn with_kind_only<H: TaskHandler>(mut self) -> Self {
        self.kinds.insert(H::KIND, Kind { policy: H::policy(), handler: None });
        self
    }

    /// Sets how long the runs of all kinds so far may be silent before another worker takes them up.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        for kind in self.kinds.values_mut() {
            kind.policy.lease = lease;
        }
        self
    }

    /// Sets how often tasks are started before they are parked as failed, for the kinds so far that do not say it
    /// themselves.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        for kind in self.kinds.values_mut() {
            kind.policy.max_attempts.get_or_insert(attempts);
        }
        self
    }

    /// Sets the most tasks of a kind that one runner has in work at once, and that one person's queue holds unfinished;
    /// what is not given stays as the kind has it.
    ///
    /// # Errors
    /// The kind is not among those so far.
    pub fn with_limits(
        mut self,
        kind: &str,
        concurrency: Option<u32>,
        queue_depth: Option<u32>,
    ) -> Result<Self, QueueError> {
        self.policy(kind)?;
        if let Some(kind) = self.kinds.get_mut(kind) {
            kind.policy.concurrency = concurrency.or(kind.policy.concurrency);
            kind.policy.queue_depth = queue_depth.unwrap_or(kind.policy.queue_depth);
        }
        Ok(self)
    }

    /// The limits of a kind.
    pub fn policy(&self, kind: &str) -> Result<KindPolicy, QueueError> {
        self.kinds.get(kind).map(|kind| kind.policy).ok_or_else(|| QueueError::UnknownKind {
            kind: kind.to_owned(),
            known: self.kinds.keys().copied().collect::<Vec<_>>().join(", "),
        })
    }

    /// Kinds that this process can run.
    pub(crate) fn runnable(&self) -> impl Iterator<Item = (&'static str, KindPolicy)> + '_ {
        self.kinds.iter().filter(|(_, kind)| kind.handler.is_some()).map(|(name, kind)| (*name, kind.policy))
    }

    pub(crate) fn handler(&self, kind: &str) -> Option<Arc<dyn AnyHandler>> {
        self.kinds.get(kind).and_then(|kind| kind.handler.clone())
    }
}
