//! Keys that a test's issuer signs with.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::{Value, json};

/// Making an RSA key takes long, and `ring` does not do it. These two sign for tests and for nothing else.
const RSA: [&[u8]; 2] = [include_bytes!("../../data/issuer/rsa-1.der"), include_bytes!("../../data/issuer/rsa-2.der")];

/// A key could not be made or used.
#[derive(Debug, thiserror::Error)]
#[error("the issuer's key: {0}")]
pub struct KeyError(String);

impl KeyError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }

    pub(super) fn missing(algorithm: &str) -> Self {
        Self(format!("there is none for {algorithm}"))
    }
}

/// A key with its name.
pub(super) struct SigningKey {
    pub(super) id: String,
    pub(super) algorithm: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// One key of each kind; those of the next generation are others.
pub(super) fn generation(number: usize) -> Result<Vec<SigningKey>, KeyError> {
    let random = SystemRandom::new();
    let rsa = RSA.get(number % RSA.len()).copied().unwrap_or_default();
    let elliptic = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(KeyError::of)?;
    let edwards = Ed25519KeyPair::generate_pkcs8(&random).map_err(KeyError::of)?;
    let elliptic = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, elliptic.as_ref(), &random);
    let key = |name: &str, algorithm, pair| SigningKey { id: format!("{name}-{number}"), algorithm, pair };
    Ok(vec![
        key("rsa", "RS256", Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(rsa).map_err(KeyError::of)?))),
        key("ec", "ES256", Pair::P256(elliptic.map_err(KeyError::of)?)),
        key("ed", "EdDSA", Pair::Ed25519(Ed25519KeyPair::from_pkcs8(edwards.as_ref()).map_err(KeyError::of)?)),
    ])
}

impl SigningKey {
    /// The public part as a JSON Web Key.
    pub(super) fn public(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut key = match &self.pair {
            Pair::Rsa(pair) => {
                let parts = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": text(&parts.n), "e": text(&parts.e) })
            }
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point.get(1..).unwrap_or_default().split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
        };
        key["kid"] = json!(self.id);
        key["alg"] = json!(self.algorithm);
        key["use"] = json!("sig");
        key
    }

    /// The bytes of the public key, as an attacker who knows it would use them.
    pub(super) fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => pair.public().as_ref().to_vec(),
            Pair::P256(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(KeyError::of)?;
                Ok(signature)
            }
            Pair::P256(pair) => Ok(pair.sign(&random, message).map_err(KeyError::of)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}
