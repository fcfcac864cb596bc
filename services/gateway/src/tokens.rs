//! Tokens of issuers (JWT, RFC 7519), checked as RFC 8725 advises.
//!
//! The issuer's settings say which keys and algorithms count; what a token says of itself only chooses among them.

pub(crate) mod jws;
mod key_sets;
pub(crate) mod keys;

use std::sync::Arc;

use aerie_config::Issuer;
use aerie_rpc::{ErrorCode, RpcError};
use aerie_tasks::Clock;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use thiserror::Error;

use self::{jws::Jws, key_sets::KeySet};
use crate::fetch::{FetchError, Fetcher};

/// Longest subject: OpenID Connect allows 255 ASCII characters.
const MOST_SUBJECT_BYTES: usize = 255;
const MOST_NAME_CHARACTERS: usize = 200;

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Its form.
    #[error("the token is not a JWT that is accepted here: {0}")]
    Malformed(&'static str),
    /// How it is signed.
    #[error("the token is not signed in a way that is accepted here; RS256, ES256 and EdDSA can be")]
    Algorithm,
    /// Who issued it.
    #[error("the token's issuer is not known here")]
    Issuer,
    /// The key that signed it.
    #[error("the token is signed with a key that its issuer does not have")]
    Key,
    /// The signature.
    #[error("the token's signature is wrong")]
    Signature,
    /// Whom it is for.
    #[error("the token is meant for another service")]
    Audience,
    /// Its end is past.
    #[error("the token has expired; get a new one")]
    Expired,
    /// Its beginning is ahead.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Whose it is.
    #[error("the token does not say whose it is (sub)")]
    Subject,
    /// The sign-in that it was made for.
    #[error("the token does not belong to this sign-in")]
    Nonce,
    /// Nobody can tell now.
    #[error("the issuer's keys cannot be fetched now; try again")]
    KeysMissing,
}

impl TokenError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "TOKEN_MALFORMED",
            Self::Algorithm => "TOKEN_ALGORITHM",
            Self::Issuer => "TOKEN_ISSUER_UNKNOWN",
            Self::Key => "TOKEN_KEY_UNKNOWN",
            Self::Signature => "TOKEN_SIGNATURE_WRONG",
            Self::Audience => "TOKEN_FOR_OTHERS",
            Self::Expired => "TOKEN_EXPIRED",
            Self::NotYetValid => "TOKEN_NOT_YET_VALID",
            Self::Subject => "TOKEN_WITHOUT_SUBJECT",
            Self::Nonce => "TOKEN_OF_ANOTHER_SIGN_IN",
            Self::KeysMissing => "ISSUER_UNREACHABLE",
        }
    }
}

impl From<TokenError> for RpcError {
    fn from(error: TokenError) -> Self {
        let reason = error.reason();
        match error {
            TokenError::KeysMissing => Self::new(ErrorCode::Unavailable, reason, error.to_string())
                .retry_after(std::time::Duration::from_secs(10)),
            _ => Self::new(ErrorCode::Unauthenticated, reason, error.to_string()),
        }
    }
}

/// Who somebody is at their issuer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The issuer.
    pub issuer: String,
    /// The person there.
    pub subject: String,
    /// As the issuer calls them; may be empty.
    pub name: String,
}

/// Whom a token that is fine vouches for.
#[derive(Debug, Clone)]
pub(crate) struct Vouched {
    pub(crate) identity: Identity,
    /// When it was issued, if it says so.
    pub(crate) issued_at: Option<DateTime<Utc>>,
}

/// What a token must say beyond its issuer and its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// Whom it is for; the issuer's own setting when absent.
    pub(crate) audience: Option<&'a str>,
    /// The number that this sign-in sent along.
    pub(crate) nonce: Option<&'a str>,
}

/// Checks tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    issuers: Vec<(Issuer, KeySet)>,
    clock: Arc<dyn Clock>,
}

