//! Scores follow the profile and, when wished, the decisions.

use std::collections::BTreeMap;

use aerie_proto::pipeline::v1::{self as pb, ReviewDecision};
use aerie_store::catalogue;
use chrono::TimeDelta;
use serde_json::json;

use crate::{
    scripted::Script,
    world::{Options, World, board_search, title, total},
};

fn rust_profile() -> pb::Profile {
    pb::Profile {
        summary: "Backend engineer who writes Rust and PostgreSQL.".to_owned(),
        skills: ["Rust", "PostgreSQL", "tokio", "Linux"].map(str::to_owned).to_vec(),
        ..Default::default()
    }
}

fn nurse_profile() -> pb::Profile {
    pb::Profile {
        summary: "Nurse on an emergency ward, used to triage.".to_owned(),
        skills: ["patient care", "triage", "CPR"].map(str::to_owned).to_vec(),
        ..Default::default()
    }
}

async fn place_of(world: &World, word: &str) -> usize {
    world.ada.all_jobs().await.iter().position(|job| title(job).contains(word)).unwrap()
}

#[tokio::test]
async fn a_changed_profile_scores_everything_anew_and_the_same_one_does_not() {
    let world = World::new().await;
    let task = world.ada.save_profile(rust_profile()).await;
    world.ada.task_ended(&task).await;
    let search = pb::SearchProfile { titles: vec![], ..board_search("greenhouse:quillonhealth") };
    let search = world.ada.save_search(search).await;
    let found = world.ada.run(&search).await.new_jobs;
    assert!(place_of(&world, "Rust").await < place_of(&world, "Nurse").await);

    assert_eq!(world.ada.save_profile(rust_profile()).await, "", "the same profile again asks for nothing");

    let mut events = world.ada.events_from_start().await;
    let task = world.ada.save_profile(nurse_profile()).await;
    let ended = world.ada.task_ended(&task).await;
    assert_eq!((ended.state(), ended.progress), (pb::TaskState::Completed, 1.0));
    let scored = ended.result.unwrap().fields["scored"].kind.clone().unwrap();
    assert_eq!(scored, prost_types::value::Kind::NumberValue(f64::from(found)));
    assert!(place_of(&world, "Nurse").await < place_of(&world, "Rust").await);
    events.until(|event| event.kind == "task.completed" && event.subject_id == task).await;
    // A run after it has nothing left to score.
    assert_eq!(world.ada.run(&search).await.scored_jobs, 0);
}

#[tokio::test]
async fn features_of_another_version_are_prepared_again_and_kept() {
    let world = World::new().await;
    let task = world.ada.save_profile(rust_profile()).await;
    world.ada.task_ended(&task).await;
    let search = pb::SearchProfile { titles: vec![], ..board_search("greenhouse:quillonhealth") };
    let search = world.ada.save_search(search).await;
    world.ada.run(&search).await;
    let scores = async || {
        let jobs = world.ada.all_jobs().await;
        jobs.iter().map(|job| (job.id.clone(), total(job))).collect::<BTreeMap<_, _>>()
    };
    let stored = async || {
        let mut stored = Vec::new();
        let mut tx = world.stores.platform().read().await.unwrap();
        catalogue::for_each_match_features(&mut tx, |posting, features| {
            stored.push((posting.id, features.to_vec()));
            Ok(())
        })
        .await
        .unwrap();
        stored
    };
    let (scores_before, features_before) = (scores().await, stored().await);
    let mut tx = world.stores.platform().begin().await.unwrap();
    let of_version_0 = features_before.iter().map(|(id, _)| (*id, vec![0, 1, 2])).collect();
    catalogue::set_match_features(&mut tx, of_version_0).await.unwrap();
    tx.commit().await.unwrap();

    let task = world.ada.matching().rescore_jobs(pb::RescoreJobsRequest {}).await.unwrap().into_inner().task_id;
    assert_eq!(world.ada.task_ended(&task).await.state(), pb::TaskState::Completed);
    assert_eq!(scores().await, scores_before);
    assert_eq!(stored().await, features_before);
}

#[tokio::test]
async fn a_posting_whose_text_changed_is_scored_again_in_the_same_run() {
    const LEVER: &str = "api.lever.co";
    let world = World::with(Options { freshness_minutes: 0, scripted: vec![LEVER], ..Options::default() }).await;
    let task = world.ada.save_profile(rust_profile()).await;
    world.ada.task_ended(&task).await;
    let answer = |text: &str| {
        let rows: Vec<_> = [(1, text), (2, "You keep the books of a bakery.")]
            .map(|(number, text)| {
                let id = format!("5a3c0de0-0000-4000-8000-{number:012}");
                json!({"id": id, "text": format!("Colleague {number}"), "descriptionPlain": text,
                       "hostedUrl": format!("https://jobs.lever.co/brasswick/{id}")})
            })
            .to_vec();
        world.scripted.answer(LEVER, Script::json(json!(rows).to_string()));
    };
    let score = async || {
        let jobs = world.ada.all_jobs().await;
        total(jobs.iter().find(|job| title(job) == "Colleague 1").unwrap())
    };
    answer("You bake bread at night.");
    let search = world.ada.save_search(board_search("lever:brasswick")).await;
    assert_eq!(world.ada.run(&search).await.scored_jobs, 2);
    let before = score().await;
    world.clock.advance(TimeDelta::hours(1));
    answer("You write Rust with tokio and PostgreSQL on Linux.");
    let run = world.ada.run(&search).await;
    assert_eq!((run.new_jobs, run.scored_jobs), (0, 1), "{run:#?}");
    assert!(score().await > before + 5.0, "{before} became {}", score().await);
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(world.ada.run(&search).await.scored_jobs, 0, "nothing changed since");
}

