//! As whom programs connect, and how long a statement may take.

use std::time::Duration;

use aerie_store::{ServerOptions, StoreError, Stores, StoresConfig, jobs};
use aerie_testkit::postgres::TestPostgres;
use uuid::Uuid;

use crate::fixture::{day, new_job, posting};

/// What operators are told to run for a role that serves and a role that owns.
const MANUAL: &str = include_str!("../../../../docs/operations/postgresql.md");

/// The first SQL example below a heading.
fn example(heading: &str) -> String {
    let below = MANUAL.split_once(&format!("\n## {heading}\n")).expect("the heading is there").1;
    let block = below.split_once("```sql\n").expect("an example").1;
    block.split_once("```").expect("its end").0.to_owned()
}

fn serving(postgres: &TestPostgres, url: String, folder: &std::path::Path) -> StoresConfig {
    StoresConfig { url, migrate: false, ..postgres.stores_config(folder) }
}

#[tokio::test]
async fn a_role_that_row_security_does_not_bind_is_refused() {
    let Some(postgres) = TestPostgres::start().await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (superuser, bypassing) = ("postgres".to_owned(), format!("bypassing_{}", postgres.database()));
    postgres.administer(&format!("create role {bypassing} login bypassrls password 'x'")).unwrap();
    for role in [&superuser, &bypassing] {
        let error = Stores::open(serving(&postgres, postgres.url_as(role, "x"), folder.path())).await.unwrap_err();
        assert!(matches!(&error, StoreError::UnsafeRole { role: found, .. } if found == role), "{error}");
    }
    postgres.administer(&format!("drop role {bypassing}")).unwrap();
    Stores::open(serving(&postgres, postgres.url(), folder.path())).await.unwrap();
}

#[tokio::test]
async fn the_serving_role_of_the_manual_works_and_can_change_no_schema() {
    let Some(postgres) = TestPostgres::start().await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let role = format!("serving_{}", postgres.database());
    let sql = example("Roles").replace("aerie_serving", &role).replace("aerie_owner", "aerie");
    // The owner's role and the database are there already.
    let sql: Vec<&str> =
        sql.lines().filter(|line| !line.contains("role aerie ") && !line.contains("create database")).collect();
    postgres
        .administer(&sql.join("\n").replace("on database aerie ", &format!("on database {} ", postgres.database())))
        .unwrap();
    let stores = Stores::open(serving(&postgres, postgres.url_as(&role, "secret-2"), folder.path())).await.unwrap();
    let (mine, yours) = (stores.person(Uuid::now_v7()).await.unwrap(), stores.person(Uuid::now_v7()).await.unwrap());
    let mut tx = mine.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![new_job(posting(1))], day(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(jobs::count_by_status(&mut yours.read().await.unwrap()).await.unwrap().is_empty());
    assert_eq!(jobs::count_by_status(&mut mine.read().await.unwrap()).await.unwrap()["pending"], 1);
    for statement in [
        "create table mine (id bigint)",
        "alter table job no force row level security",
        "alter table job disable row level security",
        "drop policy own_rows on job",
        "set role aerie",
        "truncate job cascade",
    ] {
        let mut tx = mine.begin().await.unwrap();
        assert!(tx.execute(statement, vec![]).await.is_err(), "{statement}");
    }
    stores.close().await;
    postgres.administer(&format!("drop owned by {role}; drop role {role}")).unwrap();
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up_and_may_be_tried_again() {
    let Some(postgres) = TestPostgres::start().await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = ServerOptions {
        statement_timeout: Duration::from_millis(100),
        idle_timeout: Duration::from_secs(77),
        ..ServerOptions::default()
    };
    let stores = Stores::open_with(postgres.stores_config(folder.path()), options).await.unwrap();
    let mut tx = stores.platform().begin().await.unwrap();
    let error = tx.fetch_all("select pg_sleep(600)::text", vec![]).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    drop(tx);
    let mut tx = stores.platform().begin().await.unwrap();
    let setting = "select current_setting('idle_in_transaction_session_timeout') as value";
    assert_eq!(tx.fetch_one(setting, vec![]).await.unwrap().text("value").unwrap(), "77s");
}

#[tokio::test]
async fn a_session_that_the_server_ended_is_transient() {
    let Some(postgres) = TestPostgres::start().await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let stores = Stores::open(postgres.stores_config(folder.path())).await.unwrap();
    let mut tx = stores.platform().begin().await.unwrap();
    let pid = tx.fetch_one("select pg_backend_pid()::bigint as pid", vec![]).await.unwrap().int("pid").unwrap();
    postgres.administer(&format!("select pg_terminate_backend({pid})")).unwrap();
    let error = tx.fetch_all("select 1", vec![]).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    drop(tx);
    stores.platform().read().await.unwrap();
}
