//! Runs: complete, cheap when nothing changed, one at a time, cancellable.

use aerie_proto::pipeline::v1 as pb;
use chrono::TimeDelta;
use serde_json::json;
use tonic::Code;

use crate::{
    scripted::Script,
    world::{Options, World, board_search, source},
};

#[tokio::test]
async fn a_run_over_every_board_completes_and_scores_what_it_found() {
    let world = World::new().await;
    let search = world.ada.save_search(world.whole_search()).await;
    let run = world.ada.run(&search).await;
    assert_eq!(run.state(), pb::RunState::Completed, "{run:#?}");
    for source in &run.sources {
        assert_eq!(source.state(), pb::SourceRunState::Succeeded, "{source:?}");
        assert!(source.fetched > 0, "{source:?}");
    }
    assert_eq!(run.sources.len(), world.boards.company_boards().len() + world.boards.aggregators().len());
    let jobs = world.ada.all_jobs().await;
    assert_eq!(jobs.len(), run.new_jobs as usize);
    assert_eq!(run.scored_jobs, run.new_jobs);
    assert_eq!(run.new_postings, run.new_jobs, "nothing is filtered out here");
    assert!(jobs.iter().all(|job| job.score.is_some() && job.status() == pb::JobStatus::Pending));
    let totals: Vec<f64> = jobs.iter().map(crate::world::total).collect();
    assert!(totals.is_sorted_by(|left, right| left >= right), "jobs come best first");
    assert!(run.start_time.is_some() && run.end_time.is_some());
}

#[tokio::test]
async fn a_fresh_answer_is_not_asked_for_again() {
    let world = World::new().await;
    let search = world.ada.save_search(world.whole_search()).await;
    let first = world.ada.run(&search).await;
    let asked = world.boards.requests();
    let second = world.ada.run(&search).await;
    assert_eq!(world.boards.requests(), asked, "no request at all");
    assert_nothing_new(&first, &second);
}

#[tokio::test]
async fn unchanged_boards_cost_conditional_requests_and_nothing_else() {
    let world = World::with(Options { freshness_minutes: 0, ..Options::default() }).await;
    let search = world.ada.save_search(world.whole_search()).await;
    let first = world.ada.run(&search).await;
    let (asked, unchanged) = world.boards.requests();
    assert_eq!(unchanged, 0);
    world.clock.advance(TimeDelta::seconds(1));
    let second = world.ada.run(&search).await;
    let (asked_later, unchanged_later) = world.boards.requests();
    // Hacker News is asked which thread is this month's, and the sample of Teamtailor lacks the better of its two feeds.
    let plain = 2;
    assert_eq!(asked_later - asked, unchanged_later + plain, "the others were conditional: {second:#?}");
    assert!(unchanged_later > 0);
    assert_nothing_new(&first, &second);
    assert!(second.sources.iter().all(|source| source.not_modified), "{second:#?}");
}

#[tokio::test]
async fn unchanged_means_what_the_same_query_saw_last() {
    const LEVER: &str = "api.lever.co";
    let world = World::with(Options { freshness_minutes: 0, scripted: vec![LEVER], ..Options::default() }).await;
    let row = |number: u32| {
        format!(
            "{{\"id\": \"5a3c0de0-0000-4000-8000-{number:012}\", \"text\": \"Weaver {number}\", \
             \"hostedUrl\": \"https://jobs.lever.co/brasswick/5a3c0de0-0000-4000-8000-{number:012}\"}}"
        )
    };
    // Two people ask the same board with different limits, which are different queries of one address.
    let ada = world.ada.save_search(board_search("lever:brasswick")).await;
    let ben = pb::SearchProfile { results_per_source: 50, ..board_search("lever:brasswick") };
    let ben = world.ben.save_search(ben).await;
    world.scripted.answer(LEVER, Script::json(format!("[{}]", row(1))));
    assert_eq!(world.ben.run(&ben).await.new_jobs, 1);
    world.clock.advance(TimeDelta::hours(1));
    world.scripted.answer(LEVER, Script::json(format!("[{}, {}]", row(1), row(2))));
    assert_eq!(world.ada.run(&ada).await.new_jobs, 2);
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(world.ben.run(&ben).await.new_jobs, 1, "unchanged for Ada is news for Ben");
    world.clock.advance(TimeDelta::hours(1));
    assert!(world.ada.run(&ada).await.sources[0].not_modified);
}

#[tokio::test]
async fn sources_are_taken_in_in_the_order_of_the_plan_whoever_answers_first() {
    const GREENHOUSE: &str = "boards-api.greenhouse.io";
    let world = World::with(Options { scripted: vec![GREENHOUSE], ..Options::default() }).await;
    let jobs = json!({"jobs": [{
        "id": 4_000_001, "title": "Loom Mechanic", "company_name": "Brasswick", "location": {"name": "Leeds, England"},
        "absolute_url": "https://boards.greenhouse.io/brasswick/jobs/4000001", "content": "You look after our looms.",
    }], "meta": {"total": 1}});
    world.scripted.answer(GREENHOUSE, Script::json(jobs.to_string()).held());
    let search = pb::SearchProfile {
        sources: vec!["greenhouse".to_owned(), "ashby".to_owned()],
        company_boards: vec!["greenhouse:brasswick".to_owned(), "ashby:ovella".to_owned()],
        ..board_search("greenhouse:brasswick")
    };
    let search = world.ada.save_search(search).await;
    let run = world.ada.start(&search).await.run.unwrap().id;
    let mut events = world.ada.events_from_start().await;
    events
        .until(|event| {
            let stage = event.data.as_ref().and_then(|data| data.fields.get("stage"));
            event.kind == "task.progress" && format!("{stage:?}").contains("waiting for its turn")
        })
        .await;
    assert!(world.ada.all_jobs().await.is_empty(), "the second board has answered, but it is not its turn");
    world.scripted.release();
    let ended = world.ada.ended(&run).await;
    assert_eq!(ended.state(), pb::RunState::Completed, "{ended:#?}");
    let mut added = world.ada.events_from_start().await;
    let first = added.next("jobs.added").await;
    assert!(format!("{:?}", first.data).contains("greenhouse"), "{first:?}");
    assert!(world.ada.all_jobs().await.len() > 1);
}

