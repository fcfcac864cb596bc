use std::sync::Arc;

use aerie_tasks::{FanOut, LogLevel, Outcome, QueueError, Registry, TaskError, TaskState};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    on_both_engines,
    support::{
        KINDS, Notes, PLAIN, Place, TWO_AT_ONCE, clock, echo, events_of, plain, queue, runner, scripted, submit, task,
    },
};

on_both_engines!(
    a_queued_task_never_starts,
    a_running_task_is_dropped_at_its_next_await,
    a_run_elsewhere_can_write_nothing_more,
    a_waiting_task_is_cancelled_with_its_children,
    a_cancelled_child_wakes_its_parent,
    an_unknown_or_ended_task_is_left_alone,
);

async fn a_queued_task_never_starts(place: Place) {
    let database = place.person().await;
    let handler = scripted::<PLAIN, _, _>(|_, _| async { panic!("must not start") });
    let queue = queue(Registry::new().with(handler), &clock());
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    assert_eq!(queue.cancel(&database, id).await.unwrap(), [id]);
    runner(&queue, 1, &[&database]).run_until_idle().await;
    let task = task(&queue, &database, id).await;
    assert_eq!((task.state, task.attempt, task.error), (TaskState::Cancelled, 0, None));
    assert_eq!(events_of(&database, id).await, ["task.queued", "task.cancelled"]);
}

/// Says when the run's future is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

async fn a_running_task_is_dropped_at_its_next_await(place: Place) {
    let database = place.person().await;
    let (started, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (seen, gone) = (Arc::clone(&started), Arc::clone(&dropped));
    let handler = scripted::<PLAIN, _, _>(move |_, _| {
        let (seen, gone) = (Arc::clone(&seen), Dropped(Arc::clone(&gone)));
        async move {
            let _gone = gone;
            seen.notify_one();
            std::future::pending().await
        }
    });
    let queue = queue(Registry::new().with(handler), &clock());
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    let (runner, stop) = (runner(&queue, 1, &[&database]), CancellationToken::new());
    let stopping = stop.clone();
    let running = tokio::spawn(async move { runner.run(stopping).await });
    started.notified().await;
    assert_eq!(queue.cancel(&database, id).await.unwrap(), [id]);
    dropped.notified().await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!(task(&queue, &database, id).await.state, TaskState::Cancelled);
    assert_eq!(events_of(&database, id).await, ["task.queued", "task.running", "task.cancelled"]);
}

async fn a_run_elsewhere_can_write_nothing_more(place: Place) {
    let database = place.person().await;
    let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (seen, gate) = (Arc::clone(&started), Arc::clone(&go_on));
    let notes = Notes::default();
    let noted = notes.clone();
    let handler = scripted::<PLAIN, _, _>(move |context, _| {
        let (seen, gate, notes) = (Arc::clone(&seen), Arc::clone(&gate), noted.clone());
        async move {
            seen.notify_one();
            gate.notified().await;
            let written = context.log(LogLevel::Info, "still here").await;
            notes.add(if matches!(written, Err(TaskError::Lost)) { "lost" } else { "written" });
            Ok(Outcome::Done(json!("too late")))
        }
    });
    let clock = clock();
    let there = queue(Registry::new().with(handler), &clock);
    let here = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock);
    let id = submit(&there, &database, plain(json!(null))).await.id;
    let runner = runner(&there, 1, &[&database]);
    let running = tokio::spawn(async move { runner.run_until_idle().await });
    started.notified().await;
    here.cancel(&database, id).await.unwrap();
    go_on.notify_one();
    running.await.unwrap();
    let task = task(&here, &database, id).await;
    assert_eq!((task.state, task.result), (TaskState::Cancelled, None));
    assert!(notes.all().iter().all(|note| note == "lost"));
    assert_eq!(events_of(&database, id).await.last().unwrap(), "task.cancelled");
}

fn family() -> Registry {
    let parent = scripted::<PLAIN, _, _>(|context, payload| async move {
        let depth = payload.as_u64().unwrap();
        if depth == 0 {
            return Ok(Outcome::Done(json!(0)));
        }
        let children = (0..2).map(|_| plain(json!(depth - 1))).collect();
        match context.fan_out("all", children).await? {
            FanOut::Waiting => Ok(Outcome::Wait),
            FanOut::Ended(children) => {
                Ok(Outcome::Done(json!(children.iter().map(|child| child.state.as_str()).collect::<Vec<_>>())))
            }
        }
    });
    Registry::new().with(parent).with(scripted::<TWO_AT_ONCE, _, _>(echo))
}

async fn a_waiting_task_is_cancelled_with_its_children(place: Place) {
    let database = place.person().await;
    let queue = queue(family(), &clock());
    let root = submit(&queue, &database, plain(json!(3)).with_priority(1)).await.id;
    let bystander =
        submit(&queue, &database, plain(json!(0)).with_run_at("2099-01-01T00:00:00Z".parse().unwrap())).await.id;
    let (runner, stop) = (runner(&queue, 1, &[&database]), CancellationToken::new());
    let stopping = stop.clone();
    let running = tokio::spawn(async move { runner.run(stopping).await });
    while task(&queue, &database, root).await.state != TaskState::Waiting {
        tokio::task::yield_now().await;
    }
    let cancelled = queue.cancel(&database, root).await.unwrap();
    assert!(cancelled.contains(&root));
    stop.cancel();
    running.await.unwrap();
    let counts = queue.counts(&database).await.unwrap();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [((KINDS[PLAIN].to_owned(), TaskState::Queued), 1)]);
    assert_eq!(task(&queue, &database, bystander).await.state, TaskState::Queued);
    assert_eq!(task(&queue, &database, root).await.state, TaskState::Cancelled);
}

async fn a_cancelled_child_wakes_its_parent(place: Place) {
    let database = place.person().await;
    let parent = scripted::<PLAIN, _, _>(|context, _| async move {
        let late = aerie_tasks::NewTask::of_kind(KINDS[TWO_AT_ONCE], json!(1));
        let late = late.with_run_at("2099-01-01T00:00:00Z".parse().unwrap());
        match context.fan_out("all", vec![late]).await? {
            FanOut::Waiting => Ok(Outcome::Wait),
            FanOut::Ended(children) => Ok(Outcome::Done(json!(children[0].state.as_str()))),
        }
    });
    let queue = queue(Registry::new().with(parent).with(scripted::<TWO_AT_ONCE, _, _>(echo)), &clock());
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    let runner = runner(&queue, 1, &[&database]);
    runner.run_until_idle().await;
    assert_eq!(task(&queue, &database, id).await.state, TaskState::Waiting);
    let filter = aerie_tasks::Filter { parent: Some(id), ..Default::default() };
    let child = queue.list(&database, &filter, 0, None).await.unwrap().tasks[0].id;
    assert_eq!(queue.cancel(&database, child).await.unwrap(), [child]);
    runner.run_until_idle().await;
    assert_eq!(task(&queue, &database, id).await.result, Some(json!("cancelled")));
}

async fn an_unknown_or_ended_task_is_left_alone(place: Place) {
    let database = place.person().await;
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock());
    assert!(matches!(queue.cancel(&database, Uuid::now_v7()).await, Err(QueueError::NotFound { .. })));
    let id = submit(&queue, &database, plain(json!(5))).await.id;
    runner(&queue, 1, &[&database]).run_until_idle().await;
    assert!(queue.cancel(&database, id).await.unwrap().is_empty());
    assert_eq!(task(&queue, &database, id).await.state, TaskState::Completed);
}
