//! What the NATS bus promises, on a real NATS and a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{pin::Pin, sync::Arc, time::Duration};

use aerie_events::{
    Delivery, EventBus, EventError, NatsBus, NatsOptions, NewEvent, SubscribeOptions, append, commit, person_of,
    subscribe,
};
use aerie_store::{Database, Stores};
use aerie_testkit::{nats::NatsServer, postgres::TestPostgres};
use chrono::Utc;
use futures::{Stream, StreamExt};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::json;
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;
use uuid::Uuid;

/// A poll that would never come in the time of a test: only a wake-up can do it.
const NEVER: Duration = Duration::from_secs(3600);
/// Long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database with one person, and a message bus beside it.
struct Place {
    nats: NatsServer,
    postgres: TestPostgres,
    folder: TempDir,
    person: Uuid,
}

impl Place {
    async fn new() -> Option<Self> {
        let (postgres, nats) = (TestPostgres::start().await.unwrap()?, NatsServer::start().unwrap()?);
        Some(Self { nats, postgres, folder: tempfile::tempdir().unwrap(), person: Uuid::now_v7() })
    }

    /// A process on its own connections; its bus runs and takes what others left at once.
    async fn process(&self) -> Process {
        Self::running(self.mute_process().await)
    }

    /// Starts the bus of a process.
    fn running(process: Process) -> Process {
        let (bus, worker, stop) = (Arc::clone(&process.bus), process.stores.worker().unwrap(), process.stop.clone());
        let running = AbortOnDropHandle::new(tokio::spawn(async move { bus.run(worker, |_| {}, stop).await }));
        Process { running: Some(running), ..process }
    }

    /// A process whose bus never gets to announce anything.
    async fn mute_process(&self) -> Process {
        self.mute_process_that_waits(Duration::ZERO).await
    }

    /// As [`Self::mute_process`]; what nobody announced is an orphan after `orphan_age`.
    async fn mute_process_that_waits(&self, orphan_age: Duration) -> Process {
        let stores = Stores::open(self.postgres.stores_config(self.folder.path())).await.unwrap();
        let database = stores.person(self.person).await.unwrap();
        let options = NatsOptions { orphan_age, sweep: Duration::from_millis(50), ..NatsOptions::new(self.nats.url()) };
        let bus = Arc::new(NatsBus::new(options).unwrap());
        Process { stores, database, bus, stop: CancellationToken::new(), running: None }
    }

    fn outbox(&self) -> String {
        self.postgres.administer("select count(*) from event_outbox").unwrap().trim().to_owned()
    }
}

struct Process {
    stores: Stores,
    database: Database,
    bus: Arc<NatsBus>,
    stop: CancellationToken,
    running: Option<AbortOnDropHandle<()>>,
}

impl Process {
    async fn write(&self, number: i64) {
        let mut tx = self.database.begin().await.unwrap();
        let event =
            NewEvent { kind: "job.moved".to_owned(), subject_id: None, data: json!({ "n": number }), at: Utc::now() };
        append(&mut tx, event).await.unwrap();
        commit(tx, &*self.bus, person_of(&self.database).unwrap()).await.unwrap();
    }

    fn events(&self, after: i64) -> Deliveries {
        let options = SubscribeOptions { poll: Some(NEVER), ..SubscribeOptions::default() };
        Box::pin(subscribe(self.database.clone(), Arc::clone(&self.bus) as _, Some(after), options))
    }
}

type Deliveries = Pin<Box<dyn Stream<Item = Result<Delivery, EventError>> + Send>>;

async fn next_sequence(stream: &mut Deliveries) -> i64 {
    match tokio::time::timeout(PATIENCE, stream.next()).await.expect("nothing came").unwrap().unwrap() {
        Delivery::Event(event) => event.sequence,
        resync => panic!("{resync:?}"),
    }
}

