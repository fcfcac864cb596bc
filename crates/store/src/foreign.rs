//! Reading a SQLite file of another program, as it may be: nothing of it is run, and no value's type is relied on.

use std::{collections::BTreeMap, path::Path};

use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Row as _, TypeInfo, ValueRef,
    sqlite::{SqliteConnectOptions, SqliteRow},
};

use crate::StoreError;

/// Rows by table; in a row the values by column, as text. Columns without a value are left out.
pub type ForeignTables = BTreeMap<String, Vec<BTreeMap<String, String>>>;

/// Reads these tables, at most `limit` rows of each; those that the file lacks are left out.
///
/// # Errors
/// The file is no SQLite database, is encrypted, or is damaged.
pub async fn read(path: &Path, tables: &[&str], limit: u32) -> Result<ForeignTables, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        // The file is a copy that nobody else writes.
        .immutable(true)
        .pragma("trusted_schema", "off")
        .pragma("cipher_log_level", "none");
    let mut connection = options.connect().await?;
    let read = async {
        let mut found = ForeignTables::new();
        for table in tables {
            // A view could compute anything; only what is stored is read.
            let exists = sqlx::query("select 1 from sqlite_master where type = 'table' and name = ?")
                .bind(*table)
                .fetch_optional(&mut connection)
                .await?;
            if exists.is_none() {
                continue;
            }
            let sql = format!("select * from \"{table}\" limit {limit}");
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await?;
            found.insert((*table).to_owned(), rows.iter().map(texts).collect());
        }
        Ok(found)
    }
    .await;
    connection.close().await?;
    read
}

fn texts(row: &SqliteRow) -> BTreeMap<String, String> {
    let columns = row.columns().iter().enumerate();
    columns.filter_map(|(index, column)| Some((column.name().to_owned(), text(row, index)?))).collect()
}

/// A value as text; nothing for blobs and for text that is none.
fn text(row: &SqliteRow, index: usize) -> Option<String> {
    let raw = row.try_get_raw(index).ok()?;
    if raw.is_null() {
        return None;
    }
    let kind = raw.type_info().name().to_owned();
    match kind.as_str() {
        "INTEGER" => row.try_get_unchecked::<i64, _>(index).ok().map(|value| value.to_string()),
        "REAL" => row.try_get_unchecked::<f64, _>(index).ok().map(|value| value.to_string()),
        "TEXT" => row.try_get_unchecked::<String, _>(index).ok(),
        _ => None,
    }
}
