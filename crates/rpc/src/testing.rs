//! Certificates and keys for tests.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use aerie_config::{IdentityFiles, Services, TlsFiles};
use tempfile::TempDir;

use crate::authority::{self, Holder};

/// A folder with certificates of these holders, each also for this machine's addresses.
pub(crate) fn certificates(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let holder =
        |name: &&str| Holder { name: (*name).to_owned(), names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()] };
    authority::write(folder.path(), &names.iter().map(holder).collect::<Vec<_>>()).unwrap();
    folder
}

/// The settings of one of them.
pub(crate) fn settings(folder: &TempDir, name: &str) -> Services {
    let file = |name: String| folder.path().join(name);
    Services {
        tls: Some(TlsFiles {
            authority: file("ca.pem".into()),
            certificate: file(format!("{name}.pem")),
            key: file(format!("{name}.key")),
        }),
        identity: Some(IdentityFiles {
            signing_key: Some(file("identity.key".into())),
            verifying_keys: vec![file("identity.pub".into())],
        }),
        ..Services::default()
    }
}

/// A folder with a pair of keys: the private one, the public one.
pub(crate) fn identity_keys() -> (TempDir, PathBuf, PathBuf) {
    let folder = certificates(&[]);
    let (signing, verifying) = (folder.path().join("identity.key"), folder.path().join("identity.pub"));
    (folder, signing, verifying)
}
