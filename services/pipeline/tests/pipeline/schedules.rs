//! Search profiles that run by themselves.

use aerie_proto::pipeline::v1 as pb;
use chrono::TimeDelta;

use crate::world::{World, board_search};

async fn runs(world: &World) -> Vec<pb::Run> {
    world.ada.discovery().list_runs(pb::ListRunsRequest::default()).await.unwrap().into_inner().runs
}

#[tokio::test]
async fn a_scheduled_search_profile_runs_at_its_times() {
    let world = World::new().await;
    let search = pb::SearchProfile { schedule: "0 10 * * *".to_owned(), ..board_search("ashby:ovella") };
    let search = world.ada.save_search(search).await;
    let mut events = world.ada.events_from_start().await;
    assert_eq!(runs(&world).await.len(), 0, "it is nine o'clock");

    world.clock.advance(TimeDelta::minutes(61));
    let run = events.next("run.updated").await.subject_id;
    let first = world.ada.ended(&run).await;
    assert_eq!((first.state(), first.search_profile_id.as_str()), (pb::RunState::Completed, search.id.as_str()));
    assert!(first.new_jobs > 0 && first.scored_jobs == first.new_jobs);

    world.clock.advance(TimeDelta::days(1));
    let second = events.until(|event| event.kind == "run.updated" && event.subject_id != run).await.subject_id;
    assert_eq!(world.ada.ended(&second).await.new_jobs, 0);

    // A board that is added later is part of the next run.
    let add = pb::AddCompanyBoardRequest {
        url: "https://jobs.ashbyhq.com/Fernhollow".to_owned(),
        search_profile_id: search.id.clone(),
    };
    let added = world.ada.discovery().add_company_board(add).await.unwrap().into_inner();
    assert!(added.added, "{added:?}");
    world.clock.advance(TimeDelta::days(1));
    let third = events
        .until(|event| event.kind == "run.updated" && event.subject_id != run && event.subject_id != second)
        .await
        .subject_id;
    let third = world.ada.ended(&third).await;
    assert_eq!(third.sources.len(), 2, "{third:#?}");
    assert!(third.new_jobs > 0);
}

#[tokio::test]
async fn a_schedule_ends_with_its_search_profile() {
    let world = World::new().await;
    let search = pb::SearchProfile { schedule: "0 10 * * *".to_owned(), ..board_search("ashby:ovella") };
    let search = world.ada.save_search(search).await;
    let without = world.ada.save_search(pb::SearchProfile { schedule: String::new(), ..search.clone() }).await;
    assert_eq!(without.schedule, "");
    let other =
        world.ada.save_search(pb::SearchProfile { id: String::new(), name: "another".to_owned(), ..search }).await;
    let delete = pb::DeleteSearchProfileRequest { search_profile_id: other.id };
    world.ada.profile().delete_search_profile(delete).await.unwrap();
    // Housekeeping is planned for the night and proves that time has been noticed.
    world.clock.advance(TimeDelta::days(1));
    let mut events = world.ada.events_from_start().await;
    events.next("task.completed").await;
    assert_eq!(runs(&world).await.len(), 0);
}

#[tokio::test]
async fn a_schedule_that_is_none_is_refused() {
    let world = World::new().await;
    let search = pb::SearchProfile { schedule: "every morning".to_owned(), ..board_search("ashby:ovella") };
    let request = pb::SaveSearchProfileRequest { search_profile: Some(search) };
    let error = world.ada.profile().save_search_profile(request).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::InvalidArgument);
    assert!(error.message().contains("schedule"), "{error}");
}
