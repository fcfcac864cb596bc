//! Reading the small files of a model folder.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::ModelError;

/// The bytes of `file`, at most `limit` of them.
pub(crate) fn read_bounded(file: &Path, limit: u64) -> Result<Vec<u8>, ModelError> {
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(|error| ModelError::file(file, error))?;
    opened.take(limit + 1).read_to_end(&mut bytes).map_err(|error| ModelError::file(file, error))?;
    if bytes.len() as u64 > limit {
        return Err(ModelError::file(file, format!("it is over the limit of {limit} bytes")));
    }
    Ok(bytes)
}
