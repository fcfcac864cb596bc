use std::{sync::Arc, time::Duration};

use aerie_tasks::{FanOut, NewTask, Outcome, Registry, TaskError, TaskState};
use chrono::TimeDelta;
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    on_both_engines,
    support::{KINDS, Notes, PLAIN, Place, TWO_AT_ONCE, clock, echo, plain, queue, runner, scripted, submit, task},
};

on_both_engines!(
    the_last_child_wakes_a_parent_that_holds_no_worker,
    children_are_spawned_once_however_often_the_parent_runs,
    children_see_where_the_earlier_ones_stand,
    work_that_is_active_already_is_waited_for_and_not_doubled,
    waiting_for_nothing_fails,
    tasks_do_not_wait_for_each_other_in_a_circle,
);

fn child(payload: serde_json::Value) -> NewTask {
    NewTask::of_kind(KINDS[TWO_AT_ONCE], payload)
}

async fn the_last_child_wakes_a_parent_that_holds_no_worker(place: Place) {
    let database = place.person().await;
    let parent = scripted::<PLAIN, _, _>(|context, _| async move {
        let children = (0..20).map(|number| child(json!(number))).collect();
        match context.fan_out("numbers", children).await? {
            FanOut::Waiting => Ok(Outcome::Wait),
            FanOut::Ended(children) => {
                let failed = children.iter().filter(|child| child.state == TaskState::Failed).count();
                let sum: u64 = children.iter().filter_map(|child| child.output::<u64>().unwrap()).sum();
                Ok(Outcome::Done(json!([failed, sum, context.attempt()])))
            }
        }
    });
    let number = scripted::<TWO_AT_ONCE, _, _>(|_, payload| async move {
        if payload == json!(13) {
            return Ok(Outcome::Fail { reason: "unlucky".to_owned() });
        }
        Ok(Outcome::Done(payload))
    });
    let queue = queue(Registry::new().with(parent).with(number), &clock());
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    // One worker: it would never end if the parent kept it.
    runner(&queue, 1, &[&database]).run_until_idle().await;
    let task = task(&queue, &database, id).await;
    assert_eq!((task.state, task.pending_children), (TaskState::Completed, 0));
    assert_eq!(task.result, Some(json!([1, 190 - 13, 1])));
}

async fn children_are_spawned_once_however_often_the_parent_runs(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let parent = scripted::<PLAIN, _, _>(|context, _| async move {
        context.spawn_children("all", vec![child(json!(1)), child(json!(2))]).await?;
        if context.attempt() == 1 {
            return Err(TaskError::work("died after spawning"));
        }
        match context.children("all").await? {
            FanOut::Waiting => Ok(Outcome::Wait),
            FanOut::Ended(children) => Ok(Outcome::Done(json!(children.len()))),
        }
    });
    let queue = queue(Registry::new().with(parent).with(scripted::<TWO_AT_ONCE, _, _>(echo)), &clock);
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    let runner = runner(&queue, 2, &[&database]);
    runner.run_until_idle().await;
    clock.advance(TimeDelta::minutes(1));
    runner.run_until_idle().await;
    assert_eq!(task(&queue, &database, id).await.result, Some(json!(2)));
    assert_eq!(queue.list(&database, &Default::default(), 0, None).await.unwrap().tasks.len(), 3);
}

