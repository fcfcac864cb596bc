use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aerie_tasks::{NewTask, Outcome, QueueError, Registry, TaskError, TaskState};
use chrono::TimeDelta;
use serde_json::json;

use crate::{
    on_both_engines,
    support::{
        KINDS, Notes, PLAIN, Place, SMALL_QUEUE, TWO_AT_ONCE, USUAL_ATTEMPTS, clock, echo, plain, queue, runner,
        scripted, submit, task,
    },
};

on_both_engines!(
    a_full_queue_says_its_limit,
    a_kind_never_has_more_in_work_than_its_limit,
    urgent_tasks_come_first_then_older_ones,
    one_persons_many_tasks_do_not_delay_anothers_one,
    oversized_values_are_refused,
    attempts_of_the_registry_are_for_kinds_that_name_none,
    limits_of_a_kind_can_be_set,
);

async fn a_full_queue_says_its_limit(place: Place) {
    let database = place.person().await;
    let queue = queue(Registry::new().with(scripted::<SMALL_QUEUE, _, _>(echo)), &clock());
    let small = |key: &str| NewTask::of_kind(KINDS[SMALL_QUEUE], json!(null)).with_key(key);
    let ids = [submit(&queue, &database, small("a")).await.id, submit(&queue, &database, small("b")).await.id];
    let mut tx = database.begin().await.unwrap();
    let error = queue.submit_all(&mut tx, vec![small("c"), small("d")]).await.unwrap_err();
    assert!(matches!(error, QueueError::QueueFull { limit: 3, .. }), "{error}");
    drop(tx);
    submit(&queue, &database, small("c")).await;
    let mut tx = database.begin().await.unwrap();
    let error = queue.submit(&mut tx, small("d")).await.unwrap_err();
    assert!(error.to_string().contains("has 3 unfinished tasks"), "{error}");
    drop(tx);
    // The same work again is not more work.
    let again = submit(&queue, &database, small("a")).await;
    assert_eq!((again.id, again.created), (ids[0], false));
    runner(&queue, 1, &[&database]).run_until_idle().await;
    assert!(submit(&queue, &database, small("d")).await.created);
}

async fn a_kind_never_has_more_in_work_than_its_limit(place: Place) {
    let database = place.person().await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, highest) = (Arc::clone(&now), Arc::clone(&most));
    let limited = scripted::<TWO_AT_ONCE, _, _>(move |_, _| {
        let (now, most) = (Arc::clone(&counted), Arc::clone(&highest));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(Outcome::Done(json!(null)))
        }
    });
    let queue = queue(Registry::new().with(limited).with(scripted::<PLAIN, _, _>(echo)), &clock());
    for _ in 0..30 {
        submit(&queue, &database, NewTask::of_kind(KINDS[TWO_AT_ONCE], json!(null))).await;
    }
    let last = submit(&queue, &database, plain(json!(null))).await.id;
    runner(&queue, 8, &[&database]).run_until_idle().await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert_eq!(task(&queue, &database, last).await.state, TaskState::Completed);
    assert!(queue.counts(&database).await.unwrap().is_empty());
}

async fn urgent_tasks_come_first_then_older_ones(place: Place) {
    let database = place.person().await;
    let notes = Notes::default();
    let noted = notes.clone();
    let handler = scripted::<PLAIN, _, _>(move |_, payload| {
        noted.add(payload.as_str().unwrap());
        async { Ok(Outcome::Done(json!(null))) }
    });
    let queue = queue(Registry::new().with(handler), &clock());
    for (name, priority) in [("a", 0), ("b", 5), ("c", 0), ("d", -5), ("e", 5)] {
        submit(&queue, &database, plain(json!(name)).with_priority(priority)).await;
    }
    runner(&queue, 1, &[&database]).run_until_idle().await;
    assert_eq!(notes.all(), ["b", "e", "a", "c", "d"]);
}

async fn one_persons_many_tasks_do_not_delay_anothers_one(place: Place) {
    let (busy, quiet) = (place.person().await, place.person().await);
    let notes = Notes::default();
    let noted = notes.clone();
    let handler = scripted::<PLAIN, _, _>(move |_, payload| {
        noted.add(payload.as_str().unwrap());
        async { Ok(Outcome::Done(json!(null))) }
    });
    let queue = queue(Registry::new().with(handler), &clock());
    for _ in 0..50 {
        submit(&queue, &busy, plain(json!("busy"))).await;
    }
    submit(&queue, &quiet, plain(json!("quiet"))).await;
    let runner = runner(&queue, 2, &[]);
    if place.stores.worker().is_some() {
        runner.add_everybody(Arc::clone(&place.stores));
    } else {
        runner.add(busy).unwrap();
        runner.add(quiet).unwrap();
    }
    runner.run_until_idle().await;
    let position = notes.all().iter().position(|note| note == "quiet").unwrap();
    assert!(position < 6, "came at {position}");
    assert_eq!(notes.all().len(), 51);
}

