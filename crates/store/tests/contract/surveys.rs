use aerie_store::{
    jobs,
    surveys::{self, Survey},
};
use uuid::Uuid;

use crate::fixture::{Fixture, day, new_job, posting};

fn survey(job_id: Uuid, on: i64) -> Survey {
    Survey {
        id: Uuid::now_v7(),
        job_id,
        name: format!("day {on}"),
        mode: "quick".into(),
        state: "waiting".into(),
        from_screenshot: true,
        questions: String::new(),
        answers: String::new(),
        answered_by: String::new(),
        problem: String::new(),
        reported_score: String::new(),
        created_at: day(on),
        updated_at: day(on),
    }
}

pub async fn surveys_are_listed_newest_first_and_go_with_their_job(fixture: &Fixture) {
    let job = new_job(posting(1));
    let id = job.id;
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![job], day(1)).await.unwrap();
    let (older, newer) = (survey(id, 1), survey(id, 2));
    assert!(surveys::insert(&mut tx, &older, Some(vec![1, 2, 3])).await.unwrap());
    assert!(surveys::insert(&mut tx, &newer, None).await.unwrap());
    assert!(!surveys::insert(&mut tx, &survey(Uuid::now_v7(), 1), None).await.unwrap(), "a job that does not exist");
    assert_eq!(surveys::of_job(&mut tx, id).await.unwrap(), [newer.clone(), older.clone()]);
    assert_eq!(surveys::screenshot(&mut tx, older.id).await.unwrap(), Some(vec![1, 2, 3]));
    assert_eq!(surveys::screenshot(&mut tx, newer.id).await.unwrap(), None);

    let answered = Survey { state: "answered".into(), answers: "1. B".into(), updated_at: day(3), ..newer.clone() };
    assert!(surveys::update(&mut tx, &answered).await.unwrap());
    assert_eq!(surveys::get(&mut tx, newer.id).await.unwrap(), Some(answered));
    assert_eq!(surveys::delete(&mut tx, newer.id).await.unwrap(), Some(id));
    assert_eq!(surveys::delete(&mut tx, newer.id).await.unwrap(), None);

    jobs::purge(&mut tx, &["pending".to_owned()], day(4)).await.unwrap();
    assert_eq!(surveys::get(&mut tx, older.id).await.unwrap(), None);
    assert_eq!(surveys::screenshot(&mut tx, older.id).await.unwrap(), None);
}
