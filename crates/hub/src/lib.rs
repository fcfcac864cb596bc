//! Model files from a hub into its cache layout: resumable, checked, pinned.
//!
//! A model is gigabytes, so a download that breaks off goes on where it stopped, and what another program downloaded is
//! not downloaded again: the layout of the cache (`models--OWNER--NAME/{blobs,snapshots,refs}`) is that of the hub's own
//! library. Everything the hub says is checked before it names a file here, and every file's checksum before it gets its
//! name.

mod cache;
mod digest;
mod download;
mod error;
mod listing;

use std::path::PathBuf;
use std::time::Duration;

pub use cache::{Cache, default_cache};
pub use error::HubError;

use download::Downloader;
use listing::Remote;

/// A repository at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    repository: String,
    revision: String,
}

impl Source {
    /// Checks the names: `owner/name`, and a tag, branch or commit.
    ///
    /// # Errors
    /// [`HubError::Name`] for names with other characters than the hub's.
    pub fn new(repository: &str, revision: &str) -> Result<Self, HubError> {
        let is_plain = |part: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            !part.is_empty() && part.len() <= 96 && !part.starts_with('.') && part.bytes().all(known)
        };
        let parts: Vec<&str> = repository.split('/').collect();
        if parts.len() != 2 || !parts.iter().all(|part| is_plain(part)) {
            return Err(HubError::Name { name: repository.to_owned(), form: "owner/name" });
        }
        if !is_plain(revision) {
            return Err(HubError::Name { name: revision.to_owned(), form: "the name of a tag, a branch, or a commit" });
        }
        Ok(Self { repository: repository.to_owned(), revision: revision.to_owned() })
    }
}

/// Files of a repository at one commit, all of them there and whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder that holds them under their own names.
    pub folder: PathBuf,
    /// The commit.
    pub commit: String,
    /// Their names.
    pub files: Vec<String>,
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Its name.
    pub file: &'a str,
    /// Bytes that are there.
    pub done: u64,
    /// Bytes of all of it.
    pub total: u64,
}

/// A hub and the cache that its files go to.
#[derive(Debug)]
pub struct Hub {
    remote: Remote,
    cache: Cache,
    pause: Duration,
}

impl Hub {
    /// A hub at `endpoint`, for example `https://huggingface.co`. Nothing is connected yet.
    ///
    /// # Errors
    /// [`HubError::Client`] where the system's certificates cannot be read.
    pub fn new(endpoint: &str, cache: Cache) -> Result<Self, HubError> {
        Ok(Self { remote: Remote::new(endpoint)?, cache, pause: Duration::from_secs(1) })
    }

    /// Waits this long before it goes on with a download that broke off, twice as long each time; a second by default.
    #[must_use]
    pub fn pausing(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Downloads the files of `source` whose names `wanted` picks, and those only that are not there yet.
    ///
    /// A tag or branch is what it was at the first download, until its file in the cache's `refs` is deleted.
    ///
    /// # Errors
    /// [`HubError`] naming the address or the file, and what to do. What was downloaded so far is kept.
    pub async fn fetch(
        &self,
        source: &Source,
        wanted: impl Fn(&str) -> bool,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<Snapshot, HubError> {
        let repository = self.cache.repository(source);
        let pinned = repository.pinned(source);
        let listing = self.remote.list(source, pinned.as_deref()).await?;
        let files: Vec<_> = listing.files.into_iter().filter(|file| wanted(&file.name)).collect();
        let downloader = Downloader { remote: &self.remote, repository: &repository, pause: self.pause };
        for file in &files {
            downloader.download(source, &listing.commit, file, &mut progress).await?;
            repository.link(&listing.commit, &file.name, &file.blob)?;
        }
        repository.pin(source, &listing.commit)?;
        let files = files.into_iter().map(|file| file.name).collect();
        Ok(Snapshot { folder: repository.snapshot(&listing.commit), commit: listing.commit, files })
    }

    /// What an earlier download of `source` left, checked against its checksums; connects to nothing.
    ///
    /// # Errors
    /// [`HubError::NotThere`] where there is none, [`HubError::Checksum`] for a file that has changed.
    pub fn offline(&self, source: &Source, wanted: impl Fn(&str) -> bool) -> Result<Snapshot, HubError> {
        self.cache.repository(source).check(source, wanted)
    }

    /// Makes a file of one snapshot appear in the folder of another.
    ///
    /// # Errors
    /// [`HubError::File`] where the link cannot be made.
    pub fn share(&self, from: &Snapshot, file: &str, into: &Snapshot) -> Result<(), HubError> {
        cache::share(&from.folder.join(file), &into.folder.join(file))
    }
}
