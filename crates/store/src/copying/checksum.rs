//! What a table holds, in a few bytes that are the same on both engines.

use ring::digest::{Context, SHA256};

use super::{
    PAGE,
    tables::{Kind, Table, value},
};
use crate::{Database, Row, StoreError, Value, private::is_private};

/// Rows of a table, and the sum of their digests: it does not depend on the order of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Checksum {
    pub(super) rows: u64,
    sum: u128,
}

impl Checksum {
    pub(super) fn hex(self) -> String {
        format!("{:032x}", self.sum)
    }
}

/// Reads a whole table.
pub(super) async fn scan(database: &Database, table: &Table) -> Result<Checksum, StoreError> {
    let mut checksum = Checksum::default();
    let mut tx = database.read().await?;
    tx.fetch_pages(table.select(), PAGE, async |page| {
        for row in &page {
            checksum.rows += 1;
            checksum.sum = checksum.sum.wrapping_add(digest(row, table)?);
        }
        Ok(())
    })
    .await?;
    tx.rollback().await?;
    Ok(checksum)
}

/// The first half of the SHA-256 of a row's values, each with its length.
fn digest(row: &Row, table: &Table) -> Result<u128, StoreError> {
    let mut context = Context::new(&SHA256);
    for (name, kind) in &table.of_columns {
        let bytes = match plain(row, table, name, *kind)? {
            Value::Bool(value) => value.map(|value| vec![u8::from(value)]),
            Value::Int(value) => value.map(|value| value.to_le_bytes().to_vec()),
            Value::Float(value) => value.map(|value| value.to_bits().to_le_bytes().to_vec()),
            Value::Text(value) => value.map(String::into_bytes),
            Value::Bytes(value) => value,
            Value::Id(value) => value.map(|value| value.into_bytes().to_vec()),
            Value::Time(value) => value.map(|value| value.timestamp_micros().to_le_bytes().to_vec()),
        };
        match bytes {
            None => context.update(&[0]),
            Some(bytes) => {
                context.update(&[1]);
                context.update(&(bytes.len() as u64).to_le_bytes());
                context.update(&bytes);
            }
        }
    }
    let digest = context.finish();
    let half = digest.as_ref().first_chunk::<16>().copied().unwrap_or_default();
    Ok(u128::from_le_bytes(half))
}

/// A value with private texts opened.
fn plain(row: &Row, table: &Table, name: &str, kind: Kind) -> Result<Value, StoreError> {
    let column = format!("{}.{name}", table.name);
    if is_private(&column) { Ok(row.optional_private(&column)?.into()) } else { value(row, name, kind) }
}