async fn children_see_where_the_earlier_ones_stand(place: Place) {
    let database = place.person().await;
    let (clock, looked) = (clock(), Arc::new(Notify::new()));
    let parent = scripted::<PLAIN, _, _>(|context, _| async move {
        match context.fan_out("pair", vec![child(json!("elder")), child(json!("younger"))]).await? {
            FanOut::Waiting => Ok(Outcome::Wait),
            FanOut::Ended(children) => Ok(Outcome::Done(json!(children.len()))),
        }
    });
    let time = Arc::clone(&clock);
    let number = scripted::<TWO_AT_ONCE, _, _>(move |context, payload| {
        let (time, looked) = (Arc::clone(&time), Arc::clone(&looked));
        async move {
            if payload == json!("elder") {
                assert_eq!(context.elders().await?, 0, "there is none before it");
                if context.attempt() == 1 {
                    looked.notified().await;
                    return Ok(Outcome::Retry { after: Some(Duration::from_secs(10)), reason: "later".to_owned() });
                }
                return Ok(Outcome::Done(payload));
            }
            assert_eq!(context.elders().await?, 1);
            looked.notify_one();
            while context.elders().await? > 0 {
                tokio::task::yield_now().await;
            }
            time.advance(TimeDelta::seconds(11));
            assert_eq!(context.elders().await?, 0, "one that failed is not waited for any more");
            Ok(Outcome::Done(payload))
        }
    });
    let queue = queue(Registry::new().with(parent).with(number), &clock);
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    runner(&queue, 2, &[&database]).run_until_idle().await;
    assert_eq!(task(&queue, &database, id).await.result, Some(json!(2)));
}

async fn work_that_is_active_already_is_waited_for_and_not_doubled(place: Place) {
    let database = place.person().await;
    let notes = Notes::default();
    let noted = notes.clone();
    let parent = scripted::<PLAIN, _, _>(|context, _| async move {
        let children = ["a", "b"].map(|key| child(json!(key)).with_key(key)).to_vec();
        match context.fan_out("keys", children).await? {
            FanOut::Waiting => Ok(Outcome::Wait),
            FanOut::Ended(children) => {
                Ok(Outcome::Done(json!(children.iter().map(|child| child.result.clone()).collect::<Vec<_>>())))
            }
        }
    });
    let shared = scripted::<TWO_AT_ONCE, _, _>(move |_, payload| {
        noted.add(payload.as_str().unwrap());
        async move { Ok(Outcome::Done(payload)) }
    });
    let queue = queue(Registry::new().with(parent).with(shared), &clock());
    let first = submit(&queue, &database, plain(json!(1)).with_priority(5)).await.id;
    let second = submit(&queue, &database, plain(json!(2)).with_priority(5)).await.id;
    runner(&queue, 1, &[&database]).run_until_idle().await;
    for id in [first, second] {
        assert_eq!(task(&queue, &database, id).await.result, Some(json!(["a", "b"])));
    }
    assert_eq!(notes.all(), ["a", "b"]);
}

async fn waiting_for_nothing_fails(place: Place) {
    let database = place.person().await;
    let handler = scripted::<PLAIN, _, _>(|_, _| async { Ok(Outcome::Wait) });
    let queue = queue(Registry::new().with(handler), &clock());
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    runner(&queue, 1, &[&database]).run_until_idle().await;
    assert_eq!(task(&queue, &database, id).await.state, TaskState::Failed);
}

async fn tasks_do_not_wait_for_each_other_in_a_circle(place: Place) {
    let database = place.person().await;
    let handler = scripted::<PLAIN, _, _>(|context, payload| async move {
        let other = if payload == json!("a") { "b" } else { "a" };
        match context.fan_out("other", vec![plain(json!(other)).with_key(other)]).await {
            Ok(FanOut::Waiting) => Ok(Outcome::Wait),
            Ok(FanOut::Ended(_)) => Ok(Outcome::Done(json!(null))),
            Err(error) => Ok(Outcome::Fail { reason: error.to_string() }),
        }
    });
    let queue = queue(Registry::new().with(handler), &clock());
    let id = submit(&queue, &database, plain(json!("a")).with_key("a")).await.id;
    runner(&queue, 1, &[&database]).run_until_idle().await;
    assert_eq!(task(&queue, &database, id).await.state, TaskState::Completed);
    let filter = aerie_tasks::Filter { parent: Some(id), ..Default::default() };
    let child = &queue.list(&database, &filter, 0, None).await.unwrap().tasks[0];
    assert!(child.error.as_ref().unwrap().contains("which itself waits for this one"), "{:?}", child.error);
}
