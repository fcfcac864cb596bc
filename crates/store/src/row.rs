//! Reading a row the same way from both engines.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{Column, Row as _, postgres::PgRow, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{StoreError, private, private::Sealer};

/// One result row. Columns are read by name; a missing column or a wrong type is [`StoreError::Decode`].
#[derive(Debug)]
pub struct Row {
    inner: Inner,
    /// What opens private texts; none on an engine that seals nothing, and for rows of nobody.
    sealer: Option<Arc<Sealer>>,
}

pub(crate) enum Inner {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values are private data; column names are enough to recognise a row.
        let names: Vec<&str> = match self {
            Self::Sqlite(row) => row.columns().iter().map(|column| column.name()).collect(),
            Self::Postgres(row) => row.columns().iter().map(|column| column.name()).collect(),
        };
        formatter.debug_list().entries(names).finish()
    }
}

fn decode(column: &str) -> impl Fn(sqlx::Error) -> StoreError + '_ {
    move |error| StoreError::Decode { column: column.to_owned(), detail: error.to_string() }
}

macro_rules! getter {
    ($(#[$doc:meta])* $required:ident, $(#[$optional_doc:meta])* $optional:ident, $type:ty) => {
        $(#[$optional_doc])*
        pub fn $optional(&self, column: &str) -> Result<Option<$type>, StoreError> {
            match &self.inner {
                Inner::Sqlite(row) => row.try_get(column),
                Inner::Postgres(row) => row.try_get(column),
            }
            .map_err(decode(column))
        }

        $(#[$doc])*
        pub fn $required(&self, column: &str) -> Result<$type, StoreError> {
            self.$optional(column)?.ok_or_else(|| StoreError::Decode {
                column: column.to_owned(),
                detail: "is null".to_owned(),
            })
        }
    };
}

impl Row {
    pub(crate) fn new(inner: Inner, sealer: Option<Arc<Sealer>>) -> Self {
        Self { inner, sealer }
    }

    /// A text that [`Tx::private`](crate::Tx::private) wrote, of the column `table.column`.
    pub fn private(&self, column: &str) -> Result<String, StoreError> {
        self.optional_private(column)?
            .ok_or_else(|| StoreError::Decode { column: column.to_owned(), detail: "is null".to_owned() })
    }

    /// The same, or null.
    pub fn optional_private(&self, column: &str) -> Result<Option<String>, StoreError> {
        let name = column.rsplit_once('.').map_or(column, |(_, name)| name);
        let text = self.optional_text(name)?;
        text.map(|text| private::open(self.sealer.as_deref(), column, text)).transpose()
    }

    getter!(
        /// A boolean.
        bool,
        /// A boolean or null.
        optional_bool,
        bool
    );
    getter!(
        /// A 64-bit number.
        int,
        /// A 64-bit number or null.
        optional_int,
        i64
    );
    getter!(
        /// A floating-point number.
        float,
        /// A floating-point number or null.
        optional_float,
        f64
    );
    getter!(
        /// A text.
        text,
        /// A text or null.
        optional_text,
        String
    );
    getter!(
        /// Bytes.
        bytes,
        /// Bytes or null.
        optional_bytes,
        Vec<u8>
    );

    /// Bytes, not copied.
    pub fn borrowed_bytes(&self, column: &str) -> Result<&[u8], StoreError> {
        match &self.inner {
            Inner::Sqlite(row) => row.try_get(column),
            Inner::Postgres(row) => row.try_get(column),
        }
        .map_err(decode(column))
    }

    /// An id or null.
    pub fn optional_id(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        match &self.inner {
            Inner::Postgres(row) => row.try_get(column).map_err(decode(column)),
            Inner::Sqlite(row) => row
                .try_get::<Option<String>, _>(column)
                .map_err(decode(column))?
                .map(|text| {
                    Uuid::parse_str(&text).map_err(|error| StoreError::Decode {
                        column: column.to_owned(),
                        detail: format!("{text:?} is not an id: {error}"),
                    })
                })
                .transpose(),
        }
    }

    /// An id.
    pub fn id(&self, column: &str) -> Result<Uuid, StoreError> {
        self.optional_id(column)?
            .ok_or_else(|| StoreError::Decode { column: column.to_owned(), detail: "is null".to_owned() })
    }

    /// A time or null.
    pub fn optional_time(&self, column: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        match &self.inner {
            Inner::Postgres(row) => row.try_get(column).map_err(decode(column)),
            Inner::Sqlite(row) => row
                .try_get::<Option<i64>, _>(column)
                .map_err(decode(column))?
                .map(|micros| {
                    DateTime::from_timestamp_micros(micros).ok_or_else(|| StoreError::Decode {
                        column: column.to_owned(),
                        detail: format!("{micros} is not a time"),
                    })
                })
                .transpose(),
        }
    }

    /// A time.
    pub fn time(&self, column: &str) -> Result<DateTime<Utc>, StoreError> {
        self.optional_time(column)?
            .ok_or_else(|| StoreError::Decode { column: column.to_owned(), detail: "is null".to_owned() })
    }
}