/// Fairness holds over all workers together, not only within one: thousands of tasks of one person do not delay another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_workers_serve_everybody() {
    let Some(place) = Place::postgres().await else { return };
    let busy = place.person().await;
    let notes = Notes::default();
    let registry = || {
        let noted = notes.clone();
        Registry::new().with(scripted::<PLAIN, _, _>(move |_, payload| {
            noted.add(payload.as_str().unwrap());
            async { Ok(Outcome::Done(json!(null))) }
        }))
    };
    let submitting = queue(registry(), &clock());
    let mut tx = busy.begin().await.unwrap();
    submitting.submit_all(&mut tx, (0..900).map(|_| plain(json!("busy"))).collect()).await.unwrap();
    tx.commit().await.unwrap();
    for number in 0..5 {
        submit(&submitting, &place.person().await, plain(json!(format!("quiet {number}")))).await;
    }
    let workers = (0..3).map(|_| async {
        let stores = place.opened_again().await;
        let runner = runner(&queue(registry(), &clock()), 2, &[]);
        runner.add_everybody(stores);
        runner.run_until_idle().await;
    });
    futures::future::join_all(workers).await;
    let all = notes.all();
    assert_eq!(all.len(), 905, "each task ran once");
    let last = all.iter().rposition(|note| note.starts_with("quiet")).unwrap();
    assert!(last < 200, "the last of the others came at {last}");
}

async fn oversized_values_are_refused(place: Place) {
    let database = place.person().await;
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock());
    let mut tx = database.begin().await.unwrap();
    let error = queue.submit(&mut tx, plain(json!("x".repeat(300_000)))).await.unwrap_err();
    assert!(matches!(error, QueueError::TooLarge { what: "the payload", .. }));
    let error = queue.submit(&mut tx, plain(json!(1)).with_key("k".repeat(600))).await.unwrap_err();
    assert!(matches!(error, QueueError::TooLarge { what: "the key", .. }));
    let error = queue.submit(&mut tx, NewTask::of_kind("test.unheard", json!(1))).await.unwrap_err();
    assert_eq!(error.to_string(), "task kind \"test.unheard\" is not known; known are test.plain");
}

async fn attempts_of_the_registry_are_for_kinds_that_name_none(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let registry = Registry::new()
        .with(scripted::<USUAL_ATTEMPTS, _, _>(|_, _| async { Err(TaskError::work("it never works")) }))
        .with(scripted::<PLAIN, _, _>(|_, _| async { Err(TaskError::work("it never works")) }))
        .with_attempts(2);
    let queue = queue(registry, &clock);
    let usual = submit(&queue, &database, NewTask::of_kind(KINDS[USUAL_ATTEMPTS], json!(null))).await.id;
    let own = submit(&queue, &database, plain(json!(null))).await.id;
    let runner = runner(&queue, 2, &[&database]);
    for _ in 0..4 {
        runner.run_until_idle().await;
        clock.advance(TimeDelta::minutes(2));
    }
    for (id, attempts) in [(usual, 2), (own, 3)] {
        let task = task(&queue, &database, id).await;
        assert_eq!((task.state, task.attempt), (TaskState::Failed, attempts));
    }
}

async fn limits_of_a_kind_can_be_set(place: Place) {
    let database = place.person().await;
    let registry = Registry::new().with(scripted::<PLAIN, _, _>(echo));
    let queue = queue(registry.with_limits(KINDS[PLAIN], None, Some(1)).unwrap(), &clock());
    submit(&queue, &database, plain(json!(1))).await;
    let mut tx = database.begin().await.unwrap();
    let error = queue.submit(&mut tx, plain(json!(2))).await.unwrap_err();
    assert!(matches!(error, QueueError::QueueFull { limit: 1, .. }), "{error}");
    let unknown = Registry::new().with_limits("test.plan", Some(1), None).unwrap_err();
    assert!(unknown.to_string().contains("test.plan"), "{unknown}");
}
