//! One store in one scope: transactions and statements on either engine.

use std::{mem, path::PathBuf, sync::Arc};

use futures::{StreamExt, TryStreamExt};
use sqlx::{
    AssertSqlSafe, PgPool, Postgres, Sqlite, SqlitePool, Transaction, postgres::PgArguments, query::Query,
    sqlite::SqliteArguments,
};
use uuid::Uuid;

use crate::{
    Row, StoreError, Value,
    private::{self, Sealer},
    row::Inner,
};

/// Which engine a store runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite with SQLCipher.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// Whose rows a [`Database`] may see.
///
/// SQLite keeps each person in a file of their own, so the scope is the file. PostgreSQL keeps everybody in the same
/// tables under row-level security; the scope is set for every transaction and the policies read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Shared rows only: accounts and the posting catalogue.
    Platform,
    /// One person's rows, and the shared ones.
    Person(Uuid),
    /// Background workers: task rows of everybody, nothing else of theirs.
    Worker,
}

/// A store in one scope. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    inner: Arc<Pools>,
    scope: Scope,
    /// Seals and opens the person's private texts on PostgreSQL.
    sealer: Option<Arc<Sealer>>,
}

#[derive(Debug)]
pub(crate) enum Pools {
    /// One connection writes, several read; SQLite allows no more, and this way nobody waits in vain.
    Sqlite { writer: SqlitePool, readers: SqlitePool, path: PathBuf },
    Postgres {
        pool: PgPool,
        place: String,
        /// Arguments of a `select` that sets what every transaction has.
        settings: String,
        /// Whether statements are kept prepared.
        prepares: bool,
    },
}

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
#[derive(Debug)]
pub struct Tx {
    inner: TxInner,
    place: String,
    /// Whether statements are kept prepared on PostgreSQL.
    prepares: bool,
    sealer: Option<Arc<Sealer>>,
    /// The plans of what ran, when a test asks for them.
    #[cfg(test)]
    pub(crate) plans: Option<Vec<String>>,
}

#[derive(Debug)]
enum TxInner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Database {
    pub(crate) fn new(pools: Arc<Pools>, scope: Scope) -> Self {
        Self { inner: pools, scope, sealer: None }
    }

    /// The engine, for the few statements that differ.
    pub fn engine(&self) -> Engine {
        match *self.inner {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres { .. } => Engine::Postgres,
        }
    }

    /// The scope that every transaction of this handle has.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// File or server, for messages.
    pub fn place(&self) -> String {
        match &*self.inner {
            Pools::Sqlite { path, .. } => path.display().to_string(),
            Pools::Postgres { place, .. } => place.clone(),
        }
    }

    /// The same PostgreSQL server in another scope. A SQLite store has one scope only and returns itself.
    pub(crate) fn scoped(&self, scope: Scope) -> Self {
        Self { inner: Arc::clone(&self.inner), scope, sealer: None }
    }

    /// The same PostgreSQL server in the scope of one person, with what opens their private texts.
    pub(crate) fn of_person(&self, person: Uuid, sealer: Sealer) -> Self {
        Self { sealer: Some(Arc::new(sealer)), ..self.scoped(Scope::Person(person)) }
    }

    pub(crate) fn pools(&self) -> &Pools {
        &self.inner
    }

