use aerie_store::{StoreError, profiles};
use uuid::Uuid;

use crate::fixture::{Fixture, day};

pub async fn the_profile_counts_its_versions(fixture: &Fixture) {
    let mut tx = fixture.database.begin().await.unwrap();
    assert_eq!(profiles::profile(&mut tx).await.unwrap(), None);
    assert_eq!(profiles::save_profile(&mut tx, "{}", Some(3), day(1)).await.unwrap(), None);
    assert_eq!(profiles::save_profile(&mut tx, "{}", Some(0), day(1)).await.unwrap(), Some(1));
    assert_eq!(profiles::save_profile(&mut tx, "{\"a\":1}", Some(0), day(2)).await.unwrap(), None);
    assert_eq!(profiles::save_profile(&mut tx, "{\"a\":1}", Some(1), day(2)).await.unwrap(), Some(2));
    assert_eq!(profiles::save_profile(&mut tx, "{\"a\":2}", None, day(3)).await.unwrap(), Some(3));
    let profile = profiles::profile(&mut tx).await.unwrap().unwrap();
    assert_eq!((profile.document.as_str(), profile.version, profile.updated_at), ("{\"a\":2}", 3, day(3)));
}

pub async fn search_profiles_keep_their_order_and_names(fixture: &Fixture) {
    let mut tx = fixture.database.begin().await.unwrap();
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    profiles::create_search_profile(&mut tx, second, "remote", 1, "{}", day(1)).await.unwrap();
    profiles::create_search_profile(&mut tx, first, "local", 0, "{}", day(1)).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = fixture.database.begin().await.unwrap();
    let taken = profiles::create_search_profile(&mut tx, Uuid::now_v7(), "remote", 2, "{}", day(1)).await;
    assert!(matches!(taken, Err(StoreError::Constraint { .. })), "{taken:?}");
    tx.rollback().await.unwrap();

    let mut tx = fixture.database.begin().await.unwrap();
    let changed = profiles::update_search_profile(&mut tx, first, "nearby", 5, "{\"a\":1}", Some(1), day(2)).await;
    assert_eq!(changed.unwrap(), Some(2));
    let stale = profiles::update_search_profile(&mut tx, first, "lost", 5, "{}", Some(1), day(2)).await;
    assert_eq!(stale.unwrap(), None);
    let names: Vec<String> =
        profiles::search_profiles(&mut tx).await.unwrap().into_iter().map(|profile| profile.name).collect();
    assert_eq!(names, ["remote", "nearby"]);
    assert_eq!(profiles::search_profile_by_name(&mut tx, "nearby").await.unwrap().unwrap().id, first);
    assert!(profiles::delete_search_profile(&mut tx, first).await.unwrap());
    assert!(!profiles::delete_search_profile(&mut tx, first).await.unwrap());
    assert_eq!(profiles::search_profile(&mut tx, first).await.unwrap(), None);
}
