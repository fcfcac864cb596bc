//! Signing in to Google as a service account: a signed statement (RFC 7523) is exchanged for a token of an hour.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use http::Method;
use ring::{rand::SystemRandom, rsa, signature::RSA_PKCS1_SHA256};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde::Deserialize;
use serde_json::json;

use aerie_config::Secret;

use crate::{PushError, Wire, settings::Problems, wire::known};

const TOKEN_ADDRESS: &str = "https://oauth2.googleapis.com/token";

/// What a key file of a service account says.
#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

/// What to say where a key is described.
pub(crate) const ABOUT_KEY: &str =
    "the JSON key file of a service account (console.cloud.google.com > IAM > Service accounts > Keys)";

/// Checks a key file without asking anybody.
pub(crate) fn check_key(credentials: &Secret, problems: &mut Problems) {
    if let Err(reason) = read(credentials).and_then(|file| key(&file).map(drop)) {
        problems.add("credentials", reason);
    }
}

fn read(credentials: &Secret) -> Result<KeyFile, &'static str> {
    serde_json::from_str(credentials.reveal())
        .map_err(|_| "is no key file of a service account; give the JSON file that Google let you download, unchanged")
}

fn key(file: &KeyFile) -> Result<rsa::KeyPair, &'static str> {
    let wrong = "holds no private key that can be used (RSA, PKCS#8); make a new key for the service account";
    let der = PrivatePkcs8KeyDer::from_pem_slice(file.private_key.as_bytes()).map_err(|_| wrong)?;
    rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| wrong)
}

/// A token for a scope.
pub(crate) async fn token(wire: &Wire, credentials: &Secret, scope: &str) -> Result<String, PushError> {
    let wrong = |reason: &str| PushError::setting("credentials", reason);
    let file = read(credentials).map_err(wrong)?;
    let key = key(&file).map_err(wrong)?;
    let now = Utc::now().timestamp();
    let claims = json!({
        "iss": file.client_email, "scope": scope, "aud": TOKEN_ADDRESS, "iat": now, "exp": now + 3_600,
    });
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    let statement =
        format!("{}.{}", encode(json!({"alg": "RS256", "typ": "JWT"}).to_string()), encode(claims.to_string()));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), statement.as_bytes(), &mut signature)
        .map_err(|_| wrong("the private key cannot sign; make a new key for the service account"))?;
    let assertion = format!("{statement}.{}", URL_SAFE_NO_PAD.encode(signature));
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &assertion)
        .finish();
    let call = wire.call("Google", Method::POST, &known(TOKEN_ADDRESS)?);
    let answer = call.body("application/x-www-form-urlencoded", form).send().await?;
    if answer.status == 400 {
        let reason = "Google does not accept the key of the service account; it may have been deleted: make a new one";
        return Err(PushError::Credentials { reason: reason.to_owned() });
    }
    Ok(answer.json::<Token>()?.access_token)
}
