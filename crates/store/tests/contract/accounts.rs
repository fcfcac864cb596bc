use aerie_store::accounts;

use crate::fixture::{Fixture, day};

pub async fn the_local_person_is_made_once(fixture: &Fixture) {
    let mut tx = fixture.platform().begin().await.unwrap();
    let first = accounts::ensure_local_person(&mut tx, day(1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = fixture.platform().begin().await.unwrap();
    assert_eq!(accounts::ensure_local_person(&mut tx, day(2)).await.unwrap(), first);
    let people = accounts::people(&mut tx).await.unwrap();
    assert_eq!(people.len(), 1);
    assert!(people[0].is_local);
    assert_eq!(people[0].created_at, day(1));
}

pub async fn external_people_are_known_by_their_subject(fixture: &Fixture) {
    let mut tx = fixture.platform().begin().await.unwrap();
    let first = accounts::ensure_external_person(&mut tx, "idp|17", "Ines", day(1)).await.unwrap();
    let second = accounts::ensure_external_person(&mut tx, "idp|18", "Ola", day(2)).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(accounts::ensure_external_person(&mut tx, "idp|17", "Ines K.", day(3)).await.unwrap(), first);
    assert_eq!(accounts::person(&mut tx, first).await.unwrap().unwrap().name, "Ines");
    assert_eq!(accounts::person_by_subject(&mut tx, "idp|18").await.unwrap().unwrap().id, second);
    assert_eq!(accounts::person_by_subject(&mut tx, "idp|19").await.unwrap(), None);
    let names: Vec<String> = accounts::people(&mut tx).await.unwrap().into_iter().map(|person| person.name).collect();
    assert_eq!(names, ["Ines", "Ola"]);
}

pub async fn many_at_once_make_one_person(fixture: &Fixture) {
    let first_sight = (0..16).map(|number| async move {
        let mut tx = fixture.platform().begin().await.unwrap();
        let name = format!("name {number}");
        let id = accounts::ensure_external_person(&mut tx, "idp 99", &name, day(1)).await.unwrap();
        tx.commit().await.unwrap();
        id
    });
    let ids = futures::future::join_all(first_sight).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(accounts::people(&mut fixture.platform().read().await.unwrap()).await.unwrap().len(), 1);
}
