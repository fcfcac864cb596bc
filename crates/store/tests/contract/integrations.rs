use std::collections::BTreeMap;

use aerie_store::{
    StoreError,
    integrations::{self, Delivery, File, Integration, Link},
};
use uuid::Uuid;

use crate::fixture::{Fixture, day};

fn integration(name: &str) -> Integration {
    Integration {
        id: Uuid::now_v7(),
        kind: "webhook".into(),
        name: name.into(),
        settings: BTreeMap::from([("address".to_owned(), "https://x.example/".to_owned())]),
        secrets: vec![0, 1, 255],
        secret_names: vec!["secret".into()],
        topics: vec!["jobs".into(), "digests".into()],
        enabled: true,
        created_at: day(1),
        updated_at: day(1),
    }
}

fn delivery(integration: Uuid, on: i64) -> Delivery {
    Delivery {
        id: Uuid::now_v7(),
        integration,
        topic: "documents".into(),
        subject: "document:x".into(),
        key: format!("document:x:{on}"),
        headline: "x.pdf".into(),
        state: "waiting".into(),
        detail: String::new(),
        attempts: 0,
        created_at: day(on),
        updated_at: day(on),
    }
}

pub async fn integrations_have_names_of_their_own_and_can_be_switched_off(fixture: &Fixture) {
    let mut tx = fixture.database.begin().await.unwrap();
    let (one, other) = (integration("b"), integration("a"));
    integrations::save(&mut tx, &one).await.unwrap();
    integrations::save(&mut tx, &other).await.unwrap();
    assert_eq!(integrations::list(&mut tx).await.unwrap(), [other.clone(), one.clone()]);
    let off = Integration { enabled: false, secrets: vec![7], updated_at: day(2), ..one.clone() };
    integrations::save(&mut tx, &off).await.unwrap();
    assert_eq!(integrations::get(&mut tx, one.id).await.unwrap(), Some(off));
    let enabled = integrations::enabled(&mut tx).await.unwrap();
    assert_eq!(enabled, [(other.id, "webhook".to_owned(), other.topics.clone())]);
    tx.commit().await.unwrap();
    let mut tx = fixture.database.begin().await.unwrap();
    let same_name = integrations::save(&mut tx, &integration("a")).await;
    assert!(matches!(same_name, Err(StoreError::Constraint { .. })), "{same_name:?}");
}

pub async fn deliveries_go_with_their_integration_and_files_with_their_delivery(fixture: &Fixture) {
    let mut tx = fixture.database.begin().await.unwrap();
    let one = integration("one");
    integrations::save(&mut tx, &one).await.unwrap();
    let file = File { name: "x.pdf".into(), media_type: "application/pdf".into(), content: vec![0, 255] };
    let (older, newer) = (delivery(one.id, 1), delivery(one.id, 2));
    integrations::insert_delivery(&mut tx, &older, Some(&file)).await.unwrap();
    integrations::insert_delivery(&mut tx, &newer, Some(&file)).await.unwrap();
    assert_eq!(integrations::deliveries(&mut tx, None, 9).await.unwrap(), [newer.clone(), older.clone()]);
    assert_eq!(integrations::deliveries(&mut tx, Some(one.id), 1).await.unwrap(), std::slice::from_ref(&newer));
    assert_eq!(integrations::deliveries(&mut tx, Some(Uuid::now_v7()), 9).await.unwrap(), []);
    assert_eq!(integrations::file(&mut tx, older.id).await.unwrap(), Some(file.clone()));
    let failed = Delivery { state: "failed".into(), detail: "no".into(), attempts: 3, ..older.clone() };
    assert!(integrations::update_delivery(&mut tx, &failed).await.unwrap());
    assert!(integrations::file(&mut tx, older.id).await.unwrap().is_some(), "it can be tried again");
    let delivered = Delivery { state: "delivered".into(), ..failed };
    integrations::update_delivery(&mut tx, &delivered).await.unwrap();
    assert_eq!(integrations::file(&mut tx, older.id).await.unwrap(), None);
    assert_eq!(integrations::delivery(&mut tx, older.id).await.unwrap(), Some(delivered));

    let link = Link { key: "document:x:1".into(), remote_id: "r".into() };
    integrations::save_link(&mut tx, one.id, "document:x", &link, day(1)).await.unwrap();
    let link = Link { key: "document:x:2".into(), ..link };
    integrations::save_link(&mut tx, one.id, "document:x", &link, day(2)).await.unwrap();
    assert_eq!(integrations::link(&mut tx, one.id, "document:x").await.unwrap(), Some(link));
    let event = Link { key: "job:1:2".into(), remote_id: String::new() };
    integrations::save_link(&mut tx, one.id, "job:1:2", &event, day(1)).await.unwrap();
    assert_eq!(integrations::forget_events_before(&mut tx, day(9)).await.unwrap(), 1, "the record stays");
    let subjects = vec!["document:x".to_owned(), "document:y".to_owned()];
    assert_eq!(integrations::delivered_subjects(&mut tx, subjects).await.unwrap(), ["document:x"]);

    assert_eq!(integrations::forget_deliveries_before(&mut tx, day(2)).await.unwrap(), 1);
    assert!(integrations::delete(&mut tx, one.id).await.unwrap());
    assert!(!integrations::delete(&mut tx, one.id).await.unwrap());
    assert_eq!(integrations::deliveries(&mut tx, None, 9).await.unwrap(), []);
    assert_eq!(integrations::file(&mut tx, newer.id).await.unwrap(), None);
    assert_eq!(integrations::link(&mut tx, one.id, "document:x").await.unwrap(), None);
}

pub async fn what_is_sealed_opens_for_the_same_person_and_purpose_only(fixture: &Fixture) {
    let stores = &fixture.stores;
    let sealed = stores.seal(fixture.person, "integration 1", b"marker").unwrap();
    assert!(!sealed.windows(6).any(|window| window == b"marker"));
    assert_ne!(stores.seal(fixture.person, "integration 1", b"marker").unwrap(), sealed, "a nonce of its own");
    let open = |person, purpose, sealed: &[u8]| stores.unseal(person, purpose, "the credentials of \"x\"", sealed);
    assert_eq!(open(fixture.person, "integration 1", &sealed).unwrap(), b"marker");
    let mut changed = sealed.clone();
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    for (person, purpose, sealed) in [
        (Uuid::now_v7(), "integration 1", sealed.as_slice()),
        (fixture.person, "integration 2", &sealed),
        (fixture.person, "integration 1", &changed),
        (fixture.person, "integration 1", &sealed[..9]),
        (fixture.person, "integration 1", &[]),
    ] {
        match open(person, purpose, sealed) {
            Err(error @ StoreError::Sealed { .. }) => {
                assert!(
                    error.to_string().contains("the credentials of \"x\"") && error.to_string().contains("secret.key")
                );
            }
            opened => panic!("{opened:?}"),
        }
    }
}