#[tokio::test]
async fn a_search_profile_with_other_titles_scores_everything_anew() {
    let world = World::new().await;
    let search =
        pb::SearchProfile { titles: vec!["Rust Engineer".to_owned()], ..board_search("greenhouse:quillonhealth") };
    let search = world.ada.save_search(search).await;
    world.ada.run(&search).await;
    assert!(place_of(&world, "Rust").await < place_of(&world, "Nurse").await);
    let mut events = world.ada.events_from_start().await;
    events.next("jobs.scored").await;
    world.ada.save_search(pb::SearchProfile { titles: vec!["Registered Nurse".to_owned()], ..search }).await;
    events.next("jobs.scored").await;
    assert!(place_of(&world, "Nurse").await < place_of(&world, "Rust").await);
}

/// Approves every design job and rejects every engineering job but a few, and lets the ranking learn of it.
async fn decide_and_learn(world: &World) {
    for job in world.ada.all_jobs().await {
        let decision = match title(&job) {
            words if words.contains("Designer") || words.contains("Marketing") => ReviewDecision::Approve,
            words if words.contains("Backend") || words.contains("Platform") || words.contains("Data") => {
                ReviewDecision::Reject
            }
            _ => continue,
        };
        world.ada.review(&job.id, decision).await;
    }
    // Several decisions in a row cost one rescore, a little later.
    world.clock.advance(TimeDelta::seconds(30));
}

async fn pending_scores(world: &World) -> Vec<(String, f64)> {
    let request = pb::ListJobsRequest { statuses: vec![pb::JobStatus::Pending as i32], ..Default::default() };
    world.ada.list(request).await.iter().map(|job| (job.id.clone(), total(job))).collect()
}

async fn with_scored_jobs(learns: bool) -> World {
    let world = World::new().await;
    let task = world.ada.save_profile(pb::Profile { learn_from_decisions: learns, ..rust_profile() }).await;
    world.ada.task_ended(&task).await;
    let search = world.ada.save_search(world.whole_search()).await;
    world.ada.run(&search).await;
    world
}

#[tokio::test]
async fn decisions_change_the_ranking_and_say_so() {
    let world = with_scored_jobs(true).await;
    let before = world.ada.all_jobs().await;
    let mut events = world.ada.events_from_start().await;
    events.next("jobs.scored").await;
    decide_and_learn(&world).await;
    events.next("jobs.scored").await;
    let after = pending_scores(&world).await;
    let order = |ids: Vec<&String>| ids.into_iter().cloned().collect::<Vec<_>>();
    let kept = before.iter().map(|job| &job.id).filter(|id| after.iter().any(|(other, _)| other == *id)).collect();
    assert_ne!(order(kept), order(after.iter().map(|(id, _)| id).collect()), "the order follows the decisions");
    let explained = pb::ExplainJobRequest { job_id: after[0].0.clone() };
    let explained = world.ada.matching().explain_job(explained).await.unwrap().into_inner();
    let score = explained.score.unwrap();
    assert!(score.parts.iter().any(|part| part.name == "learned" && part.known), "{:?}", score.parts);
}

#[tokio::test]
async fn a_person_who_switched_learning_off_keeps_the_ranking() {
    let world = with_scored_jobs(false).await;
    let before = world.ada.all_jobs().await;
    decide_and_learn(&world).await;
    let rescore = world.ada.matching().rescore_jobs(pb::RescoreJobsRequest {}).await.unwrap().into_inner();
    assert!(rescore.created, "no decision asked for a rescore");
    world.ada.task_ended(&rescore.task_id).await;
    for (id, score) in pending_scores(&world).await {
        let earlier = before.iter().find(|job| job.id == id).unwrap();
        // Half a minute later everything is half a minute older.
        assert!((total(earlier) - score).abs() < 0.01, "{} became {score}", total(earlier));
    }
}

#[tokio::test]
async fn a_score_comes_with_its_parts_and_the_words_that_prove_them() {
    let world = World::new().await;
    world.ada.save_profile(rust_profile()).await;
    let search = world.ada.save_search(board_search("greenhouse:quillonhealth")).await;
    world.ada.run(&search).await;
    let jobs = world.ada.list(pb::ListJobsRequest { query: "Rust".to_owned(), ..Default::default() }).await;
    let job = world.ada.job(&jobs[0].id).await;
    let explain = pb::ExplainJobRequest { job_id: job.id.clone() };
    let explained = world.ada.matching().explain_job(explain).await.unwrap().into_inner();
    let posting = job.posting.unwrap();
    let quotes: Vec<&pb::Evidence> = explained.evidence.iter().filter(|one| one.field != "facts").collect();
    assert!(!quotes.is_empty());
    for evidence in quotes {
        let text = if evidence.field == "title" { &posting.title } else { &posting.description_text };
        assert_eq!(&text[evidence.start as usize..evidence.end as usize], evidence.quote);
    }
    let score = explained.score.unwrap();
    let shares: f64 = score.parts.iter().map(|part| part.share).sum();
    assert!((shares - score.total).abs() < 0.5, "the parts make the whole: {shares} and {}", score.total);
    let listed = job.score.unwrap();
    assert!((listed.total - score.total).abs() < 0.01, "what is listed is what is explained");
    assert!(listed.trust.is_some(), "trust stands beside the score");
}
