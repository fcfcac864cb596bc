//! Row-level security on PostgreSQL: one person's rows do not exist for another.

use std::collections::BTreeSet;

use aerie_store::{deletions::SHARED, jobs, profiles, runs};
use uuid::Uuid;

use crate::fixture::{Fixture, day, new_job, posting};

/// Every table with whether row security is on and forced, and whether it has a tenant column.
async fn tables(fixture: &Fixture) -> Vec<(String, bool, bool)> {
    let mut tx = fixture.platform().read().await.unwrap();
    let sql = "select relname::text as name, relrowsecurity and relforcerowsecurity as forced, \
               exists (select 1 from pg_attribute where attrelid = pg_class.oid and attname = 'tenant_id') as owned \
               from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname";
    let rows = tx.fetch_all(sql, vec![]).await.unwrap();
    rows.iter()
        .map(|row| (row.text("name").unwrap(), row.bool("forced").unwrap(), row.bool("owned").unwrap()))
        .collect()
}

#[tokio::test]
async fn every_table_of_people_forces_row_security() {
    let Some(fixture) = Fixture::postgres().await else { return };
    for (name, forced, owned) in tables(&fixture).await {
        if SHARED.contains(&name.as_str()) {
            assert!(!owned, "{name} is named as shared, but has a tenant");
        } else {
            assert!(owned && forced, "{name} must have tenant_id and forced row security");
        }
    }
}

/// One row in each table of people, made by the superuser, whoever its columns belong to.
async fn a_row_in_every_table(fixture: &Fixture, owner: Uuid) -> BTreeSet<String> {
    let postgres = fixture.postgres.as_ref().unwrap();
    let mut filled = BTreeSet::new();
    for (table, _, _) in tables(fixture).await.iter().filter(|(name, ..)| !SHARED.contains(&name.as_str())) {
        // Any value of the column's type; foreign keys and checks are off for this session.
        let columns = postgres
            .administer(&format!(
                "select string_agg(quote_ident(attname), ', '), string_agg(case \
                   when attname = 'tenant_id' then quote_literal('{owner}') \
                   when typname = 'uuid' then 'gen_random_uuid()' \
                   when typname = 'timestamptz' then 'now()' \
                   when typname in ('int8', 'int4', 'float8') then '1' \
                   when typname = 'bool' then 'false' \
                   when typname = 'bytea' then quote_literal('') \
                   else quote_literal('{{}}') end, ', ') \
                 from pg_attribute join pg_type on pg_type.oid = atttypid \
                 where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped \
                 and attgenerated = '' and attidentity = ''"
            ))
            .unwrap();
        let (names, values) = columns.trim().split_once('|').unwrap();
        let checks = postgres
            .administer(&format!(
                "select coalesce(string_agg(format('alter table %s drop constraint %I', conrelid::regclass, conname), \
                 '; '), 'select 1') from pg_constraint where contype = 'c' and conrelid = '{table}'::regclass"
            ))
            .unwrap();
        postgres.administer(checks.trim()).unwrap();
        postgres
            .administer(&format!(
                "set session_replication_role = replica; insert into {table} ({names}) values ({values})"
            ))
            .unwrap_or_else(|error| panic!("{table}: {error}"));
        filled.insert(table.clone());
    }
    filled
}

#[tokio::test]
async fn rows_of_another_person_can_be_neither_read_nor_written() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let owner = fixture.person;
    let tables = a_row_in_every_table(&fixture, owner).await;
    assert!(tables.contains("job") && tables.contains("task"), "{tables:?}");
    let stranger = fixture.stores.person(Uuid::now_v7()).await.unwrap();

    for table in &tables {
        for (database, expected) in [(&fixture.database, 1), (&stranger, 0), (fixture.platform(), 0)] {
            let scope = database.scope();
            let mut tx = database.begin().await.unwrap();
            let found = tx.fetch_one(format!("select count(*) as rows from {table}"), vec![]).await.unwrap();
            assert_eq!(found.int("rows").unwrap(), expected, "{table} read by {scope:?}");
            if expected == 0 {
                for statement in [
                    format!("update {table} set tenant_id = tenant_id"),
                    format!("delete from {table}"),
                    format!("update {table} set tenant_id = $1 where true"),
                ] {
                    let values = if statement.contains("$1") { vec![Uuid::now_v7().into()] } else { vec![] };
                    assert_eq!(tx.execute(statement.clone(), values).await.unwrap(), 0, "{statement} by {scope:?}");
                }
            }
        }
        // Giving one's own row to somebody else is refused as well.
        let mut tx = fixture.database.begin().await.unwrap();
        let given = tx.execute(format!("update {table} set tenant_id = $1"), vec![Uuid::now_v7().into()]).await;
        assert!(given.is_err(), "{table}: {given:?}");
    }
}

#[tokio::test]
async fn writing_in_another_name_is_refused() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let mut tx = fixture.database.begin().await.unwrap();
    let forged = tx
        .execute(
            "insert into purged_posting (tenant_id, posting_id, purged_at) values ($1, $2, $3)",
            vec![Uuid::now_v7().into(), Uuid::now_v7().into(), day(1).into()],
        )
        .await;
    assert!(forged.is_err(), "{forged:?}");
    let mut tx = fixture.platform().begin().await.unwrap();
    let nobody = profiles::save_profile(&mut tx, "{}", None, day(1)).await;
    assert!(nobody.is_err(), "the platform scope owns no person's rows: {nobody:?}");
}

#[tokio::test]
async fn two_people_do_not_notice_each_other() {
    for fixture in [Some(Fixture::sqlite().await), Fixture::postgres().await].into_iter().flatten() {
        let other = fixture.stores.person(Uuid::now_v7()).await.unwrap();
        let job = new_job(posting(1));
        for database in [&fixture.database, &other] {
            let mut tx = database.begin().await.unwrap();
            let added = jobs::insert_many_if_new(&mut tx, vec![job.clone()], day(1)).await.unwrap();
            assert_eq!(added, [job.id], "the same posting, even the same id, is new for each of them");
            profiles::create_search_profile(&mut tx, Uuid::now_v7(), "remote", 0, "{}", day(1)).await.unwrap();
            tx.commit().await.unwrap();
        }
        let mut tx = other.begin().await.unwrap();
        jobs::purge(&mut tx, &["pending".into()], day(2)).await.unwrap();
        assert_eq!(runs::runs(&mut tx, None, 5).await.unwrap(), []);
        tx.commit().await.unwrap();
        let mut tx = fixture.database.begin().await.unwrap();
        assert_eq!(jobs::count_by_status(&mut tx).await.unwrap()["pending"], 1);
    }
}
