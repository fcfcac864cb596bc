//! Programs of two versions on one schema.

use aerie_store::{StoreError, Stores, StoresConfig};
use aerie_testkit::postgres::TestPostgres;

async fn opens(postgres: &TestPostgres, migrate: bool) -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let stores = Stores::open(StoresConfig { migrate, ..postgres.stores_config(folder.path()) }).await?;
    stores.close().await;
    Ok(())
}

fn known(postgres: &TestPostgres) -> i64 {
    postgres.administer("select max(version) from schema_version").unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn a_newer_schema_that_only_adds_is_worked_with() {
    let Some(postgres) = TestPostgres::start().await.unwrap() else { return };
    let known = known(&postgres);
    let later = |version: i64, oldest: i64| {
        let sql = "insert into schema_version (version, name, applied_at, oldest) values";
        postgres.administer(&format!("{sql} ({version}, 'later', now(), {oldest})")).unwrap();
    };
    later(known + 1, known);
    later(known + 2, known);
    for migrate in [false, true] {
        opens(&postgres, migrate).await.unwrap();
    }
    // The third takes away what this program still uses.
    later(known + 3, known + 1);
    let error = opens(&postgres, false).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found, .. } if found == known + 3), "{error}");
}

#[tokio::test]
async fn what_only_adds_may_be_applied_while_the_version_before_works() {
    let Some(postgres) = TestPostgres::start().await.unwrap() else { return };
    // As the version before left it: without the last migrations that only add.
    let sql = "select version from schema_version where version > (select oldest from schema_version order by version desc limit 1)";
    let added = postgres.administer(sql).unwrap();
    assert!(added.lines().count() >= 3, "{added}");
    let folder = tempfile::tempdir().unwrap();
    let before = Stores::open(postgres.stores_config(folder.path())).await.unwrap();
    postgres
        .administer(
            "drop table store_move, store_move_table; delete from schema_version where name = '0016_store_move'",
        )
        .unwrap();
    let error = opens(&postgres, false).await.unwrap_err();
    assert!(matches!(error, StoreError::OlderSchema { .. }) && error.to_string().contains("aerie migrate"), "{error}");
    // A transaction of the other program is open meanwhile.
    let mut tx = before.platform().begin().await.unwrap();
    tx.fetch_all("select id from person", vec![]).await.unwrap();
    opens(&postgres, true).await.unwrap();
    tx.commit().await.unwrap();
    opens(&postgres, false).await.unwrap();
}

#[tokio::test]
async fn a_gap_is_filled_in() {
    let Some(postgres) = TestPostgres::start().await.unwrap() else { return };
    postgres
        .administer("drop table installation; delete from schema_version where name = '0015_installation'")
        .unwrap();
    let error = opens(&postgres, false).await.unwrap_err();
    assert!(matches!(error, StoreError::OlderSchema { .. }), "{error}");
    opens(&postgres, true).await.unwrap();
    opens(&postgres, false).await.unwrap();
}
