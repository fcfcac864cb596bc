//! Copying an embedded installation to a server.

use std::{collections::BTreeSet, panic::AssertUnwindSafe};

use aerie_store::{
    Database, Stores, StoresConfig, Value, accounts,
    copying::{CopyError, CopyReport, CopyStep},
    jobs,
};
use aerie_testkit::postgres::TestPostgres;
use futures::FutureExt;
use tempfile::TempDir;
use uuid::Uuid;

use crate::fixture::{day, new_job, posting};

struct Move {
    postgres: TestPostgres,
    folder: TempDir,
    from: Stores,
    to: Stores,
    people: Vec<Uuid>,
}

impl Move {
    /// An installation of two people with a row in every table, and an empty server.
    async fn new() -> Option<Self> {
        let postgres = TestPostgres::start().await.unwrap()?;
        let folder = tempfile::tempdir().unwrap();
        let config =
            StoresConfig { url: "embedded".into(), data: folder.path().to_owned(), migrate: true, connections: 4 };
        let from = Stores::open(config).await.unwrap();
        let to = Stores::open(postgres.stores_config(folder.path())).await.unwrap();
        let mut people = vec![];
        let mut tx = from.platform().begin().await.unwrap();
        people.push(accounts::ensure_local_person(&mut tx, day(1)).await.unwrap());
        people.push(accounts::ensure_external_person(&mut tx, "ben", "Ben", day(1)).await.unwrap());
        tx.commit().await.unwrap();
        let columns = columns(&postgres);
        fill(from.platform(), &columns, None).await;
        for person in &people {
            let database = from.person(*person).await.unwrap();
            fill(&database, &columns, Some(*person)).await;
            many_events(&database, *person).await;
        }
        Some(Self { postgres, folder, from, to, people })
    }

    async fn copy(&self) -> Result<CopyReport, CopyError> {
        self.from.copy_to(&self.to, day(2), |_| {}).await
    }
}

/// Table, column, type and whether it has a tenant, as the server has them.
fn columns(postgres: &TestPostgres) -> Vec<(String, String, String, bool)> {
    let sql = "select relname, attname, typname, exists (select 1 from pg_attribute t where t.attrelid = pg_class.oid \
               and t.attname = 'tenant_id') from pg_class join pg_attribute on attrelid = pg_class.oid \
               join pg_type on pg_type.oid = atttypid where relkind = 'r' and relnamespace = 'public'::regnamespace \
               and attnum > 0 and not attisdropped and attgenerated = '' and attname <> 'tenant_id' \
               and relname not in ('event_outbox', 'installation', 'schema_version', 'store_move', 'store_move_table', \
               'api_key', 'web_session') \
               order by relname, attnum";
    let printed = postgres.administer(sql).unwrap();
    let row = |line: &str| {
        let parts: Vec<&str> = line.split('|').collect();
        (parts[0].to_owned(), parts[1].to_owned(), parts[2].to_owned(), parts[3] == "t")
    };
    printed.lines().map(row).collect()
}

/// Puts a row into every table. One id stands in all of a person's rows, so that those which point to each other find each
/// other.
async fn fill(database: &Database, columns: &[(String, String, String, bool)], person: Option<Uuid>) {
    let owned = person.is_some();
    let id = person.unwrap_or(Uuid::from_u128(1));
    let mut left: BTreeSet<&str> = columns
        .iter()
        .filter(|column| column.3 == owned && column.0 != "person")
        .map(|column| column.0.as_str())
        .collect();
    // Rows that point to others come after them: what does not go in now goes in later.
    while !left.is_empty() {
        let before = left.len();
        for table in left.clone() {
            let (mut names, mut values) = (vec![], vec![]);
            for (_, name, kind, _) in columns.iter().filter(|column| column.0 == table) {
                if let Some(value) = value(table, name, kind, id) {
                    names.push(name.as_str());
                    values.push(value);
                }
            }
            let places: Vec<String> = (1..=values.len()).map(|number| format!("${number}")).collect();
            let sql = format!("insert into {table} ({}) values ({})", names.join(", "), places.join(", "));
            let mut tx = database.begin().await.unwrap();
            if tx.execute(sql, values).await.is_ok() && tx.commit().await.is_ok() {
                left.remove(table);
            }
        }
        assert!(left.len() < before, "no row fits into {left:?}");
    }
}

fn value(table: &str, name: &str, kind: &str, id: Uuid) -> Option<Value> {
    Some(match (table, name, kind) {
        ("task", "parent_id" | "finished_at", _) => return None,
        ("task", "state", _) => "queued".into(),
        (_, "snapshot" | "document" | "candidates" | "recipients" | "thread", "text") => "{}".into(),
        (_, _, "uuid") => id.into(),
        (_, _, "int8") => 1i64.into(),
        (_, _, "float8") => 0.25.into(),
        (_, _, "bool") => true.into(),
        (_, _, "bytea") => vec![0u8, 255, 7].into(),
        (_, _, "timestamptz") => day(3).into(),
        _ => format!("hidden {table} {name} ü").into(),
    })
}

