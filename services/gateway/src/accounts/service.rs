//! `AccountsService`. Who asks comes with the call itself, put there by [`crate::app`]; a header could be forged.

use std::sync::Arc;

use aerie_proto::platform::v1::{self as pb, accounts_service_server::AccountsService};
use aerie_rpc::{ErrorCode, RpcError};
use aerie_store::{
    PersonId,
    access::{ApiKey, WebSession},
};
use aerie_tasks::{Clock, SystemClock};
use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use tonic::{Request, Response, Status};

use crate::{
    accounts::AccountStore,
    callers::{Caller, Callers, Means, scopes::Scope},
};

/// The service; without a store in local mode, which has no accounts.
#[derive(Debug)]
pub(crate) struct AccountsApi {
    store: Option<AccountStore>,
    clock: Arc<dyn Clock>,
    api_keys: bool,
}

impl AccountsApi {
    pub(crate) fn new(callers: &Callers) -> Self {
        match callers.known() {
            Some(known) => {
                Self { store: Some(known.store.clone()), clock: known.clock.clone(), api_keys: known.api_keys }
            }
            None => Self { store: None, clock: Arc::new(SystemClock), api_keys: false },
        }
    }

    /// The store and the person who asks.
    fn account<T>(&self, request: &Request<T>) -> Result<(&AccountStore, PersonId), RpcError> {
        let caller = caller(request)?;
        let Some(store) = &self.store else {
            let message = "this installation has no accounts; set accounts.mode to tokens to have some";
            return Err(RpcError::new(ErrorCode::FailedPrecondition, "ACCOUNTS_OFF", message));
        };
        Ok((store, caller.account()?))
    }
}

fn caller<T>(request: &Request<T>) -> Result<&Caller, RpcError> {
    let caller = request.extensions().get::<Caller>();
    caller.ok_or_else(|| RpcError::new(ErrorCode::Unauthenticated, "PERSON_MISSING", "nobody is signed in"))
}

#[tonic::async_trait]
impl AccountsService for AccountsApi {
    async fn get_account(
        &self,
        request: Request<pb::GetAccountRequest>,
    ) -> Result<Response<pb::GetAccountResponse>, Status> {
        let caller = caller(&request)?;
        let person = match &self.store {
            Some(store) => store.person(caller.account()?).await?,
            None => None,
        };
        let (credential, scopes) = match &caller.means {
            Means::Local => (pb::Credential::Local, Vec::new()),
            Means::Nobody => (pb::Credential::Unspecified, Vec::new()),
            Means::Token => (pb::Credential::Token, Vec::new()),
            Means::Session { .. } => (pb::Credential::Session, Vec::new()),
            Means::ApiKey { scopes } => {
                (pb::Credential::ApiKey, scopes.iter().map(|scope| to_wire(scope) as i32).collect())
            }
        };
        Ok(Response::new(pb::GetAccountResponse {
            person_id: caller.person.to_string(),
            name: person.as_ref().map(|person| person.name.clone()).unwrap_or_default(),
            credential: credential as i32,
            scopes,
            create_time: person.map(|person| timestamp(person.created_at)),
        }))
    }

    async fn create_api_key(
        &self,
        request: Request<pb::CreateApiKeyRequest>,
    ) -> Result<Response<pb::CreateApiKeyResponse>, Status> {
        let (store, person) = self.account(&request)?;
        if !self.api_keys {
            let message = "API keys are switched off here (accounts.api_keys)";
            return Err(RpcError::new(ErrorCode::FailedPrecondition, "API_KEYS_OFF", message).into());
        }
        let request = request.into_inner();
        let scopes: Option<Vec<Scope>> = request.scopes.iter().map(|scope| of_wire(*scope)).collect();
        let scopes = scopes.filter(|scopes| !scopes.is_empty()).ok_or_else(|| {
            RpcError::invalid_field("scopes", "names no scope; write READ, WRITE, MODELS or CALENDAR")
        })?;
        let now = self.clock.now();
        let expires_at = request.expire_time.map(|time| later(time, now)).transpose()?;
        let (key, secret) = store.issue_key(person, &request.name, &scopes, expires_at, now).await?;
        Ok(Response::new(pb::CreateApiKeyResponse { api_key: Some(key_to_wire(&key)), secret }))
    }

