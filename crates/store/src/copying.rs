//! Copying an embedded installation into an empty PostgreSQL database.
//!
//! Each table of the platform store and of each person's store is copied in one transaction, together with the note that
//! it was: a copy that was broken off goes on with the next table. Afterwards every row is read back on both sides and
//! compared by count and checksum. The stores that are copied from are not changed, and nobody may work on them meanwhile.

mod checksum;
mod tables;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{Database, PersonId, StoreError, Stores, Tx, accounts};
use checksum::{Checksum, scan};
use tables::Table;

/// Most rows that are held in memory and sent at once.
const PAGE: usize = 500;

/// A table that was copied and compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopiedTable {
    /// Whose it is; nobody's when it is everybody's.
    pub owner: Option<PersonId>,
    /// Its name.
    pub table: String,
    /// Rows on either side.
    pub rows: u64,
    /// What both sides have in common, as 32 hexadecimal digits; independent of the order of rows.
    pub checksum: String,
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyReport {
    /// People.
    pub people: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// Tables that an earlier attempt had copied already.
    pub resumed_tables: u64,
    /// Every table.
    pub tables: Vec<CopiedTable>,
}

/// What a copy is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyStep<'a> {
    /// Rows of a table arrived.
    Copied {
        /// Whose.
        owner: Option<PersonId>,
        /// Table.
        table: &'a str,
        /// Rows so far.
        rows: u64,
    },
    /// A table is the same on both sides.
    Compared {
        /// Whose.
        owner: Option<PersonId>,
        /// Table.
        table: &'a str,
        /// Its rows.
        rows: u64,
    },
}

