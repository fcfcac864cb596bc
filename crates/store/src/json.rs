//! JSON columns.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use crate::{Row, StoreError};

/// The text of a JSON column. Characters U+0000, which PostgreSQL takes in no text, are left out.
pub(crate) fn encode(column: &str, value: &impl Serialize) -> Result<String, StoreError> {
    let failed = |error: serde_json::Error| StoreError::Decode { column: column.to_owned(), detail: error.to_string() };
    let text = serde_json::to_string(value).map_err(failed)?;
    if !text.contains("\\u0000") {
        return Ok(text);
    }
    let mut json = serde_json::from_str(&text).map_err(failed)?;
    without_zero(&mut json);
    serde_json::to_string(&json).map_err(failed)
}

/// Reads a JSON column.
pub(crate) fn decode<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(&row.text(column)?)
        .map_err(|error| StoreError::Decode { column: column.to_owned(), detail: error.to_string() })
}

/// Reads a JSON column that [`Tx::private`](crate::Tx::private) wrote, given as `table.column`.
pub(crate) fn decode_private<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(&row.private(column)?)
        .map_err(|error| StoreError::Decode { column: column.to_owned(), detail: error.to_string() })
}

fn without_zero(json: &mut Json) {
    match json {
        Json::String(text) => text.retain(|character| character != '\0'),
        Json::Array(items) => items.iter_mut().for_each(without_zero),
        Json::Object(fields) => fields.values_mut().for_each(without_zero),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_characters_are_left_out_and_escaped_backslashes_stay() {
        let text = encode("column", &serde_json::json!({ "a": ["x\0y", "\\u0000"] })).unwrap_or_default();
        assert_eq!(text, r#"{"a":["xy","\\u0000"]}"#);
    }
}
