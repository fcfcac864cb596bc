//! Deleting everything of a person.
//!
//! One transaction takes the account away, with its keys and sessions, and leaves a row in `deletion`: from then on nobody
//! is that person, and whatever bears their id is only to be removed. [`Stores::sweep`] does that, in steps of which each may
//! be the last before the power fails; [`Stores::sweep_due`] goes on where one was broken off. Somebody may still have been
//! writing for the person when the account went, in this process or another: so everything is looked at once more when
//! nobody can be ([`QUIET`]), and only then it is done.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use chrono::{DateTime, TimeDelta, Utc};
use ring::digest::{SHA256, digest};
use sqlx::{ConnectOptions, Connection};

use crate::{
    Database, Engine, PersonId, Row, Scope, StoreError, Stores, Tx, accounts,
    backup::{self, BackupError},
};

/// After this time without rows nobody writes for a person who is gone: calls and leases are shorter, and no program
/// believes for so long that they are there.
pub const QUIET: TimeDelta = TimeDelta::minutes(15);

/// How long is known that somebody was deleted, so that an older token does not make an account anew.
pub const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// Rows that one statement removes on PostgreSQL: far from how long a statement may take.
const AT_ONCE: i64 = 2_000;

/// Tables of the server that belong to nobody and stay when somebody goes. Every other one has a `tenant_id`, and its rows
/// go with their person.
pub const SHARED: [&str; 19] = [
    "deletion",
    "http_cache",
    "installation",
    "person",
    "posting",
    "posting_band",
    "posting_block",
    "posting_dedupe",
    "posting_document",
    "posting_features",
    "posting_key",
    "posting_link",
    "posting_pair",
    "posting_unprepared",
    "query_cache",
    "schema_version",
    "source_health",
    "store_move",
    "store_move_table",
];

/// Rows by table.
pub type Rows = BTreeMap<String, u64>;

/// An account that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Whose it was.
    pub person: PersonId,
    /// When the account went.
    pub requested_at: DateTime<Utc>,
    /// When everything that was found had been removed.
    pub swept_at: Option<DateTime<Utc>>,
    /// When nothing was found any more.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Whether this person's account was deleted. Takes a transaction of the platform store.
pub async fn is_deleted(tx: &mut Tx, person: PersonId) -> Result<bool, StoreError> {
    let found = tx.fetch_optional("select person from deletion where person = $1", vec![person.into()]).await?;
    Ok(found.is_some())
}

/// When somebody with this subject at the identity provider was deleted last. Takes a transaction of the platform store.
pub async fn last_of_subject(tx: &mut Tx, subject: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "select max(requested_at) as last from deletion where subject_hash = $1";
    tx.fetch_one(sql, vec![hash(subject).into()]).await?.optional_time("last")
}

fn hash(subject: &str) -> Vec<u8> {
    digest(&SHA256, subject.as_bytes()).as_ref().to_vec()
}

impl Stores {
    /// How many rows of a person there are, by table; tables without any are left out. Their keys and sessions count too.
    ///
    /// # Errors
    /// The store fails.
    pub async fn count_rows(&self, person: PersonId) -> Result<Rows, StoreError> {
        let mut rows = match self.platform().engine() {
            Engine::Postgres => {
                let mut tx = self.platform().scoped(Scope::Person(person)).read().await?;
                let tables = owned_tables(&mut tx).await?;
                count_all(&mut tx, tables, &format!("where tenant_id = '{person}'")).await?
            }
            Engine::Sqlite => {
                self.person(person).await?;
                self.count_embedded(person).await?
            }
        };
        rows.retain(|_, count| *count > 0);
        Ok(rows)
    }

    /// Takes the account of a person away for good: nobody is them any more, their keys and sessions are void, and what is
    /// left of them is refused here ([`StoreError::Deleted`]) and removed by [`Stores::sweep`]. Whoever sits at this machine
    /// becomes a new person. Asking again changes nothing.
    ///
    /// # Errors
    /// The store fails; then nothing has changed.
    pub async fn delete_account(&self, person: PersonId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.platform().begin().await?;
        let account = accounts::person(&mut tx, person).await?;
        let subject = account.as_ref().and_then(|account| account.external_subject.as_deref()).map(hash);
        tx.execute(
            "insert into deletion (person, subject_hash, requested_at) values ($1, $2, $3) on conflict do nothing",
            vec![person.into(), subject.into(), now.into()],
        )
        .await?;
        tx.execute("delete from person where id = $1", vec![person.into()]).await?;
        if account.is_some_and(|account| account.is_local) {
            accounts::ensure_local_person(&mut tx, now).await?;
        }
        tx.commit().await?;
        self.refuse(person);
        Ok(())
    }

