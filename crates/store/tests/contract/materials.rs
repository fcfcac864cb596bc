use aerie_store::{
    jobs,
    materials::{self, Material, Resume, Version},
};
use uuid::Uuid;

use crate::fixture::{Fixture, day, new_job, posting};

fn material(job_id: Uuid, kind: &str, on: i64) -> Material {
    Material {
        id: Uuid::now_v7(),
        job_id,
        kind: kind.into(),
        state: "waiting".into(),
        document: "{}".into(),
        written_by: String::new(),
        problem: String::new(),
        chosen: 0,
        created_at: day(on),
        updated_at: day(on),
    }
}

fn version(document: &str, on: i64) -> Version {
    Version {
        number: 0,
        document: document.into(),
        written_by: "template".into(),
        note: String::new(),
        created_at: day(on),
    }
}

pub async fn materials_are_listed_by_kind_and_go_with_their_job(fixture: &Fixture) {
    let (job, other) = (new_job(posting(1)), new_job(posting(2)));
    let (id, other_id) = (job.id, other.id);
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![job, other], day(1)).await.unwrap();
    let (older, newer, letter) = (material(id, "answer", 1), material(id, "answer", 2), material(id, "letter", 1));
    for one in [&older, &newer, &letter] {
        assert!(materials::insert(&mut tx, one).await.unwrap());
    }
    assert!(!materials::insert(&mut tx, &material(Uuid::now_v7(), "letter", 1)).await.unwrap());
    assert_eq!(materials::of_job(&mut tx, id, "answer").await.unwrap(), [newer.clone(), older.clone()]);
    assert_eq!(materials::of_kind(&mut tx, "letter").await.unwrap(), vec![letter.clone()]);

    let ready = Material { state: "ready".into(), document: "{\"a\":1}".into(), updated_at: day(3), ..newer.clone() };
    assert!(materials::update(&mut tx, &ready).await.unwrap());
    assert_eq!(materials::get(&mut tx, newer.id).await.unwrap(), Some(ready));
    assert!(materials::delete(&mut tx, newer.id).await.unwrap());
    assert!(!materials::delete(&mut tx, newer.id).await.unwrap());

    materials::hand_over(&mut tx, id, other_id).await.unwrap();
    assert_eq!(materials::of_job(&mut tx, id, "letter").await.unwrap(), []);
    assert_eq!(materials::of_job(&mut tx, other_id, "letter").await.unwrap()[0].id, letter.id);
    jobs::purge(&mut tx, &["pending".to_owned()], day(4)).await.unwrap();
    assert_eq!(materials::get(&mut tx, letter.id).await.unwrap(), None);
}

pub async fn versions_are_numbered_and_the_chosen_one_stays(fixture: &Fixture) {
    let job = new_job(posting(1));
    let id = job.id;
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![job], day(1)).await.unwrap();
    let letter = material(id, "letter", 1);
    materials::insert(&mut tx, &letter).await.unwrap();
    assert_eq!(materials::add_version(&mut tx, letter.id, &version("one", 1), 2).await.unwrap(), 1);
    materials::update(&mut tx, &Material { chosen: 1, ..letter.clone() }).await.unwrap();
    for number in 2..=4 {
        let added = materials::add_version(&mut tx, letter.id, &version("more", number), 2).await.unwrap();
        assert_eq!(added, number);
    }
    let numbers: Vec<i64> =
        materials::versions(&mut tx, letter.id).await.unwrap().iter().map(|version| version.number).collect();
    assert_eq!(numbers, [4, 3, 1], "the oldest over the limit go, but not the chosen one");
    assert_eq!(materials::version(&mut tx, letter.id, 1).await.unwrap().unwrap().document, "one");
    assert_eq!(materials::version(&mut tx, letter.id, 2).await.unwrap(), None);
    materials::delete(&mut tx, letter.id).await.unwrap();
    assert_eq!(materials::versions(&mut tx, letter.id).await.unwrap(), []);
}

pub async fn pictures_are_kept_until_they_are_read(fixture: &Fixture) {
    let mut tx = fixture.database.begin().await.unwrap();
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    materials::save_picture(&mut tx, first, vec![1, 2], day(1)).await.unwrap();
    materials::save_picture(&mut tx, second, vec![3], day(5)).await.unwrap();
    assert_eq!(materials::picture(&mut tx, first).await.unwrap(), Some(vec![1, 2]));
    assert_eq!(materials::forget_pictures_before(&mut tx, day(3)).await.unwrap(), 1);
    assert_eq!(materials::picture(&mut tx, first).await.unwrap(), None);
    materials::delete_picture(&mut tx, second).await.unwrap();
    assert_eq!(materials::picture(&mut tx, second).await.unwrap(), None);
}

pub async fn there_is_one_resume_and_one_way_of_writing(fixture: &Fixture) {
    let mut tx = fixture.database.begin().await.unwrap();
    assert_eq!(materials::resume(&mut tx).await.unwrap(), None);
    assert_eq!(materials::writing(&mut tx).await.unwrap(), None);
    let first = Resume {
        format: "pdf".into(),
        file_name: "a.pdf".into(),
        source_text: "Ada".into(),
        document: "{}".into(),
        updated_at: day(1),
    };
    materials::save_resume(&mut tx, &first).await.unwrap();
    let second = Resume { file_name: "b.pdf".into(), updated_at: day(2), ..first };
    materials::save_resume(&mut tx, &second).await.unwrap();
    assert_eq!(materials::resume(&mut tx).await.unwrap(), Some(second));
    materials::save_writing(&mut tx, "{\"voice\":\"plain\"}", day(1)).await.unwrap();
    materials::save_writing(&mut tx, "{}", day(2)).await.unwrap();
    assert_eq!(materials::writing(&mut tx).await.unwrap().as_deref(), Some("{}"));
}
