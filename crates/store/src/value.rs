//! Parameter values that both engines accept, each with a typed null (PostgreSQL wants to know the type of a null).

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One parameter of a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `boolean` / INTEGER 0 or 1.
    Bool(Option<bool>),
    /// `bigint` / INTEGER.
    Int(Option<i64>),
    /// `double precision` / REAL.
    Float(Option<f64>),
    /// `text` / TEXT.
    Text(Option<String>),
    /// `bytea` / BLOB.
    Bytes(Option<Vec<u8>>),
    /// `uuid` / TEXT in hyphenated lower case.
    Id(Option<Uuid>),
    /// `timestamptz` / INTEGER microseconds since the epoch.
    Time(Option<DateTime<Utc>>),
}

macro_rules! from {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(Some(value))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}

from!(bool => Bool, i64 => Int, f64 => Float, String => Text, Vec<u8> => Bytes, Uuid => Id, DateTime<Utc> => Time);

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}