    async fn list_api_keys(
        &self,
        request: Request<pb::ListApiKeysRequest>,
    ) -> Result<Response<pb::ListApiKeysResponse>, Status> {
        let (store, person) = self.account(&request)?;
        let keys = store.keys(person).await?;
        Ok(Response::new(pb::ListApiKeysResponse { api_keys: keys.iter().map(key_to_wire).collect() }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<pb::RevokeApiKeyRequest>,
    ) -> Result<Response<pb::RevokeApiKeyResponse>, Status> {
        let (store, person) = self.account(&request)?;
        let id = &request.get_ref().api_key_id;
        store.revoke_key(person, id, self.clock.now()).await?;
        Ok(Response::new(pb::RevokeApiKeyResponse {}))
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let (store, person) = self.account(&request)?;
        let current = match &caller(&request)?.means {
            Means::Session { id } => id.as_str(),
            _ => "",
        };
        let sessions = store.sessions(person).await?;
        let sessions = sessions.iter().map(|session| session_to_wire(session, current)).collect();
        Ok(Response::new(pb::ListSessionsResponse { sessions }))
    }

    async fn end_session(
        &self,
        request: Request<pb::EndSessionRequest>,
    ) -> Result<Response<pb::EndSessionResponse>, Status> {
        let (store, person) = self.account(&request)?;
        let id = &request.get_ref().session_id;
        if !store.end_session(person, id).await? {
            return Err(RpcError::not_found("SESSION_NOT_FOUND", format!("there is no session {id:?}")).into());
        }
        Ok(Response::new(pb::EndSessionResponse {}))
    }
}

fn later(time: Timestamp, now: DateTime<Utc>) -> Result<DateTime<Utc>, RpcError> {
    let nanos = u32::try_from(time.nanos).ok();
    let read = nanos.and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos));
    read.filter(|time| *time > now).ok_or_else(|| RpcError::invalid_field("expire_time", "is not in the future"))
}

fn of_wire(scope: i32) -> Option<Scope> {
    Some(match pb::ApiKeyScope::try_from(scope).ok()? {
        pb::ApiKeyScope::Read => Scope::Read,
        pb::ApiKeyScope::Write => Scope::Write,
        pb::ApiKeyScope::Models => Scope::Models,
        pb::ApiKeyScope::Calendar => Scope::Calendar,
        pb::ApiKeyScope::Unspecified => return None,
    })
}

fn to_wire(scope: &Scope) -> pb::ApiKeyScope {
    match scope {
        Scope::Read => pb::ApiKeyScope::Read,
        Scope::Write => pb::ApiKeyScope::Write,
        Scope::Models => pb::ApiKeyScope::Models,
        Scope::Calendar => pb::ApiKeyScope::Calendar,
    }
}

fn key_to_wire(key: &ApiKey) -> pb::ApiKey {
    let scopes = key.scopes.iter().filter_map(|name| Scope::of(name));
    pb::ApiKey {
        id: key.id.clone(),
        name: key.name.clone(),
        scopes: scopes.map(|scope| to_wire(&scope) as i32).collect(),
        create_time: Some(timestamp(key.created_at)),
        expire_time: key.expires_at.map(timestamp),
        last_use_time: key.last_used_at.map(timestamp),
        revoke_time: key.revoked_at.map(timestamp),
    }
}

fn session_to_wire(session: &WebSession, current: &str) -> pb::Session {
    pb::Session {
        id: session.id.clone(),
        user_agent: session.user_agent.clone(),
        is_current: session.id == current,
        create_time: Some(timestamp(session.created_at)),
        last_use_time: Some(timestamp(session.last_used_at)),
        expire_time: Some(timestamp(session.ends_at)),
    }
}

fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: time.timestamp(), nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default() }
}
