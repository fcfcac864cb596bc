//! An issuer of tokens for tests: OpenID Connect with discovery, keys of every kind that rotate, and the authorization-code
//! flow with PKCE. It mints whatever a test asks for, wrong tokens too; its flow is as strict as a real one's.

mod keys;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::Utc;
use ring::digest;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::form_urlencoded;
use uuid::Uuid;

pub use self::keys::KeyError;
use self::keys::{SigningKey, generation};

/// How long its tokens last.
const LIFETIME_SECONDS: i64 = 3600;

/// A program that signs people in with the issuer.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret; empty for none.
    pub secret: String,
    /// The one address that people are sent back to.
    pub redirect: String,
}

/// Changes the claims of a token that is given for a code.
type Distortion = Arc<dyn Fn(&mut Value) + Send + Sync>;

struct Shared {
    url: String,
    state: Mutex<Now>,
}

struct Now {
    generation: usize,
    keys: Vec<SigningKey>,
    key_fetches: usize,
    is_down: bool,
    client: Client,
    /// Who sits at the browser: subject and name.
    person: (String, String),
    codes: HashMap<String, Code>,
    distortion: Option<Distortion>,
}

struct Code {
    challenge: String,
    nonce: String,
    person: (String, String),
}

/// A running issuer; it stops when dropped.
pub struct TestIssuer {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for TestIssuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TestIssuer").field("url", &self.shared.url).finish_non_exhaustive()
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TestIssuer {
    /// Starts an issuer on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be opened or no key be made.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address: SocketAddr = listener.local_addr()?;
        let now = Now {
            generation: 1,
            keys: generation(1).map_err(std::io::Error::other)?,
            key_fetches: 0,
            is_down: false,
            client: Client::default(),
            person: ("ada".into(), "Ada".into()),
            codes: HashMap::new(),
            distortion: None,
        };
        let shared = Arc::new(Shared { url: format!("http://{address}"), state: Mutex::new(now) });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the test issuer stopped");
            }
        });
        Ok(Self { shared, task })
    }

    /// What stands in the `iss` of its tokens.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Where its keys are.
    pub fn jwks_url(&self) -> String {
        format!("{}/keys", self.shared.url)
    }

    /// Claims of a token that is fine.
    pub fn claims(&self, subject: &str, audience: &str) -> Value {
        let now = Utc::now().timestamp();
        json!({ "iss": self.shared.url, "sub": subject, "aud": audience, "iat": now, "exp": now + LIFETIME_SECONDS })
    }

    /// A token with these claims, signed with the present key for the algorithm (`RS256`, `ES256`, `EdDSA`).
    ///
    /// # Errors
    /// An algorithm that it has no key for.
    pub fn mint(&self, algorithm: &str, claims: &Value) -> Result<String, KeyError> {
        let header = json!({ "alg": algorithm, "typ": "JWT", "kid": self.key_id(algorithm) });
        self.mint_with(algorithm, &header.to_string(), &claims.to_string())
    }

    /// A token of exactly this header and these claims, whatever they say, signed with the key for the algorithm.
    ///
    /// # Errors
    /// An algorithm that it has no key for.
    pub fn mint_with(&self, algorithm: &str, header: &str, claims: &str) -> Result<String, KeyError> {
        self.shared.state().mint(algorithm, header, claims)
    }

    /// Name of the present key for an algorithm; empty without one.
    pub fn key_id(&self, algorithm: &str) -> String {
        self.shared.state().key(algorithm).map(|key| key.id.clone()).unwrap_or_default()
    }

    /// The public key for an algorithm, which everybody knows.
    pub fn public_key(&self, algorithm: &str) -> Vec<u8> {
        self.shared.state().key(algorithm).map(SigningKey::public_bytes).unwrap_or_default()
    }

    /// Replaces every key by another with another name.
    ///
    /// # Errors
    /// When none can be made.
    pub fn rotate(&self) -> Result<(), KeyError> {
        let mut now = self.shared.state();
        now.generation += 1;
        now.keys = generation(now.generation)?;
        Ok(())
    }

    /// Answers everything with 503, or no longer.
    pub fn set_down(&self, is_down: bool) {
        self.shared.state().is_down = is_down;
    }

    /// How often its keys were asked for.
    pub fn key_fetches(&self) -> usize {
        self.shared.state().key_fetches
    }

    /// Knows this one program from now on.
    pub fn register(&self, client: Client) {
        self.shared.state().client = client;
    }

    /// Who sits at the browser from now on.
    pub fn seat(&self, subject: &str, name: &str) {
        self.shared.state().person = (subject.to_owned(), name.to_owned());
    }

    /// Changes the claims of tokens that are given for a code.
    pub fn distort(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.shared.state().distortion = Some(Arc::new(change));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Now> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    fn key(&self, algorithm: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.algorithm == algorithm)
    }

    fn mint(&self, algorithm: &str, header: &str, claims: &str) -> Result<String, KeyError> {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let key = self.key(algorithm).ok_or_else(|| KeyError::missing(algorithm))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())?)))
    }
}

