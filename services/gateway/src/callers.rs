//! Who is asking, decided for every request anew.
//!
//! Whoever does not prove who they are is nobody: there is no person that a request without proof, or with a wrong one,
//! falls back to. Only an installation without accounts has a fixed person, and it answers this machine alone.

mod cookies;
mod known;
mod local;
pub(crate) mod scopes;

use std::sync::Arc;

use aerie_config::Accounts;
use aerie_rpc::{ErrorCode, PersonId, RpcError};
use aerie_store::PersonId as AccountId;
use aerie_tasks::Clock;
use aerie_telemetry::Lifecycle;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use thiserror::Error;
use tonic::body::Body;

pub(crate) use self::{
    cookies::{FORGERY_COOKIE, SESSION_COOKIE, cookie, forget, only},
    known::{FORGERY_HEADER, idle_since},
};
use self::{
    known::Known,
    local::Local,
    scopes::{Effect, Scope},
};
use crate::{accounts::AccountStore, fetch::Fetcher, sign_in::SignIn};

/// Who asks, and how they proved it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) person: PersonId,
    pub(crate) means: Means,
    /// What proved it, to be looked at again while a stream is open; none where nothing had to be proved.
    proof: Option<Arc<Proof>>,
}

/// What of a request proved who asks.
#[derive(Debug)]
struct Proof {
    method: Method,
    path: String,
    headers: HeaderMap,
}

impl Proof {
    fn of(asking: Asking<'_>) -> Self {
        let mut headers = HeaderMap::new();
        for name in [header::AUTHORIZATION, header::COOKIE, HeaderName::from_static(FORGERY_HEADER)] {
            for value in asking.headers.get_all(&name) {
                headers.append(name.clone(), value.clone());
            }
        }
        Self { method: asking.method.clone(), path: asking.path.to_owned(), headers }
    }

    fn asking(&self) -> Asking<'_> {
        Asking { method: &self.method, path: &self.path, headers: &self.headers }
    }
}

/// How somebody proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Means {
    /// Not at all: the one person of an installation without accounts.
    Local,
    Token,
    ApiKey {
        scopes: Vec<Scope>,
    },
    Session {
        id: String,
    },
    /// Not at all, for what anybody may ask: whether the server is well.
    Nobody,
}

/// The call that anybody may make, as probes do.
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";
/// All strangers share the budget of one person.
const STRANGERS: &str = "nobody";

impl Caller {
    fn new(account: AccountId, means: Means) -> Result<Self, RpcError> {
        Ok(Self { person: PersonId::new(account.to_string())?, means, proof: None })
    }

    /// The account.
    pub(crate) fn account(&self) -> Result<AccountId, RpcError> {
        self.person.as_str().parse().map_err(|_| RpcError::internal("the caller is no account"))
    }

    /// Whether the caller may do this.
    fn check(&self, path: &str) -> Result<(), RpcError> {
        match &self.means {
            Means::ApiKey { scopes } => Effect::of(path).check(scopes),
            Means::Local | Means::Token | Means::Session { .. } | Means::Nobody => Ok(()),
        }
    }
}

/// What of a request decides who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

/// Decides who is asking.
#[derive(Debug)]
pub struct Callers(Kind);

#[derive(Debug)]
enum Kind {
    Local(Local),
    Known(Box<Known>),
}

/// Callers cannot be told apart.
#[derive(Debug, Error)]
pub enum CallersError {
    /// No client for the issuers' keys.
    #[error("the issuers' keys cannot be fetched: {0}; check the system's certificates")]
    Client(#[from] reqwest::Error),
}

impl Callers {
    /// Everybody is this one person: for an installation that other machines cannot reach.
    #[must_use]
    pub fn local(person: PersonId) -> Self {
        Self(Kind::Local(Local::Fixed(person)))
    }

    /// Everybody is whoever sits at this machine, who becomes a new person when everything of theirs is deleted.
    #[must_use]
    pub fn of_this_machine(store: AccountStore, clock: Arc<dyn Clock>) -> Self {
        Self(Kind::Local(Local::of_store(store, clock)))
    }

