//! Finding labelled data and a model for the measuring tests; both are optional.

use std::path::{Path, PathBuf};

use aerie_embedding::Embedder;

/// A file of the labelled data: in the folder that `AERIE_SHARED_DATA` names, or in a `shared/data` above the crate.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("AERIE_SHARED_DATA").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared/data"));
    let found = named.into_iter().chain(above).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: no {name} in AERIE_SHARED_DATA or a shared/data folder");
    }
    found
}

/// The model in the folder that `AERIE_TEST_EMBEDDING_MODEL` names.
pub(crate) fn embedder() -> Option<Embedder> {
    let folder = std::env::var_os("AERIE_TEST_EMBEDDING_MODEL");
    if folder.is_none() {
        println!("skipped: AERIE_TEST_EMBEDDING_MODEL names no model folder");
    }
    folder.and_then(|folder| Embedder::load(folder).ok())
}