async fn configuration(State(shared): State<Arc<Shared>>) -> Response {
    if shared.state().is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let url = &shared.url;
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
    .into_response()
}

async fn keys(State(shared): State<Arc<Shared>>) -> Response {
    let mut now = shared.state();
    now.key_fetches += 1;
    if now.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    Json(json!({ "keys": now.keys.iter().map(SigningKey::public).collect::<Vec<_>>() })).into_response()
}

/// Whoever sits at the browser agrees at once.
async fn authorize(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let asked = fields(query.unwrap_or_default().as_bytes());
    let value = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let mut now = shared.state();
    let is_ours = value("client_id") == now.client.id && value("redirect_uri") == now.client.redirect;
    let is_code = value("response_type") == "code" && value("scope").split(' ').any(|scope| scope == "openid");
    let has_challenge = value("code_challenge_method") == "S256" && !value("code_challenge").is_empty();
    if !is_ours || !is_code || !has_challenge || value("state").is_empty() {
        return refused("invalid_request");
    }
    let code = Uuid::new_v4().to_string();
    let kept = Code { challenge: value("code_challenge"), nonce: value("nonce"), person: now.person.clone() };
    now.codes.insert(code.clone(), kept);
    let back = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("code", code.as_str()), ("state", &value("state")), ("iss", &shared.url)])
        .finish();
    Redirect::to(&format!("{}?{back}", now.client.redirect)).into_response()
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let asked = fields(&body);
    let value = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    let mut now = shared.state();
    let expected = format!("Basic {}", STANDARD.encode(format!("{}:{}", now.client.id, now.client.secret)));
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let is_known = if now.client.secret.is_empty() { sent.is_none() } else { sent == Some(expected.as_str()) };
    if !is_known || value("client_id") != now.client.id {
        return refused("invalid_client");
    }
    // A code is good for one try.
    let Some(code) = now.codes.remove(value("code")) else { return refused("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, value("code_verifier").as_bytes()));
    let is_same = challenge == code.challenge && value("redirect_uri") == now.client.redirect;
    if !is_same || value("grant_type") != "authorization_code" {
        return refused("invalid_grant");
    }
    let (time, (subject, name)) = (Utc::now().timestamp(), code.person);
    let mut claims = json!({
        "iss": shared.url, "sub": subject, "name": name, "aud": now.client.id, "nonce": code.nonce,
        "iat": time, "exp": time + LIFETIME_SECONDS,
    });
    if let Some(distortion) = &now.distortion {
        distortion(&mut claims);
    }
    let header = json!({ "alg": "ES256", "kid": now.key("ES256").map(|key| key.id.clone()) });
    match now.mint("ES256", &header.to_string(), &claims.to_string()) {
        Ok(token) => {
            Json(json!({ "access_token": "unused", "token_type": "Bearer", "expires_in": 60, "id_token": token }))
                .into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn refused(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
}

fn fields(form: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(form).into_owned().collect()
}
