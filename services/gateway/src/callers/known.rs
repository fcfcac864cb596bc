//! Callers of an installation with accounts: a token, an API key, or the cookie of a session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use aerie_config::{Accounts, Session};
use aerie_rpc::{ErrorCode, RpcError};
use aerie_store::PersonId;
use aerie_tasks::Clock;
use aerie_telemetry::Lifecycle;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Method, header};
use tokio::sync::Semaphore;

use super::{
    Asking, Caller, Means, SESSION_COOKIE, only,
    scopes::{Effect, Scope},
};
use crate::{
    accounts::{
        Account, AccountStore,
        secrets::{Credential, KEY_PREFIX},
    },
    calendar,
    fetch::Fetcher,
    sign_in::SignIn,
    tokens::{Expected, Identity, Tokens, Vouched, jws::MOST_TOKEN_BYTES},
};

/// Header in which a page of the app shows that it is ours.
pub(crate) const FORGERY_HEADER: &str = "x-csrf-token";
/// How exact "last used" is.
const USE_NOTED_EVERY: TimeDelta = TimeDelta::seconds(60);
/// Identities whose person is remembered, and for how long: a person who was deleted is then made anew.
const MOST_REMEMBERED: usize = 10_000;
const REMEMBERED_FOR: TimeDelta = TimeDelta::seconds(30);
/// Look-ups for callers whom nobody knows yet, at once; no limit of a person holds for them.
const LOOKUPS_AT_ONCE: usize = 64;

/// Decides who is asking by what they bring.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) store: AccountStore,
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) session: Session,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) api_keys: bool,
    pub(crate) tokens: Arc<Tokens>,
    remembered: Mutex<HashMap<Identity, (Account, DateTime<Utc>)>>,
    lookups: Semaphore,
}

impl Known {
    pub(crate) fn new(settings: &Accounts, store: AccountStore, fetcher: &Fetcher, clock: Arc<dyn Clock>) -> Self {
        let tokens = Arc::new(Tokens::new(&settings.issuers, fetcher, Arc::clone(&clock)));
        Self {
            store,
            sign_in: SignIn::new(settings, fetcher, Arc::clone(&clock)),
            session: settings.session.clone(),
            clock,
            api_keys: settings.api_keys,
            tokens,
            remembered: Mutex::default(),
            lookups: Semaphore::new(LOOKUPS_AT_ONCE),
        }
    }

    /// Who asks; that they did is noted as a task of `noting`. What is in `Authorization` counts alone: a wrong token is not made good by a cookie beside it.
    pub(super) async fn decide(&self, asking: Asking<'_>, noting: Option<&Lifecycle>) -> Result<Caller, RpcError> {
        if let Some(authorization) = authorization(asking.headers)? {
            return self.by_authorization(authorization, asking.path, noting).await;
        }
        match only(asking.headers, SESSION_COOKIE)? {
            Some(cookie) => self.by_cookie(cookie, asking, noting).await,
            None => {
                let message = "nobody is signed in: send a token or an API key as Authorization: Bearer …";
                Err(denied("CREDENTIAL_MISSING", message))
            }
        }
    }

    async fn by_authorization(&self, text: &str, path: &str, noting: Option<&Lifecycle>) -> Result<Caller, RpcError> {
        let (scheme, credential) = text.split_once(' ').unwrap_or((text, ""));
        let credential = credential.trim_start_matches(' ');
        if scheme.eq_ignore_ascii_case("bearer") {
            return match credential.starts_with(KEY_PREFIX) {
                true => self.by_key(credential, noting).await,
                false => self.by_token(credential).await,
            };
        }
        // Calendar programs know no other way than a user name and a password.
        if scheme.eq_ignore_ascii_case("basic") && path == calendar::PATH {
            let decoded = STANDARD.decode(credential).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            if let Some((_, password)) = decoded.as_deref().and_then(|pair| pair.split_once(':')) {
                return self.by_key(password, noting).await;
            }
        }
        let message = "the Authorization header is not understood; send Bearer and a token or an API key";
        Err(denied("CREDENTIAL_UNKNOWN", message))
    }

    async fn by_token(&self, token: &str) -> Result<Caller, RpcError> {
        let vouched = self.tokens.check(token, Expected { audience: None, nonce: None }).await?;
        Caller::new(self.person(vouched).await?, Means::Token)
    }

    /// The person of an identity, made at first sight.
    pub(crate) async fn person(&self, vouched: Vouched) -> Result<PersonId, RpcError> {
        let Vouched { identity, issued_at } = vouched;
        let now = self.clock.now();
        let is_fresh = |at: &DateTime<Utc>| (TimeDelta::zero()..REMEMBERED_FOR).contains(&(now - *at));
        let seen = self.remembered().get(&identity).copied();
        if let Some((account, _)) = seen.filter(|(known, at)| is_fresh(at) && !self.store.is_deleted(known.person)) {
            account.check(issued_at)?;
            return Ok(account.person);
        }
        let account = self.store.account_of(&identity, issued_at, now).await?;
        let mut remembered = self.remembered();
        if remembered.len() >= MOST_REMEMBERED {
            remembered.retain(|_, (_, at)| is_fresh(at));
        }
        if remembered.len() < MOST_REMEMBERED {
            remembered.insert(identity, (account, now));
        }
        Ok(account.person)
    }

