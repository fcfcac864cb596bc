//! Deleting everything of a person.

use std::{collections::BTreeMap, panic::AssertUnwindSafe};

use aerie_store::{
    Database, PersonId, StoreError, Stores, Value, accounts,
    deletions::{QUIET, REMEMBERED, SHARED, is_deleted, last_of_subject},
};
use futures::FutureExt;
use uuid::Uuid;

use crate::fixture::{Fixture, day};

async fn somebody(fixture: &Fixture, subject: &str) -> PersonId {
    let mut tx = fixture.platform().begin().await.unwrap();
    let person = accounts::ensure_external_person(&mut tx, subject, "", day(1)).await.unwrap();
    tx.commit().await.unwrap();
    person
}

type Columns = BTreeMap<String, Vec<(String, String)>>;

/// The tables of a database that hold rows of people, with their columns and types.
async fn columns(database: &Database, is_platform_file: bool) -> Columns {
    let sql = if database.engine() == aerie_store::Engine::Postgres {
        "select relname::text as relation, attname::text as name, typname::text as kind, \
         exists (select 1 from pg_attribute t where t.attrelid = pg_class.oid and t.attname = 'tenant_id') as owned \
         from pg_class join pg_attribute on attrelid = pg_class.oid join pg_type on pg_type.oid = atttypid \
         where relkind = 'r' and relnamespace = current_schema()::regnamespace and attnum > 0 and not attisdropped \
         and attgenerated = '' order by relname, attnum"
    } else {
        "select m.name as relation, c.name as name, lower(c.type) as kind, \
         exists (select 1 from pragma_table_info(m.name) t where t.name = 'tenant_id') as owned \
         from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite%' \
         and m.name not like 'job\\_text%' escape '\\' and m.name <> 'schema_version' order by m.name, c.cid"
    };
    let by_tenant = is_platform_file || database.engine() == aerie_store::Engine::Postgres;
    let mut found = Columns::new();
    for row in database.read().await.unwrap().fetch_all(sql, vec![]).await.unwrap() {
        if !by_tenant || row.bool("owned").unwrap() {
            let column = (row.text("name").unwrap(), row.text("kind").unwrap());
            found.entry(row.text("relation").unwrap()).or_default().push(column);
        }
    }
    found
}

/// Puts a row into every table. The person's id stands in all ids, so that rows that point to each other find each other.
async fn fill(database: &Database, columns: &Columns, person: PersonId) {
    let mut left: Vec<&String> = columns.keys().collect();
    // Rows that point to others come after them: what does not go in now goes in later.
    while !left.is_empty() {
        let before = left.len();
        let mut problems = Vec::new();
        for table in std::mem::take(&mut left) {
            let row: Vec<(&str, Value)> = columns[table]
                .iter()
                .filter_map(|(name, kind)| Some((name.as_str(), value(table, name, kind, person)?)))
                .collect();
            let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
            let places: Vec<String> = (1..=row.len()).map(|number| format!("${number}")).collect();
            let overriding = match database.engine() {
                aerie_store::Engine::Postgres => "overriding system value",
                aerie_store::Engine::Sqlite => "",
            };
            let sql = format!("insert into {table} ({}) {overriding} values ({})", names.join(", "), places.join(", "));
            let mut tx = database.begin().await.unwrap();
            match tx.execute(sql, row.into_iter().map(|(_, value)| value).collect()).await {
                Ok(_) => tx.commit().await.unwrap(),
                Err(error) => {
                    problems.push(error.to_string());
                    left.push(table);
                }
            }
        }
        assert!(left.len() < before, "no row fits into {left:?}: {problems:?}");
    }
}

fn value(table: &str, name: &str, kind: &str, person: PersonId) -> Option<Value> {
    Some(match (table, name, kind) {
        ("task", "parent_id" | "finished_at", _) => return None,
        ("task", "state", _) => "queued".into(),
        (_, "tenant_id", _) | (_, _, "uuid") => person.into(),
        (_, "snapshot" | "document" | "candidates" | "recipients" | "thread", "text") => "{}".into(),
        (_, _, "int8" | "integer" | "bigint") => 1i64.into(),
        (_, _, "float8" | "real") => 0.25.into(),
        (_, _, "bool") => true.into(),
        (_, _, "bytea" | "blob") => vec![0u8, 255, 7].into(),
        (_, _, "timestamptz") => day(3).into(),
        _ => person.to_string().into(),
    })
}

/// Fills everything that a person can have rows in.
async fn fill_everything(fixture: &Fixture, person: PersonId) {
    let database = fixture.stores.person(person).await.unwrap();
    fill(&database, &columns(&database, false).await, person).await;
    if fixture.postgres.is_none() {
        let platform = fixture.platform();
        fill(platform, &columns(platform, true).await, person).await;
    }
    std::fs::create_dir_all(fixture.stores.person_folder(person)).unwrap();
    std::fs::write(fixture.stores.person_folder(person).join("résumé.pdf"), "a file").unwrap();
}

