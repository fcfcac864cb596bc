//! Sealing what must be unreadable even to who reads the database: passwords of a person's own accounts.
//!
//! AES-256-GCM (NIST SP 800-38D) under a key derived for the person from the server secret. What a value is for is
//! authenticated with it, so that a sealed value cannot be moved to another row and opened there.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};

use crate::{PersonId, ServerSecret, StoreError, Stores};

/// A sealed value: nonce, ciphertext, tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Sealed").field(&self.0.len()).finish()
    }
}

impl Stores {
    /// Seals a text of a person. `purpose` names the one place where it belongs, such as `mail_account:ID`.
    ///
    /// # Errors
    /// When the server secret cannot be read.
    pub fn seal(&self, person: PersonId, purpose: &str, text: &str) -> Result<Sealed, StoreError> {
        let secret = self.sealing_secret()?;
        let mut nonce = [0u8; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| unusable(&secret, "there are no random bytes"))?;
        let mut sealed = text.as_bytes().to_vec();
        key(&secret, person)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose.as_bytes()), &mut sealed)
            .map_err(|_| unusable(&secret, "the value cannot be sealed"))?;
        Ok(Sealed([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what [`Stores::seal`] made for the same person and purpose.
    ///
    /// # Errors
    /// When it was sealed with another secret, for another place, or is damaged.
    pub fn unseal(&self, person: PersonId, purpose: &str, sealed: &Sealed) -> Result<String, StoreError> {
        let secret = self.sealing_secret()?;
        let damaged = || unusable(&secret, "it was sealed with another secret, or is damaged");
        let (nonce, content) = sealed.0.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut content = content.to_vec();
        let opened = key(&secret, person)?
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut content)
            .map_err(|_| damaged())?;
        String::from_utf8(opened.to_vec()).map_err(|_| damaged())
    }
}

fn key(secret: &ServerSecret, person: PersonId) -> Result<LessSafeKey, StoreError> {
    let bytes = secret.derive(&format!("seal {person}"))?;
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| unusable(secret, "no key can be made of it"))?;
    Ok(LessSafeKey::new(key))
}

fn unusable(secret: &ServerSecret, reason: &'static str) -> StoreError {
    StoreError::Sealing { path: secret.path().to_owned(), reason }
}
