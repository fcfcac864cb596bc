use std::sync::Arc;

use aerie_tasks::{LogLevel, NewTask, Outcome, Registry, Runner, RunnerOptions, TaskError, TaskState};
use chrono::TimeDelta;
use serde_json::json;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    on_both_engines,
    support::{KINDS, Notes, ONCE_ONLY, PLAIN, Place, clock, echo, noon, plain, queue, runner, scripted, submit, task},
};

on_both_engines!(
    a_lost_lease_fences_every_late_write,
    work_that_was_taken_over_is_fenced_too_and_keeps_its_place,
    finished_steps_are_not_repeated,
    an_effect_in_a_step_is_committed_with_it,
    interrupted_is_failed_when_not_repeatable,
    the_last_attempt_that_vanishes_is_failed,
    a_task_that_kills_its_workers_is_parked,
    a_process_that_was_paused_takes_over_from_itself,
    a_run_out_lease_does_not_wait_for_a_long_queue,
    stopping_gives_work_back,
);

async fn a_lost_lease_fences_every_late_write(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let (in_work, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (report, reported) = oneshot::channel();
    let report = Arc::new(std::sync::Mutex::new(Some(report)));
    let (started, gate) = (Arc::clone(&in_work), Arc::clone(&go_on));
    // The slow worker does not look at its cancellation while it tries to write: like one that was paused.
    let slow = scripted::<PLAIN, _, _>(move |context, _| {
        let (started, gate, report) = (Arc::clone(&started), Arc::clone(&gate), Arc::clone(&report));
        async move {
            let late = tokio::spawn(async move {
                started.notify_one();
                gate.notified().await;
                let stage = context.stage("late", Some(0.5)).await;
                let log = context.log(LogLevel::Info, "late").await;
                let step = context.step("late", || async { Ok(1) }).await.map(drop);
                let spawn = context.spawn_children("late", vec![plain(json!(null))]).await.map(drop);
                let lost = [stage, log, step, spawn].into_iter().all(|r| matches!(r, Err(TaskError::Lost)));
                report.lock().unwrap().take().unwrap().send(lost).unwrap();
            });
            late.await.unwrap();
            Ok(Outcome::Done(json!("late")))
        }
    });
    let slow_queue = queue(Registry::new().with(slow), &clock);
    let fast = scripted::<PLAIN, _, _>(|context, _| async move { Ok(Outcome::Done(json!(context.attempt()))) });
    let fast_queue = queue(Registry::new().with(fast), &clock);
    let id = submit(&slow_queue, &database, plain(json!(null))).await.id;

    let stop = CancellationToken::new();
    let slow_runner = runner(&slow_queue, 1, &[&database]);
    let stopping = stop.clone();
    let slow_run = tokio::spawn(async move { slow_runner.run(stopping).await });
    in_work.notified().await;

    clock.advance(TimeDelta::seconds(61));
    // The second worker has a connection of its own, as another process would.
    let elsewhere = place.opened_again().await.person(aerie_events::person_of(&database).unwrap()).await.unwrap();
    runner(&fast_queue, 1, &[&elsewhere]).run_until_idle().await;
    go_on.notify_one();
    assert!(reported.await.unwrap(), "a write went through after the lease was lost");
    stop.cancel();
    slow_run.await.unwrap();

    let task = task(&fast_queue, &database, id).await;
    assert_eq!((task.state, task.attempt, task.result), (TaskState::Completed, 2, Some(json!(2))));
    assert_eq!((task.stage, fast_queue.log_lines(&database, id, 0).await.unwrap().len()), (None, 0));
    assert_eq!(fast_queue.list(&database, &Default::default(), 0, None).await.unwrap().tasks.len(), 1);
}

async fn work_that_was_taken_over_is_fenced_too_and_keeps_its_place(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let (in_work, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (started, gate) = (Arc::clone(&in_work), Arc::clone(&go_on));
    let stuck = scripted::<PLAIN, _, _>(move |context, _| {
        let (started, gate) = (Arc::clone(&started), Arc::clone(&gate));
        async move {
            started.notify_one();
            gate.notified().await;
            context.step("late", || async { Ok(1) }).await?;
            Ok(Outcome::Done(json!("late")))
        }
    });
    let old = queue(Registry::new().with(stuck), &clock);
    let first = submit(&old, &database, plain(json!("first"))).await.id;
    let stop = CancellationToken::new();
    let (old_runner, stopping) = (runner(&old, 1, &[&database]), stop.clone());
    let old_run = tokio::spawn(async move { old_runner.run(stopping).await });
    in_work.notified().await;
    clock.advance(TimeDelta::seconds(1));
    let second = submit(&old, &database, plain(json!("second"))).await.id;

    let notes = Notes::default();
    let noted = notes.clone();
    let note = scripted::<PLAIN, _, _>(move |_, payload| {
        noted.add(payload.as_str().unwrap());
        async move { Ok(Outcome::Done(payload)) }
    });
    let new = queue(Registry::new().with(note), &clock);
    let elsewhere = place.opened_again().await.person(aerie_events::person_of(&database).unwrap()).await.unwrap();
    assert_eq!(new.take_over(&elsewhere).await.unwrap(), 1);
    assert_eq!(new.take_over(&elsewhere).await.unwrap(), 0, "nothing is at work any more");
    // The clock stands still, so no lease ran out.
    runner(&new, 1, &[&elsewhere]).run_until_idle().await;
    assert_eq!(notes.all(), ["first", "second"], "it was not put behind those that came later");
    let taken = task(&new, &elsewhere, first).await;
    assert_eq!((taken.state, taken.attempt, taken.result), (TaskState::Completed, 2, Some(json!("first"))));
    assert_eq!(task(&new, &elsewhere, second).await.state, TaskState::Completed);

    go_on.notify_one();
    stop.cancel();
    old_run.await.unwrap();
    assert!(new.steps(&database, first).await.unwrap().is_empty(), "the former owner wrote a step");
    assert_eq!(task(&new, &database, first).await.result, Some(json!("first")));
}

async fn finished_steps_are_not_repeated(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let notes = Notes::default();
    let noted = notes.clone();
    let handler = scripted::<PLAIN, _, _>(move |context, _| {
        let notes = noted.clone();
        async move {
            let fetched: u32 = context
                .step("fetch", || async {
                    notes.add("fetch");
                    Ok(7)
                })
                .await?;
            if context.attempt() == 1 {
                return Err(TaskError::work("died between the steps"));
            }
            let saved: u32 = context
                .step("save", || async {
                    notes.add("save");
                    Ok(fetched * 2)
                })
                .await?;
            if context.attempt() == 2 {
                return Err(TaskError::work("died between the last step and the end"));
            }
            Ok(Outcome::Done(json!(saved)))
        }
    });
    let queue = queue(Registry::new().with(handler), &clock);
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    let runner = runner(&queue, 1, &[&database]);
    for _ in 0..3 {
        runner.run_until_idle().await;
        clock.advance(TimeDelta::minutes(1));
    }
    assert_eq!(task(&queue, &database, id).await.result, Some(json!(14)));
    assert_eq!(notes.all(), ["fetch", "save"]);
}

async fn an_effect_in_a_step_is_committed_with_it(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let mut tx = database.begin().await.unwrap();
    tx.execute("create table ledger (line bigint not null)", vec![]).await.unwrap();
    tx.commit().await.unwrap();
    let handler = scripted::<PLAIN, _, _>(|context, _| async move {
        let first = context.attempt() == 1;
        context
            .step_in_tx("book", |tx| {
                Box::pin(async move {
                    tx.execute("insert into ledger values (1)", vec![]).await?;
                    if first { Err(TaskError::work("died after the effect")) } else { Ok(()) }
                })
            })
            .await?;
        if context.attempt() == 2 {
            return Err(TaskError::work("died after the step"));
        }
        Ok(Outcome::Done(json!(null)))
    });
    let queue = queue(Registry::new().with(handler), &clock);
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    let runner = runner(&queue, 1, &[&database]);
    for _ in 0..3 {
        runner.run_until_idle().await;
        clock.advance(TimeDelta::minutes(1));
    }
    assert_eq!(task(&queue, &database, id).await.state, TaskState::Completed);
    let mut tx = database.read().await.unwrap();
    assert_eq!(tx.fetch_one("select count(*) as n from ledger", vec![]).await.unwrap().int("n").unwrap(), 1);
}

/// Claims a task with a runner that then does nothing more for it, like a process that died.
async fn claimed_by_a_dead_worker(
    place: &Place,
    kind: usize,
) -> (aerie_store::Database, uuid::Uuid, Arc<aerie_tasks::ManualClock>) {
    let database = place.person().await;
    let clock = clock();
    let started = Arc::new(Notify::new());
    let seen = Arc::clone(&started);
    let hang = move |_, _| {
        let seen = Arc::clone(&seen);
        async move {
            seen.notify_one();
            std::future::pending().await
        }
    };
    let registry = Registry::new().with(scripted::<PLAIN, _, _>(hang.clone())).with(scripted::<ONCE_ONLY, _, _>(hang));
    let queue = queue(registry, &clock);
    let id = submit(&queue, &database, NewTask::of_kind(KINDS[kind], json!(null))).await.id;
    let dead = runner(&queue, 1, &[&database]);
    tokio::spawn(async move { dead.run(CancellationToken::new()).await });
    started.notified().await;
    clock.advance(TimeDelta::seconds(61));
    (database, id, clock)
}

async fn interrupted_is_failed_when_not_repeatable(place: Place) {
    let (database, id, clock) = claimed_by_a_dead_worker(&place, ONCE_ONLY).await;
    let handler = scripted::<ONCE_ONLY, _, _>(|_, _| async { panic!("must not run twice") });
    let queue = queue(Registry::new().with(handler), &clock);
    runner(&queue, 1, &[&database]).run_until_idle().await;
    let task = task(&queue, &database, id).await;
    assert_eq!((task.state, task.attempt), (TaskState::Failed, 1));
    assert!(task.error.unwrap().starts_with("interrupted: "));
}

async fn the_last_attempt_that_vanishes_is_failed(place: Place) {
    let (database, id, clock) = claimed_by_a_dead_worker(&place, PLAIN).await;
    let mut tx = database.begin().await.unwrap();
    tx.execute("update task set attempt = 3", vec![]).await.unwrap();
    tx.commit().await.unwrap();
    let handler = scripted::<PLAIN, _, _>(|_, _| async { panic!("has no attempt left") });
    let queue = queue(Registry::new().with(handler), &clock);
    runner(&queue, 1, &[&database]).run_until_idle().await;
    let task = task(&queue, &database, id).await;
    assert_eq!(task.state, TaskState::Failed);
    assert!(task.error.unwrap().contains("stopped answering in attempt 3"));
}

/// Every worker that takes it dies: it is parked with its reason, stays so, and can be tried again by hand.
async fn a_task_that_kills_its_workers_is_parked(place: Place) {
    let (database, clock) = (place.person().await, clock());
    let started = Arc::new(Notify::new());
    let seen = Arc::clone(&started);
    let kills = scripted::<PLAIN, _, _>(move |_, _| {
        let seen = Arc::clone(&seen);
        async move {
            seen.notify_one();
            std::future::pending().await
        }
    });
    let killing = queue(Registry::new().with(kills), &clock);
    let id = submit(&killing, &database, plain(json!("poison"))).await.id;
    for attempt in 1..=3 {
        let worker = runner(&killing, 1, &[&database]);
        let running = tokio::spawn(async move { worker.run(CancellationToken::new()).await });
        started.notified().await;
        assert_eq!(task(&killing, &database, id).await.attempt, attempt);
        running.abort();
        clock.advance(TimeDelta::seconds(61));
    }
    // The next workers have something else to do, and leave it alone however often they look.
    let good = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock);
    let other = submit(&good, &database, plain(json!("other"))).await.id;
    for _ in 0..3 {
        runner(&good, 2, &[&database]).run_until_idle().await;
        clock.advance(TimeDelta::hours(1));
    }
    assert_eq!(task(&good, &database, other).await.state, TaskState::Completed);
    let parked = task(&good, &database, id).await;
    assert_eq!((parked.state, parked.attempt), (TaskState::Failed, 3));
    assert!(parked.error.unwrap().contains("stopped answering in attempt 3, the last one"));
    good.retry(&database, id).await.unwrap();
    runner(&good, 1, &[&database]).run_until_idle().await;
    let retried = task(&good, &database, id).await;
    assert_eq!((retried.state, retried.attempt), (TaskState::Completed, 1));
}

async fn a_process_that_was_paused_takes_over_from_itself(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let started = Arc::new(Notify::new());
    let seen = Arc::clone(&started);
    let handler = scripted::<PLAIN, _, _>(move |context, _| {
        let seen = Arc::clone(&seen);
        async move {
            if context.attempt() == 1 {
                seen.notify_one();
                std::future::pending::<()>().await;
            }
            // Long enough for the first run to be cleared away.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            Ok(Outcome::Done(json!(context.attempt())))
        }
    });
    let queue = queue(Registry::new().with(handler), &clock);
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    let (runner, stop) = (runner(&queue, 2, &[&database]), CancellationToken::new());
    let stopping = stop.clone();
    let running = tokio::spawn(async move { runner.run(stopping).await });
    started.notified().await;
    clock.advance(TimeDelta::seconds(61));
    while task(&queue, &database, id).await.state != TaskState::Completed {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    running.await.unwrap();
    let task = task(&queue, &database, id).await;
    assert_eq!((task.state, task.result), (TaskState::Completed, Some(json!(2))));
}

async fn a_run_out_lease_does_not_wait_for_a_long_queue(place: Place) {
    let (database, lost, clock) = claimed_by_a_dead_worker(&place, PLAIN).await;
    let mut tx = database.begin().await.unwrap();
    let later = noon() + TimeDelta::minutes(5);
    tx.execute("update task set lease_until = $1", vec![later.into()]).await.unwrap();
    tx.commit().await.unwrap();
    let notes = Notes::default();
    let (noted, moved) = (notes.clone(), Arc::clone(&clock));
    let handler = scripted::<PLAIN, _, _>(move |context, payload| {
        noted.add(context.id().to_string());
        // It runs out when the others are in full swing.
        if noted.all().len() == 5 {
            moved.advance(TimeDelta::minutes(10));
        }
        async move { Ok(Outcome::Done(payload)) }
    });
    let queue = queue(Registry::new().with(handler), &clock);
    let mut tx = database.begin().await.unwrap();
    queue.submit_all(&mut tx, (0..300).map(|number| plain(json!(number)).with_priority(-1)).collect()).await.unwrap();
    tx.commit().await.unwrap();
    runner(&queue, 2, &[&database]).run_until_idle().await;
    let position = notes.all().iter().position(|note| *note == lost.to_string()).unwrap();
    assert!(position < 150, "came at {position}");
}

async fn stopping_gives_work_back(place: Place) {
    let database = place.person().await;
    let started = Arc::new(Notify::new());
    let seen = Arc::clone(&started);
    let handler = scripted::<PLAIN, _, _>(move |_, _| {
        let seen = Arc::clone(&seen);
        async move {
            seen.notify_one();
            std::future::pending().await
        }
    });
    let queue = queue(Registry::new().with(handler), &clock());
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    let options = RunnerOptions { grace: std::time::Duration::ZERO, ..RunnerOptions::default() };
    let runner = Runner::new(queue.clone(), options);
    runner.add(database.clone()).unwrap();
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let running = tokio::spawn(async move { runner.run(stopping).await });
    started.notified().await;
    stop.cancel();
    running.await.unwrap();
    let task = task(&queue, &database, id).await;
    assert_eq!((task.state, task.attempt), (TaskState::Queued, 0));
}
