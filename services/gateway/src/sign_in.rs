//! Signing in to the web app: OpenID Connect, authorization code with PKCE (RFC 7636).
//!
//! What has to be remembered while somebody is at their issuer lies in a cookie of their own browser, so that any gateway
//! can go on and strangers can fill no store. The session that follows is kept here; the browser gets its secret only.

mod discovery;
mod page;

use std::sync::Arc;

use aerie_config::{Accounts, Secret};
use aerie_rpc::{ErrorCode, RpcError};
use aerie_store::access::WebSession;
use aerie_tasks::Clock;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tonic::body::Body;
use url::form_urlencoded;

use self::discovery::{Discovery, Endpoints};
use crate::{
    accounts::secrets::{Credential, challenge, random_text},
    answer,
    app::Inner,
    callers::{Asking, FORGERY_COOKIE, Means, SESSION_COOKIE, cookie, forget, idle_since, only},
    fetch::Fetcher,
    json::refuse,
    tokens::Expected,
    web::is_page,
};

/// Where signing in begins.
pub(crate) const LOGIN: &str = "/auth/login";
const CALLBACK: &str = "/auth/callback";
const LOGOUT: &str = "/auth/logout";
/// Holds state, verifier, nonce and the way back, while somebody is at their issuer.
const PENDING_COOKIE: &str = "__Host-aerie-signin";
const PENDING_SECONDS: u64 = 600;
const MOST_WAY_BACK_BYTES: usize = 500;
const MOST_CODE_BYTES: usize = 2048;
const MOST_USER_AGENT_CHARACTERS: usize = 200;
/// Codes being redeemed at once; no limit of a person holds yet.
const REDEEMED_AT_ONCE: usize = 16;

/// Signs people in with one issuer.
#[derive(Debug)]
pub(crate) struct SignIn {
    client_id: String,
    client_secret: Secret,
    scopes: String,
    redirect: String,
    fetcher: Fetcher,
    discovery: Discovery,
    turns: Semaphore,
}

/// What the issuer gives for a code.
#[derive(Deserialize)]
struct Redeemed {
    id_token: String,
}

/// What was remembered in the cookie.
struct Pending<'a> {
    state: &'a str,
    verifier: &'a str,
    nonce: &'a str,
    way_back: String,
}

impl SignIn {
    /// None when the settings name no issuer for it.
    pub(crate) fn new(settings: &Accounts, fetcher: &Fetcher, clock: Arc<dyn Clock>) -> Option<Self> {
        let issuer = settings.sign_in_issuer()?;
        let address = settings.public_addresses.first()?;
        Some(Self {
            client_id: settings.sign_in.client_id.clone(),
            client_secret: settings.sign_in.client_secret.clone(),
            scopes: settings.sign_in.scopes.join(" "),
            redirect: format!("{address}{CALLBACK}"),
            fetcher: fetcher.clone(),
            discovery: Discovery::new(&issuer.issuer, fetcher.clone(), clock),
            turns: Semaphore::new(REDEEMED_AT_ONCE),
        })
    }