    /// Everybody proves who they are, as the settings say.
    ///
    /// # Errors
    /// The system's certificates cannot be loaded.
    pub fn accounts(settings: &Accounts, store: AccountStore, clock: Arc<dyn Clock>) -> Result<Self, CallersError> {
        let fetcher = Fetcher::new()?;
        Ok(Self(Kind::Known(Box::new(Known::new(settings, store, &fetcher, clock)))))
    }

    /// Whether everybody is one person.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.0, Kind::Local(_))
    }

    /// Accounts, where there are any.
    pub(crate) fn known(&self) -> Option<&Known> {
        match &self.0 {
            Kind::Local(_) => None,
            Kind::Known(known) => Some(known),
        }
    }

    /// Signing in, where it is set up.
    pub(crate) fn sign_in(&self) -> Option<&SignIn> {
        self.known().and_then(|known| known.sign_in.as_ref())
    }

    /// Who asks, if they may ask that.
    ///
    /// # Errors
    /// `Unauthenticated` for everybody who does not prove who they are, `PermissionDenied` for what a key or a page may
    /// not do.
    pub(crate) async fn decide(&self, asking: Asking<'_>, lifecycle: &Lifecycle) -> Result<Caller, RpcError> {
        let known = match &self.0 {
            Kind::Local(local) => {
                return Ok(Caller { person: local.person().await?, means: Means::Local, proof: None });
            }
            Kind::Known(known) => known,
        };
        if asking.path == HEALTH_CHECK {
            return Ok(Caller { person: PersonId::new(STRANGERS)?, means: Means::Nobody, proof: None });
        }
        let caller = match known.decide(asking, Some(lifecycle)).await {
            Err(error) if error.code == ErrorCode::Unauthenticated && known.sign_in.is_some() => {
                return Err(error.with("sign_in", crate::sign_in::LOGIN));
            }
            decided => decided?,
        };
        caller.check(asking.path)?;
        Ok(Caller { proof: Some(Arc::new(Proof::of(asking))), ..caller })
    }

    /// Looks anew who a person is: they may just have been deleted.
    pub(crate) fn forget(&self, caller: &Caller) {
        match (&self.0, caller.account()) {
            (Kind::Local(local), _) => local.forget(),
            (Kind::Known(known), Ok(person)) => known.forget(person),
            (Kind::Known(_), Err(_)) => {}
        }
    }

    /// Whether a caller who was let in would be let in now. A store or an issuer that does not answer changes nothing.
    pub(crate) async fn still_know(&self, caller: &Caller) -> bool {
        let (Kind::Known(known), Some(proof)) = (&self.0, &caller.proof) else { return true };
        let refused = |error: &RpcError| matches!(error.code, ErrorCode::Unauthenticated | ErrorCode::PermissionDenied);
        match known.decide(proof.asking(), None).await {
            Ok(now) => now.person == caller.person && now.check(&proof.path).is_ok(),
            Err(error) => !refused(&error),
        }
    }
}

/// Says in HTTP how to prove who one is (RFC 6750).
pub(crate) fn challenge(mut response: Response<Body>, error: &RpcError, path: &str) -> Response<Body> {
    if error.code != ErrorCode::Unauthenticated {
        return response;
    }
    let bearer = match error.reason.as_ref() {
        "CREDENTIAL_MISSING" => "Bearer realm=\"aerie\"".to_owned(),
        // The message is ours and has no quotes; what a stranger sent is not repeated in it.
        _ => {
            let message: String = error.message.chars().filter(|letter| letter.is_ascii() && *letter != '"').collect();
            format!("Bearer realm=\"aerie\", error=\"invalid_token\", error_description=\"{message}\"")
        }
    };
    if let Ok(value) = HeaderValue::from_str(&bearer) {
        response.headers_mut().append(header::WWW_AUTHENTICATE, value);
    }
    if path == crate::calendar::PATH {
        let basic = HeaderValue::from_static("Basic realm=\"Aerie: an API key as the password\"");
        response.headers_mut().append(header::WWW_AUTHENTICATE, basic);
    }
    response
}
