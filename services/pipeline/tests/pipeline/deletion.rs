//! Deleting everything: confirmed, complete, and once begun not to be stopped.

use aerie_proto::pipeline::v1 as pb;
use aerie_store::{Engine, PersonId, StoreError};
use serde_json::json;
use tonic::Code;

use crate::{
    scripted::Script,
    world::{Caller, Options, World, board_search},
};

/// Two openings and a profile.
async fn begin(caller: &Caller) {
    let row = |number: u32| {
        json!({ "title": format!("Engineer {number}"), "company": "Larkspur", "location": "Berlin",
                "url": format!("https://jobs.example.com/{number}"), "description": "Build gauges." })
    };
    assert_eq!(caller.import(&json!([row(1), row(2)])).await.new_jobs, 2);
    caller.save_profile(pb::Profile { full_name: "Ada Quill".to_owned(), ..Default::default() }).await;
}

async fn preview(caller: &Caller) -> pb::PreviewDeletionResponse {
    caller.deletion().preview_deletion(pb::PreviewDeletionRequest {}).await.unwrap().into_inner()
}

async fn delete(caller: &Caller, confirmation: &str) -> Result<pb::DeleteEverythingResponse, tonic::Status> {
    let request = pb::DeleteEverythingRequest { confirmation: confirmation.to_owned() };
    Ok(caller.deletion().delete_everything(request).await?.into_inner())
}

fn rows(tables: &[pb::TableRows], name: &str) -> i64 {
    tables.iter().find(|table| table.table == name).map_or(0, |table| table.rows)
}

async fn everything_goes(world: &World) {
    begin(&world.ada).await;
    begin(&world.ben).await;
    let bens = world.ben.all_jobs().await;
    let mut events = world.ada.events_from_start().await;
    events.next("jobs.added").await;

    let shown = preview(&world.ada).await;
    assert_eq!((rows(&shown.tables, "job"), rows(&shown.tables, "profile")), (2, 1), "{shown:?}");
    assert!(shown.tables.iter().all(|table| table.rows > 0), "{shown:?}");
    let ada = world.ada_id().await;
    assert_eq!(shown.can_back_up, world.stores.platform().engine() == Engine::Sqlite);
    for wrong in ["", "delete everything", "yes", &preview(&world.ben).await.confirmation] {
        let error = delete(&world.ada, wrong).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{wrong}: {error}");
    }
    assert_eq!(world.ada.all_jobs().await.len(), 2, "a wrong confirmation deletes nothing");

    let deleted = delete(&world.ada, &shown.confirmation).await.unwrap();
    assert!(deleted.is_complete && rows(&deleted.tables, "job") == 2, "{deleted:?}");
    let last = events.last().await;
    assert!(last.resync && last.kind.is_empty(), "the last word is to read afresh: {last:?}");
    for error in [
        world.ada.jobs().list_jobs(pb::ListJobsRequest::default()).await.unwrap_err(),
        delete(&world.ada, &shown.confirmation).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), Code::Unauthenticated, "{error}");
        assert!(error.message().contains("was deleted"), "{error}");
    }
    nothing_is_left(world, ada).await;
    assert_eq!(world.ben.all_jobs().await, bens);

    // Whoever sits at this machine is somebody new, whose tasks are worked on at once.
    let nova = world.local_person().await;
    assert!(nova.all_jobs().await.is_empty());
    let task = nova.save_profile(pb::Profile { full_name: "Nova".to_owned(), ..Default::default() }).await;
    assert_eq!(nova.task_ended(&task).await.state(), pb::TaskState::Completed);
}

async fn nothing_is_left(world: &World, person: PersonId) {
    assert!(!world.stores.person_folder(person).exists());
    assert!(matches!(world.stores.person(person).await, Err(StoreError::Deleted { .. })));
    if world.stores.platform().engine() == Engine::Postgres {
        assert_eq!(world.stores.count_rows(person).await.unwrap(), Default::default());
    }
}

#[tokio::test]
async fn everything_of_a_person_goes_when_they_say_so() {
    everything_goes(&World::new().await).await;
}

#[tokio::test]
async fn everything_of_a_person_goes_when_they_say_so_on_postgres() {
    if let Some(world) = World::on_postgres(Options::default()).await {
        everything_goes(&world).await;
    }
}

async fn work_stops(world: &World) {
    // The board never answers, so that the run is at work for as long as it is let.
    world.scripted.answer("api.lever.co", Script::status(0));
    let search = world.ada.save_search(board_search("lever:brasswick")).await;
    world.ada.start(&search).await;
    let mut events = world.ada.events_from_start().await;
    events
        .until(|event| event.kind == "task.running" && format!("{:?}", event.data).contains("discovery.source"))
        .await;
    let ada = world.ada_id().await;
    let deleted = delete(&world.ada, &preview(&world.ada).await.confirmation).await.unwrap();
    assert!(deleted.is_complete, "{deleted:?}");
    nothing_is_left(world, ada).await;
    // Slots of dropped runs are free again: as many tasks of somebody else as there are workers get through.
    let task = world.ben.save_profile(pb::Profile { full_name: "Ben".to_owned(), ..Default::default() }).await;
    assert_eq!(world.ben.task_ended(&task).await.state(), pb::TaskState::Completed);
}

fn one_worker() -> Options {
    // A run waits without a worker; its source has the only one.
    Options { scripted: vec!["api.lever.co"], settings: json!({ "tasks": { "workers": 1 } }), ..Options::default() }
}

#[tokio::test]
async fn tasks_in_work_are_dropped() {
    work_stops(&World::with(one_worker()).await).await;
}

#[tokio::test]
async fn tasks_in_work_are_dropped_on_postgres() {
    if let Some(world) = World::on_postgres(one_worker()).await {
        work_stops(&world).await;
    }
}

/// As when the process is killed after the account went and before anything else did: whoever starts next goes on.
async fn goes_on(world: &World) {
    begin(&world.ada).await;
    let ada = world.ada_id().await;
    let folder = world.stores.person_folder(ada);
    world.stores.delete_account(ada, crate::world::start_time()).await.unwrap();
    let started_next = world.replica().await;
    while world.stores.open_deletions().await.unwrap().iter().any(|one| one.swept_at.is_none()) {
        tokio::task::yield_now().await;
    }
    assert!(!folder.exists());
    nothing_is_left(world, ada).await;
    assert!(started_next.ada.all_jobs().await.is_empty(), "somebody new");
}

#[tokio::test]
async fn what_was_broken_off_goes_on_by_itself() {
    goes_on(&World::new().await).await;
}

#[tokio::test]
async fn what_was_broken_off_goes_on_by_itself_on_postgres() {
    if let Some(world) = World::on_postgres(Options::default()).await {
        goes_on(&world).await;
    }
}