    /// Learns of accounts that other programs deleted, refuses them from now on, and keeps nothing of theirs open.
    /// Whether there were any that this process did not know of.
    ///
    /// # Errors
    /// The store fails.
    pub async fn hear_of_deletions(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let sql = "select person from deletion where finished_at is null or requested_at > $1";
        let mut tx = self.platform().read().await?;
        let rows = tx.fetch_all(sql, vec![(now - TimeDelta::hours(1)).into()]).await?;
        tx.rollback().await?;
        let mut is_new = false;
        for row in rows {
            let person = row.id("person")?;
            if !self.is_deleted(person) {
                self.refuse(person);
                self.leave(person).await;
                is_new = true;
            }
        }
        Ok(is_new)
    }

    /// Deletions that are not done.
    ///
    /// # Errors
    /// The store fails.
    pub async fn open_deletions(&self) -> Result<Vec<Deletion>, StoreError> {
        let mut tx = self.platform().read().await?;
        let sql = "select person, requested_at, swept_at, finished_at from deletion where finished_at is null \
                   order by requested_at, person";
        tx.fetch_all(sql, vec![]).await?.iter().map(decode).collect()
    }

    /// Removes what is left of somebody whose account was deleted, and says what that was, by table. May be broken off at
    /// any time and asked for again. `told` hears of every step.
    ///
    /// # Errors
    /// The store fails, or the account was not deleted.
    pub async fn sweep(
        &self,
        person: PersonId,
        now: DateTime<Utc>,
        told: impl FnMut(&str, u64) + Send,
    ) -> Result<Rows, StoreError> {
        // Two at once would find the other's rows locked.
        let _turn = self.sweeping.lock().await;
        if !is_deleted(&mut self.platform().read().await?, person).await? {
            let detail = format!("the account {person} was not deleted, so nothing of it is removed");
            return Err(StoreError::Constraint { detail });
        }
        self.refuse(person);
        self.leave(person).await;
        let rows = match self.platform().engine() {
            Engine::Postgres => sweep_server(&self.platform().scoped(Scope::Person(person)), told).await?,
            Engine::Sqlite => self.sweep_embedded(person, told).await?,
        };
        let folder = self.person_folder(person);
        match fs::remove_dir_all(&folder) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::Io { path: folder, source });
            }
            _ => {}
        }
        let mut tx = self.platform().begin().await?;
        if tx.engine() == Engine::Postgres {
            tx.execute("delete from store_move_table where owner = $1", vec![person.to_string().into()]).await?;
        }
        let sql = "update deletion set swept_at = $2 where person = $1";
        tx.execute(sql, vec![person.into(), now.into()]).await?;
        tx.commit().await?;
        tracing::info!(%person, rows = rows.values().sum::<u64>(), "what was kept of {person} was removed");
        Ok(rows)
    }

    /// Goes on with deletions that were broken off, looks once more at those that were swept [`QUIET`] ago, and forgets those
    /// that were done long ago.
    ///
    /// # Errors
    /// The store fails.
    pub async fn sweep_due(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        for deletion in self.open_deletions().await? {
            if deletion.swept_at.is_some_and(|swept| now - swept < QUIET) {
                continue;
            }
            let rows = self.sweep(deletion.person, now, |_, _| {}).await?;
            if deletion.swept_at.is_some() && rows.is_empty() {
                let mut tx = self.platform().begin().await?;
                let sql = "update deletion set finished_at = $2 where person = $1";
                tx.execute(sql, vec![deletion.person.into(), now.into()]).await?;
                tx.commit().await?;
            }
        }
        let long_ago = now - REMEMBERED;
        let mut tx = self.platform().read().await?;
        let sql = "select person from deletion where finished_at < $1 limit 1";
        let is_old = tx.fetch_optional(sql, vec![long_ago.into()]).await?.is_some();
        tx.rollback().await?;
        if is_old {
            let mut tx = self.platform().begin().await?;
            tx.execute("delete from deletion where finished_at < $1", vec![long_ago.into()]).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Rows of an embedded store that exists, and the person's keys and sessions.
    async fn count_embedded(&self, person: PersonId) -> Result<Rows, StoreError> {
        let mut tx = self.platform().read().await?;
        let tables = owned_tables(&mut tx).await?;
        let mut rows = count_all(&mut tx, tables, &format!("where tenant_id = '{person}'")).await?;
        tx.rollback().await?;
        if !self.person_folder(person).join("store.db").exists() {
            return Ok(rows);
        }
        let Some(options) = self.person_options(person)? else { return Ok(rows) };
        let mut connection = options.create_if_missing(false).connect().await?;
        let counted = backup::counts(&mut connection, "main").await;
        connection.close().await?;
        rows.extend(counted.map_err(of_backup)?);
        Ok(rows)
    }

    /// Takes the tasks out of the file first, so that whoever is at one of them in another process stops; the file itself
    /// goes with its folder. One that does not open is no reason to keep it.
    async fn sweep_embedded(
        &self,
        person: PersonId,
        mut told: impl FnMut(&str, u64) + Send,
    ) -> Result<Rows, StoreError> {
        let mut rows = match self.count_embedded(person).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%person, %error, "the store of {person} is removed unread: {error}");
                Rows::new()
            }
        };
        rows.retain(|_, count| *count > 0);
        if rows.contains_key("task")
            && let Some(options) = self.person_options(person)?
        {
            let mut connection = options.create_if_missing(false).connect().await?;
            let removed = sqlx::query("delete from task").execute(&mut connection).await;
            connection.close().await?;
            removed?;
        }
        for (table, count) in &rows {
            told(table, *count);
        }
        Ok(rows)
    }
}