/// Why an installation was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source is a server already, or the target is none.
    #[error("only an embedded installation can be copied, and only to a PostgreSQL server")]
    Direction,
    /// What is sealed here could not be opened there.
    #[error(
        "the server would seal with another secret than these stores; let store.secret_file name {source_secret} (a copy \
         of it on every machine), then try again"
    )]
    Secret {
        /// Secret of the embedded stores.
        source_secret: String,
    },
    /// The target holds something else.
    #[error("{place} is not empty ({table} has rows) and no earlier attempt of this copy; name an empty database")]
    NotEmpty {
        /// Server.
        place: String,
        /// First table with rows.
        table: String,
    },
    /// The two schemas do not fit.
    #[error("table {table}: {detail}; bring both sides to the same version of Aerie first")]
    Schema {
        /// Table.
        table: String,
        /// What does not fit.
        detail: String,
    },
    /// The two sides differ after copying.
    #[error(
        "{table} of {owner} differs: {source_rows} rows ({source_checksum}) here, {target_rows} ({target_checksum}) \
         there; somebody changed one of the two meanwhile: empty the database and copy again"
    )]
    Differs {
        /// Whose table.
        owner: String,
        /// Table.
        table: String,
        /// Rows of the source.
        source_rows: u64,
        /// Checksum of the source.
        source_checksum: String,
        /// Rows of the target.
        target_rows: u64,
        /// Checksum of the target.
        target_checksum: String,
    },
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Stores {
    /// Copies everything of this embedded installation to a server whose schema is up to date, and compares the two.
    /// `progress` is told of every step. May be called again after it was broken off.
    ///
    /// # Errors
    /// [`CopyError`].
    pub async fn copy_to(
        &self,
        target: &Self,
        now: DateTime<Utc>,
        mut progress: impl FnMut(CopyStep<'_>),
    ) -> Result<CopyReport, CopyError> {
        if self.worker().is_some() || target.worker().is_none() {
            return Err(CopyError::Direction);
        }
        let (source_secret, target_secret) = (self.sealing_secret()?, target.sealing_secret()?);
        if source_secret.fingerprint()? != target_secret.fingerprint()? {
            return Err(CopyError::Secret { source_secret: source_secret.path().display().to_string() });
        }
        begin(target, &source_secret.fingerprint()?, now).await?;
        let tables = tables::of_server(target.platform()).await?;
        let mut parts = vec![(None, self.platform().clone(), target.platform().clone())];
        let mut tx = self.platform().read().await?;
        let people = accounts::people(&mut tx).await?;
        tx.rollback().await?;
        for person in &people {
            parts.push((Some(person.id), self.person(person.id).await?, target.person(person.id).await?));
        }
        let mut resumed_tables = 0;
        for (owner, from, to) in &parts {
            tables::check(from, &tables, owner.is_some()).await?;
            for table in tables.iter().filter(|table| table.is_owned == owner.is_some()) {
                let told = |rows| progress(CopyStep::Copied { owner: *owner, table: &table.name, rows });
                resumed_tables += u64::from(!copy_table(*owner, from, to, table, told).await?);
            }
        }
        let mut report = CopyReport { people: people.len() as u64, rows: 0, resumed_tables, tables: vec![] };
        for (owner, from, to) in &parts {
            for table in tables.iter().filter(|table| table.is_owned == owner.is_some()) {
                let copied = compare(*owner, from, to, table).await?;
                progress(CopyStep::Compared { owner: *owner, table: &table.name, rows: copied.rows });
                report.rows += copied.rows;
                report.tables.push(copied);
            }
        }
        tables::continue_numbers(target.platform()).await?;
        let mut tx = target.platform().begin().await?;
        tx.execute("update store_move set finished_at = coalesce(finished_at, $1)", vec![now.into()]).await?;
        tx.commit().await?;
        Ok(report)
    }
}

/// Notes on an empty target what is copied there, or finds the note of an earlier attempt.
async fn begin(target: &Stores, source: &str, now: DateTime<Utc>) -> Result<(), CopyError> {
    let mut tx = target.platform().begin().await?;
    let not_empty = |table: &str| CopyError::NotEmpty { place: target.platform().place(), table: table.to_owned() };
    if let Some(row) = tx.fetch_optional("select source from store_move", vec![]).await? {
        return if row.text("source")? == source { Ok(()) } else { Err(not_empty("store_move")) };
    }
    for table in tables::of_server(target.platform()).await?.iter().filter(|table| !table.is_owned) {
        // People's own rows always have a row in `person`, which belongs to nobody.
        let sql = format!("select exists (select 1 from {}) as found", table.name);
        if tx.fetch_one(sql, vec![]).await?.bool("found")? {
            return Err(not_empty(&table.name));
        }
    }
    tx.execute("insert into store_move (source, started_at) values ($1, $2)", vec![source.into(), now.into()]).await?;
    Ok(tx.commit().await?)
}

/// Copies a table unless an earlier attempt did; whether it did now.
async fn copy_table(
    owner: Option<PersonId>,
    from: &Database,
    to: &Database,
    table: &Table,
    mut told: impl FnMut(u64),
) -> Result<bool, CopyError> {
    let owner = owner.map_or_else(|| "platform".to_owned(), |person| person.to_string());
    let mut writing = to.begin().await?;
    let note = vec![owner.as_str().into(), table.name.as_str().into()];
    let done = "select copied from store_move_table where owner = $1 and name = $2";
    if let Some(row) = writing.fetch_optional(done, note).await? {
        told(u64::try_from(row.int("copied")?).unwrap_or_default());
        return Ok(false);
    }
    let mut rows = 0;
    let mut reading = from.read().await?;
    let head = format!("insert into {} ({}) overriding system value", table.name, table.columns());
    reading
        .fetch_pages(table.select_source(), PAGE, async |page| {
            let mut values = Vec::with_capacity(page.len());
            for row in &page {
                values.push(table.values(row, &writing)?);
            }
            rows += writing.insert_many(&head, "", values).await?;
            told(rows);
            Ok(())
        })
        .await?;
    reading.rollback().await?;
    note_copied(&mut writing, &owner, &table.name, rows).await?;
    writing.commit().await?;
    Ok(true)
}

async fn note_copied(tx: &mut Tx, owner: &str, table: &str, rows: u64) -> Result<(), StoreError> {
    let copied = i64::try_from(rows).unwrap_or(i64::MAX);
    let sql = "insert into store_move_table (owner, name, copied) values ($1, $2, $3)";
    tx.execute(sql, vec![owner.into(), table.into(), copied.into()]).await.map(drop)
}

async fn compare(
    owner: Option<PersonId>,
    from: &Database,
    to: &Database,
    table: &Table,
) -> Result<CopiedTable, CopyError> {
    let (here, there): (Checksum, Checksum) = (scan(from, table).await?, scan(to, table).await?);
    if here != there {
        return Err(CopyError::Differs {
            owner: owner.map_or_else(|| "everybody".to_owned(), |person| person.to_string()),
            table: table.name.clone(),
            source_rows: here.rows,
            source_checksum: here.hex(),
            target_rows: there.rows,
            target_checksum: there.hex(),
        });
    }
    Ok(CopiedTable { owner, table: table.name.clone(), rows: here.rows, checksum: here.hex() })
}
