//! The person behind a call, signed by the service that makes it.
//!
//! On a network the header [`PERSON_HEADER`](crate::PERSON_HEADER) alone proves nothing. So a service that calls another
//! signs who is asking, for a short time, and the one that is called believes nothing else. Ed25519
//! (<https://www.rfc-editor.org/rfc/rfc8032>): a service that only answers has the public key alone, and cannot speak
//! for anybody.

use std::{
    collections::HashMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{code::ErrorCode, error::RpcError, identity::PersonId};

/// Header of the signed identity.
pub(crate) const IDENTITY_HEADER: &str = "x-aerie-identity";

/// How long a signature holds.
const LIFETIME: Duration = Duration::from_secs(60);
/// A signature is used again for calls of the same person until it is this old.
const REUSE: Duration = Duration::from_secs(20);
/// How far the clocks of two machines may differ.
const SKEW: Duration = Duration::from_secs(30);
/// Signatures kept, of the last callers; beyond that all are forgotten, which costs a signature each.
const KEPT: usize = 4_096;
/// Longest token that is looked at, in bytes.
const LONGEST: usize = 512;
/// What every Ed25519 public key begins with in its DER form (RFC 8410, section 4): the rest is the key.
const PUBLIC_KEY_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key that cannot be used.
#[derive(Debug, Error)]
#[error("{}: {reason}; `aerie certificates` writes keys of the right form", path.display())]
pub struct KeyError {
    path: PathBuf,
    reason: String,
}

impl KeyError {
    fn new(path: &Path, reason: impl fmt::Display) -> Self {
        Self { path: path.into(), reason: reason.to_string() }
    }
}

/// What is signed, as JSON.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Claims {
    /// The person's id.
    sub: String,
    /// Until when, in seconds of Unix time.
    exp: u64,
}

/// Signs who is asking.
pub struct Signer {
    pair: Ed25519KeyPair,
    recent: Mutex<HashMap<PersonId, (u64, String)>>,
}

impl Signer {
    /// Reads a private key: PKCS#8 in a PEM file.
    ///
    /// # Errors
    /// A file that cannot be read or holds no Ed25519 key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let key = PrivatePkcs8KeyDer::from_pem_file(path)
            .map_err(|error| KeyError::new(path, format!("no private key in PKCS#8 form ({error})")))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.secret_pkcs8_der())
            .map_err(|error| KeyError::new(path, format!("no Ed25519 key ({error})")))?;
        Ok(Self { pair, recent: Mutex::default() })
    }

    /// A token that says that `person` is asking now.
    pub(crate) fn sign(&self, person: &PersonId) -> String {
        self.sign_at(person, now())
    }

    fn sign_at(&self, person: &PersonId, now: u64) -> String {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((signed, token)) = recent.get(person)
            && (*signed..signed + REUSE.as_secs()).contains(&now)
        {
            return token.clone();
        }
        let claims = Claims { sub: person.as_str().to_owned(), exp: now + LIFETIME.as_secs() };
        // Two fields of text and number always have a JSON form.
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).unwrap_or_default());
        let token = format!("{payload}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(payload.as_bytes())));
        if recent.len() >= KEPT {
            recent.clear();
        }
        recent.insert(person.clone(), (now, token.clone()));
        token
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signer")
    }
}

/// Believes signatures of certain keys: the present one, and while keys are exchanged the one before.
pub struct Verifier {
    keys: Vec<UnparsedPublicKey<Vec<u8>>>,
    known: Mutex<HashMap<String, (PersonId, u64)>>,
}

impl Verifier {
    /// Reads public keys, each in a PEM file.
    ///
    /// # Errors
    /// A file that cannot be read or holds no Ed25519 key; no file at all.
    pub fn read(paths: &[PathBuf]) -> Result<Self, KeyError> {
        let keys = paths.iter().map(|path| {
            let key = SubjectPublicKeyInfoDer::from_pem_file(path)
                .map_err(|error| KeyError::new(path, format!("no public key ({error})")))?;
            let raw = key.as_ref().strip_prefix(&PUBLIC_KEY_PREFIX).filter(|raw| raw.len() == 32);
            let raw = raw.ok_or_else(|| KeyError::new(path, "no Ed25519 key"))?;
            Ok(UnparsedPublicKey::new(&ED25519, raw.to_vec()))
        });
        Ok(Self { keys: keys.collect::<Result<_, KeyError>>()?, known: Mutex::default() })
    }

    /// The person that a token speaks for.
    ///
    /// # Errors
    /// `Unauthenticated` for a token that is not ours, is too old, or comes from too far in the future.
    pub(crate) fn verify(&self, token: &str) -> Result<PersonId, RpcError> {
        self.verify_at(token, now())
    }

