use aerie_store::runs::{self, Run, RunCounts, RunSource};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::fixture::{Fixture, day};

fn run(at: DateTime<Utc>) -> Run {
    Run {
        id: Uuid::now_v7(),
        search_profile_id: None,
        task_id: Some(Uuid::now_v7()),
        state: "queued".into(),
        requested_at: at,
        started_at: None,
        finished_at: None,
        counts: RunCounts::default(),
        reason: None,
    }
}

pub async fn a_run_and_its_sources_are_written_over(fixture: &Fixture) {
    let mut tx = fixture.database.begin().await.unwrap();
    let mut first = run(day(1));
    runs::create_run(&mut tx, &first).await.unwrap();
    first.state = "completed".into();
    first.finished_at = Some(day(2));
    first.counts = RunCounts { fetched: 9, new_postings: 5, known_postings: 4, new_jobs: 3 };
    assert!(runs::update_run(&mut tx, &first).await.unwrap());
    assert!(!runs::update_run(&mut tx, &run(day(1))).await.unwrap());
    assert_eq!(runs::run(&mut tx, first.id).await.unwrap().unwrap(), first);
    assert_eq!(runs::run_of_task(&mut tx, first.task_id.unwrap()).await.unwrap().unwrap().id, first.id);

    let mut source = RunSource { source: "lever".into(), state: "running".into(), ..RunSource::default() };
    runs::put_run_source(&mut tx, first.id, &source).await.unwrap();
    source.state = "failed".into();
    source.reason = Some("403 Forbidden".into());
    source.not_modified = true;
    source.attempts = 2;
    runs::put_run_source(&mut tx, first.id, &source).await.unwrap();
    let other = RunSource { source: "ashby".into(), state: "queued".into(), ..RunSource::default() };
    runs::put_run_source(&mut tx, first.id, &other).await.unwrap();
    assert_eq!(runs::run_sources(&mut tx, first.id).await.unwrap(), [other, source]);
    assert_eq!(runs::forget_runs_before(&mut tx, day(3)).await.unwrap(), 1);
    assert_eq!(runs::run_sources(&mut tx, first.id).await.unwrap(), []);
}

pub async fn runs_are_listed_newest_first_in_pages(fixture: &Fixture) {
    let mut tx = fixture.database.begin().await.unwrap();
    let made: Vec<Run> = [1, 2, 2, 3].map(|at| run(day(at))).into();
    for run in &made {
        runs::create_run(&mut tx, run).await.unwrap();
    }
    let first = runs::runs(&mut tx, None, 2).await.unwrap();
    let last = first.last().unwrap();
    let second = runs::runs(&mut tx, Some((last.requested_at, last.id)), 5).await.unwrap();
    let ids: Vec<Uuid> = first.iter().chain(&second).map(|run| run.id).collect();
    assert_eq!(ids, [made[3].id, made[2].id, made[1].id, made[0].id]);
}