/// Everything that is stored of a person, by table, whoever may see it.
async fn everything(fixture: &Fixture, person: PersonId) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    if let Some(postgres) = &fixture.postgres {
        let database = fixture.platform();
        for table in columns(database, false).await.into_keys() {
            let sql = format!("select t::text from {table} t where tenant_id = '{person}' order by 1");
            let rows: Vec<String> = postgres.administer(&sql).unwrap().lines().map(str::to_owned).collect();
            found.insert(table, rows);
        }
    } else {
        let mut parts = vec![(fixture.platform().clone(), true)];
        if fixture.stores.person_folder(person).exists() {
            parts.push((fixture.stores.person(person).await.unwrap(), false));
        }
        for (database, is_platform) in parts {
            for (table, columns) in columns(&database, is_platform).await {
                let columns: Vec<String> = columns.iter().map(|(name, _)| format!("quote({name})")).collect();
                let condition = if is_platform { format!("where tenant_id = '{person}'") } else { String::new() };
                let sql = format!("select {} as line from {table} {condition}", columns.join(" || "));
                let rows = database.read().await.unwrap().fetch_all(sql, vec![]).await.unwrap();
                found.insert(table, rows.iter().map(|row| row.text("line").unwrap()).collect());
            }
        }
    }
    found
}

async fn assert_gone(fixture: &Fixture, person: PersonId) {
    let left = everything(fixture, person).await;
    assert!(left.values().all(Vec::is_empty), "{left:?}");
    assert!(!fixture.stores.person_folder(person).exists());
    let mut tx = fixture.platform().read().await.unwrap();
    assert!(accounts::person(&mut tx, person).await.unwrap().is_none());
}

pub async fn not_one_row_is_left_and_others_keep_theirs(fixture: &Fixture) {
    let (leaving, staying) = (somebody(fixture, "idp leaving").await, somebody(fixture, "idp staying").await);
    for person in [leaving, staying] {
        fill_everything(fixture, person).await;
    }
    let (before, others) = (everything(fixture, leaving).await, everything(fixture, staying).await);
    assert!(before.len() > 35 && before.values().all(|rows| rows.len() == 1), "{before:?}");
    let counted = fixture.stores.count_rows(leaving).await.unwrap();
    assert_eq!(counted.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert!(counted.values().all(|rows| *rows == 1), "{counted:?}");

    fixture.stores.delete_account(leaving, day(2)).await.unwrap();
    let removed = fixture.stores.sweep(leaving, day(2), |_, _| {}).await.unwrap();
    assert!(removed["job"] == 1 && removed["mail"] == 1 && removed["integration"] == 1, "{removed:?}");
    assert_gone(fixture, leaving).await;
    assert_eq!(everything(fixture, staying).await, others);
    let file = fixture.stores.person_folder(staying).join("résumé.pdf");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "a file");
    assert!(fixture.stores.sweep(staying, day(2), |_, _| {}).await.is_err(), "nobody asked for that");
}

pub async fn what_was_broken_off_goes_on(fixture: &Fixture) {
    // Not even begun, broken off after the first step, after a later one.
    for steps in [None, Some(1), Some(20)] {
        let leaving = somebody(fixture, "idp leaving").await;
        fill_everything(fixture, leaving).await;
        fixture.stores.delete_account(leaving, day(2)).await.unwrap();
        assert!(matches!(fixture.stores.person(leaving).await, Err(StoreError::Deleted { .. })));
        if let Some(steps) = steps {
            let mut count = 0;
            let sweep = fixture.stores.sweep(leaving, day(2), |_, _| {
                count += 1;
                assert!(count < steps, "the power fails");
            });
            assert!(AssertUnwindSafe(sweep).catch_unwind().await.is_err());
        }
        let open = fixture.stores.open_deletions().await.unwrap();
        assert!(open.iter().any(|one| one.person == leaving && one.swept_at.is_none()), "{open:?}");
        fixture.stores.sweep_due(day(2)).await.unwrap();
        assert_gone(fixture, leaving).await;
    }
}

