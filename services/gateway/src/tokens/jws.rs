//! The compact form of a signed token (RFC 7515), read strictly.
//!
//! Two programs that read the same token differently are what attackers look for, so everything that could be read in two
//! ways is refused: a name given twice, bits left over in the base 64, parts that are not JSON objects.

use std::fmt;

use aerie_config::TokenAlgorithm;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::tokens::TokenError;

/// Longest token.
pub(crate) const MOST_TOKEN_BYTES: usize = 8 * 1024;
const MOST_HEADER_BYTES: usize = 1024;
const MOST_KEY_ID_BYTES: usize = 128;

/// A token whose signature nobody has looked at yet.
#[derive(Debug)]
pub struct Jws<'a> {
    /// How it says that it is signed.
    pub algorithm: TokenAlgorithm,
    /// Name of the key; only ever compared with names that the issuer gave.
    pub key_id: Option<String>,
    /// What it says.
    pub claims: Map<String, Value>,
    /// What was signed.
    pub signed: &'a [u8],
    /// The signature.
    pub signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// It is too long, not in the compact form, or could be read in two ways.
    pub fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MOST_TOKEN_BYTES {
            return Err(TokenError::Malformed("it is longer than 8192 bytes"));
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed("it does not have three parts"));
        };
        let header_bytes = decode(header)?;
        if header_bytes.len() > MOST_HEADER_BYTES {
            return Err(TokenError::Malformed("its header is longer than 1024 bytes"));
        }
        let header_fields = object(&header_bytes)?;
        let (algorithm, key_id) = read_header(&header_fields)?;
        let signed = token.get(..header.len() + 1 + claims.len()).unwrap_or_default().as_bytes();
        Ok(Self { algorithm, key_id, claims: object(&decode(claims)?)?, signed, signature: decode(signature)? })
    }
}

fn read_header(header: &Map<String, Value>) -> Result<(TokenAlgorithm, Option<String>), TokenError> {
    if header.contains_key("crit") {
        return Err(TokenError::Malformed("its header asks for an extension (crit)"));
    }
    if let Some(kind) = header.get("typ") {
        let kind = kind.as_str().unwrap_or_default().to_ascii_lowercase();
        if !matches!(kind.strip_prefix("application/").unwrap_or(&kind), "jwt" | "at+jwt") {
            return Err(TokenError::Malformed("its header says that it is something else than a JWT (typ)"));
        }
    }
    let algorithm = match header.get("alg").and_then(Value::as_str) {
        Some("RS256") => TokenAlgorithm::RS256,
        Some("ES256") => TokenAlgorithm::ES256,
        Some("EdDSA" | "Ed25519") => TokenAlgorithm::EdDSA,
        _ => return Err(TokenError::Algorithm),
    };
    let key_id = match header.get("kid") {
        None => None,
        Some(Value::String(id)) if !id.is_empty() && id.len() <= MOST_KEY_ID_BYTES => Some(id.clone()),
        Some(_) => return Err(TokenError::Malformed("the name of its key (kid) is not a short text")),
    };
    Ok((algorithm, key_id))
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed("a part of it is not in base 64 for addresses"))
}

/// Reads a JSON object in which no name occurs twice.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, TokenError> {
    let read = serde_json::from_slice::<Unique>(bytes);
    read.map(|unique| unique.0)
        .map_err(|_| TokenError::Malformed("a part of it is not one JSON object of unique names"))
}

struct Unique(Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Unique, A::Error> {
        let mut fields = Map::new();
        while let Some((name, value)) = entries.next_entry::<String, Value>()? {
            if fields.insert(name, value).is_some() {
                return Err(A::Error::custom("a name occurs twice"));
            }
        }
        Ok(Unique(fields))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn token(header: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(header), part(claims), part("signature"))
    }

    #[test]
    fn a_token_is_taken_apart() {
        let text = token(r#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#, r#"{"sub":"ada"}"#);
        let jws = Jws::parse(&text).unwrap();
        assert_eq!((jws.algorithm, jws.key_id.as_deref()), (TokenAlgorithm::ES256, Some("k1")));
        assert_eq!((jws.claims["sub"].as_str(), jws.signature.as_slice()), (Some("ada"), &b"signature"[..]));
        assert_eq!(jws.signed, text.rsplit_once('.').unwrap().0.as_bytes());
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let fine = token(r#"{"alg":"ES256"}"#, "{}");
        assert!(Jws::parse(&fine).is_ok());
        for wrong in [
            token(r#"{"alg":"ES256","alg":"none"}"#, "{}"),
            token(r#"{"alg":"ES256"}"#, r#"{"sub":"ada","sub":"ben"}"#),
            token(r#"{"alg":"ES256","\u0061lg":"RS256"}"#, "{}"),
            token(r#"{"alg":"ES256"} {"alg":"RS256"}"#, "{}"),
            token(r#"{"alg":"none"}"#, "{}"),
            token(r#"{"alg":"HS256"}"#, "{}"),
            token(r#"{"alg":"es256"}"#, "{}"),
            token(r#"{"alg":["ES256"]}"#, "{}"),
            token("{}", "{}"),
            token(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#, "{}"),
            token(r#"{"alg":"ES256","typ":"logout+jwt"}"#, "{}"),
            token(r#"{"alg":"ES256","kid":7}"#, "{}"),
            token(r#"{"alg":"ES256","kid":""}"#, "{}"),
            token(&format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(129)), "{}"),
            token(&format!(r#"{{"alg":"ES256","pad":"{}"}}"#, "k".repeat(1100)), "{}"),
            token(r#"{"alg":"ES256"}"#, "[]"),
            token(r#"{"alg":"ES256"}"#, &format!(r#"{{"pad":"{}"}}"#, "k".repeat(9000))),
            format!("{fine}="),
            format!("{fine}."),
            fine.replace('.', ""),
            format!(" {fine}"),
            // The same bytes, written with bits left over.
            format!("{}.e30.eQ", URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#)).replace(".eQ", ".eR"),
        ] {
            assert!(Jws::parse(&wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,300}", header in "\\PC{0,80}", claims in "\\PC{0,80}") {
            let _ = Jws::parse(&text);
            let _ = Jws::parse(&token(&header, &claims));
        }
    }
}
