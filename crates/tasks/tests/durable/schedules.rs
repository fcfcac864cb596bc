use std::sync::Arc;

use aerie_store::Database;
use aerie_tasks::{NewSchedule, Queue, QueueError, Registry};
use chrono::TimeDelta;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    on_both_engines,
    support::{PLAIN, Place, clock, echo, noon, plain, queue, runner, scripted},
};

on_both_engines!(
    many_schedulers_fire_once,
    missed_times_become_one,
    the_runner_fires_what_is_due,
    a_pattern_that_cannot_be_read_is_refused,
);

async fn put(queue: &Queue, database: &Database, cron: &str) {
    let schedule = NewSchedule { name: "hourly".to_owned(), cron: cron.to_owned(), task: plain(json!("tick")) };
    let mut tx = database.begin().await.unwrap();
    queue.put_schedule(&mut tx, &schedule).await.unwrap();
    tx.commit().await.unwrap();
}

async fn many_schedulers_fire_once(place: Place) {
    let here = place.person().await;
    let there = place.opened_again().await.person(aerie_events::person_of(&here).unwrap()).await.unwrap();
    let clock = clock();
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock);
    put(&queue, &here, "0 * * * *").await;
    for hour in 1..=5 {
        clock.advance(TimeDelta::hours(1));
        let start = Arc::new(tokio::sync::Barrier::new(8));
        let mut schedulers = JoinSet::new();
        for number in 0..8 {
            let (queue, start) = (queue.clone(), Arc::clone(&start));
            let database = if number % 2 == 0 { here.clone() } else { there.clone() };
            schedulers.spawn(async move {
                start.wait().await;
                queue.fire_due(&database).await.unwrap().len()
            });
        }
        assert_eq!(schedulers.join_all().await.into_iter().sum::<usize>(), 1);
        let schedule = &queue.schedules(&here).await.unwrap()[0];
        assert_eq!(schedule.last_at, Some(noon() + TimeDelta::hours(hour)));
        assert_eq!(schedule.next_at, noon() + TimeDelta::hours(hour + 1));
    }
    assert_eq!(queue.list(&here, &Default::default(), 0, None).await.unwrap().tasks.len(), 5);
}

async fn missed_times_become_one(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock);
    put(&queue, &database, "*/5 * * * *").await;
    clock.advance(TimeDelta::days(30) + TimeDelta::minutes(2));
    assert_eq!(queue.fire_due(&database).await.unwrap().len(), 1);
    assert!(queue.fire_due(&database).await.unwrap().is_empty());
    let next_at = queue.schedules(&database).await.unwrap()[0].next_at;
    assert_eq!(next_at, noon() + TimeDelta::days(30) + TimeDelta::minutes(5));
    // Putting it again with the same pattern keeps the time; with another it starts afresh.
    put(&queue, &database, "*/5 * * * *").await;
    assert_eq!(queue.schedules(&database).await.unwrap()[0].next_at, next_at);
    put(&queue, &database, "0 7 * * *").await;
    assert_eq!(queue.schedules(&database).await.unwrap()[0].next_at.to_rfc3339(), "2026-04-01T07:00:00+00:00");
    let mut tx = database.begin().await.unwrap();
    assert!(queue.remove_schedule(&mut tx, "hourly").await.unwrap());
    assert!(!queue.remove_schedule(&mut tx, "hourly").await.unwrap());
    tx.commit().await.unwrap();
}

async fn the_runner_fires_what_is_due(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock);
    put(&queue, &database, "0 * * * *").await;
    let runner = runner(&queue, 1, &[]);
    if place.stores.worker().is_some() {
        runner.add_everybody(Arc::clone(&place.stores));
    } else {
        runner.add(database.clone()).unwrap();
    }
    runner.run_until_idle().await;
    clock.advance(TimeDelta::hours(1));
    runner.run_until_idle().await;
    let tasks = queue.list(&database, &Default::default(), 0, None).await.unwrap().tasks;
    assert_eq!(tasks.iter().map(|task| task.result.clone()).collect::<Vec<_>>(), [Some(json!("tick"))]);
}

async fn a_pattern_that_cannot_be_read_is_refused(place: Place) {
    let database = place.person().await;
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock());
    let mut tx = database.begin().await.unwrap();
    for cron in ["", "every day", "61 * * * *", "0 0 30 2 *"] {
        let schedule = NewSchedule { name: "bad".to_owned(), cron: cron.to_owned(), task: plain(json!(null)) };
        let error = queue.put_schedule(&mut tx, &schedule).await.unwrap_err();
        assert!(matches!(error, QueueError::BadCron { .. }), "{cron:?}: {error}");
    }
}
