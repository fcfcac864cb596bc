//! Numbered, forward-only migrations, each in a transaction of its own.
//!
//! A migration that only adds (a table, a column with a default, an index) is marked `expands`: programs of the version
//! before it go on working on the migrated schema. The server keeps for each migration the oldest version that a program
//! must know, so that a program meets a newer schema and can tell whether it may go on. What takes something away comes
//! one release later, unmarked, when no program needs it any more.

use std::{collections::BTreeSet, time::Duration};

use chrono::Utc;
use tokio::time::sleep;

use crate::{Database, Engine, StoreError, Tx};

/// Tries of a migration that does not get its locks, and the pause between them. While a statement that changes a table
/// waits for its lock, everybody else waits behind it; so it gives up soon and tries again.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(500);

/// One step of a schema. Never changed once released.
pub(crate) struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
    /// Whether programs that do not know it work on with it.
    expands: bool,
}

macro_rules! migrations {
    ($folder:literal, $($version:literal $name:literal $($expands:ident)?),* $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../migrations/", $folder, "/", $name, ".sql")),
            expands: migrations!(@ $($expands)?),
        }),*]
    };
    (@ expands) => { true };
    (@) => { false };
}

/// Shared tables of an embedded installation.
pub(crate) const SQLITE_PLATFORM: &[Migration] = migrations!("sqlite-platform", 1 "0001_platform", 2 "0002_pairs", 3 "0003_homes", 4 "0004_access",
    5 "0005_deletion");
/// Tables of one person's embedded store.
pub(crate) const SQLITE_PERSON: &[Migration] = migrations!(
    "sqlite-person", 1 "0001_jobs", 2 "0002_tasks", 3 "0003_events", 4 "0004_scores", 5 "0005_tracking", 6 "0006_surveys",
    7 "0007_materials", 8 "0008_mail", 9 "0009_integrations", 10 "0010_task_drafts"
);
/// Everything, on PostgreSQL.
pub(crate) const POSTGRES: &[Migration] = migrations!(
    "postgres", 1 "0001_platform", 2 "0002_jobs", 3 "0003_tasks", 4 "0004_events", 5 "0005_pairs", 6 "0006_scores",
    7 "0007_homes", 8 "0008_tracking", 9 "0009_surveys", 10 "0010_materials", 11 "0011_mail", 12 "0012_integrations",
    13 "0013_access" expands,
    14 "0014_event_outbox" expands,
    15 "0015_installation" expands, 16 "0016_store_move" expands,
    17 "0017_deletion" expands,
    18 "0018_task_drafts" expands,
);

/// A migration that a store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Applied {
    version: i64,
    /// The version that a program must know at least; nothing where no record of it is kept.
    oldest: Option<i64>,
}

/// Brings the schema up to date when `apply`, else only checks that this program can work with it.
pub(crate) async fn migrate(database: &Database, migrations: &[Migration], apply: bool) -> Result<(), StoreError> {
    let known = migrations.last().map_or(0, |migration| migration.version);
    let applied = applied(database).await?;
    let newer: Vec<Applied> = applied.iter().copied().filter(|one| one.version > known).collect();
    if let Some(newest) = newer.last() {
        if !newer.iter().all(|one| one.oldest.is_some_and(|oldest| oldest <= known)) {
            return Err(StoreError::NewerSchema { place: database.place(), found: newest.version, known });
        }
        let place = database.place();
        tracing::info!("{place}: schema version {} is newer than {known} and only adds to it", newest.version);
    }
    let versions: BTreeSet<i64> = applied.iter().map(|one| one.version).collect();
    let missing: Vec<&Migration> =
        migrations.iter().filter(|migration| !versions.contains(&migration.version)).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    if !apply {
        let before = migrations.iter().take_while(|migration| migration.version < first.version);
        let found = before.last().map_or(0, |migration| migration.version);
        return Err(StoreError::OlderSchema { place: database.place(), found, needed: known });
    }
    for migration in missing {
        apply_one(database, migrations, migration).await?;
    }
    Ok(())
}

