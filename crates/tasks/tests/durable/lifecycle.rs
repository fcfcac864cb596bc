use std::{
    sync::Arc,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use aerie_tasks::{NewTask, Outcome, QueueError, Registry, TaskError, TaskState};
use chrono::TimeDelta;
use serde_json::json;

use crate::{
    on_both_engines,
    support::{
        KINDS, Notes, ONCE_ONLY, PLAIN, Place, clock, echo, events_of, noon, plain, queue, runner, scripted, submit,
        task,
    },
};

on_both_engines!(
    completes_and_tells_every_change,
    backs_off_until_it_succeeds,
    waits_as_long_as_a_server_asks,
    is_parked_after_its_last_attempt,
    a_panic_is_a_failed_attempt,
    a_payload_that_cannot_be_read_fails_at_once,
    a_kind_that_is_not_repeated_fails_at_its_first_error,
    can_be_retried_by_hand,
);

async fn completes_and_tells_every_change(place: Place) {
    let database = place.person().await;
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock());
    let submitted = submit(&queue, &database, plain(json!({ "n": 1 }))).await;
    assert!(submitted.created);
    runner(&queue, 2, &[&database]).run_until_idle().await;
    let task = task(&queue, &database, submitted.id).await;
    assert_eq!((task.state, task.attempt), (TaskState::Completed, 1));
    assert_eq!((task.result, task.error), (Some(json!({ "n": 1 })), None));
    assert_eq!((task.started_at, task.finished_at), (Some(noon()), Some(noon())));
    assert_eq!(events_of(&database, submitted.id).await, ["task.queued", "task.running", "task.completed"]);
}

async fn backs_off_until_it_succeeds(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let handler = scripted::<PLAIN, _, _>(|context, _| async move {
        if context.attempt() < 3 { Err(TaskError::work("no route")) } else { Ok(Outcome::Done(json!("at last"))) }
    });
    let queue = queue(Registry::new().with(handler), &clock);
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    let runner = runner(&queue, 1, &[&database]);

    runner.run_until_idle().await;
    let first = task(&queue, &database, id).await;
    assert_eq!((first.state, first.attempt), (TaskState::Queued, 1));
    assert_eq!(first.error.as_deref(), Some("no route"));
    let wait = first.run_at - noon();
    assert!(wait >= TimeDelta::seconds(5) && wait <= TimeDelta::seconds(10), "{wait}");

    clock.advance(wait - TimeDelta::microseconds(1));
    runner.run_until_idle().await;
    assert_eq!(task(&queue, &database, id).await.attempt, 1);
    clock.advance(TimeDelta::microseconds(1));
    runner.run_until_idle().await;
    assert_eq!(task(&queue, &database, id).await.attempt, 2);
    clock.advance(TimeDelta::seconds(20));
    runner.run_until_idle().await;
    let last = task(&queue, &database, id).await;
    assert_eq!((last.state, last.attempt, last.error), (TaskState::Completed, 3, None));
}

async fn waits_as_long_as_a_server_asks(place: Place) {
    let database = place.person().await;
    let handler = scripted::<PLAIN, _, _>(|_, _| async {
        Ok(Outcome::Retry { after: Some(Duration::from_secs(3600)), reason: "429".to_owned() })
    });
    let queue = queue(Registry::new().with(handler), &clock());
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    runner(&queue, 1, &[&database]).run_until_idle().await;
    let wait = task(&queue, &database, id).await.run_at - noon();
    assert!(wait >= TimeDelta::seconds(3600) && wait <= TimeDelta::seconds(3960), "{wait}");
}

async fn is_parked_after_its_last_attempt(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let handler = scripted::<PLAIN, _, _>(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Err(TaskError::work("poison")) }
    });
    let queue = queue(Registry::new().with(handler), &clock);
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    let runner = runner(&queue, 1, &[&database]);
    for _ in 0..10 {
        runner.run_until_idle().await;
        clock.advance(TimeDelta::minutes(5));
    }
    let parked = task(&queue, &database, id).await;
    assert_eq!((parked.state, parked.attempt), (TaskState::Failed, 3));
    assert_eq!(parked.error.as_deref(), Some("poison (attempt 3 of 3)"));
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