    fn verify_at(&self, token: &str, now: u64) -> Result<PersonId, RpcError> {
        if let Some((person, until)) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(token)
            && now <= *until + SKEW.as_secs()
        {
            return Ok(person.clone());
        }
        let (person, until) = self.check(token, now)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(token.to_owned(), (person.clone(), until));
        Ok(person)
    }

    fn check(&self, token: &str, now: u64) -> Result<(PersonId, u64), RpcError> {
        if token.len() > LONGEST {
            return Err(refused(format!("it is longer than {LONGEST} bytes")));
        }
        let (payload, signature) = token.split_once('.').ok_or_else(|| refused("it has no signature"))?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(refused)?;
        if !self.keys.iter().any(|key| key.verify(payload.as_bytes(), &signature).is_ok()) {
            return Err(refused("it is not signed by a key in services.identity.verifying_keys"));
        }
        let claims = URL_SAFE_NO_PAD.decode(payload).map_err(refused)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(refused)?;
        if now > claims.exp + SKEW.as_secs() {
            return Err(refused(format!("it ran out {} s ago; compare the machines' clocks", now - claims.exp)));
        }
        if claims.exp > now + LIFETIME.as_secs() + SKEW.as_secs() {
            return Err(refused("it comes from the future; compare the machines' clocks"));
        }
        Ok((PersonId::new(claims.sub)?, claims.exp))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Verifier").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

fn refused(reason: impl fmt::Display) -> RpcError {
    let message = format!("the signed identity of the call is refused: {reason}");
    RpcError::new(ErrorCode::Unauthenticated, "IDENTITY_REFUSED", message)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

impl From<KeyError> for io::Error {
    fn from(error: KeyError) -> Self {
        Self::other(error)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::testing::identity_keys;

    fn pair() -> (Signer, Verifier) {
        let (_folder, signing, verifying) = identity_keys();
        (Signer::read(&signing).unwrap(), Verifier::read(&[verifying]).unwrap())
    }

    fn reason(outcome: Result<PersonId, RpcError>) -> String {
        outcome.unwrap_err().message
    }

    #[test]
    fn a_signed_person_is_believed_for_a_while() {
        let (signer, verifier) = pair();
        let ada = PersonId::new("ada").unwrap();
        let token = signer.sign_at(&ada, 1_000);
        assert_eq!(verifier.verify_at(&token, 1_000), Ok(ada.clone()));
        assert_eq!(verifier.verify_at(&token, 1_090), Ok(ada.clone()));
        assert!(reason(verifier.verify_at(&token, 1_091)).contains("ran out"), "also after it was believed once");
        assert_eq!(signer.sign_at(&ada, 1_019), token, "signed once for a burst of calls");
        assert_ne!(signer.sign_at(&ada, 1_020), token);
        let early = signer.sign_at(&ada, 2_000);
        assert!(reason(verifier.verify_at(&early, 1_900)).contains("future"));
        assert_eq!(verifier.verify_at(&early, 1_970), Ok(ada));
    }

    #[test]
    fn whatever_was_not_signed_so_is_refused() {
        let ((signer, verifier), (stranger, _)) = (pair(), pair());
        let ada = PersonId::new("ada").unwrap();
        assert!(reason(verifier.verify_at(&stranger.sign_at(&ada, 10), 10)).contains("not signed by a key"));
        let token = signer.sign_at(&ada, 10);
        let (payload, signature) = token.split_once('.').unwrap();
        let forged = URL_SAFE_NO_PAD.encode(r#"{"sub":"ben","exp":70}"#);
        for wrong in [
            String::new(),
            payload.to_owned(),
            format!("{payload}."),
            format!("{forged}.{signature}"),
            format!("{forged}."),
            format!("{token}A"),
            format!("{token}.{signature}"),
            "x".repeat(LONGEST + 1),
        ] {
            assert!(verifier.verify_at(&wrong, 10).is_err(), "{wrong}");
        }
        assert!(Verifier::read(&[]).unwrap().verify_at(&token, 10).is_err(), "no key, nobody");
    }

    #[test]
    fn files_that_are_no_keys_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pem");
        std::fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
        let message = Signer::read(&path).unwrap_err().to_string();
        assert!(message.contains("a.pem") && message.contains("Ed25519"), "{message}");
        assert!(Verifier::read(&[path]).unwrap_err().to_string().contains("no public key"));
        assert!(Signer::read(&folder.path().join("none")).is_err());
    }
}
