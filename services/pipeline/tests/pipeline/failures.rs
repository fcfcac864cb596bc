//! Boards that misbehave: each is named with its reason, the others go on.

use std::collections::HashSet;

use aerie_proto::pipeline::v1 as pb;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::{
    scripted::Script,
    world::{Options, World, board_search, source, start_time},
};

const LEVER: &str = "api.lever.co";

/// A search over a board that the scripted server answers for and one that works.
fn search_of_two() -> pb::SearchProfile {
    pb::SearchProfile {
        sources: vec!["lever".to_owned(), "ashby".to_owned()],
        company_boards: vec!["lever:brasswick".to_owned(), "ashby:ovella".to_owned()],
        ..board_search("lever:brasswick")
    }
}

async fn world() -> World {
    World::with(Options { freshness_minutes: 0, scripted: vec![LEVER], ..Options::default() }).await
}

/// Runs a search; a source that is to be tried again later is tried again at once.
async fn run_with_retries(world: &World, search: &pb::SearchProfile) -> pb::Run {
    let run = world.ada.start(search).await.run.unwrap().id;
    let mut events = world.ada.events_from_start().await;
    let mut queued = HashSet::new();
    loop {
        let event = events.until(|event| event.kind == "task.queued" || event.subject_id == run).await;
        if event.kind == "task.completed" {
            return world.ada.ended(&run).await;
        }
        if event.kind == "task.queued" && !queued.insert(event.subject_id) {
            world.clock.advance(TimeDelta::hours(1));
        }
    }
}

async fn health(world: &World, name: &str) -> pb::SourceHealth {
    let sources = world.ada.discovery().list_sources(pb::ListSourcesRequest {}).await.unwrap().into_inner().sources;
    sources.into_iter().find(|source| source.name == name).unwrap().health.unwrap()
}

fn time(timestamp: Option<prost_types::Timestamp>) -> DateTime<Utc> {
    let timestamp = timestamp.expect("a time");
    DateTime::from_timestamp(timestamp.seconds, timestamp.nanos as u32).unwrap()
}

/// A board with so many postings, in the format of Lever.
fn lever_board(count: usize) -> String {
    let rows = (0..count).map(|number| {
        json!({
            "id": format!("5a3c0de0-0000-4000-8000-{number:012}"), "text": format!("Weaver {number}"),
            "hostedUrl": format!("https://jobs.lever.co/brasswick/5a3c0de0-0000-4000-8000-{number:012}"),
            "categories": {"location": format!("Town {number}, Texas")}, "descriptionPlain": format!("Loom {number}."),
        })
    });
    json!(rows.collect::<Vec<_>>()).to_string()
}

#[tokio::test]
async fn a_bus_between_processes_needs_a_server() {
    for bus in ["postgres", "nats"] {
        let settings = serde_json::json!({ "events": { "bus": bus, "nats_url": "nats://localhost" } });
        let home = tempfile::tempdir().unwrap();
        let stores = aerie_store::StoresConfig {
            url: "embedded".to_owned(),
            data: home.path().to_owned(),
            migrate: true,
            connections: 2,
        };
        let deps = aerie_pipeline::PipelineDeps {
            stores: std::sync::Arc::new(aerie_store::Stores::open(stores).await.unwrap()),
            config: &aerie_config::Config::load(None, &settings).unwrap(),
            clock: std::sync::Arc::new(aerie_tasks::SystemClock),
            router: None,
        };
        let error = aerie_pipeline::Pipeline::create(deps).err().expect("it cannot work").to_string();
        assert!(error.contains(bus) && error.contains("store.url"), "{error}");
    }
}

#[tokio::test]
async fn every_way_of_failing_shows_its_reason_and_the_others_succeed() {
    let forbidden = Script::status(403);
    let limited = Script { headers: vec![("retry-after", "120")], ..Script::status(429) };
    let cases = [
        ("refused", forbidden, "403"),
        ("told to wait", limited, "120"),
        ("broken", Script::status(500), "500"),
        ("gone", Script::status(404), "not found"),
        ("a page instead of data", Script::html("<html><body>Please log in</body></html>"), "JSON"),
        ("half an answer", Script::json("[{\"id\": "), "JSON"),
    ];
    for (what, script, word) in cases {
        let world = world().await;
        world.scripted.answer(LEVER, script);
        let search = world.ada.save_search(search_of_two()).await;
        let run = run_with_retries(&world, &search).await;
        assert_eq!(run.state(), pb::RunState::Completed, "{what}: {run:#?}");
        let failed = source(&run, "lever:brasswick");
        assert_eq!(failed.state(), pb::SourceRunState::Failed, "{what}: {failed:?}");
        assert!(failed.reason.contains(word), "{what}: {:?} does not say {word}", failed.reason);
        assert_eq!(source(&run, "ashby:ovella").state(), pb::SourceRunState::Succeeded, "{what}");
        assert_eq!(world.ada.all_jobs().await.len(), run.new_jobs as usize);
        assert!(run.new_jobs > 0, "{what}");
        let health = health(&world, "lever").await;
        assert_eq!(health.state, "failing", "{what}");
        assert!(health.reason.contains("lever:brasswick") && health.reason.contains(word), "{what}: {health:?}");
    }
}

