//! What can go wrong between a hub and its cache.

use std::path::{Path, PathBuf};

/// Why files could not be had. The messages name the address or file, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A name that the hub would not have.
    #[error("\"{name}\" is not {form}; letters, digits, \"-\", \"_\" and \".\" make one")]
    Name {
        /// The name.
        name: String,
        /// What it should be.
        form: &'static str,
    },
    /// The means to connect cannot be set up.
    #[error("cannot prepare to connect: {0}; check the system's certificates")]
    Client(reqwest::Error),
    /// The hub cannot be reached.
    #[error("{url} cannot be reached: {reason}; check the connection and start it again, it goes on where it stopped")]
    Unreachable {
        /// The address.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The hub refused.
    #[error("{url} answers {status}; {remedy}")]
    Refused {
        /// The address.
        url: String,
        /// The answer's status.
        status: u16,
        /// What may help.
        remedy: &'static str,
    },
    /// The hub's answer cannot be used.
    #[error("{url} answers something else than a hub does: {reason}; check the hub's address")]
    Malformed {
        /// The address.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A file is not what the hub says it is.
    #[error("{file} has the checksum {found} and should have {expected}; it was not kept, start the download again")]
    Checksum {
        /// The file.
        file: PathBuf,
        /// What the hub says.
        expected: String,
        /// What it is.
        found: String,
    },
    /// There is no earlier download.
    #[error("{folder} holds no whole download of {revision}: {reason}; start it without --offline")]
    NotThere {
        /// The repository's folder in the cache.
        folder: PathBuf,
        /// What was asked for.
        revision: String,
        /// What is missing.
        reason: String,
    },
    /// A file of the cache cannot be read or written.
    #[error("{file}: {source}; check the folder's rights and the free space")]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl HubError {
    pub(crate) fn file(file: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::File { file: file.to_owned(), source }
    }

    pub(crate) fn unreachable(url: &str, error: &dyn std::error::Error) -> Self {
        // The library's own words say little; the last cause says what happened.
        let mut cause = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Self::Unreachable { url: url.to_owned(), reason: cause.to_string() }
    }
}