    async fn begin(&self, query: &str) -> Result<Response<Body>, RpcError> {
        let Endpoints { authorization, .. } = self.discovery.endpoints().await?;
        let (state, verifier, nonce) = (random_text()?, random_text()?, random_text()?);
        let challenge = challenge(&verifier);
        let mut address = authorization;
        address.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect),
            ("scope", &self.scopes),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let way_back = URL_SAFE_NO_PAD.encode(way_back(query));
        let pending = format!("{state}.{verifier}.{nonce}.{way_back}");
        let cookies = [cookie(PENDING_COOKIE, &pending, PENDING_SECONDS, false)];
        Ok(redirect(address.as_str(), cookies))
    }

    /// Redeems a code; gives the identity's token.
    async fn redeem(&self, code: &str, verifier: &str) -> Result<String, RpcError> {
        let _turn = self.turns.try_acquire().map_err(|_| {
            let message = "too many people sign in at this moment; try again";
            RpcError::exhausted("TOO_MANY_CALLS", message, std::time::Duration::from_secs(1))
        })?;
        let endpoints = self.discovery.endpoints().await?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("client_id", &self.client_id),
            ("code_verifier", verifier),
        ];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let secret = &self.client_secret;
        let basic = secret.is_set().then(|| (self.client_id.as_str(), secret.reveal()));
        let answer = self.fetcher.post(endpoints.token.as_str(), form, basic).await.map_err(|error| {
            tracing::warn!(%error, "a sign-in was not confirmed by the issuer: {error}");
            failed("the issuer did not confirm it")
        })?;
        let redeemed: Redeemed =
            serde_json::from_slice(&answer).map_err(|_| failed("the issuer's answer cannot be read"))?;
        Ok(redeemed.id_token)
    }
}

/// Answers one of the addresses of signing in; none for any other address.
pub(crate) async fn answer(inner: &Inner, asking: Asking<'_>, query: &str) -> Option<Response<Body>> {
    let path = asking.path;
    if !matches!(path, LOGIN | CALLBACK | LOGOUT) {
        return None;
    }
    let Some(sign_in) = inner.callers.sign_in() else {
        let message = "nobody signs in here: accounts.sign_in.issuer names no issuer";
        return Some(refuse(inner, RpcError::not_found("SIGN_IN_OFF", message).into()));
    };
    let answered = match (path, asking.method) {
        (LOGIN, &Method::GET) => sign_in.begin(query).await,
        (CALLBACK, &Method::GET) => finish(inner, sign_in, asking.headers, query).await,
        (LOGOUT, &Method::POST) => {
            return Some(match log_out(inner, asking).await {
                Ok(response) => response,
                Err(error) => refuse(inner, error.into()),
            });
        }
        _ => {
            let message = "this address is not for that method";
            Err(RpcError::new(ErrorCode::Unimplemented, "METHOD_NOT_ALLOWED", message))
        }
    };
    // People see this, not programs.
    Some(answered.unwrap_or_else(|error| page::failed(&error)))
}

async fn finish(inner: &Inner, sign_in: &SignIn, headers: &HeaderMap, query: &str) -> Result<Response<Body>, RpcError> {
    let value = |name: &str| {
        let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.into_owned()).filter(|_| found.next().is_none()).unwrap_or_default()
    };
    let cookie_text = only(headers, PENDING_COOKIE)?.unwrap_or_default();
    let pending =
        Pending::read(cookie_text).ok_or_else(|| failed("it was not begun in this browser, or too long ago"))?;
    // Both come from this browser, so the time of the comparison tells nobody anything.
    if value("state") != pending.state {
        return Err(failed("it was not begun in this browser"));
    }
    if !value("error").is_empty() {
        return Err(failed("the issuer refused it"));
    }
    let issuer = value("iss");
    if !issuer.is_empty() && issuer != sign_in.discovery.issuer() {
        return Err(failed("it came back from another issuer"));
    }
    let code = value("code");
    if code.is_empty() || code.len() > MOST_CODE_BYTES {
        return Err(failed("the issuer sent no code"));
    }
    let token = sign_in.redeem(&code, pending.verifier).await?;
    let known = inner.callers.known().ok_or_else(|| RpcError::internal("signing in without accounts"))?;
    let expected = Expected { audience: Some(&sign_in.client_id), nonce: Some(pending.nonce) };
    let vouched = known.tokens.check(&token, expected).await?;
    let person = known.person(vouched).await?;
    let (credential, now) = (Credential::make()?, known.clock.now());
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let session = WebSession {
        id: credential.id.clone(),
        person,
        secret_hash: credential.digest(),
        user_agent: agent.chars().take(MOST_USER_AGENT_CHARACTERS).collect(),
        created_at: now,
        last_used_at: now,
        ends_at: now + TimeDelta::hours(i64::from(known.session.longest_hours)),
    };
    known.store.add_session(&session, idle_since(&known.session, now)).await?;
    tracing::info!(%person, "somebody signed in");
    let seconds = u64::from(known.session.longest_hours) * 3600;
    let cookies = [
        cookie(SESSION_COOKIE, &credential.cookie(), seconds, false),
        cookie(FORGERY_COOKIE, &credential.forgery_token(), seconds, true),
        forget(PENDING_COOKIE),
    ];
    Ok(redirect(&pending.way_back, cookies))
}

