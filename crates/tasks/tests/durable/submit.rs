use std::{collections::HashSet, sync::Arc};

use aerie_tasks::{NewTask, Registry, TaskState};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    on_both_engines,
    support::{PLAIN, Place, clock, echo, plain, queue, runner, scripted, submit, task},
};

on_both_engines!(
    of_sixty_four_submitters_one_makes_the_task,
    a_key_is_free_again_when_its_task_has_ended,
    a_rolled_back_submission_leaves_nothing,
);

async fn of_sixty_four_submitters_one_makes_the_task(place: Place) {
    let here = place.person().await;
    let person = aerie_events::person_of(&here).unwrap();
    let there = place.opened_again().await.person(person).await.unwrap();
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock());
    let start = Arc::new(tokio::sync::Barrier::new(64));
    let mut submitters = JoinSet::new();
    for number in 0..64 {
        let (queue, start) = (queue.clone(), Arc::clone(&start));
        let database = if number % 2 == 0 { here.clone() } else { there.clone() };
        submitters.spawn(async move {
            start.wait().await;
            submit(&queue, &database, plain(json!(number)).with_key("the one")).await
        });
    }
    let submitted = submitters.join_all().await;
    assert_eq!(submitted.iter().filter(|submitted| submitted.created).count(), 1);
    assert_eq!(submitted.iter().map(|submitted| submitted.id).collect::<HashSet<_>>().len(), 1);
    assert_eq!(queue.list(&here, &Default::default(), 0, None).await.unwrap().tasks.len(), 1);
}

async fn a_key_is_free_again_when_its_task_has_ended(place: Place) {
    let database = place.person().await;
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock());
    let first = submit(&queue, &database, plain(json!(1)).with_key("k")).await;
    let second = submit(&queue, &database, plain(json!(2)).with_key("k")).await;
    assert_eq!((second.id, second.created), (first.id, false));
    let unnamed = [submit(&queue, &database, plain(json!(3))).await, submit(&queue, &database, plain(json!(3))).await];
    assert!(unnamed.iter().all(|submitted| submitted.created));
    runner(&queue, 1, &[&database]).run_until_idle().await;
    let third = submit(&queue, &database, plain(json!(4)).with_key("k")).await;
    assert!(third.created && third.id != first.id);
    assert_eq!(task(&queue, &database, first.id).await.state, TaskState::Completed);
}

async fn a_rolled_back_submission_leaves_nothing(place: Place) {
    let database = place.person().await;
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock());
    let mut tx = database.begin().await.unwrap();
    let tasks: Vec<NewTask> = (0..5).map(|number| plain(json!(number))).collect();
    assert_eq!(queue.submit_all(&mut tx, tasks).await.unwrap().len(), 5);
    tx.rollback().await.unwrap();
    runner(&queue, 1, &[&database]).run_until_idle().await;
    assert!(queue.list(&database, &Default::default(), 0, None).await.unwrap().tasks.is_empty());
    let mut tx = database.read().await.unwrap();
    assert_eq!(aerie_events::bounds(&mut tx).await.unwrap().last, 0);
}
