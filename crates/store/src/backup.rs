//! Portable backups of one person's embedded store.
//!
//! A backup is a SQLCipher database (<https://www.zetetic.net/sqlcipher/design/>): its key comes from a passphrase by
//! PBKDF2 with 256,000 rounds of HMAC-SHA512, every page carries its own authentication code, and any program that reads
//! SQLCipher can open it. Beside the tables of the store it holds one that says what it is and how many rows each table
//! has. There are no names of files in it that could lead anywhere.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Database, PersonId, Scope, StoreError, Stores,
    database::{Pools, located},
    migrations,
};
use chrono::{DateTime, Utc};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

/// Version of the form that is written.
const FORMAT: i64 = 1;

/// Shortest passphrase, in characters.
pub const SHORTEST_PASSPHRASE: usize = 10;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// When it was made.
    pub made_at: DateTime<Utc>,
}

/// Why a backup was not made or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store is on PostgreSQL.
    #[error("everybody's store is in PostgreSQL here: back it up with pg_dump")]
    NotEmbedded,
    /// The passphrase protects nothing.
    #[error("the passphrase has fewer than {SHORTEST_PASSPHRASE} characters; choose a longer one")]
    WeakPassphrase,
    /// Wrong passphrase, or no backup at all: SQLCipher cannot tell.
    #[error("the backup does not open: the passphrase is wrong, or the file is damaged or none of ours")]
    DoesNotOpen,
    /// It opens, but is no backup of Aerie.
    #[error("the file is no backup of a person's store")]
    NoBackup,
    /// Written by a later version.
    #[error("the backup has format {found}, and this version reads up to {FORMAT}; update Aerie first")]
    NewerFormat {
        /// What it has.
        found: i64,
    },
    /// It is damaged.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// There is something in the store already.
    #[error("the store holds {jobs} jobs already; ask for it to be replaced, or restore into an empty one")]
    NotEmpty {
        /// How many.
        jobs: i64,
    },
    /// A file could not be written or read.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Stores {
    /// Writes everything of a person into a new file under a passphrase: a consistent state, while others go on working.
    /// Nothing is left behind when it fails.
    ///
    /// # Errors
    /// [`BackupError`].
    pub async fn back_up(
        &self,
        person: PersonId,
        passphrase: &str,
        to: &Path,
        now: DateTime<Utc>,
    ) -> Result<BackupReport, BackupError> {
        check(passphrase)?;
        // Opened so that it exists in today's form.
        self.person(person).await?;
        let options = self.person_options(person)?.ok_or(BackupError::NotEmbedded)?;
        let made = write(options, passphrase, to, now).await;
        if made.is_err() {
            // What is there is no backup; that it cannot be removed changes nothing about the first error.
            _ = fs::remove_file(to);
        }
        made
    }

    /// Puts a backup in the place of a person's store, in one transaction: either all of it is there afterwards, or
    /// nothing has changed. `from` is brought up to today's schema on the way and should be a copy.
    ///
    /// # Errors
    /// [`BackupError`]; a store that holds jobs is only replaced when `replace` says so.
    pub async fn restore(
        &self,
        person: PersonId,
        passphrase: &str,
        from: &Path,
        replace: bool,
    ) -> Result<BackupReport, BackupError> {
        self.person(person).await?;
        let options = self.person_options(person)?.ok_or(BackupError::NotEmbedded)?;
        let report = verify(passphrase, from).await?;
        let mut connection = options.connect().await?;
        let restored = async {
            let jobs: i64 = sqlx::query_scalar("select count(*) from job").fetch_one(&mut connection).await?;
            if jobs > 0 && !replace {
                return Err(BackupError::NotEmpty { jobs });
            }
            attach(&mut connection, passphrase, from).await?;
            take_over(&mut connection).await
        };
        let restored = restored.await;
        connection.close().await?;
        restored.map(|()| report)
    }
}

fn check(passphrase: &str) -> Result<(), BackupError> {
    if passphrase.chars().count() < SHORTEST_PASSPHRASE { Err(BackupError::WeakPassphrase) } else { Ok(()) }
}

async fn attach(connection: &mut SqliteConnection, passphrase: &str, path: &Path) -> Result<(), BackupError> {
    let path = path.to_str().ok_or_else(|| BackupError::Io {
        path: path.to_owned(),
        source: std::io::Error::other("the path is no text"),
    })?;
    sqlx::query("attach database ? as backup key ?").bind(path).bind(passphrase).execute(&mut *connection).await?;
    Ok(())
}

async fn write(
    options: SqliteConnectOptions,
    passphrase: &str,
    to: &Path,
    now: DateTime<Utc>,
) -> Result<BackupReport, BackupError> {
    if to.exists() {
        let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(BackupError::Io { path: to.to_owned(), source });
    }
    let mut connection = options.connect().await?;
    attach(&mut connection, passphrase, to).await?;
    let made = async {
        sqlx::query("begin").execute(&mut connection).await?;
        sqlx::query("select sqlcipher_export('backup')").execute(&mut connection).await?;
        let rows = counts(&mut connection, "backup").await?;
        sqlx::raw_sql(
            "create table backup.backup_about (format integer not null, version text not null, made_at integer not null) strict; \
             create table backup.backup_rows (name text not null primary key, rows integer not null) strict",
        )
        .execute(&mut connection)
        .await?;
        sqlx::query("insert into backup.backup_about (format, version, made_at) values (?, ?, ?)")
            .bind(FORMAT)
            .bind(env!("CARGO_PKG_VERSION"))
            .bind(now.timestamp_micros())
            .execute(&mut connection)
            .await?;
        for (name, count) in &rows {
            sqlx::query("insert into backup.backup_rows (name, rows) values (?, ?)")
                .bind(name)
                .bind(i64::try_from(*count).unwrap_or(i64::MAX))
                .execute(&mut connection)
                .await?;
        }
        sqlx::query("commit").execute(&mut connection).await?;
        Ok(BackupReport { rows, made_at: now })
    }
    .await;
    connection.close().await?;
    made
}

