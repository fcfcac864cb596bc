//! Numbered, forward-only migrations, each in a transaction of its own.

use chrono::Utc;

use crate::{Database, Engine, StoreError, Tx};

/// One step of a schema. Never changed once released.
pub(crate) struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($folder:literal, $($version:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../migrations/", $folder, "/", $name, ".sql")),
        }),*]
    };
}

/// Shared tables of an embedded installation.
pub(crate) const SQLITE_PLATFORM: &[Migration] =
    migrations!("sqlite-platform", 1 "0001_platform", 2 "0002_pairs", 3 "0003_homes", 4 "0004_access");
/// Tables of one person's embedded store.
pub(crate) const SQLITE_PERSON: &[Migration] = migrations!(
    "sqlite-person", 1 "0001_jobs", 2 "0002_tasks", 3 "0003_events", 4 "0004_scores", 5 "0005_tracking", 6 "0006_surveys",
    7 "0007_materials", 8 "0008_mail", 9 "0009_integrations"
);
/// Everything, on PostgreSQL.
pub(crate) const POSTGRES: &[Migration] = migrations!(
    "postgres", 1 "0001_platform", 2 "0002_jobs", 3 "0003_tasks", 4 "0004_events", 5 "0005_pairs", 6 "0006_scores",
    7 "0007_homes", 8 "0008_tracking", 9 "0009_surveys", 10 "0010_materials", 11 "0011_mail", 12 "0012_integrations",
    13 "0013_access"
);

/// Brings the schema up to date when `apply`, else only checks that it is.
pub(crate) async fn migrate(database: &Database, migrations: &[Migration], apply: bool) -> Result<(), StoreError> {
    let newest = migrations.last().map_or(0, |migration| migration.version);
    let found = current_version(database).await?;
    if found > newest {
        return Err(StoreError::NewerSchema { place: database.place(), found, known: newest });
    }
    if found == newest {
        return Ok(());
    }
    if !apply {
        return Err(StoreError::OlderSchema { place: database.place(), found, needed: newest });
    }
    for migration in migrations.iter().filter(|migration| migration.version > found) {
        apply_one(database, migration).await?;
    }
    Ok(())
}

/// The version that the store is at; 0 for an empty one.
async fn current_version(database: &Database) -> Result<i64, StoreError> {
    let exists = match database.engine() {
        Engine::Sqlite => {
            "select count(*) as found from sqlite_master where type = 'table' and name = 'schema_version'"
        }
        Engine::Postgres => {
            "select count(*) as found from pg_tables where schemaname = current_schema() and tablename = 'schema_version'"
        }
    };
    let mut tx = database.read().await?;
    if tx.fetch_one(exists, vec![]).await?.int("found")? == 0 {
        return Ok(0);
    }
    tx.fetch_one("select coalesce(max(version), 0) as version from schema_version", vec![]).await?.int("version")
}

async fn apply_one(database: &Database, migration: &Migration) -> Result<(), StoreError> {
    let mut tx = database.begin().await?;
    let applied_type = match database.engine() {
        Engine::Sqlite => "integer",
        Engine::Postgres => {
            // Two programs that start together must not both create the tables.
            tx.execute("select pg_advisory_xact_lock(4702394921)", vec![]).await?;
            "timestamptz"
        }
    };
    tx.execute(
        format!(
            "create table if not exists schema_version \
             (version bigint primary key, name text not null, applied_at {applied_type} not null)"
        ),
        vec![],
    )
    .await?;
    if is_applied(&mut tx, migration.version).await? {
        return tx.rollback().await;
    }
    tx.execute_script(migration.sql).await?;
    tx.execute(
        "insert into schema_version (version, name, applied_at) values ($1, $2, $3)",
        vec![migration.version.into(), migration.name.into(), Utc::now().into()],
    )
    .await?;
    tx.commit().await
}

async fn is_applied(tx: &mut Tx, version: i64) -> Result<bool, StoreError> {
    let found =
        tx.fetch_one("select count(*) as found from schema_version where version = $1", vec![version.into()]).await?;
    Ok(found.int("found")? > 0)
}