/// More than one page of rows.
async fn many_events(database: &Database, person: Uuid) {
    let rows =
        (2..1_300i64).map(|number| vec![number.into(), "job.moved".into(), "{}".into(), day(1).into()]).collect();
    let mut tx = database.begin().await.unwrap();
    tx.insert_many("insert into event (sequence, kind, data, at)", "", rows).await.unwrap();
    // A task that belongs to another, inserted before it.
    let child = "insert into task (id, kind, payload, state, priority, max_attempts, repeatable, run_at, parent_id, \
                 created_at, updated_at) values ($1, 'k', '{}', 'queued', 0, 1, $2, $3, $4, $3, $3)";
    let earlier = Uuid::from_u128(person.as_u128() - 1);
    let values = vec![earlier.into(), true.into(), day(1).into(), person.into()];
    tx.execute(child, values).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_and_work_goes_on_there() {
    let Some(moved) = Move::new().await else { return };
    let report = moved.copy().await.unwrap();
    assert_eq!((report.people, report.resumed_tables), (2, 0));
    let empty: Vec<&str> =
        report.tables.iter().filter(|table| table.rows == 0).map(|table| table.table.as_str()).collect();
    assert!(empty.is_empty(), "nothing was copied of {empty:?}");
    let of = |name: &str| report.tables.iter().filter(|table| table.table == name).map(|table| table.rows).sum::<u64>();
    assert_eq!((of("event"), of("task"), of("person"), of("posting")), (2 * 1_299, 4, 2, 1));
    // Private texts arrive sealed, and open.
    let raw = moved.postgres.administer("select body, from_name from mail").unwrap();
    assert!(raw.contains("aerie1:") && !raw.contains("hidden"), "{raw}");
    // New rows do not collide with copied numbers.
    for person in &moved.people {
        let database = moved.to.person(*person).await.unwrap();
        let mut tx = database.begin().await.unwrap();
        let added = jobs::insert_many_if_new(&mut tx, vec![new_job(posting(9))], day(4)).await.unwrap();
        assert_eq!(added.len(), 1);
        tx.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_broken_off_again_and_again_ends() {
    let Some(moved) = Move::new().await else { return };
    let (mut tries, mut steps) = (0, 0);
    let report = loop {
        tries += 1;
        let mut this_time = 0;
        let attempt = moved.from.copy_to(&moved.to, day(2), |step| {
            steps += 1;
            this_time += usize::from(matches!(step, CopyStep::Copied { .. }));
            // Farther each time, and in the middle of a table's rows.
            assert!(this_time < 11 * tries, "the process dies");
        });
        match AssertUnwindSafe(attempt).catch_unwind().await {
            Ok(ended) => break ended.unwrap(),
            Err(_) => assert!(tries < 50),
        }
    };
    assert!(tries > 3 && report.resumed_tables > 20, "{tries} tries, {} resumed", report.resumed_tables);
    assert!(steps > 100);
    // All done: once more changes nothing and compares everything.
    let again = moved.copy().await.unwrap();
    assert_eq!((again.rows, again.tables.clone()), (report.rows, report.tables));
    assert_eq!(again.resumed_tables, again.tables.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_differs_afterwards_is_found() {
    let Some(moved) = Move::new().await else { return };
    moved.copy().await.unwrap();
    moved.postgres.administer("update mail_account set host = 'elsewhere'").unwrap();
    let error = moved.copy().await.unwrap_err();
    assert!(matches!(&error, CopyError::Differs { table, .. } if table == "mail_account"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_target_is_refused() {
    let Some(moved) = Move::new().await else { return };
    assert!(matches!(moved.to.copy_to(&moved.from, day(2), |_| {}).await, Err(CopyError::Direction)));
    let elsewhere = tempfile::tempdir().unwrap();
    let other_secret = Stores::open(moved.postgres.stores_config(elsewhere.path())).await.unwrap();
    let error = moved.from.copy_to(&other_secret, day(2), |_| {}).await.unwrap_err();
    let named = moved.folder.path().join("secret.key").display().to_string();
    assert!(matches!(error, CopyError::Secret { .. }) && error.to_string().contains(&named), "{error}");
    let mut tx = moved.to.platform().begin().await.unwrap();
    accounts::ensure_external_person(&mut tx, "somebody", "", day(1)).await.unwrap();
    tx.commit().await.unwrap();
    let error = moved.copy().await.unwrap_err();
    assert!(matches!(&error, CopyError::NotEmpty { table, .. } if table == "person"), "{error}");
}
