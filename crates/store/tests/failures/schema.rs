use aerie_store::{Database, StoreError, Stores, StoresConfig};

use crate::{contents, embedded, filled};

async fn run(database: &Database, sql: &str) {
    let mut tx = database.begin().await.unwrap();
    tx.execute(sql, vec![]).await.unwrap();
    tx.commit().await.unwrap();
}

const LATER: &str = "insert into schema_version (version, name, applied_at) \
                     select 9999, 'later', applied_at from schema_version where version = 1";
const EARLIER: &str = "delete from schema_version where version > 0";

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let person = filled(folder.path(), 3).await;
    let stores = Stores::open(embedded(folder.path())).await.unwrap();
    run(&stores.person(person).await.unwrap(), LATER).await;
    stores.close().await;
    let before = contents(folder.path());
    let stores = Stores::open(embedded(folder.path())).await.unwrap();
    let error = stores.person(person).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
    assert!(error.to_string().contains("store.db") && error.to_string().contains("newer Aerie"), "{error}");
    stores.close().await;
    assert_eq!(contents(folder.path()), before);

    let stores = Stores::open(embedded(folder.path())).await.unwrap();
    run(stores.platform(), LATER).await;
    stores.close().await;
    let error = Stores::open(embedded(folder.path())).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { .. }), "{error}");
}

#[tokio::test]
async fn an_older_schema_waits_for_the_migration() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3).await;
    let stores = Stores::open(embedded(folder.path())).await.unwrap();
    run(stores.platform(), EARLIER).await;
    stores.close().await;
    let before = contents(folder.path());
    let config = StoresConfig { migrate: false, ..embedded(folder.path()) };
    let error = Stores::open(config).await.unwrap_err();
    assert!(matches!(error, StoreError::OlderSchema { found: 0, .. }), "{error}");
    assert!(error.to_string().contains("aerie migrate"), "{error}");
    assert_eq!(contents(folder.path()), before);
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3).await;
    let stores = Stores::open(embedded(folder.path())).await.unwrap();
    // The tables are there, so the first migration fails at its first statement.
    run(stores.platform(), EARLIER).await;
    stores.close().await;
    let before = contents(folder.path());
    assert!(Stores::open(embedded(folder.path())).await.is_err());
    assert_eq!(contents(folder.path()), before);
}

#[tokio::test]
async fn a_new_folder_needs_no_permission_to_migrate() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoresConfig { migrate: false, ..embedded(folder.path()) };
    Stores::open(config).await.unwrap().close().await;
}
