use std::sync::{Arc, Mutex};

use aerie_tasks::{Filter, LogLevel, Outcome, QueueError, Registry, TaskState};
use chrono::TimeDelta;
use serde_json::json;

use crate::{
    on_both_engines,
    support::{
        KINDS, PLAIN, Place, TWO_AT_ONCE, clock, echo, events_of, noon, plain, queue, runner, scripted, submit, task,
    },
};

on_both_engines!(
    lists_page_by_page,
    tells_what_waits_for_a_worker_and_since_when,
    tells_stage_progress_and_log,
    a_growing_text_is_told_now_and_then_and_gone_at_the_end,
    old_tasks_are_forgotten
);

async fn lists_page_by_page(place: Place) {
    let (database, other) = (place.person().await, place.person().await);
    let registry = Registry::new().with(scripted::<PLAIN, _, _>(echo)).with(scripted::<TWO_AT_ONCE, _, _>(echo));
    let queue = queue(registry, &clock());
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(submit(&queue, &database, plain(json!(number))).await.id);
    }
    submit(&queue, &other, plain(json!("not yours"))).await;
    ids.reverse();
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let page = queue.list(&database, &Filter::default(), 3, token.as_deref()).await.unwrap();
        seen.extend(page.tasks.iter().map(|task| task.id));
        token = page.next_page_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
    let none = Filter { states: vec![TaskState::Failed, TaskState::Running], ..Filter::default() };
    assert!(queue.list(&database, &none, 0, None).await.unwrap().tasks.is_empty());
    let other_kind = Filter { kinds: vec![KINDS[TWO_AT_ONCE].to_owned()], ..Filter::default() };
    assert!(queue.list(&database, &other_kind, 0, None).await.unwrap().tasks.is_empty());
    let error = queue.list(&database, &Filter::default(), 0, Some("1' or true")).await.unwrap_err();
    assert!(matches!(error, QueueError::BadPageToken { .. }));
    assert_eq!(queue.counts(&database).await.unwrap()[&(KINDS[PLAIN].to_owned(), TaskState::Queued)], 7);
}

async fn tells_what_waits_for_a_worker_and_since_when(place: Place) {
    let database = place.person().await;
    let registry = Registry::new().with(scripted::<PLAIN, _, _>(echo));
    let clock = clock();
    let queue = queue(registry, &clock);
    assert!(queue.due(&database).await.unwrap().is_empty());
    submit(&queue, &database, plain(json!(1))).await;
    let later = plain(json!(2)).with_run_at(noon() + TimeDelta::hours(1));
    submit(&queue, &database, later).await;
    let due = queue.due(&database).await.unwrap()[KINDS[PLAIN]];
    assert_eq!((due.count, due.since), (1, noon()));
    clock.advance(TimeDelta::hours(2));
    let due = queue.due(&database).await.unwrap()[KINDS[PLAIN]];
    assert_eq!((due.count, due.since), (2, noon()), "the one for later is due too, and the first waits longest");
}

async fn tells_stage_progress_and_log(place: Place) {
    let database = place.person().await;
    let handler = scripted::<PLAIN, _, _>(|context, _| async move {
        for done in 0..50 {
            context.stage("fetching", Some(f64::from(done) / 50.0)).await?;
        }
        context.stage("matching", Some(f64::NAN)).await?;
        context.step("fetch", || async { Ok(()) }).await?;
        context.log(LogLevel::Warning, "one page was\0 empty").await?;
        context.log(LogLevel::Info, &"é".repeat(5_000)).await?;
        Ok(Outcome::Done(json!(null)))
    });
    let queue = queue(Registry::new().with(handler), &clock());
    let id = submit(&queue, &database, plain(json!(null)).with_trace_context(Some("00-ab-cd-01".to_owned()))).await.id;
    runner(&queue, 1, &[&database]).run_until_idle().await;
    // The clock stands still: within a stage only the first word is written.
    let told = events_of(&database, id).await.into_iter().filter(|kind| kind == "task.progress").count();
    assert_eq!(told, 2);
    let task = task(&queue, &database, id).await;
    assert_eq!((task.stage.as_deref(), task.progress), (Some("matching"), Some(1.0)));
    assert_eq!(task.trace_context.as_deref(), Some("00-ab-cd-01"));
    let steps = queue.steps(&database, id).await.unwrap();
    assert_eq!(
        steps.iter().map(|step| (step.name.as_str(), step.finished_at)).collect::<Vec<_>>(),
        [("fetch", noon())]
    );
    let lines = queue.log_lines(&database, id, 0).await.unwrap();
    assert_eq!((lines.len(), lines[0].line, lines[0].level.as_str()), (2, 1, "warning"));
    assert_eq!(lines[0].message, "one page was empty");
    assert_eq!(lines[1].message.chars().count(), 2_001);
    assert_eq!(queue.log_lines(&database, id, 1).await.unwrap().len(), 1);
}

async fn old_tasks_are_forgotten(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let queue = queue(Registry::new().with(scripted::<PLAIN, _, _>(echo)), &clock);
    let old = submit(&queue, &database, plain(json!(1))).await.id;
    runner(&queue, 1, &[&database]).run_until_idle().await;
    clock.advance(TimeDelta::days(40));
    let unfinished = submit(&queue, &database, plain(json!(2))).await.id;
    assert_eq!(queue.prune(&database, noon() + TimeDelta::days(10)).await.unwrap(), 1);
    assert!(matches!(queue.get(&database, old).await, Err(QueueError::NotFound { .. })));
    assert_eq!(task(&queue, &database, unfinished).await.state, TaskState::Queued);
}

async fn a_growing_text_is_told_now_and_then_and_gone_at_the_end(place: Place) {
    let database = place.person().await;
    let clock = clock();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (heard, time) = (Arc::clone(&told), Arc::clone(&clock));
    let handler = scripted::<PLAIN, _, _>(move |context, _| {
        let (heard, time) = (Arc::clone(&heard), Arc::clone(&time));
        async move {
            let now = async || {
                let draft = context.queue().draft(context.database(), context.id()).await.unwrap();
                heard.lock().unwrap().push(draft.unwrap_or_default());
            };
            context.draft("Dear").await?;
            context.draft("Dear team").await?;
            now().await;
            time.advance(TimeDelta::milliseconds(250));
            context.draft("Dear team, I").await?;
            now().await;
            context.draft("").await?;
            now().await;
            context.draft(&"x".repeat(30_000)).await?;
            now().await;
            Ok(Outcome::Done(json!(null)))
        }
    });
    let queue = queue(Registry::new().with(handler), &clock);
    let id = submit(&queue, &database, plain(json!(null))).await.id;
    runner(&queue, 1, &[&database]).run_until_idle().await;
    assert_eq!(task(&queue, &database, id).await.state, TaskState::Completed);
    let told = told.lock().unwrap().clone();
    assert_eq!(told[..3], ["Dear", "Dear team, I", ""]);
    assert_eq!(told[3].chars().count(), 20_001, "the beginning and a mark");
    assert_eq!(queue.draft(&database, id).await.unwrap(), None);
    assert_eq!(events_of(&database, id).await, ["task.queued", "task.running", "task.completed"]);
    let mut tx = database.read().await.unwrap();
    let kept = tx.fetch_all("select draft from task where draft is not null", vec![]).await.unwrap();
    assert!(kept.is_empty(), "nothing is kept");
}
