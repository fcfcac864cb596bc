//! Secrets that this server makes itself: API keys, session cookies, and what is derived from them.
//!
//! Each has a public name, by which it is found, and 256 random bits, of which only a digest is stored.

use std::fmt;

use aerie_rpc::RpcError;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest, hmac,
    rand::{SecureRandom, SystemRandom},
};

/// Start of every API key, by which people and scanners recognise one.
pub(crate) const KEY_PREFIX: &str = "aerie_";
const ID_BYTES: usize = 10;
const SECRET_BYTES: usize = 32;
/// Characters of a name: hexadecimal.
const ID_CHARACTERS: usize = 2 * ID_BYTES;
const STORED: &[u8] = b"aerie stored credential v1";
const FORGERY: &[u8] = b"aerie cross-site forgery v1";

/// A public name with its secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) id: String,
    secret: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credential").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Credential {
    /// A new one.
    pub(crate) fn make() -> Result<Self, RpcError> {
        let id = random::<ID_BYTES>()?;
        Ok(Self { id: id.iter().map(|byte| format!("{byte:02x}")).collect(), secret: random_text()? })
    }

    /// Reads an API key: `aerie_`, name, `_`, secret.
    pub(crate) fn of_key(text: &str) -> Option<Self> {
        Self::parse(text.strip_prefix(KEY_PREFIX)?, '_')
    }

    /// Reads a cookie's value: name, `.`, secret.
    pub(crate) fn of_cookie(text: &str) -> Option<Self> {
        Self::parse(text, '.')
    }

    fn parse(text: &str, separator: char) -> Option<Self> {
        let (id, secret) = text.split_once(separator)?;
        let is_id = id.len() == ID_CHARACTERS && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_secret = URL_SAFE_NO_PAD.decode(secret).is_ok_and(|bytes| bytes.len() == SECRET_BYTES);
        (is_id && is_secret).then(|| Self { id: id.to_owned(), secret: secret.to_owned() })
    }

    /// As an API key.
    pub(crate) fn key(&self) -> String {
        format!("{KEY_PREFIX}{}_{}", self.id, self.secret)
    }

    /// As a cookie's value.
    pub(crate) fn cookie(&self) -> String {
        format!("{}.{}", self.id, self.secret)
    }

    /// What is stored of it.
    pub(crate) fn digest(&self) -> Vec<u8> {
        hmac::sign(&self.hmac_key(), STORED).as_ref().to_vec()
    }

    /// Whether this is the one that was stored. Takes the same time however much of it is right.
    pub(crate) fn matches(&self, stored: &[u8]) -> bool {
        hmac::verify(&self.hmac_key(), STORED, stored).is_ok()
    }

    /// What a page of this session sends along to show that it is ours: another site's page can send the cookie, but
    /// cannot read this.
    pub(crate) fn forgery_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.hmac_key(), FORGERY))
    }

    /// Whether a page sent it. Takes the same time however much of it is right.
    pub(crate) fn is_forgery_token(&self, sent: &[u8]) -> bool {
        URL_SAFE_NO_PAD.decode(sent).is_ok_and(|sent| hmac::verify(&self.hmac_key(), FORGERY, &sent).is_ok())
    }

    fn hmac_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes())
    }
}

/// 256 random bits in base 64 for addresses.
pub(crate) fn random_text() -> Result<String, RpcError> {
    Ok(URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>()?))
}

/// The challenge of a PKCE verifier (RFC 7636, S256).
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], RpcError> {
    let mut bytes = [0; LENGTH];
    SystemRandom::new().fill(&mut bytes).map_err(|_| RpcError::internal("the system gave no random bytes"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_credential_survives_its_written_forms_and_matches_only_itself() {
        let (one, other) = (Credential::make().unwrap(), Credential::make().unwrap());
        assert_eq!(Credential::of_key(&one.key()), Some(one.clone()));
        assert_eq!(Credential::of_cookie(&one.cookie()), Some(one.clone()));
        assert!(one.matches(&one.digest()) && !other.matches(&one.digest()) && !one.matches(&[]));
        assert!(one.is_forgery_token(one.forgery_token().as_bytes()));
        assert!(!one.is_forgery_token(other.forgery_token().as_bytes()) && !one.is_forgery_token(b""));
        assert!(!format!("{one:?}").contains(&one.secret));
    }

    #[test]
    fn texts_that_are_no_credential_are_refused() {
        let key = Credential::make().unwrap().key();
        let short = &key[..key.len() - 1];
        for wrong in ["", "aerie_", "aerie__", short, &format!("{key}A"), &key.to_uppercase(), &key[6..]] {
            assert_eq!(Credential::of_key(wrong), None, "{wrong}");
        }
        assert_eq!(Credential::of_key(&key.replacen("aerie_", "aerie_../", 1)), None);
        assert_eq!(Credential::of_cookie(&key), None);
    }

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
