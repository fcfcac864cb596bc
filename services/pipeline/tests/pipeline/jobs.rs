//! What a person does with jobs, and the events that tell of it.

use aerie_proto::pipeline::v1::{self as pb, JobStatus, ReviewDecision};
use chrono::TimeDelta;
use tonic::Code;

use crate::world::{Options, World, board_search};

async fn with_jobs() -> (World, pb::SearchProfile, Vec<pb::Job>) {
    let world = World::with(Options { freshness_minutes: 0, ..Options::default() }).await;
    let search = world.ada.save_search(board_search("ashby:ovella")).await;
    world.ada.run(&search).await;
    let jobs = world.ada.all_jobs().await;
    assert!(jobs.len() > 5);
    (world, search, jobs)
}

async fn move_to(world: &World, id: &str, status: JobStatus) -> Result<pb::Job, tonic::Status> {
    let request = pb::MoveJobRequest { job_id: id.to_owned(), status: status as i32 };
    Ok(world.ada.jobs().move_job(request).await?.into_inner().job.unwrap())
}

async fn revert(world: &World, id: &str) -> Result<pb::Job, tonic::Status> {
    let request = pb::RevertJobRequest { job_id: id.to_owned() };
    Ok(world.ada.jobs().revert_job(request).await?.into_inner().job.unwrap())
}