/// What the store has, in order.
async fn applied(database: &Database) -> Result<Vec<Applied>, StoreError> {
    let columns = match database.engine() {
        Engine::Sqlite => "select name from pragma_table_info('schema_version')",
        Engine::Postgres => {
            "select column_name::text as name from information_schema.columns \
             where table_schema = current_schema() and table_name = 'schema_version'"
        }
    };
    let mut tx = database.read().await?;
    let columns = tx.fetch_all(columns, vec![]).await?;
    if columns.is_empty() {
        return Ok(vec![]);
    }
    let mut has_oldest = false;
    for column in &columns {
        has_oldest |= column.text("name")? == "oldest";
    }
    let oldest = if has_oldest { "oldest" } else { "cast(null as bigint) as oldest" };
    let rows = tx.fetch_all(format!("select version, {oldest} from schema_version order by version"), vec![]).await?;
    rows.iter().map(|row| Ok(Applied { version: row.int("version")?, oldest: row.optional_int("oldest")? })).collect()
}

/// The version that a program must know to work on a schema that ends with this migration.
fn oldest(migrations: &[Migration], last: &Migration) -> i64 {
    let until = migrations.iter().filter(|migration| migration.version <= last.version);
    until.filter(|migration| !migration.expands).map(|migration| migration.version).max().unwrap_or(0)
}

async fn apply_one(database: &Database, migrations: &[Migration], migration: &Migration) -> Result<(), StoreError> {
    let mut tries = 1;
    loop {
        match try_one(database, migrations, migration).await {
            Err(error) if error.is_transient() && tries < LOCK_TRIES && database.engine() == Engine::Postgres => {
                tries += 1;
                sleep(LOCK_PAUSE).await;
            }
            ended => return ended,
        }
    }
}

async fn try_one(database: &Database, migrations: &[Migration], migration: &Migration) -> Result<(), StoreError> {
    let mut tx = database.begin().await?;
    let (version, name, now) = (migration.version, migration.name, Utc::now());
    match database.engine() {
        Engine::Sqlite => {
            tx.execute(record("integer"), vec![]).await?;
        }
        Engine::Postgres => {
            // Two programs that start together must not both create the tables; whoever comes second waits for however
            // long the first takes.
            tx.execute("select set_config('statement_timeout', '0', true)", vec![]).await?;
            tx.execute("select pg_advisory_xact_lock(4702394921)", vec![]).await?;
            tx.execute("select set_config('lock_timeout', '3s', true)", vec![]).await?;
            tx.execute(record("timestamptz"), vec![]).await?;
            tx.execute("alter table schema_version add column if not exists oldest bigint", vec![]).await?;
        }
    }
    if is_applied(&mut tx, version).await? {
        return tx.rollback().await;
    }
    tx.execute_script(migration.sql).await?;
    let mut values = vec![version.into(), name.into(), now.into()];
    let sql = match database.engine() {
        Engine::Sqlite => "insert into schema_version (version, name, applied_at) values ($1, $2, $3)",
        Engine::Postgres => {
            values.push(oldest(migrations, migration).into());
            "insert into schema_version (version, name, applied_at, oldest) values ($1, $2, $3, $4)"
        }
    };
    tx.execute(sql, values).await?;
    tx.commit().await
}

/// Makes the table of applied migrations.
fn record(applied_type: &str) -> String {
    format!(
        "create table if not exists schema_version \
         (version bigint primary key, name text not null, applied_at {applied_type} not null)"
    )
}

async fn is_applied(tx: &mut Tx, version: i64) -> Result<bool, StoreError> {
    let found =
        tx.fetch_one("select count(*) as found from schema_version where version = $1", vec![version.into()]).await?;
    Ok(found.int("found")? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_must_know_the_last_migration_that_takes_away() {
        let steps: &[Migration] = &[(1, false), (2, true), (3, true), (4, false), (5, true)]
            .map(|(version, expands)| Migration { version, name: "", sql: "", expands });
        assert_eq!(steps.iter().map(|step| oldest(steps, step)).collect::<Vec<_>>(), [1, 1, 1, 4, 4]);
    }

    #[test]
    fn versions_rise_and_names_begin_with_them() {
        for migrations in [SQLITE_PLATFORM, SQLITE_PERSON, POSTGRES] {
            assert!(migrations.is_sorted_by(|one, next| one.version < next.version));
            for migration in migrations {
                assert!(migration.name.starts_with(&format!("{:04}_", migration.version)), "{}", migration.name);
            }
        }
    }

    /// What is marked as only adding must not take away.
    #[test]
    fn expanding_migrations_drop_and_rename_nothing() {
        for migration in POSTGRES.iter().filter(|migration| migration.expands) {
            let sql = migration.sql.to_lowercase();
            for word in [" drop ", " rename ", "set not null", "delete from", "truncate"] {
                assert!(!format!(" {sql}").contains(word), "{}: {word}", migration.name);
            }
        }
    }
}