/// Looks again and again for something that comes with time.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "{what} does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_writes_reaches_the_subscribers_of_another() {
    let Some(place) = Place::new().await else { return };
    let (here, there) = (place.process().await, place.process().await);
    let mut events = there.events(0);
    for number in 1..=50 {
        here.write(number).await;
        assert_eq!(next_sequence(&mut events).await, number);
    }
    until("an empty outbox", || place.outbox() == "0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_that_died_did_not_announce_is_announced_by_another() {
    let Some(place) = Place::new().await else { return };
    let (reading, announcing) = (place.process().await, place.process().await);
    let mut events = reading.events(0);
    announcing.write(1).await;
    assert_eq!(next_sequence(&mut events).await, 1, "the reader is connected");
    until("an empty outbox", || place.outbox() == "0").await;
    // Dies between the commit and the announcement.
    let dying = place.mute_process().await;
    dying.write(2).await;
    drop(dying);
    assert_eq!(next_sequence(&mut events).await, 2);
    until("an empty outbox", || place.outbox() == "0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_of_the_bus_loses_nothing_and_doubles_nothing() {
    let Some(mut place) = Place::new().await else { return };
    let (here, there) = (place.process().await, place.process().await);
    let mut events = there.events(0);
    here.write(1).await;
    assert_eq!(next_sequence(&mut events).await, 1);
    place.nats.stop();
    for number in 2..=20 {
        here.write(number).await;
    }
    assert_eq!(place.outbox(), "1", "one row a person, however many changes wait");
    place.nats.start_again().unwrap();
    for number in 2..=20 {
        assert_eq!(next_sequence(&mut events).await, number);
    }
    until("an empty outbox", || place.outbox() == "0").await;
    here.write(21).await;
    assert_eq!(next_sequence(&mut events).await, 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_that_lost_everything_it_kept_goes_on() {
    let Some(mut place) = Place::new().await else { return };
    let (here, there) = (place.process().await, place.process().await);
    let mut events = there.events(0);
    for number in 1..=5 {
        here.write(number).await;
        assert_eq!(next_sequence(&mut events).await, number);
    }
    place.nats.stop();
    place.nats.forget().unwrap();
    place.nats.start_again().unwrap();
    for number in 6..=10 {
        here.write(number).await;
        assert_eq!(next_sequence(&mut events).await, number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_process_says_its_last_words() {
    let Some(place) = Place::new().await else { return };
    let (reading, stopping) = (place.process().await, place.process().await);
    let mut events = reading.events(0);
    stopping.write(1).await;
    assert_eq!(next_sequence(&mut events).await, 1);
    stopping.write(2).await;
    stopping.stop.cancel();
    stopping.running.unwrap().await.unwrap();
    assert_eq!(next_sequence(&mut events).await, 2);
}

#[tokio::test]
async fn messages_carry_ids_and_the_trace_and_nothing_else() {
    let Some(place) = Place::new().await else { return };
    let provider = SdkTracerProvider::builder().build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let _traced = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    // A sweep that came between the commit and its announcement would publish the event as an orphan, without a trace.
    let process = Place::running(place.mute_process_that_waits(NEVER).await);
    let client = async_nats::connect(place.nats.url()).await.unwrap();
    let mut messages = client.subscribe("aerie.events.*").await.unwrap();
    client.flush().await.unwrap();
    let mut trace = None;
    let written = async {
        trace = aerie_telemetry::current_traceparent();
        process.write(1).await;
    };
    written.instrument(tracing::info_span!("request")).await;
    let message = tokio::time::timeout(PATIENCE, messages.next()).await.expect("nothing came").unwrap();
    assert_eq!(message.subject.as_str(), format!("aerie.events.{}", place.person));
    assert_eq!(&message.payload[..], b"1");
    let headers = message.headers.unwrap();
    assert_eq!(headers.get("Nats-Msg-Id").unwrap().as_str(), format!("{}:1", place.person));
    assert_eq!(headers.get("traceparent").unwrap().as_str(), trace.expect("a trace"));
}

#[test]
fn an_address_that_cannot_be_read_is_refused_without_its_password() {
    for url in ["", "nats://robin:sesame@", "nats://host:notaport"] {
        let error = NatsBus::new(NatsOptions::new(url)).unwrap_err().to_string();
        assert!(error.contains("events.nats_url") && !error.contains("sesame"), "{error}");
    }
    assert!(NatsBus::new(NatsOptions::new("nats://one:4222, tls://two:4222")).is_ok());
}

#[test]
fn subscribers_look_by_themselves_less_often_than_on_a_local_bus() {
    let bus = NatsBus::new(NatsOptions::new("nats://localhost")).unwrap();
    assert!(bus.poll() > aerie_events::LocalBus::default().poll());
}
