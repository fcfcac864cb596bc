use std::{sync::Arc, time::Duration};

use aerie_events::{Delivery, PostgresBus, SubscribeOptions, subscribe};
use aerie_store::{ServerOptions, Stores, StoresConfig};
use aerie_tasks::{Queue, Registry, Runner, RunnerOptions, ServerClock, TaskState};
use aerie_testkit::pgbouncer::PgBouncer;
use futures::StreamExt;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{PLAIN, Place, clock, echo, plain, scripted, submit, task};

/// A poll that would never come in the time of a test: only a wake-up can do it.
const NEVER: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_processs_submission_wakes_the_runner_and_the_subscribers() {
    let Some(place) = Place::postgres().await else { return };
    wakes(place.opened_again().await, place).await;
}

/// The writer's sessions are a pooler's, which gives each transaction another; the listener has the server's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_through_a_pooler_is_heard_on_a_session_beside_it() {
    let Some(place) = Place::postgres().await else { return };
    let Some(pooler) = PgBouncer::start(place.server(), 3).unwrap() else { return };
    let config = StoresConfig { url: pooler.url().to_owned(), migrate: false, ..place.config() };
    let options = ServerOptions { pooled: true, session_url: Some(place.url()), ..ServerOptions::default() };
    let stores = Arc::new(Stores::open_with(config, options).await.unwrap());
    assert_eq!(stores.session_url(), place.url());
    wakes(stores, place).await;
}

async fn wakes(elsewhere: Arc<Stores>, place: Place) {
    let here = place.person().await;
    let there = elsewhere.person(aerie_events::person_of(&here).unwrap()).await.unwrap();
    let registry = || Registry::new().with(scripted::<PLAIN, _, _>(echo));
    let (bus_here, bus_there) = (Arc::new(PostgresBus::default()), Arc::new(PostgresBus::default()));
    let queue_here = Queue::new(registry(), clock(), Arc::clone(&bus_here) as _);
    let queue_there = Queue::new(registry(), clock(), Arc::clone(&bus_there) as _);

    let stop = CancellationToken::new();
    let (url, bus, queue, stopping) =
        (elsewhere.session_url().to_owned(), Arc::clone(&bus_there), queue_there.clone(), stop.clone());
    let listening = tokio::spawn(async move { aerie_tasks::listen(&url, &bus, &queue, stopping).await });
    let runner = Runner::new(queue_there.clone(), RunnerOptions { poll: NEVER, ..RunnerOptions::default() });
    runner.add_everybody(Arc::clone(&elsewhere));
    let stopping = stop.clone();
    let running = tokio::spawn(async move { runner.run(stopping).await });
    let options =
        SubscribeOptions { poll: Some(NEVER), kinds: vec!["task.completed".to_owned()], ..Default::default() };
    let mut events = Box::pin(subscribe(there.clone(), bus_there as _, Some(0), options));

    // Until the listener is connected its wake-ups are lost, so the submission is repeated.
    let told = async { events.next().await.unwrap().unwrap() };
    tokio::pin!(told);
    let told = loop {
        let id = submit(&queue_here, &here, plain(json!("from afar")).with_key("one")).await.id;
        tokio::select! {
            told = &mut told => break (id, told),
            () = tokio::time::sleep(Duration::from_millis(200)) => {
                // Wakes without changing anything.
                queue_here.commit(here.begin().await.unwrap(), aerie_events::person_of(&here).unwrap()).await.unwrap();
            }
        }
    };
    let Delivery::Event(event) = told.1 else { panic!("{:?}", told.1) };
    assert_eq!(task(&queue_here, &here, event.subject_id.unwrap()).await.state, TaskState::Completed);
    stop.cancel();
    running.await.unwrap();
    listening.await.unwrap();
}

/// Whatever this machine's clock shows, the tasks' clock lies between two looks at the server's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_live_by_the_clock_of_the_server() {
    let Some(place) = Place::postgres().await else { return };
    let stores = place.opened_again().await;
    let shown = || async {
        let mut tx = stores.platform().read().await.unwrap();
        let row = tx.fetch_one("select clock_timestamp() as now", vec![]).await.unwrap();
        row.time("now").unwrap()
    };
    let stop = CancellationToken::new();
    let clock = ServerClock::of(&stores, stop.clone()).await.unwrap();
    // Half of a question and an answer is how well it can be known.
    let unknown = chrono::TimeDelta::milliseconds(500);
    let (before, now, after) = (shown().await, clock.now(), shown().await);
    assert!(before - unknown <= now && now <= after + unknown, "{before} {now} {after}");
    stop.cancel();
}
