//! Two processes on one server: whoever reads events from either misses none and sees none twice.

use std::time::Duration;

use aerie_proto::pipeline::v1::SubscribeRequest;
use aerie_testkit::nats::NatsServer;
use serde_json::{Value, json};

use crate::world::{Caller, Options, Replica, World};

/// Changes that are made in turn by the two processes.
const CHANGES: usize = 30;
/// Long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);

async fn two_processes(events: Value) -> Option<(World, Replica)> {
    let settings = json!({ "events": events });
    let world = World::on_postgres(Options { settings, ..Options::default() }).await?;
    let replica = world.replica().await;
    Some((world, replica))
}

/// Adds one opening.
async fn change(caller: &Caller, number: usize) {
    let url = format!("https://jobs.example.com/{number}");
    let row = json!([{ "title": format!("Engineer {number}"), "company": format!("Company {number}"), "url": url,
                       "location": "Berlin", "description": "Build gauges." }]);
    let imported = caller.import(&row).await;
    assert_eq!(imported.new_jobs, 1, "{imported:?}");
}

/// Reads a few events from one process, goes away, and goes on at the other after the last that it saw, until it saw all
/// changes; returns the sequences in the order in which they came.
async fn read_in_turn(callers: [&Caller; 2]) -> Vec<i64> {
    let mut seen: Vec<i64> = Vec::new();
    let mut added = 0;
    for caller in callers.into_iter().cycle() {
        let after_sequence = Some(seen.last().copied().unwrap_or_default());
        let request = SubscribeRequest { after_sequence, kinds: vec![] };
        let mut stream = caller.events().subscribe(request).await.unwrap().into_inner();
        for _ in 0..4 {
            let event = stream.message().await.unwrap().expect("the stream goes on");
            assert!(!event.resync, "nothing was forgotten");
            seen.push(event.sequence);
            added += usize::from(event.kind == "jobs.added");
            if added == CHANGES {
                return seen;
            }
        }
    }
    seen
}

/// A stream that is not told where to begin begins when its answer does, however late it is read.
#[tokio::test]
async fn whoever_sees_a_stream_begin_misses_nothing_after_that() {
    let world = World::new().await;
    change(&world.ada, 0).await;
    let mut stream = world.ada.events().subscribe(SubscribeRequest::default()).await.unwrap().into_inner();
    change(&world.ada, 1).await;
    let told = async { while stream.message().await.unwrap().expect("the stream goes on").kind != "jobs.added" {} };
    tokio::time::timeout(PATIENCE, told).await.expect("the news came before the stream knew where it begins");
}

async fn nothing_is_missed_or_doubled(world: &World, replica: &Replica, mut between: impl FnMut(usize)) {
    let write = async {
        for number in 0..CHANGES {
            between(number);
            change(if number % 2 == 0 { &world.ada } else { &replica.ada }, number).await;
        }
    };
    let read = tokio::time::timeout(PATIENCE, read_in_turn([&world.ada, &replica.ada]));
    let ((), seen) = tokio::join!(write, read);
    let seen = seen.expect("every change is told");
    assert_eq!(seen, (1..=seen.len() as i64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_may_change_processes_on_postgres() {
    let Some((world, replica)) = two_processes(json!({})).await else { return };
    nothing_is_missed_or_doubled(&world, &replica, |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_may_change_processes_while_nats_comes_and_goes() {
    let Some(mut nats) = NatsServer::start().unwrap() else { return };
    let events = json!({ "bus": "nats", "nats_url": nats.url() });
    let Some((world, replica)) = two_processes(events).await else { return };
    nothing_is_missed_or_doubled(&world, &replica, |number| match number {
        10 => nats.stop(),
        20 => nats.start_again().unwrap(),
        _ => {}
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_may_change_processes_that_do_not_hear_of_each_other() {
    let Some((world, replica)) = two_processes(json!({ "bus": "local" })).await else { return };
    nothing_is_missed_or_doubled(&world, &replica, |_| {}).await;
}