fn assert_nothing_new(first: &pb::Run, second: &pb::Run) {
    assert_ne!(first.id, second.id);
    assert_eq!(second.state(), pb::RunState::Completed);
    assert_eq!((second.new_postings, second.new_jobs, second.scored_jobs), (0, 0, 0), "{second:#?}");
    assert!(second.known_postings > 0);
}

#[tokio::test]
async fn a_second_person_gets_jobs_from_the_catalogue_without_the_boards_being_asked_again() {
    let world = World::new().await;
    let search = world.ada.save_search(world.whole_search()).await;
    let first = world.ada.run(&search).await;
    let asked = world.boards.requests();
    let search = world.ben.save_search(world.whole_search()).await;
    let second = world.ben.run(&search).await;
    assert_eq!(world.boards.requests(), asked);
    assert_eq!((second.new_postings, second.new_jobs), (0, first.new_jobs));
    assert_eq!(world.ben.all_jobs().await.len(), world.ada.all_jobs().await.len());
    let (ada, ben) = (world.ada.all_jobs().await, world.ben.all_jobs().await);
    assert!(ada.iter().all(|job| ben.iter().all(|other| other.id != job.id)), "each has jobs of their own");
}

#[tokio::test]
async fn two_starts_at_once_give_one_run() {
    let world = World::with(Options { scripted: vec!["api.lever.co"], ..Options::default() }).await;
    // The board never answers, so the first run is there as long as it is needed.
    world.scripted.answer("api.lever.co", Script::status(0));
    let search = world.ada.save_search(board_search("lever:brasswick")).await;
    let (left, right) = tokio::join!(world.ada.start(&search), world.ada.start(&search));
    assert_ne!(left.created, right.created);
    let (left, right) = (left.run.unwrap(), right.run.unwrap());
    assert_eq!(left.id, right.id);
    let runs = world.ada.discovery().list_runs(pb::ListRunsRequest::default()).await.unwrap().into_inner().runs;
    assert_eq!(runs.len(), 1);
    cancel(&world, &left.id).await;
}

#[tokio::test]
async fn a_cancelled_run_stops_and_says_so() {
    let world = World::with(Options { scripted: vec!["api.lever.co"], ..Options::default() }).await;
    world.scripted.answer("api.lever.co", Script::status(0));
    let search = world.ada.save_search(board_search("lever:brasswick")).await;
    let run = world.ada.start(&search).await.run.unwrap();
    // Cancelled while it waits for the board.
    let mut events = world.ada.events_from_start().await;
    events
        .until(|event| event.kind == "task.running" && format!("{:?}", event.data).contains("discovery.source"))
        .await;
    cancel(&world, &run.id).await;
    let ended = world.ada.ended(&run.id).await;
    assert_eq!(ended.state(), pb::RunState::Cancelled);
    let row = source(&ended, "lever:brasswick");
    assert!(
        !matches!(row.state(), pb::SourceRunState::Running | pb::SourceRunState::Queued),
        "nothing of a cancelled run looks as if it were still at work: {row:?}"
    );
    assert!(row.reason.contains("cancelled"), "{row:?}");
    assert!(ended.end_time.is_some());
    assert_eq!(world.ada.all_jobs().await.len(), 0);
    // The next run is a new one.
    let again = world.ada.start(&search).await;
    assert!(again.created);
    cancel(&world, &again.run.unwrap().id).await;
}

async fn cancel(world: &World, run: &str) {
    world.ada.tasks().cancel_task(pb::CancelTaskRequest { task_id: run.to_owned() }).await.unwrap();
}

#[tokio::test]
async fn a_run_of_something_unknown_is_refused_with_the_remedy() {
    let world = World::new().await;
    let start = |request| {
        let mut client = world.ada.discovery();
        async move { client.start_run(request).await.unwrap_err() }
    };
    let none = start(pb::StartRunRequest::default()).await;
    assert_eq!(none.code(), Code::NotFound);
    assert!(none.message().contains("save one first"), "{none}");
    world.ada.save_search(board_search("lever:brasswick")).await;
    let unknown = start(pb::StartRunRequest { sources: vec!["levr".to_owned()], ..Default::default() }).await;
    assert_eq!(unknown.code(), Code::InvalidArgument);
    assert!(unknown.message().contains("sources[0]") && unknown.message().contains("levr"), "{unknown}");
    let missing = start(pb::StartRunRequest {
        search_profile_id: "0190a000-0000-7000-8000-000000000000".to_owned(),
        ..Default::default()
    })
    .await;
    assert_eq!(missing.code(), Code::NotFound);
    let malformed = start(pb::StartRunRequest { search_profile_id: "backend".to_owned(), ..Default::default() }).await;
    assert_eq!(malformed.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_run_can_be_confined_to_some_sources() {
    let world = World::new().await;
    let search = world.ada.save_search(world.whole_search()).await;
    let request = pb::StartRunRequest { search_profile_id: search.id, sources: vec!["remotive".to_owned()] };
    let started = world.ada.discovery().start_run(request).await.unwrap().into_inner();
    let run = world.ada.ended(&started.run.unwrap().id).await;
    assert_eq!(run.sources.iter().map(|source| source.source.as_str()).collect::<Vec<_>>(), ["remotive"]);
}