pub async fn what_comes_late_goes_too_and_then_it_is_done(fixture: &Fixture) {
    let leaving = somebody(fixture, "idp leaving").await;
    let late = fixture.stores.person(leaving).await.unwrap();
    let stores = &fixture.stores;
    stores.delete_account(leaving, day(2)).await.unwrap();
    stores.sweep_due(day(2)).await.unwrap();
    let write = async {
        let mut tx = late.begin().await?;
        let sql = "insert into purged_posting (posting_id, purged_at) values ($1, $2)";
        tx.execute(sql, vec![Uuid::now_v7().into(), day(2).into()]).await?;
        tx.commit().await
    };
    // A file is closed and gone; a server takes what somebody sends who has not heard of it.
    let is_written = write.await.is_ok();
    assert_eq!(is_written, fixture.postgres.is_some());
    let mut now = day(2) + QUIET;
    if is_written {
        stores.sweep_due(day(2) + QUIET / 2).await.unwrap();
        assert_eq!(everything(fixture, leaving).await["purged_posting"].len(), 1, "not yet");
        stores.sweep_due(now).await.unwrap();
        assert_gone(fixture, leaving).await;
        assert_eq!(stores.open_deletions().await.unwrap().len(), 1, "looked at once more");
        now += QUIET;
    }
    stores.sweep_due(now).await.unwrap();
    assert_eq!(stores.open_deletions().await.unwrap(), []);
    let known = async || is_deleted(&mut fixture.platform().read().await.unwrap(), leaving).await.unwrap();
    assert!(known().await);
    stores.sweep_due(now + REMEMBERED / 2).await.unwrap();
    assert!(known().await);
    stores.sweep_due(now + REMEMBERED * 2).await.unwrap();
    assert!(!known().await);
}

pub async fn a_deleted_person_is_refused_and_their_subject_remembered(fixture: &Fixture) {
    let leaving = somebody(fixture, "idp leaving").await;
    let elsewhere = fixture.opened_again().await;
    elsewhere.person(leaving).await.unwrap();
    assert!(!elsewhere.hear_of_deletions(day(2)).await.unwrap());
    fixture.stores.delete_account(leaving, day(2)).await.unwrap();
    fixture.stores.delete_account(leaving, day(3)).await.unwrap();
    let refused = |stores: &Stores| {
        assert!(stores.is_deleted(leaving));
    };
    refused(&fixture.stores);
    assert!(elsewhere.hear_of_deletions(day(2)).await.unwrap());
    assert!(!elsewhere.hear_of_deletions(day(2)).await.unwrap(), "it is no news");
    refused(&elsewhere);
    assert!(matches!(elsewhere.person(leaving).await, Err(StoreError::Deleted { .. })));
    let mut tx = fixture.platform().read().await.unwrap();
    assert_eq!(last_of_subject(&mut tx, "idp leaving").await.unwrap(), Some(day(2)));
    assert_eq!(last_of_subject(&mut tx, "idp other").await.unwrap(), None);
    drop(tx);
    assert_ne!(somebody(fixture, "idp leaving").await, leaving);
}

pub async fn whoever_sits_at_the_machine_begins_anew(fixture: &Fixture) {
    let mut tx = fixture.platform().begin().await.unwrap();
    let before = accounts::ensure_local_person(&mut tx, day(1)).await.unwrap();
    tx.commit().await.unwrap();
    fill_everything(fixture, before).await;
    fixture.stores.delete_account(before, day(2)).await.unwrap();
    fixture.stores.sweep(before, day(2), |_, _| {}).await.unwrap();
    assert_gone(fixture, before).await;
    let mut tx = fixture.platform().begin().await.unwrap();
    let after = accounts::ensure_local_person(&mut tx, day(3)).await.unwrap();
    tx.commit().await.unwrap();
    assert_ne!(after, before);
    assert!(fixture.stores.count_rows(after).await.unwrap().is_empty());
}

/// An embedded store that cannot be read goes as well.
#[tokio::test]
async fn a_damaged_store_goes_too() {
    let fixture = Fixture::sqlite().await;
    let leaving = somebody(&fixture, "idp leaving").await;
    let folder = fixture.stores.person_folder(leaving);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("store.db"), vec![7; 8192]).unwrap();
    fixture.stores.delete_account(leaving, day(2)).await.unwrap();
    fixture.stores.sweep(leaving, day(2), |_, _| {}).await.unwrap();
    assert_gone(&fixture, leaving).await;
}

/// The list of what stays, and a tenant's column for everything else: a table that is added later is one or the other.
#[tokio::test]
async fn every_table_of_the_server_stays_or_goes() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let sql = "select relname::text as name from pg_class where relkind = 'r' \
               and relnamespace = 'public'::regnamespace order by relname";
    let rows = fixture.platform().read().await.unwrap().fetch_all(sql, vec![]).await.unwrap();
    let all: Vec<String> = rows.iter().map(|row| row.text("name").unwrap()).collect();
    let owned = columns(fixture.platform(), false).await;
    let (stays, goes): (Vec<&String>, Vec<&String>) = all.iter().partition(|name| SHARED.contains(&name.as_str()));
    assert_eq!(goes, owned.keys().collect::<Vec<_>>(), "neither in SHARED nor with a tenant, or both");
    assert_eq!(stays, SHARED.iter().collect::<Vec<_>>());
}