    /// Begins a transaction that writes. On SQLite it takes the write lock at once, so that it never fails half way
    /// because another writer came first.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        match &*self.inner {
            Pools::Sqlite { writer, .. } => self.sqlite(writer, "BEGIN IMMEDIATE").await,
            Pools::Postgres { pool, settings, prepares, .. } => self.postgres(pool, "BEGIN", settings, *prepares).await,
        }
    }

    /// Begins a transaction that only reads: a consistent snapshot that does not wait for writers.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        match &*self.inner {
            Pools::Sqlite { readers, .. } => self.sqlite(readers, "BEGIN DEFERRED").await,
            Pools::Postgres { pool, settings, prepares, .. } => {
                self.postgres(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", settings, *prepares).await
            }
        }
    }

    /// Reads every page of a SQLite store and checks its authentication code and structure; the first fault is
    /// [`StoreError::Corrupt`]. Takes as long as reading the file. PostgreSQL looks after its own files.
    pub async fn verify(&self) -> Result<(), StoreError> {
        if self.engine() == Engine::Postgres {
            return Ok(());
        }
        let mut tx = self.read().await?;
        let corrupt = |detail| StoreError::Corrupt { path: PathBuf::from(self.place()), detail };
        if let Some(row) = tx.fetch_optional("pragma cipher_integrity_check", vec![]).await? {
            return Err(corrupt(row.text("cipher_integrity_check")?));
        }
        let found = tx.fetch_one("pragma quick_check(1)", vec![]).await?.text("quick_check")?;
        if found == "ok" { Ok(()) } else { Err(corrupt(found)) }
    }

    async fn sqlite(&self, pool: &SqlitePool, begin: &'static str) -> Result<Tx, StoreError> {
        let place = self.place();
        let transaction = pool.begin_with(begin).await.map_err(|error| located(error.into(), &place))?;
        Ok(Tx::new(TxInner::Sqlite(transaction), place))
    }

    async fn postgres(
        &self,
        pool: &PgPool,
        begin: &'static str,
        settings: &str,
        prepares: bool,
    ) -> Result<Tx, StoreError> {
        let place = self.place();
        let (tenant, worker) = match self.scope {
            Scope::Platform => (String::new(), "off"),
            Scope::Person(id) => (id.to_string(), "off"),
            Scope::Worker => (String::new(), "on"),
        };
        // One message for both, as every transaction waits for it; a UUID has no character that would need a quote.
        let begin = format!(
            "{begin}; select set_config('aerie.tenant_id', '{tenant}', true), set_config('aerie.worker', '{worker}', true), {settings}"
        );
        let begun = pool.begin_with(AssertSqlSafe(begin)).await;
        let transaction = begun.map_err(|error| located(error.into(), &place))?;
        Ok(Tx { prepares, sealer: self.sealer.clone(), ..Tx::new(TxInner::Postgres(transaction), place) })
    }
}

/// Puts the file or server into an error that does not know it.
pub(crate) fn located(error: StoreError, place: &str) -> StoreError {
    match error {
        StoreError::Corrupt { detail, .. } => StoreError::Corrupt { path: PathBuf::from(place), detail },
        StoreError::Inaccessible { detail, .. } => StoreError::Inaccessible { path: PathBuf::from(place), detail },
        StoreError::DiskFull { .. } => StoreError::DiskFull { place: place.to_owned() },
        StoreError::Unavailable { detail } if !detail.starts_with(place) => {
            StoreError::Unavailable { detail: format!("{place}: {detail}") }
        }
        other => other,
    }
}

impl Tx {
    fn new(inner: TxInner, place: String) -> Self {
        Self {
            inner,
            place,
            prepares: true,
            sealer: None,
            #[cfg(test)]
            plans: None,
        }
    }

    /// Keeps how SQLite would run a statement.
    #[cfg(test)]
    async fn explain(&mut self, sql: &str) {
        if let (Some(plans), TxInner::Sqlite(tx)) = (&mut self.plans, &mut self.inner) {
            let explained = bind_sqlite(format!("explain query plan {sql}"), vec![]).fetch_all(&mut **tx).await;
            for row in explained.unwrap_or_default() {
                plans.push(Row::new(Inner::Sqlite(row), None).text("detail").unwrap_or_default());
            }
        }
    }

    /// The engine, for the few statements that differ.
    pub fn engine(&self) -> Engine {
        match self.inner {
            TxInner::Sqlite(_) => Engine::Sqlite,
            TxInner::Postgres(_) => Engine::Postgres,
        }
    }

    /// A private text as it is written into the column `table.column`: sealed where the engine does not encrypt itself.
    ///
    /// # Errors
    /// A column that is not among those that are sealed: it would never be opened.
    pub fn private(&self, column: &str, text: &str) -> Result<Value, StoreError> {
        self.optional_private(column, Some(text))
    }

    /// The same for a text or null.
    ///
    /// # Errors
    /// As [`Tx::private`].
    pub fn optional_private(&self, column: &str, text: Option<&str>) -> Result<Value, StoreError> {
        if !private::is_private(column) {
            let detail = "is written as private, but not named as such".to_owned();
            return Err(StoreError::Decode { column: column.to_owned(), detail });
        }
        private::optional(self.sealer.as_deref(), column, text)
    }

