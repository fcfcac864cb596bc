//! Checksums as the hub has them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use crate::HubError;

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// A file's name among the blobs, which is its checksum: SHA-256 of large files, and git's own of small ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Blob {
    Sha256(String),
    /// SHA-1 of `blob LENGTH\0` and the file.
    Git(String),
}

impl Blob {
    /// Reads a checksum of 64 or 40 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match text.len() {
            64 if is_hex => Some(Self::Sha256(text.to_owned())),
            40 if is_hex => Some(Self::Git(text.to_owned())),
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Sha256(name) | Self::Git(name) => name,
        }
    }

    /// Compares a file with the checksum.
    pub(crate) fn check(&self, path: &Path) -> Result<(), HubError> {
        let mut file = File::open(path).map_err(HubError::file(path))?;
        let length = file.metadata().map_err(HubError::file(path))?.len();
        let mut context = match self {
            Self::Sha256(_) => Context::new(&SHA256),
            Self::Git(_) => {
                let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
                context.update(format!("blob {length}\0").as_bytes());
                context
            }
        };
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = file.read(&mut chunk).map_err(HubError::file(path))?;
            let Some(read) = chunk.get(..count).filter(|read| !read.is_empty()) else { break };
            context.update(read);
        }
        let found: String = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        if found == self.name() {
            return Ok(());
        }
        Err(HubError::Checksum { file: path.to_owned(), expected: self.name().to_owned(), found })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn checksums_are_those_of_sha256sum_and_git() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "hello\n").unwrap();
        for (sum, holds) in [
            ("5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", true),
            ("ce013625030ba8dba906f756967f9e9ca394464a", true),
            ("ce013625030ba8dba906f756967f9e9ca394464b", false),
        ] {
            assert_eq!(Blob::parse(sum).unwrap().check(&file).is_ok(), holds, "{sum}");
        }
        for wrong in ["", "../../etc/passwd", "CE013625030BA8DBA906F756967F9E9CA394464A", "ce01"] {
            assert_eq!(Blob::parse(wrong), None);
        }
    }
}