/// Removes every row of the scope's person, a table at a time, those first that point to others.
async fn sweep_server(database: &Database, mut told: impl FnMut(&str, u64) + Send) -> Result<Rows, StoreError> {
    let mut tx = database.read().await?;
    let tables = owned_tables(&mut tx).await?;
    tx.rollback().await?;
    let mut rows = Rows::new();
    for table in tables {
        loop {
            // Row security leaves the person's own rows only. What lies beneath a row goes with it; most is gone already.
            let sql = format!("delete from {table} where ctid in (select ctid from {table} limit {AT_ONCE})");
            let mut tx = database.begin().await?;
            let removed = tx.execute(sql, vec![]).await?;
            tx.commit().await?;
            if removed == 0 {
                break;
            }
            *rows.entry(table.clone()).or_default() += removed;
            told(&table, removed);
        }
    }
    Ok(rows)
}

/// Every table that has a tenant, as the schema itself says, those first that point to others.
async fn owned_tables(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    if tx.engine() == Engine::Sqlite {
        let sql = "select m.name as name from sqlite_master m, pragma_table_info(m.name) c \
                   where m.type = 'table' and c.name = 'tenant_id' order by m.name";
        return tx.fetch_all(sql, vec![]).await?.iter().map(|row| row.text("name")).collect();
    }
    let tables = tx
        .fetch_all(
            "select relname::text as name from pg_class join pg_attribute on attrelid = pg_class.oid \
             where relkind = 'r' and relnamespace = current_schema()::regnamespace and attname = 'tenant_id' \
             and not attisdropped order by relname",
            vec![],
        )
        .await?;
    let mut left = tables.iter().map(|row| row.text("name")).collect::<Result<BTreeSet<_>, _>>()?;
    let pointers = tx
        .fetch_all(
            "select a.relname::text as name, b.relname::text as other from pg_constraint \
             join pg_class a on a.oid = conrelid join pg_class b on b.oid = confrelid \
             where contype = 'f' and conrelid <> confrelid and connamespace = current_schema()::regnamespace",
            vec![],
        )
        .await?;
    let pointers = pointers
        .iter()
        .map(|row| Ok((row.text("name")?, row.text("other")?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_free = |table: &String| !pointers.iter().any(|(from, to)| to == table && left.contains(from));
        // Tables that point to each other in a circle have no order; their rows take each other along.
        let Some(next) = left.iter().find(|table| is_free(table)).or_else(|| left.first()).cloned() else { break };
        left.remove(&next);
        ordered.push(next);
    }
    Ok(ordered)
}

async fn count_all(tx: &mut Tx, tables: Vec<String>, condition: &str) -> Result<Rows, StoreError> {
    let mut rows = Rows::new();
    for table in tables {
        let sql = format!("select count(*) as found from {table} {condition}");
        let found = tx.fetch_one(sql, vec![]).await?.int("found")?;
        rows.insert(table, u64::try_from(found).unwrap_or_default());
    }
    Ok(rows)
}

fn of_backup(error: BackupError) -> StoreError {
    match error {
        BackupError::Store(error) => error,
        other => StoreError::Constraint { detail: other.to_string() },
    }
}

fn decode(row: &Row) -> Result<Deletion, StoreError> {
    Ok(Deletion {
        person: row.id("person")?,
        requested_at: row.time("requested_at")?,
        swept_at: row.optional_time("swept_at")?,
        finished_at: row.optional_time("finished_at")?,
    })
}