    /// Runs a statement; returns the number of rows that it changed.
    ///
    /// `sql` must be built from constants only; everything from outside goes into `values`.
    pub async fn execute(&mut self, sql: impl Into<String>, values: Vec<Value>) -> Result<u64, StoreError> {
        let sql = sql.into();
        #[cfg(test)]
        self.explain(&sql).await;
        let result = match &mut self.inner {
            TxInner::Sqlite(tx) => bind_sqlite(sql, values).execute(&mut **tx).await.map(|done| done.rows_affected()),
            TxInner::Postgres(tx) => {
                bind_postgres(sql, values, self.prepares).execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        };
        result.map_err(|error| located(error.into(), &self.place))
    }

    /// Runs a query and returns every row.
    pub async fn fetch_all(&mut self, sql: impl Into<String>, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        self.fetch_each(sql, values, |row| {
            rows.push(row);
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    /// Runs a query and returns the first row, if any.
    pub async fn fetch_optional(
        &mut self,
        sql: impl Into<String>,
        values: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        let sql = sql.into();
        #[cfg(test)]
        self.explain(&sql).await;
        let sealer = self.sealer.clone();
        let result = match &mut self.inner {
            TxInner::Sqlite(tx) => bind_sqlite(sql, values)
                .fetch_optional(&mut **tx)
                .await
                .map(|row| row.map(|row| Row::new(Inner::Sqlite(row), None))),
            TxInner::Postgres(tx) => bind_postgres(sql, values, self.prepares)
                .fetch_optional(&mut **tx)
                .await
                .map(|row| row.map(|row| Row::new(Inner::Postgres(row), sealer))),
        };
        result.map_err(|error| located(error.into(), &self.place))
    }

    /// Runs a query that always gives a row (a count, a `returning`).
    pub async fn fetch_one(&mut self, sql: impl Into<String>, values: Vec<Value>) -> Result<Row, StoreError> {
        self.fetch_optional(sql, values).await?.ok_or(StoreError::Engine(sqlx::Error::RowNotFound))
    }

    /// Runs a query and hands each row to `each` as it arrives, so that a hundred thousand rows need no list.
    pub async fn fetch_each(
        &mut self,
        sql: impl Into<String>,
        values: Vec<Value>,
        mut each: impl FnMut(Row) -> Result<(), StoreError> + Send,
    ) -> Result<(), StoreError> {
        let sql = sql.into();
        #[cfg(test)]
        self.explain(&sql).await;
        let place = self.place.clone();
        let locate = |error: sqlx::Error| located(error.into(), &place);
        match &mut self.inner {
            TxInner::Sqlite(tx) => {
                let mut rows = bind_sqlite(sql, values).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await.map_err(locate)? {
                    each(Row::new(Inner::Sqlite(row), None))?;
                }
            }
            TxInner::Postgres(tx) => {
                let mut rows = bind_postgres(sql, values, self.prepares).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await.map_err(locate)? {
                    each(Row::new(Inner::Postgres(row), self.sealer.clone()))?;
                }
            }
        }
        Ok(())
    }

    /// Runs a query and hands its rows to `each` in pages, which may wait; the next rows are read when it has ended.
    pub(crate) async fn fetch_pages(
        &mut self,
        sql: String,
        size: usize,
        mut each: impl AsyncFnMut(Vec<Row>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (place, sealer) = (self.place.clone(), self.sealer.clone());
        let mut rows = match &mut self.inner {
            TxInner::Sqlite(tx) => {
                let rows = bind_sqlite(sql, vec![]).fetch(&mut **tx);
                rows.map_ok(|row| Row::new(Inner::Sqlite(row), None)).left_stream()
            }
            TxInner::Postgres(tx) => {
                let rows = bind_postgres(sql, vec![], false).fetch(&mut **tx);
                rows.map_ok(move |row| Row::new(Inner::Postgres(row), sealer.clone())).right_stream()
            }
        };
        let mut page = Vec::with_capacity(size);
        while let Some(row) = rows.try_next().await.map_err(|error| located(error.into(), &place))? {
            page.push(row);
            if page.len() >= size {
                each(mem::take(&mut page)).await?;
            }
        }
        if page.is_empty() { Ok(()) } else { each(page).await }
    }

    /// Inserts many rows with few statements. `head` ends before the values ("insert into t (a, b)"), `tail` follows
    /// them ("on conflict do nothing"); every row has the same number of values. Neither has parameters of its own.
    pub async fn insert_many(&mut self, head: &str, tail: &str, rows: Vec<Vec<Value>>) -> Result<u64, StoreError> {
        // PostgreSQL takes 65,535 parameters a statement, SQLite 32,766; more than this gains nothing.
        const MOST_PARAMETERS: usize = 4_000;
        let Some(width) = rows.first().map(Vec::len).filter(|width| *width > 0) else { return Ok(0) };
        let per_statement = (MOST_PARAMETERS / width).max(1);
        let mut changed = 0;
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let chunk: Vec<Vec<Value>> = rows.by_ref().take(per_statement).collect();
            let mut sql = format!("{head} values ");
            for index in 0..chunk.len() {
                let places = placeholders(self.engine(), index * width + 1, width);
                sql.push_str(if index == 0 { "(" } else { ", (" });
                sql.push_str(&places);
                sql.push(')');
            }
            sql.push(' ');
            sql.push_str(tail);
            changed += self.execute(sql, chunk.into_iter().flatten().collect()).await?;
        }
        Ok(changed)
    }

    /// Runs a migration's text, which holds several statements.
    pub(crate) async fn execute_script(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let result = match &mut self.inner {
            TxInner::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
            TxInner::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
        };
        result.map_err(|error| located(error.into(), &self.place))
    }

    /// Makes everything of this transaction lasting.
    pub async fn commit(self) -> Result<(), StoreError> {
        let place = self.place;
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await,
            TxInner::Postgres(tx) => tx.commit().await,
        }
        .map_err(|error| located(error.into(), &place))
    }

    /// Undoes everything of this transaction now.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self.inner {
            TxInner::Sqlite(tx) => tx.rollback().await,
            TxInner::Postgres(tx) => tx.rollback().await,
        }
        .map_err(StoreError::from)
    }
}

/// A list of `count` parameters that are used once and in order, beginning with number `first`.
///
/// SQLite looks a named parameter up in a list of all of them, at preparing and again at binding: with thousands that
/// takes longer than the statement. Nameless ones cost nothing there, but must not be mixed with named ones.
pub(crate) fn placeholders(engine: Engine, first: usize, count: usize) -> String {
    let mut list = String::new();
    for number in first..first + count {
        if number > first {
            list.push_str(", ");
        }
        match engine {
            Engine::Sqlite => list.push('?'),
            Engine::Postgres => list.push_str(&format!("${number}")),
        }
    }
    list
}

/// Statements with more parameters are not kept prepared: preparing them is little beside running them, and a few
/// hundred of them would fill the memory.
const MOST_KEPT_PARAMETERS: usize = 64;

fn bind_sqlite(sql: String, values: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(values.len() <= MOST_KEPT_PARAMETERS);
    for value in values {
        query = match value {
            Value::Bool(value) => query.bind(value),
            Value::Int(value) => query.bind(value),
            Value::Float(value) => query.bind(value),
            Value::Text(value) => query.bind(value.map(without_zero)),
            Value::Bytes(value) => query.bind(value),
            Value::Id(value) => query.bind(value.map(|id| id.to_string())),
            Value::Time(value) => query.bind(value.map(|time| time.timestamp_micros())),
        };
    }
    query
}

fn bind_postgres(sql: String, values: Vec<Value>, prepares: bool) -> Query<'static, Postgres, PgArguments> {
    let persistent = prepares && values.len() <= MOST_KEPT_PARAMETERS;
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(persistent);
    for value in values {
        query = match value {
            Value::Bool(value) => query.bind(value),
            Value::Int(value) => query.bind(value),
            Value::Float(value) => query.bind(value),
            Value::Text(value) => query.bind(value.map(without_zero)),
            Value::Bytes(value) => query.bind(value),
            Value::Id(value) => query.bind(value),
            Value::Time(value) => query.bind(value),
        };
    }
    query
}

/// PostgreSQL takes no U+0000 in a text; hostile pages carry it. Left out on both engines, so that they stay alike.
fn without_zero(mut text: String) -> String {
    if text.contains('\0') {
        text.retain(|character| character != '\0');
    }
    text
}
