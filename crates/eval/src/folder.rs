//! Files of a folder that a person names.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Largest file that is read, bytes.
const MOST_BYTES: u64 = 64 << 20;

/// A folder that cannot be listed.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}; name a folder with one file for each thing to measure")]
pub struct FolderError {
    path: PathBuf,
    source: io::Error,
}

/// All files of a folder and its folders, sorted; hidden ones are left out.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let mut paths = Vec::new();
    list(folder, &mut paths)?;
    paths.sort();
    Ok(paths)
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), FolderError> {
    let failed = |source| FolderError { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        match path.is_dir() {
            _ if hidden => {}
            true => list(&path, paths)?,
            false => paths.push(path),
        }
    }
    Ok(())
}

/// Reads a file that is not too large.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let length = fs::metadata(path)?.len();
    if length > MOST_BYTES {
        return Err(io::Error::other(format!("has {length} bytes, at most {MOST_BYTES} are read")));
    }
    fs::read(path)
}
