//! Stores on either engine, scripted handlers and a clock that stands still.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aerie_events::LocalBus;
use aerie_store::{Database, Stores, StoresConfig};
use aerie_tasks::{
    Backoff, KindPolicy, ManualClock, NewTask, Outcome, Queue, Registry, Runner, RunnerOptions, Submitted, Task,
    TaskContext, TaskError, TaskHandler, TaskId,
};
use aerie_testkit::postgres::TestPostgres;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

/// Makes a module with one test for each engine out of `async fn name(place: Place)`.
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::support::Place::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(place) = $crate::support::Place::postgres().await {
                    super::$name(place).await;
                }
            }
        }
    )*};
}

/// An installation of its own.
pub struct Place {
    pub stores: Arc<Stores>,
    config: StoresConfig,
    _folder: TempDir,
    postgres: Option<TestPostgres>,
}

impl Place {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config =
            StoresConfig { url: "embedded".to_owned(), data: folder.path().to_owned(), migrate: true, connections: 4 };
        let stores = Arc::new(Stores::open(config.clone()).await.unwrap());
        Self { stores, config, _folder: folder, postgres: None }
    }

    pub async fn postgres() -> Option<Self> {
        let postgres = TestPostgres::start().await.unwrap()?;
        let folder = tempfile::tempdir().unwrap();
        let config = postgres.stores_config(folder.path());
        let stores = Arc::new(Stores::open(config.clone()).await.unwrap());
        Some(Self { stores, config, _folder: folder, postgres: Some(postgres) })
    }

    /// The same installation as another process would open it.
    pub async fn opened_again(&self) -> Arc<Stores> {
        Arc::new(Stores::open(self.config.clone()).await.unwrap())
    }

    /// How it is opened.
    pub fn config(&self) -> StoresConfig {
        self.config.clone()
    }

    /// The server's database.
    pub fn server(&self) -> &TestPostgres {
        self.postgres.as_ref().unwrap()
    }

    /// Address of the server.
    pub fn url(&self) -> String {
        self.config.url.clone()
    }

    /// The store of somebody new.
    pub async fn person(&self) -> Database {
        self.stores.person(Uuid::now_v7()).await.unwrap()
    }
}

type Script = dyn Fn(TaskContext, Value) -> BoxFuture<'static, Result<Outcome<Value>, TaskError>> + Send + Sync;

/// A handler that does what the test says. `N` chooses the kind and its policy.
pub struct Scripted<const N: usize>(Arc<Script>);

pub const PLAIN: usize = 0;
pub const TWO_AT_ONCE: usize = 1;
pub const ONCE_ONLY: usize = 2;
pub const SMALL_QUEUE: usize = 3;
pub const USUAL_ATTEMPTS: usize = 4;

pub const KINDS: [&str; 5] =
    ["test.plain", "test.two_at_once", "test.once_only", "test.small_queue", "test.usual_attempts"];

impl<const N: usize> TaskHandler for Scripted<N> {
    const KIND: &'static str = KINDS[N];
    type Payload = Value;
    type Output = Value;

    fn policy() -> KindPolicy {
        KindPolicy {
            max_attempts: (N != USUAL_ATTEMPTS).then_some(3),
            repeatable: N != ONCE_ONLY,
            concurrency: (N == TWO_AT_ONCE).then_some(2),
            queue_depth: if N == SMALL_QUEUE { 3 } else { 1_000 },
            timeout: Duration::from_secs(30),
            lease: Duration::from_secs(60),
            backoff: Backoff { first: Duration::from_secs(10), most: Duration::from_secs(60) },
        }
    }

    async fn run(&self, context: TaskContext, payload: Value) -> Result<Outcome<Value>, TaskError> {
        (self.0)(context, payload).await
    }
}

/// A handler from an async closure.
pub fn scripted<const N: usize, F, W>(script: F) -> Scripted<N>
where
    F: Fn(TaskContext, Value) -> W + Send + Sync + 'static,
    W: Future<Output = Result<Outcome<Value>, TaskError>> + Send + 'static,
{
    Scripted(Arc::new(move |context, payload| Box::pin(script(context, payload))))
}

/// Gives back its payload.
pub async fn echo(_: TaskContext, payload: Value) -> Result<Outcome<Value>, TaskError> {
    Ok(Outcome::Done(payload))
}

/// A clock at a fixed time.
pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(noon()))
}

pub fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

pub fn queue(registry: Registry, clock: &Arc<ManualClock>) -> Queue {
    Queue::new(registry, Arc::clone(clock) as _, Arc::new(LocalBus::default()))
}

/// A runner over these stores.
pub fn runner(queue: &Queue, workers: usize, databases: &[&Database]) -> Runner {
    let options = RunnerOptions { workers, poll: Duration::from_millis(50), ..RunnerOptions::default() };
    let runner = Runner::new(queue.clone(), options);
    for database in databases {
        runner.add((*database).clone()).unwrap();
    }
    runner
}

pub fn plain(payload: Value) -> NewTask {
    NewTask::of_kind(KINDS[PLAIN], payload)
}

pub async fn submit(queue: &Queue, database: &Database, task: NewTask) -> Submitted {
    let mut tx = database.begin().await.unwrap();
    let submitted = queue.submit(&mut tx, task).await.unwrap();
    queue.commit(tx, aerie_events::person_of(database).unwrap()).await.unwrap();
    submitted
}

pub async fn task(queue: &Queue, database: &Database, id: TaskId) -> Task {
    queue.get(database, id).await.unwrap()
}

/// The event kinds about one task, in order.
pub async fn events_of(database: &Database, id: TaskId) -> Vec<String> {
    let mut tx = database.read().await.unwrap();
    let (_, events) = aerie_events::read_after(&mut tx, 0, &[], 10_000).await.unwrap();
    events.into_iter().filter(|event| event.subject_id == Some(id)).map(|event| event.kind).collect()
}

/// What several runs note down, in order.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub fn add(&self, note: impl Into<String>) {
        self.0.lock().unwrap().push(note.into());
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