impl Tokens {
    pub(crate) fn new(issuers: &[Issuer], fetcher: &Fetcher, clock: Arc<dyn Clock>) -> Self {
        let with_keys =
            |issuer: &Issuer| (issuer.clone(), KeySet::new(&issuer.jwks_url, fetcher.clone(), Arc::clone(&clock)));
        Self { issuers: issuers.iter().map(with_keys).collect(), clock }
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) async fn check(&self, token: &str, expected: Expected<'_>) -> Result<Vouched, TokenError> {
        let jws = Jws::parse(token)?;
        let claimed = jws.claims.get("iss").and_then(Value::as_str).ok_or(TokenError::Issuer)?;
        let (issuer, keys) =
            self.issuers.iter().find(|(issuer, _)| issuer.issuer == claimed).ok_or(TokenError::Issuer)?;
        if !issuer.algorithms.contains(&jws.algorithm) {
            return Err(TokenError::Algorithm);
        }
        check_signature(&jws, keys).await?;
        self.check_times(&jws.claims, issuer)?;
        let audience = expected.audience.unwrap_or(&issuer.audience);
        check_audience(&jws.claims, audience, expected.audience.is_some())?;
        if expected.nonce.is_some_and(|nonce| jws.claims.get("nonce").and_then(Value::as_str) != Some(nonce)) {
            return Err(TokenError::Nonce);
        }
        let subject = jws.claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        let is_plain = subject.chars().all(|character| !character.is_control());
        if subject.is_empty() || subject.len() > MOST_SUBJECT_BYTES || !is_plain {
            return Err(TokenError::Subject);
        }
        let identity = Identity { issuer: issuer.issuer.clone(), subject: subject.to_owned(), name: name(&jws.claims) };
        let issued = jws.claims.get("iat").and_then(Value::as_f64);
        let issued_at = issued.and_then(|seconds| DateTime::from_timestamp_micros((seconds * 1e6) as i64));
        Ok(Vouched { identity, issued_at })
    }

    fn check_times(&self, claims: &Map<String, Value>, issuer: &Issuer) -> Result<(), TokenError> {
        let now = self.clock.now().timestamp_micros() as f64 / 1e6;
        let leeway = issuer.leeway_seconds as f64;
        let time = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or(TokenError::Malformed("a time in it is not a number")),
        };
        let expires = time("exp")?.ok_or(TokenError::Malformed("it never expires (exp)"))?;
        if now >= expires + leeway {
            return Err(TokenError::Expired);
        }
        let begins = [time("nbf")?, time("iat")?];
        if begins.into_iter().flatten().any(|begin| now + leeway < begin) {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}

async fn check_signature(jws: &Jws<'_>, keys: &KeySet) -> Result<(), TokenError> {
    let found = keys.named(jws.key_id.as_deref()).await.map_err(|_: FetchError| TokenError::KeysMissing)?;
    // A key of another kind is no key for this token, whatever its name.
    let fitting: Vec<_> = found.iter().filter(|key| key.algorithm() == jws.algorithm).collect();
    match (fitting.as_slice(), &jws.key_id) {
        ([], _) => Err(TokenError::Key),
        // Without a name there must be no choice.
        ([_, _, ..], None) => Err(TokenError::Key),
        (keys, _) if keys.iter().any(|key| key.verifies(jws.signed, &jws.signature)) => Ok(()),
        _ => Err(TokenError::Signature),
    }
}

fn check_audience(claims: &Map<String, Value>, wanted: &str, is_sign_in: bool) -> Result<(), TokenError> {
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let other_party = claims.get("azp").is_some_and(|party| party.as_str() != Some(wanted));
    if !audiences.contains(&wanted) || (is_sign_in && other_party) {
        return Err(TokenError::Audience);
    }
    Ok(())
}

fn name(claims: &Map<String, Value>) -> String {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let name = text("name").or_else(|| text("preferred_username")).or_else(|| text("email")).unwrap_or_default();
    name.chars().filter(|character| !character.is_control()).take(MOST_NAME_CHARACTERS).collect()
}
