//! The layout of the hub's cache.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::digest::Blob;
use crate::{HubError, Snapshot, Source};

/// Length of a commit's name.
const COMMIT_DIGITS: usize = 40;

/// A folder with the hub's layout.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// The folder that the hub's own library uses: `HF_HUB_CACHE`, `HF_HOME/hub`, or `~/.cache/huggingface/hub`.
#[must_use]
pub fn default_cache() -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || variable("HOME").or_else(|| variable("USERPROFILE")).map(|home| home.join(".cache"));
    variable("HF_HUB_CACHE")
        .or_else(|| variable("HF_HOME").map(|folder| folder.join("hub")))
        .or_else(|| variable("XDG_CACHE_HOME").or_else(home).map(|cache| cache.join("huggingface").join("hub")))
}

impl Cache {
    /// A cache in this folder; it is made when something is downloaded.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn repository(&self, source: &Source) -> Repository {
        Repository { folder: self.folder.join(format!("models--{}", source.repository.replace('/', "--"))) }
    }
}

/// One repository's folder in the cache.
pub(crate) struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// Where a whole file lies.
    pub(crate) fn blob(&self, blob: &Blob) -> PathBuf {
        self.folder.join("blobs").join(blob.name())
    }

    /// Where a file lies that is being downloaded.
    pub(crate) fn partial(&self, blob: &Blob) -> PathBuf {
        self.folder.join("blobs").join(format!("{}.incomplete", blob.name()))
    }

    pub(crate) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// The commit that a revision was at its first download.
    pub(crate) fn pinned(&self, source: &Source) -> Option<String> {
        if is_commit(&source.revision) {
            return Some(source.revision.clone());
        }
        let text = fs::read_to_string(self.folder.join("refs").join(&source.revision)).ok()?;
        Some(text.trim().to_owned()).filter(|text| is_commit(text))
    }

    pub(crate) fn pin(&self, source: &Source, commit: &str) -> Result<(), HubError> {
        if is_commit(&source.revision) {
            return Ok(());
        }
        let file = self.folder.join("refs").join(&source.revision);
        make_parent(&file)?;
        fs::write(&file, commit).map_err(HubError::file(&file))
    }

    /// Gives a file its own name in the snapshot of a commit.
    pub(crate) fn link(&self, commit: &str, name: &str, blob: &Blob) -> Result<(), HubError> {
        let link = self.snapshot(commit).join(name);
        make_parent(&link)?;
        let target = Path::new("..").join("..").join("blobs").join(blob.name());
        link_to(&target, &self.blob(blob), &link).map_err(HubError::file(&link))
    }

    /// The snapshot of a revision, with every file that `wanted` picks checked.
    pub(crate) fn check(&self, source: &Source, wanted: impl Fn(&str) -> bool) -> Result<Snapshot, HubError> {
        let not_there = |reason: &str| HubError::NotThere {
            folder: self.folder.clone(),
            revision: source.revision.clone(),
            reason: reason.to_owned(),
        };
        let commit = self.pinned(source).ok_or_else(|| not_there("it was never downloaded"))?;
        let folder = self.snapshot(&commit);
        let entries = fs::read_dir(&folder).map_err(|_| not_there("it was never downloaded"))?;
        let mut files = Vec::new();
        for entry in entries.flatten() {
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if !wanted(&name) {
                continue;
            }
            let path = entry.path();
            let target = path.canonicalize().map_err(|_| not_there(&format!("{name} leads nowhere")))?;
            // A file that is no link was put there by somebody; there is nothing to compare it with.
            if let Some(blob) = target.file_name().and_then(|name| name.to_str()).and_then(Blob::parse) {
                blob.check(&target)?;
            }
            files.push(name);
        }
        if files.is_empty() {
            return Err(not_there("none of its files is there"));
        }
        files.sort();
        Ok(Snapshot { folder, commit, files })
    }
}

fn is_commit(text: &str) -> bool {
    text.len() == COMMIT_DIGITS && matches!(Blob::parse(text), Some(Blob::Git(_)))
}

pub(crate) fn make_parent(file: &Path) -> Result<(), HubError> {
    let Some(folder) = file.parent() else { return Ok(()) };
    fs::create_dir_all(folder).map_err(HubError::file(folder))
}

/// Makes `link` lead to what `file` leads to.
pub(crate) fn share(file: &Path, link: &Path) -> Result<(), HubError> {
    let target = file.canonicalize().map_err(HubError::file(file))?;
    link_to(&target, &target, link).map_err(HubError::file(link))
}

/// A link to `target`, or a copy of `file` where the system has no links.
fn link_to(target: &Path, file: &Path, link: &Path) -> io::Result<()> {
    match fs::remove_file(link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    #[cfg(unix)]
    let linked = std::os::unix::fs::symlink(target, link);
    #[cfg(not(unix))]
    let linked: io::Result<()> = {
        let _ = target;
        Err(io::ErrorKind::Unsupported.into())
    };
    linked.or_else(|_| fs::hard_link(file, link)).or_else(|_| fs::copy(file, link).map(|_| ()))
}