/// Ends the session that the request came with.
async fn log_out(inner: &Inner, asking: Asking<'_>) -> Result<Response<Body>, RpcError> {
    let caller = inner.callers.decide(asking, &inner.lifecycle).await?;
    if let (Means::Session { id }, Some(known)) = (&caller.means, inner.callers.known()) {
        known.store.end_session(caller.account()?, id).await?;
    }
    let mut response = answer::json(StatusCode::OK, &serde_json::json!({}));
    set(&mut response, [forget(SESSION_COOKIE), forget(FORGERY_COOKIE)]);
    Ok(response)
}

impl<'a> Pending<'a> {
    fn read(cookie: &'a str) -> Option<Self> {
        let mut parts = cookie.split('.');
        let (state, verifier, nonce, way_back) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_whole = parts.next().is_none() && [state, verifier, nonce].iter().all(|part| !part.is_empty());
        let way_back = String::from_utf8(URL_SAFE_NO_PAD.decode(way_back).ok()?).ok()?;
        is_whole.then(|| Self { state, verifier, nonce, way_back: local(&way_back) })
    }
}

/// Where somebody wanted to go (`?to=/review`).
fn way_back(query: &str) -> String {
    let wanted = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "to");
    wanted.map(|(_, address)| local(&address)).unwrap_or_else(|| "/".to_owned())
}

/// The address when it is that of one of our own pages, else the first page: a browser would follow others away from here.
fn local(address: &str) -> String {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_ours = address.len() <= MOST_WAY_BACK_BYTES && path.starts_with('/') && !path.starts_with("//");
    if is_plain && is_ours && is_page(path) && !path.starts_with("/auth/") {
        address.to_owned()
    } else {
        "/".to_owned()
    }
}

fn failed(why: &str) -> RpcError {
    RpcError::new(ErrorCode::Unauthenticated, "SIGN_IN_FAILED", format!("signing in did not work: {why}"))
}

fn redirect<const COUNT: usize>(address: &str, cookies: [Option<HeaderValue>; COUNT]) -> Response<Body> {
    let mut response = answer::content(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    set(&mut response, cookies);
    response
}

fn set<const COUNT: usize>(response: &mut Response<Body>, cookies: [Option<HeaderValue>; COUNT]) {
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_pages_of_this_app_only() {
        for fine in ["/", "/review", "/jobs/0190?tab=letter#end"] {
            assert_eq!(local(fine), fine);
        }
        for elsewhere in [
            "",
            "review",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/evil.example",
            "/a\r\nset-cookie: x=1",
            "/ä",
            "/auth/logout",
            &format!("/{}", "a".repeat(600)),
        ] {
            assert_eq!(local(elsewhere), "/", "{elsewhere}");
        }
        assert_eq!(way_back("to=%2Freview%3Fq%3D1"), "/review?q=1");
        assert_eq!(way_back("to=%2F%2Fevil.example"), "/");
    }

    #[test]
    fn a_cookie_that_is_not_whole_is_none() {
        assert!(Pending::read("s.v.n.Lw").is_some_and(|pending| pending.way_back == "/"));
        for wrong in ["", "s.v.n", "s.v.n.Lw.x", ".v.n.Lw", "s.v.n.%%"] {
            assert!(Pending::read(wrong).is_none(), "{wrong}");
        }
    }
}
