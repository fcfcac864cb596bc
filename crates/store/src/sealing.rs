//! Credentials of people, sealed with a key of the installation and the person.
//!
//! A store is encrypted as a whole on SQLite; sealing keeps credentials also out of what is copied from it (a backup,
//! an export), and out of PostgreSQL's files. ChaCha20-Poly1305 (RFC 8439) with a random nonce; what a text is for is
//! bound to it, so that it opens in no other place.

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};

use crate::{PersonId, ServerSecret, StoreError, Stores};

/// The form of what is sealed.
const VERSION: u8 = 1;

/// A sealed value, which is not worth a look in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Sealed").field(&self.0.len()).finish()
    }
}

impl Stores {
    /// Seals bytes of a person for a purpose.
    ///
    /// # Errors
    /// The installation's secret cannot be read or made.
    pub fn seal(&self, person: PersonId, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let secret = self.sealing_secret()?;
        let failed =
            || StoreError::BadSecret { path: secret.path().to_owned(), reason: "nothing can be sealed".into() };
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| failed())?;
        let mut sealed = plain.to_vec();
        key(secret, person)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose.as_bytes()), &mut sealed)
            .map_err(|_| failed())?;
        Ok([&[VERSION], nonce.as_slice(), sealed.as_slice()].concat())
    }

    /// Opens what was sealed for the same person and purpose. `what` names it in the error.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] when it was sealed with another secret, for another purpose, or was changed.
    pub fn unseal(&self, person: PersonId, purpose: &str, what: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let secret = self.sealing_secret()?;
        let failed = || StoreError::Sealed { what: what.to_owned(), secret: secret.path().to_owned() };
        let (version, rest) = sealed.split_first().ok_or_else(failed)?;
        let (nonce, content) = rest.split_at_checked(NONCE_LEN).filter(|_| *version == VERSION).ok_or_else(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed())?;
        let mut content = content.to_vec();
        let key = key(secret, person)?;
        let plain = key.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut content).map_err(|_| failed())?;
        Ok(plain.to_vec())
    }
}

pub(crate) fn key(secret: &ServerSecret, person: PersonId) -> Result<LessSafeKey, StoreError> {
    let bytes = secret.derive(&format!("sealing {person}"))?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes);
    let failed = |_| StoreError::BadSecret { path: secret.path().to_owned(), reason: "no key can be derived".into() };
    Ok(LessSafeKey::new(key.map_err(failed)?))
}
