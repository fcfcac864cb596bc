//! Where an issuer signs people in, as it says itself (OpenID Connect Discovery 1.0).

use std::sync::{Arc, Mutex, PoisonError};

use aerie_rpc::{ErrorCode, RpcError};
use aerie_tasks::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use url::Url;

use crate::fetch::Fetcher;

const DOCUMENT: &str = "/.well-known/openid-configuration";
const OLD_AFTER: TimeDelta = TimeDelta::minutes(15);
const AGAIN_AFTER: TimeDelta = TimeDelta::seconds(5);

/// Addresses of an issuer.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    pub(super) authorization: Url,
    pub(super) token: Url,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
}

/// The addresses as they were last fetched.
#[derive(Debug)]
pub(super) struct Discovery {
    issuer: String,
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    endpoints: Option<(Endpoints, DateTime<Utc>)>,
    failed: Option<DateTime<Utc>>,
}

impl Discovery {
    pub(super) fn new(issuer: &str, fetcher: Fetcher, clock: Arc<dyn Clock>) -> Self {
        let turn = tokio::sync::Mutex::new(());
        Self { issuer: issuer.to_owned(), fetcher, clock, known: Mutex::default(), turn }
    }

    /// The issuer.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The addresses; older ones while the issuer does not answer.
    ///
    /// # Errors
    /// `Unavailable` when they never came.
    pub(super) async fn endpoints(&self) -> Result<Endpoints, RpcError> {
        if let Some(endpoints) = self.fresh() {
            return Ok(endpoints);
        }
        let _turn = self.turn.lock().await;
        if let Some(endpoints) = self.fresh() {
            return Ok(endpoints);
        }
        let now = self.clock.now();
        let is_tried =
            self.known().failed.is_some_and(|failed| (TimeDelta::zero()..AGAIN_AFTER).contains(&(now - failed)));
        if !is_tried {
            let fetched = self.fetch().await;
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            match fetched {
                Ok(endpoints) => *known = Known { endpoints: Some((endpoints, now)), failed: None },
                Err(why) => {
                    tracing::warn!(issuer = self.issuer, "an issuer does not say where it signs people in: {why}");
                    known.failed = Some(now);
                }
            }
        }
        let known = self.known().endpoints.map(|(endpoints, _)| endpoints);
        known.ok_or_else(|| {
            let message = "the issuer that signs people in does not answer; try again in a moment";
            RpcError::new(ErrorCode::Unavailable, "ISSUER_UNREACHABLE", message)
                .retry_after(std::time::Duration::from_secs(5))
        })
    }

    fn fresh(&self) -> Option<Endpoints> {
        let now = self.clock.now();
        let (endpoints, fetched) = self.known().endpoints?;
        (TimeDelta::zero()..OLD_AFTER).contains(&(now - fetched)).then_some(endpoints)
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self) -> Result<Endpoints, String> {
        let url = format!("{}{DOCUMENT}", self.issuer.trim_end_matches('/'));
        let bytes = self.fetcher.get(&url).await.map_err(|error| error.to_string())?;
        let document: Document = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        if document.issuer != self.issuer {
            return Err(format!("its document is that of another issuer ({:?})", document.issuer));
        }
        let endpoints = Endpoints { authorization: document.authorization_endpoint, token: document.token_endpoint };
        let own = Url::parse(&self.issuer).map_err(|error| error.to_string())?;
        for endpoint in [&endpoints.authorization, &endpoints.token] {
            // A code and a secret are sent there; only an issuer that is itself on this machine may do without TLS.
            if endpoint.scheme() != "https" && endpoint.origin() != own.origin() {
                return Err(format!("its address {endpoint} is not https"));
            }
        }
        Ok(endpoints)
    }
}
