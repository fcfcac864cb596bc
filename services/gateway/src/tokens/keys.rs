//! The public keys of an issuer (RFC 7517), and signatures checked with them.

use aerie_config::TokenAlgorithm;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::Value;

/// Keys of one issuer that are looked at.
const MOST_KEYS: usize = 64;
const MOST_MODULUS_BYTES: usize = 1024;
const COORDINATE_BYTES: usize = 32;

/// One public key, for one algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name, if it has one.
    pub id: Option<String>,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// The uncompressed point.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    /// Reads the keys of a set that can check signatures; others are passed over. None when it is no set.
    pub fn read_set(document: &[u8]) -> Option<Vec<Self>> {
        let document: Value = serde_json::from_slice(document).ok()?;
        let keys = document.get("keys")?.as_array()?;
        Some(keys.iter().filter_map(Self::read).take(MOST_KEYS).collect())
    }

    fn read(key: &Value) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?.trim_end_matches('=')).ok();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let operations = key.get("key_ops").and_then(Value::as_array);
        if operations.is_some_and(|operations| !operations.iter().any(|operation| operation == "verify")) {
            return None;
        }
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa { modulus: bytes("n")?, exponent: bytes("e")? },
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                let is_point = x.len() == COORDINATE_BYTES && y.len() == COORDINATE_BYTES;
                Material::P256(is_point.then(|| [&[4], x.as_slice(), y.as_slice()].concat())?)
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x").filter(|point| point.len() == COORDINATE_BYTES)?),
            _ => return None,
        };
        let read = Self { id: text("kid").map(str::to_owned), material };
        let says = text("alg").is_none_or(|name| name == read.algorithm().name() || name == "Ed25519");
        let is_small = !matches!(&read.material, Material::Rsa { modulus, .. } if modulus.len() > MOST_MODULUS_BYTES);
        (says && is_small).then_some(read)
    }

    /// The one algorithm that a key of this kind is for. What a token says of itself never changes it.
    pub fn algorithm(&self) -> TokenAlgorithm {
        match self.material {
            Material::Rsa { .. } => TokenAlgorithm::RS256,
            Material::P256(_) => TokenAlgorithm::ES256,
            Material::Ed25519(_) => TokenAlgorithm::EdDSA,
        }
    }

    /// Whether this key made the signature.
    pub fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        let checked = match &self.material {
            Material::Rsa { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                signed,
                signature,
            ),
            Material::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature),
            Material::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(signed, signature),
        };
        checked.is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn read(key: serde_json::Value) -> Option<TokenAlgorithm> {
        let set = json!({ "keys": [key] }).to_string();
        Key::read_set(set.as_bytes()).unwrap().first().map(Key::algorithm)
    }

    #[test]
    fn a_key_is_for_the_one_algorithm_of_its_kind() {
        let coordinate = URL_SAFE_NO_PAD.encode([7; 32]);
        let elliptic = json!({"kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate});
        assert_eq!(read(elliptic.clone()), Some(TokenAlgorithm::ES256));
        assert_eq!(read(json!({"kty": "OKP", "crv": "Ed25519", "x": coordinate})), Some(TokenAlgorithm::EdDSA));
        assert_eq!(read(json!({"kty": "RSA", "n": coordinate, "e": "AQAB"})), Some(TokenAlgorithm::RS256));
        for (name, value) in [
            ("alg", json!("RS256")),
            ("alg", json!("HS256")),
            ("use", json!("enc")),
            ("key_ops", json!(["sign"])),
            ("crv", json!("P-384")),
            ("x", json!(URL_SAFE_NO_PAD.encode([7; 31]))),
            ("kty", json!("oct")),
        ] {
            let mut wrong = elliptic.clone();
            wrong[name] = value.clone();
            assert_eq!(read(wrong), None, "{name}={value}");
        }
        assert_eq!(read(json!({"kty": "oct", "k": "c2VjcmV0"})), None);
    }

    #[test]
    fn documents_that_are_no_set_are_told_from_empty_ones() {
        assert_eq!(Key::read_set(br#"{"keys": []}"#), Some(vec![]));
        for wrong in ["", "[]", "{}", r#"{"keys": 1}"#, "<html>"] {
            assert_eq!(Key::read_set(wrong.as_bytes()), None, "{wrong}");
        }
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([7; 32])});
        let many = json!({ "keys": vec![key; 1000] }).to_string();
        assert_eq!(Key::read_set(many.as_bytes()).unwrap().len(), MOST_KEYS);
    }
}