/// Tables that hold something of their own: not those that the full-text index keeps, nor the record of migrations.
async fn tables(connection: &mut SqliteConnection, schema: &str) -> Result<Vec<String>, BackupError> {
    let sql = format!(
        "select name from {schema}.sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' \
         and name not like 'job\\_text%' escape '\\' and name not like 'backup\\_%' escape '\\' and name <> 'schema_version' \
         order by name"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
    rows.iter().map(|row| row.try_get(0).map_err(BackupError::from)).collect()
}

pub(crate) async fn counts(
    connection: &mut SqliteConnection,
    schema: &str,
) -> Result<BTreeMap<String, u64>, BackupError> {
    let mut rows = BTreeMap::new();
    for name in tables(connection, schema).await? {
        let sql = format!("select count(*) from {schema}.\"{name}\"");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *connection).await?;
        rows.insert(name, u64::try_from(count).unwrap_or_default());
    }
    Ok(rows)
}

/// Opens a backup, reads every page, compares the counts, and brings it up to today's schema.
async fn verify(passphrase: &str, path: &Path) -> Result<BackupReport, BackupError> {
    if !path.is_file() {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(BackupError::Io { path: path.to_owned(), source });
    }
    let quoted = passphrase.replace('\'', "''");
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .pragma("key", format!("'{quoted}'; pragma cipher_log_level = none"))
        .foreign_keys(true);
    let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    let writer = writer.map_err(|_| BackupError::DoesNotOpen)?;
    let checked = async {
        let mut connection = writer.acquire().await?;
        let about = sqlx::query("select count(*) from sqlite_master where name = 'backup_about'")
            .fetch_one(&mut *connection)
            .await
            .map_err(|_| BackupError::DoesNotOpen)?;
        if about.try_get::<i64, _>(0)? == 0 {
            return Err(BackupError::NoBackup);
        }
        let about = sqlx::query("select format, made_at from backup_about").fetch_one(&mut *connection).await?;
        let (found, made_at): (i64, i64) = (about.try_get(0)?, about.try_get(1)?);
        if found > FORMAT {
            return Err(BackupError::NewerFormat { found });
        }
        if let Some(row) = sqlx::query("pragma cipher_integrity_check").fetch_optional(&mut *connection).await? {
            return Err(BackupError::Damaged(row.try_get(0)?));
        }
        let structure: String = sqlx::query_scalar("pragma quick_check(1)").fetch_one(&mut *connection).await?;
        if structure != "ok" {
            return Err(BackupError::Damaged(structure));
        }
        let rows = counts(&mut connection, "main").await?;
        for row in sqlx::query("select name, rows from backup_rows").fetch_all(&mut *connection).await? {
            let (name, wanted): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let found = rows.get(&name).copied();
            if found != u64::try_from(wanted).ok() {
                let found = found.unwrap_or_default();
                return Err(BackupError::Damaged(format!("{name} should have {wanted} rows and has {found}")));
            }
        }
        drop(connection);
        let pools = Pools::Sqlite { writer: writer.clone(), readers: writer.clone(), path: path.to_owned() };
        let database = Database::new(Arc::new(pools), Scope::Platform);
        migrations::migrate(&database, migrations::SQLITE_PERSON, true).await?;
        let made_at = DateTime::from_timestamp_micros(made_at).unwrap_or_default();
        Ok(BackupReport { rows, made_at })
    }
    .await;
    writer.close().await;
    checked
}

/// Puts the attached backup's rows in the place of the store's own.
async fn take_over(connection: &mut SqliteConnection) -> Result<(), BackupError> {
    let names = tables(connection, "main").await?;
    let mut tx = connection.begin_with("begin immediate").await?;
    // Tables point to each other; what must hold is asked once, at the end.
    sqlx::query("pragma defer_foreign_keys = on").execute(&mut *tx).await?;
    for name in &names {
        sqlx::query(AssertSqlSafe(format!("delete from main.\"{name}\""))).execute(&mut *tx).await?;
    }
    for name in &names {
        let columns = sqlx::query("select group_concat('\"' || name || '\"', ', ') from pragma_table_info(?)")
            .bind(name)
            .fetch_one(&mut *tx)
            .await?;
        let columns: String = columns.try_get(0)?;
        let sql = format!("insert into main.\"{name}\" ({columns}) select {columns} from backup.\"{name}\"");
        let place = name.clone();
        let copied = sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await;
        copied.map_err(|error| BackupError::Store(located(error.into(), &place)))?;
    }
    tx.commit().await?;
    Ok(())
}