#[tokio::test]
async fn a_board_that_says_when_to_come_back_is_left_alone_until_then() {
    let world = world().await;
    world.scripted.answer(LEVER, Script { headers: vec![("retry-after", "600")], ..Script::status(429) });
    let search = world.ada.save_search(search_of_two()).await;
    world.ada.run(&search).await;
    let health = health(&world, "lever").await;
    assert_eq!(time(health.retry_time), start_time() + TimeDelta::seconds(600));
    let asked = world.scripted.asked(LEVER);
    world.clock.advance(TimeDelta::seconds(500));
    let rested = world.ada.run(&search).await;
    assert_eq!(world.scripted.asked(LEVER), asked, "a resting board is not asked");
    let row = source(&rested, "lever:brasswick");
    assert_eq!(row.state(), pb::SourceRunState::Failed);
    assert!(row.reason.starts_with("left alone until 2026-03-02 09:10 UTC"), "{row:?}");
}

#[tokio::test]
async fn a_refusal_makes_a_board_rest_longer_each_time_and_an_answer_makes_it_well() {
    let world = world().await;
    world.scripted.answer(LEVER, Script::status(403));
    let search = world.ada.save_search(search_of_two()).await;
    let mut now = start_time();
    for rest in [TimeDelta::minutes(5), TimeDelta::minutes(10), TimeDelta::minutes(20)] {
        let asked = world.scripted.asked(LEVER);
        world.ada.run(&search).await;
        assert_eq!(world.scripted.asked(LEVER), asked + 1);
        assert_eq!(time(health(&world, "lever").await.retry_time), now + rest);
        world.clock.advance(rest);
        now += rest;
    }
    world.scripted.answer(LEVER, Script::json(lever_board(3)));
    let run = world.ada.run(&search).await;
    assert_eq!(source(&run, "lever:brasswick").new_jobs, 3);
    let health = health(&world, "lever").await;
    assert_eq!((health.state.as_str(), health.consecutive_failures), ("ok", 0));
    assert_eq!(health.retry_time, None);
}

#[tokio::test]
async fn silence_where_there_used_to_be_postings_is_a_failure_and_closes_nothing() {
    let world = world().await;
    world.scripted.answer(LEVER, Script::json(lever_board(8)));
    let search = world.ada.save_search(search_of_two()).await;
    assert_eq!(source(&world.ada.run(&search).await, "lever:brasswick").new_jobs, 8);
    world.scripted.answer(LEVER, Script::json("[]"));
    world.clock.advance(TimeDelta::hours(1));
    let run = world.ada.run(&search).await;
    let row = source(&run, "lever:brasswick");
    assert_eq!(row.state(), pb::SourceRunState::Failed, "{row:?}");
    assert!(row.reason.contains("no posting, where there usually are about 8"), "{row:?}");
    assert_eq!(health(&world, "lever").await.state, "failing");
    for job in world.ada.list(pb::ListJobsRequest { query: "Weaver".to_owned(), ..Default::default() }).await {
        assert_eq!(world.ada.job(&job.id).await.posting.unwrap().close_time, None);
    }
}

#[tokio::test]
async fn a_posting_that_left_a_complete_board_is_closed() {
    let world = world().await;
    world.scripted.answer(LEVER, Script::json(lever_board(8)));
    let search = world.ada.save_search(search_of_two()).await;
    world.ada.run(&search).await;
    world.scripted.answer(LEVER, Script::json(lever_board(7)));
    for _ in 0..3 {
        world.clock.advance(TimeDelta::days(1));
        world.ada.run(&search).await;
    }
    let mut closed = Vec::new();
    for job in world.ada.list(pb::ListJobsRequest { query: "Weaver".to_owned(), ..Default::default() }).await {
        let posting = world.ada.job(&job.id).await.posting.unwrap();
        if posting.close_time.is_some() {
            closed.push(posting.title);
        }
    }
    assert_eq!(closed, ["Weaver 7"]);
}
