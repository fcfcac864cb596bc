//! Keys that a person got for a source.

use crate::source::{Query, SourceError, SourceInfo};

/// The value of a key, or an error that says where to get one.
///
/// # Errors
/// [`SourceError::MissingKey`].
pub(crate) fn required(info: &SourceInfo, query: &Query, key: &str) -> Result<String, SourceError> {
    let value = query.keys.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());
    value.map(str::to_owned).ok_or_else(|| SourceError::MissingKey {
        name: info.name.clone(),
        key: key.to_owned(),
        obtain_at: info.needs_key.map(|need| need.obtain_at).unwrap_or_default().to_owned(),
    })
}