async fn a_panic_is_a_failed_attempt(place: Place) {
    let database = place.person().await;
    let handler = scripted::<PLAIN, _, _>(|_, _| async { panic!("out of cheese") });
    let queue = queue(Registry::new().with(handler), &clock());
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    runner(&queue, 1, &[&database]).run_until_idle().await;
    let task = task(&queue, &database, id).await;
    assert_eq!(task.state, TaskState::Queued);
    assert_eq!(task.error.as_deref(), Some("the handler panicked: out of cheese"));
}

async fn a_payload_that_cannot_be_read_fails_at_once(place: Place) {
    struct Numbers;
    impl aerie_tasks::TaskHandler for Numbers {
        const KIND: &'static str = "test.numbers";
        type Payload = Vec<u8>;
        type Output = ();
        async fn run(&self, _: aerie_tasks::TaskContext, _: Vec<u8>) -> Result<Outcome<()>, TaskError> {
            Ok(Outcome::Done(()))
        }
    }
    let database = place.person().await;
    let queue = queue(Registry::new().with(Numbers), &clock());
    let good = submit(&queue, &database, NewTask::new::<Numbers>(&vec![1, 2]).unwrap()).await.id;
    let bad = submit(&queue, &database, NewTask::of_kind("test.numbers", json!([1, 999]))).await.id;
    runner(&queue, 1, &[&database]).run_until_idle().await;
    assert_eq!(task(&queue, &database, good).await.state, TaskState::Completed);
    let bad = task(&queue, &database, bad).await;
    assert_eq!((bad.state, bad.attempt), (TaskState::Failed, 1));
    assert!(bad.error.unwrap().starts_with("payload of \"test.numbers\": "));
}

async fn a_kind_that_is_not_repeated_fails_at_its_first_error(place: Place) {
    let database = place.person().await;
    let handler = scripted::<ONCE_ONLY, _, _>(|_, _| async { Err(TaskError::work("sent, no answer")) });
    let queue = queue(Registry::new().with(handler), &clock());
    let id = submit(&queue, &database, NewTask::of_kind(KINDS[ONCE_ONLY], json!(null))).await.id;
    runner(&queue, 1, &[&database]).run_until_idle().await;
    let task = task(&queue, &database, id).await;
    assert_eq!((task.state, task.attempt), (TaskState::Failed, 1));
}

async fn can_be_retried_by_hand(place: Place) {
    let database = place.person().await;
    let notes = Notes::default();
    let noted = notes.clone();
    let handler = scripted::<PLAIN, _, _>(move |context, _| {
        let notes = noted.clone();
        async move {
            context
                .step("first", || async {
                    notes.add("first");
                    Ok(())
                })
                .await?;
            notes.add("second");
            if notes.all().len() < 3 {
                return Ok(Outcome::Fail { reason: "no key configured".to_owned() });
            }
            Ok(Outcome::Done(json!(null)))
        }
    });
    let queue = queue(Registry::new().with(handler), &clock());
    let id = submit(&queue, &database, plain(json!(null)).with_key("k")).await.id;
    let runner = runner(&queue, 1, &[&database]);
    runner.run_until_idle().await;
    assert_eq!(task(&queue, &database, id).await.error.as_deref(), Some("no key configured"));

    let twin =
        submit(&queue, &database, plain(json!(null)).with_key("k").with_run_at(noon() + TimeDelta::days(1))).await;
    assert!(twin.created);
    assert!(matches!(queue.retry(&database, id).await, Err(QueueError::AlreadyActive { .. })));
    queue.cancel(&database, twin.id).await.unwrap();
    queue.retry(&database, id).await.unwrap();
    assert!(matches!(queue.retry(&database, id).await, Err(QueueError::NotRetryable { state: TaskState::Queued, .. })));
    runner.run_until_idle().await;
    let task = task(&queue, &database, id).await;
    assert_eq!((task.state, task.attempt), (TaskState::Completed, 1));
    assert_eq!(notes.all(), ["first", "second", "second"]);
}
