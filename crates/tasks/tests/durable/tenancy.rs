use aerie_tasks::{QueueError, Registry, TaskState};
use serde_json::json;

use crate::support::{PLAIN, Place, clock, echo, plain, queue, runner, scripted, submit, task};

#[tokio::test]
async fn nobody_sees_or_touches_another_persons_tasks() {
    let Some(place) = Place::postgres().await else { return };
    let (mine, yours) = (place.person().await, place.person().await);
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock());
    let id = submit(&queue, &mine, plain(json!(1)).with_key("k")).await.id;
    // The same key of somebody else is another task.
    assert!(submit(&queue, &yours, plain(json!(2)).with_key("k")).await.created);
    assert!(matches!(queue.get(&yours, id).await, Err(QueueError::NotFound { .. })));
    assert!(matches!(queue.cancel(&yours, id).await, Err(QueueError::NotFound { .. })));
    assert!(matches!(queue.retry(&yours, id).await, Err(QueueError::NotFound { .. })));
    runner(&queue, 1, &[&yours]).run_until_idle().await;
    assert_eq!(task(&queue, &mine, id).await.state, TaskState::Queued);
    for table in ["task", "event", "event_counter"] {
        let mut tx = yours.begin().await.unwrap();
        let row = tx.fetch_one(format!("select count(distinct tenant_id) as n from {table}"), vec![]).await.unwrap();
        assert_eq!(row.int("n").unwrap(), 1, "{table}");
    }
}

#[tokio::test]
async fn workers_see_whose_tasks_are_due_and_can_change_nothing() {
    let Some(place) = Place::postgres().await else { return };
    let (one, two) = (place.person().await, place.person().await);
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock());
    for database in [&one, &two] {
        submit(&queue, database, plain(json!(1))).await;
    }
    let worker = place.stores.worker().unwrap();
    let mut tx = worker.begin().await.unwrap();
    let row = tx.fetch_one("select count(*) as n from task", vec![]).await.unwrap();
    assert_eq!(row.int("n").unwrap(), 2);
    assert_eq!(tx.execute("update task set state = 'failed'", vec![]).await.unwrap(), 0);
    assert_eq!(tx.execute("delete from task", vec![]).await.unwrap(), 0);
    assert!(tx.fetch_all("select * from event", vec![]).await.unwrap().is_empty());
    drop(tx);
    // Outside of anybody's scope there is nothing at all.
    let mut tx = place.stores.platform().begin().await.unwrap();
    assert!(tx.fetch_all("select id from task", vec![]).await.unwrap().is_empty());
}