    /// Forgets whose identity a person is: they may just have been deleted.
    pub(super) fn forget(&self, person: PersonId) {
        self.remembered().retain(|_, (account, _)| account.person != person);
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<Identity, (Account, DateTime<Utc>)>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store is asked every time, so that a key that was revoked is refused at once, by every gateway.
    async fn by_key(&self, text: &str, noting: Option<&Lifecycle>) -> Result<Caller, RpcError> {
        let wrong = || denied("API_KEY_INVALID", "the API key is not valid: it is unknown, revoked or has expired");
        let credential = Credential::of_key(text).filter(|_| self.api_keys).ok_or_else(wrong)?;
        let _turn = self.lookup()?;
        let key = self.store.presented_key(&credential.id).await?.ok_or_else(wrong)?;
        let now = self.clock.now();
        let has_ended = key.revoked_at.is_some() || key.expires_at.is_some_and(|end| end <= now);
        if !credential.matches(&key.secret_hash) || has_ended {
            return Err(wrong());
        }
        if let Some(lifecycle) = noting.filter(|_| is_to_note(key.last_used_at, now)) {
            let (store, person, id) = (self.store.clone(), key.person, key.id);
            // Not waited for: a store that is busy must not hold up a call that only reads.
            lifecycle.spawn(async move {
                if let Err(error) = store.key_used(person, &id, now).await {
                    tracing::warn!(%error, key = id, "the use of an API key was not noted: {error}");
                }
            });
        }
        let scopes = key.scopes.iter().filter_map(|name| Scope::of(name)).collect();
        Caller::new(key.person, Means::ApiKey { scopes })
    }

    async fn by_cookie(&self, text: &str, asking: Asking<'_>, noting: Option<&Lifecycle>) -> Result<Caller, RpcError> {
        let wrong = || denied("SESSION_INVALID", "the session is over; sign in again");
        let credential = Credential::of_cookie(text).ok_or_else(wrong)?;
        let _turn = self.lookup()?;
        let session = self.store.presented_session(&credential.id).await?.ok_or_else(wrong)?;
        let now = self.clock.now();
        let is_over = session.ends_at <= now || session.last_used_at <= idle_since(&self.session, now);
        if !credential.matches(&session.secret_hash) || is_over {
            return Err(wrong());
        }
        check_forgery(&credential, asking)?;
        if let Some(lifecycle) = noting.filter(|_| is_to_note(Some(session.last_used_at), now)) {
            let (store, person, id) = (self.store.clone(), session.person, session.id.clone());
            lifecycle.spawn(async move {
                if let Err(error) = store.session_used(person, &id, now).await {
                    tracing::warn!(%error, session = id, "the use of a session was not noted: {error}");
                }
            });
        }
        Caller::new(session.person, Means::Session { id: session.id })
    }

    fn lookup(&self) -> Result<tokio::sync::SemaphorePermit<'_>, RpcError> {
        self.lookups.try_acquire().map_err(|_| {
            let message = "too many callers are being looked up; try again";
            RpcError::exhausted("TOO_MANY_CALLS", message, std::time::Duration::from_millis(250))
        })
    }
}

/// A session that was used no later than this is over.
pub(crate) fn idle_since(session: &Session, now: DateTime<Utc>) -> DateTime<Utc> {
    now - TimeDelta::minutes(i64::from(session.idle_minutes))
}

fn is_to_note(last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    last.is_none_or(|last| now - last >= USE_NOTED_EVERY)
}

/// The one `Authorization` header, if there is one.
fn authorization(headers: &HeaderMap) -> Result<Option<&str>, RpcError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(denied("CREDENTIAL_TWICE", "the request has more than one Authorization header; send one"));
    }
    let text = first.to_str().unwrap_or_default().trim();
    if text.len() > MOST_TOKEN_BYTES + "bearer ".len() {
        return Err(denied(
            "TOKEN_MALFORMED",
            "the Authorization header is longer than any token that is accepted here",
        ));
    }
    Ok(Some(text))
}

/// A browser sends the cookie by itself, whatever page asks. Only ours can send this header.
fn check_forgery(credential: &Credential, asking: Asking<'_>) -> Result<(), RpcError> {
    let only_reads = matches!(*asking.method, Method::GET | Method::HEAD) && Effect::of(asking.path).is_harmless();
    let mut sent = asking.headers.get_all(FORGERY_HEADER).iter();
    let is_ours = match (sent.next(), sent.next()) {
        (Some(token), None) => credential.is_forgery_token(token.as_bytes()),
        _ => false,
    };
    if only_reads || is_ours {
        return Ok(());
    }
    let message = "the request does not show that it comes from the app's own page; load the page again";
    Err(RpcError::new(ErrorCode::PermissionDenied, "CSRF_TOKEN_INVALID", message))
}

fn denied(reason: &'static str, message: &str) -> RpcError {
    RpcError::new(ErrorCode::Unauthenticated, reason, message)
}