fn words(event: &pb::SubscribeResponse, field: &str) -> String {
    let value = event.data.as_ref().and_then(|data| data.fields.get(field)).and_then(|value| value.kind.clone());
    match value {
        Some(prost_types::value::Kind::StringValue(text)) => text,
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_job_goes_its_way_and_every_move_is_an_event() {
    let (world, _, jobs) = with_jobs().await;
    let id = &jobs[0].id;
    let mut events = world.ada.events_from_start().await;
    let added = events.next("jobs.added").await;
    assert_eq!(words(&added, "source"), "ashby");
    assert_eq!(world.ada.review(id, ReviewDecision::Approve).await.status(), JobStatus::Approved);
    let way = [JobStatus::Applied, JobStatus::PhoneScreen, JobStatus::Interviewing, JobStatus::Offer, JobStatus::Hired];
    for status in way {
        world.clock.advance(TimeDelta::days(1));
        assert_eq!(move_to(&world, id, status).await.unwrap().status(), status);
    }
    let mut told = Vec::new();
    for _ in 0..6 {
        let event = events.until(|event| event.kind == "job.moved").await;
        assert_eq!(&event.subject_id, id);
        told.push(format!("{} > {}", words(&event, "from"), words(&event, "to")));
    }
    assert_eq!(
        told,
        [
            "pending > approved",
            "approved > applied",
            "applied > phone_screen",
            "phone_screen > interviewing",
            "interviewing > offer",
            "offer > hired"
        ]
    );
    let stages: Vec<JobStatus> = world.ada.job(id).await.stage_times.iter().map(|stage| stage.status()).collect();
    assert_eq!(stages.last(), Some(&JobStatus::Hired));
    assert!(stages.contains(&JobStatus::Approved) && stages.contains(&JobStatus::Interviewing));
}

#[tokio::test]
async fn an_illegal_move_names_the_legal_ones_and_changes_nothing() {
    let (world, _, jobs) = with_jobs().await;
    let error = move_to(&world, &jobs[0].id, JobStatus::Offer).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert!(error.message().contains("approved, rejected, archived"), "{error}");
    let job = world.ada.job(&jobs[0].id).await;
    assert_eq!((job.status(), job.etag.as_str()), (JobStatus::Pending, jobs[0].etag.as_str()));
    let none = move_to(&world, "0190a000-0000-7000-8000-000000000000", JobStatus::Approved).await.unwrap_err();
    assert_eq!(none.code(), Code::NotFound);
}

#[tokio::test]
async fn a_rejection_keeps_its_stage_and_can_be_taken_back() {
    let (world, _, jobs) = with_jobs().await;
    let id = &jobs[0].id;
    world.ada.review(id, ReviewDecision::Approve).await;
    move_to(&world, id, JobStatus::Applied).await.unwrap();
    let rejected = world.ada.review(id, ReviewDecision::Reject).await;
    assert_eq!((rejected.status(), rejected.rejection_stage()), (JobStatus::Rejected, JobStatus::Applied));
    let back = revert(&world, id).await.unwrap();
    assert_eq!((back.status(), back.rejection_stage()), (JobStatus::Applied, JobStatus::Unspecified));
    assert_eq!(revert(&world, id).await.unwrap().status(), JobStatus::Approved);
    assert_eq!(revert(&world, id).await.unwrap().status(), JobStatus::Pending);
    let error = revert(&world, id).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    let archived = world.ada.review(id, ReviewDecision::Archive).await;
    assert_eq!(archived.status(), JobStatus::Archived);
    assert_eq!(revert(&world, id).await.unwrap().status(), JobStatus::Pending);
}

#[tokio::test]
async fn notes_are_guarded_by_the_version_that_was_seen() {
    let (world, _, jobs) = with_jobs().await;
    let note = async |etag: &str, notes: &str| {
        let job =
            pb::Job { id: jobs[0].id.clone(), etag: etag.to_owned(), notes: notes.to_owned(), ..Default::default() };
        let mask = prost_types::FieldMask { paths: vec!["notes".to_owned()] };
        let request = pb::UpdateJobRequest { job: Some(job), update_mask: Some(mask) };
        Ok::<_, tonic::Status>(world.ada.jobs().update_job(request).await?.into_inner().job.unwrap())
    };
    let seen = world.ada.job(&jobs[0].id).await.etag;
    let changed = note(&seen, "call on Monday").await.unwrap();
    assert_eq!(changed.notes, "call on Monday");
    assert_ne!(changed.etag, seen);
    let late = note(&seen, "call on Tuesday").await.unwrap_err();
    assert_eq!(late.code(), Code::Aborted);
    assert_eq!(world.ada.job(&jobs[0].id).await.notes, "call on Monday");
    assert_eq!(note("", "whatever was there").await.unwrap().notes, "whatever was there");
    assert_eq!(note("seven", "").await.unwrap_err().code(), Code::InvalidArgument);
    world.ada.events_from_start().await.next("job.updated").await;
}

#[tokio::test]
async fn a_purged_posting_does_not_come_back() {
    let (world, search, jobs) = with_jobs().await;
    world.ada.review(&jobs[0].id, ReviewDecision::Reject).await;
    world.ada.review(&jobs[1].id, ReviewDecision::Approve).await;
    let purge = async |status: JobStatus| {
        let request = pb::PurgeJobsRequest { statuses: vec![status as i32] };
        Ok::<_, tonic::Status>(world.ada.jobs().purge_jobs(request).await?.into_inner().purged)
    };
    assert_eq!(purge(JobStatus::Approved).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(purge(JobStatus::Rejected).await.unwrap(), 1);
    world.ada.events_from_start().await.next("jobs.purged").await;
    world.clock.advance(TimeDelta::days(1));
    let run = world.ada.run(&search).await;
    assert_eq!((run.state(), run.new_jobs), (pb::RunState::Completed, 0));
    let left = world.ada.all_jobs().await;
    assert_eq!(left.len(), jobs.len() - 1);
    assert!(left.iter().all(|job| job.id != jobs[0].id));
    let gone = pb::GetJobRequest { job_id: jobs[0].id.clone() };
    assert_eq!(world.ada.jobs().get_job(gone).await.unwrap_err().code(), Code::NotFound);
    // Somebody else never said that they do not want it.
    let search = world.ben.save_search(board_search("ashby:ovella")).await;
    world.ben.run(&search).await;
    assert_eq!(world.ben.all_jobs().await.len(), jobs.len());
}

#[tokio::test]
async fn many_are_archived_at_once() {
    let (world, _, jobs) = with_jobs().await;
    world.ada.review(&jobs[0].id, ReviewDecision::Approve).await;
    let request = pb::BulkArchiveJobsRequest { statuses: vec![JobStatus::Pending as i32] };
    let archived = world.ada.jobs().bulk_archive_jobs(request).await.unwrap().into_inner().archived;
    assert_eq!(archived as usize, jobs.len() - 1);
    let counts = world.ada.jobs().count_jobs(pb::CountJobsRequest {}).await.unwrap().into_inner();
    let count = |status: JobStatus| counts.counts.iter().find(|one| one.status() == status).map(|one| one.count);
    assert_eq!((count(JobStatus::Archived), count(JobStatus::Approved)), (Some(archived), Some(1)));
    assert_eq!(counts.total as usize, jobs.len());
    world.ada.events_from_start().await.next("jobs.archived").await;
}

#[tokio::test]
async fn nobody_reaches_the_jobs_of_somebody_else() {
    let (world, _, jobs) = with_jobs().await;
    let request = pb::GetJobRequest { job_id: jobs[0].id.clone() };
    assert_eq!(world.ben.jobs().get_job(request).await.unwrap_err().code(), Code::NotFound);
    let request = pb::ReviewJobRequest { job_id: jobs[0].id.clone(), decision: ReviewDecision::Reject as i32 };
    assert_eq!(world.ben.jobs().review_job(request).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(world.ada.job(&jobs[0].id).await.status(), JobStatus::Pending);
}

#[tokio::test]
async fn lists_are_filtered_searched_and_paged_without_loss() {
    let (world, _, jobs) = with_jobs().await;
    let mut paged = Vec::new();
    let mut request = pb::ListJobsRequest { page_size: 3, ..Default::default() };
    loop {
        let page = world.ada.jobs().list_jobs(request.clone()).await.unwrap().into_inner();
        assert!(page.jobs.len() <= 3);
        assert_eq!(page.total_size as usize, jobs.len());
        paged.extend(page.jobs.into_iter().map(|job| job.id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(paged, jobs.iter().map(|job| job.id.clone()).collect::<Vec<_>>());
    let nurses = world.ada.list(pb::ListJobsRequest { query: "nurse".to_owned(), ..Default::default() }).await;
    assert!(!nurses.is_empty() && nurses.iter().any(|job| crate::world::title(job).contains("Nurse")));
    let bad = pb::ListJobsRequest { page_token: "nonsense".to_owned(), ..Default::default() };
    assert_eq!(world.ada.jobs().list_jobs(bad).await.unwrap_err().code(), Code::InvalidArgument);
}
