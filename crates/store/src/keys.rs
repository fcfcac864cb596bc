//! The server secret and the keys derived from it.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use ring::{
    hkdf::{HKDF_SHA256, KeyType, Salt},
    rand::{SecureRandom, SystemRandom},
};
use uuid::Uuid;

use crate::StoreError;

/// The secret from which every store's key is derived. Losing it means losing the stores.
#[derive(Clone)]
pub struct ServerSecret {
    bytes: [u8; 32],
    path: PathBuf,
}

impl std::fmt::Debug for ServerSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ServerSecret").field("path", &self.path).finish_non_exhaustive()
    }
}

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

impl ServerSecret {
    /// Reads `path`, or creates it with fresh random bytes, readable by the owner only, when `may_create` says that
    /// there is no store yet that an earlier secret would have to open.
    pub fn load_or_create(path: &Path, data: &Path, may_create: bool) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(path, text.trim()),
            Err(error) if error.kind() == ErrorKind::NotFound && may_create => Self::create(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(StoreError::MissingKey { data: data.to_owned(), secret: path.to_owned() })
            }
            Err(error) => Err(io(error)),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, StoreError> {
        let bad = |reason: String| StoreError::BadSecret { path: path.to_owned(), reason };
        if text.len() != 64 || !text.is_ascii() {
            return Err(bad(format!("it has {} characters", text.chars().count())));
        }
        let mut bytes = [0u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|error| bad(error.to_string()))?;
            *byte = u8::from_str_radix(pair, 16).map_err(|error| bad(error.to_string()))?;
        }
        Ok(Self { bytes, path: path.to_owned() })
    }

    /// Writes a complete file under another name first: a crash never leaves half a secret behind.
    fn create(path: &Path) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        let mut bytes = [0u8; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| io(std::io::Error::other("the operating system gave no random bytes")))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let partial = path.with_extension(format!("{}.partial", Uuid::new_v4()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&partial).and_then(|mut file| {
            file.write_all(format!("{}\n", hex(&bytes)).as_bytes())?;
            file.sync_all()
        });
        // A hard link fails when somebody else was first, where a rename would overwrite their secret.
        let placed = written.and_then(|()| fs::hard_link(&partial, path));
        let _ = fs::remove_file(&partial);
        match placed {
            Ok(()) => Ok(Self { bytes, path: path.to_owned() }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Self::parse(path, fs::read_to_string(path).map_err(io)?.trim())
            }
            Err(error) => Err(io(error)),
        }
    }

    /// The raw SQLCipher key for a purpose ("platform" or a person's id), as SQLCipher wants it: `x'64 hex digits'`.
    /// Derived by HKDF-SHA256 (RFC 5869) with the purpose as info, so one key tells nothing about another.
    pub(crate) fn sqlcipher_key(&self, purpose: &str) -> Result<String, StoreError> {
        Ok(format!("x'{}'", hex(&self.derive(purpose)?)))
    }

    /// What tells this secret from another without telling anything about it.
    pub(crate) fn fingerprint(&self) -> Result<String, StoreError> {
        Ok(hex(self.derive("fingerprint")?.get(..8).unwrap_or_default()))
    }

    pub(crate) fn derive(&self, purpose: &str) -> Result<[u8; 32], StoreError> {
        let salt = Salt::new(HKDF_SHA256, b"aerie store key v1");
        let mut key = [0u8; 32];
        let info = [purpose.as_bytes()];
        salt.extract(&self.bytes)
            .expand(&info, KeyLength)
            .and_then(|material| material.fill(&mut key))
            .map_err(|_| StoreError::BadSecret { path: self.path.clone(), reason: "no key can be derived".into() })?;
        Ok(key)
    }

    /// Whether the fingerprint that [`ServerSecret::leave_fingerprint`] left in `path` says that this secret made the
    /// stores; `false` when none was left. Without it a wrong secret and a damaged file look the same to SQLCipher.
    pub(crate) fn is_confirmed(&self, path: &Path, store: &Path) -> Result<bool, StoreError> {
        let found = match fs::read_to_string(path) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(StoreError::Io { path: path.to_owned(), source }),
        };
        if found.trim().is_empty() {
            return Ok(false);
        }
        if found.trim() == self.fingerprint()? {
            return Ok(true);
        }
        let secret_hint = self.path.display().to_string();
        Err(StoreError::WrongKey { path: store.to_owned(), secret_hint })
    }

    /// Leaves the fingerprint of the secret that opened the stores.
    pub(crate) fn leave_fingerprint(&self, path: &Path) -> Result<(), StoreError> {
        fs::write(path, format!("{}\n", self.fingerprint()?))
            .map_err(|source| StoreError::Io { path: path.to_owned(), source })
    }

    /// Where the secret was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
