//! People, their API keys and their sessions, as they are stored. The gateway owns them.

pub(crate) mod secrets;
pub(crate) mod service;

use std::{sync::Arc, time::Duration};

use aerie_rpc::{ErrorCode, RpcError};
use aerie_store::{
    PersonId, StoreError, Stores,
    access::{self, ApiKey, WebSession},
    accounts::{self, Person},
    deletions::{self, Rows},
};
use chrono::{DateTime, Utc};

use self::secrets::Credential;
use crate::{callers::scopes::Scope, tokens::Identity};

/// Keys of one person that are not revoked.
const MOST_KEYS: i64 = 50;
const MOST_NAME_CHARACTERS: usize = 100;
/// Browsers in which one person is signed in; the one used longest ago gives way.
const MOST_SESSIONS: i64 = 20;
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The stores, for what concerns accounts. Only the platform's is opened.
#[derive(Debug, Clone)]
pub struct AccountStore {
    stores: Arc<Stores>,
}

impl AccountStore {
    /// Accounts within these stores.
    #[must_use]
    pub fn new(stores: Arc<Stores>) -> Self {
        Self { stores }
    }

    /// The account behind an identity that a token of this time vouches for, made at first sight.
    ///
    /// # Errors
    /// [`Account::check`]; then nothing is made. Or the store fails.
    pub(crate) async fn account_of(
        &self,
        identity: &Identity,
        issued_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Account, RpcError> {
        // An issuer is an address and holds no blank, so that no two identities share a text.
        let subject = format!("{} {}", identity.issuer, identity.subject);
        let platform = self.stores.platform();
        let mut tx = platform.read().await.map_err(failed)?;
        let known = accounts::person_by_subject(&mut tx, &subject).await.map_err(failed)?;
        let deleted_at = deletions::last_of_subject(&mut tx, &subject).await.map_err(failed)?;
        drop(tx);
        check_age(issued_at, deleted_at)?;
        if let Some(person) = known {
            return Ok(Account { person: person.id, deleted_at });
        }
        let mut tx = platform.begin().await.map_err(failed)?;
        // It may have been deleted since it was looked up.
        let deleted_at = deletions::last_of_subject(&mut tx, &subject).await.map_err(failed)?;
        check_age(issued_at, deleted_at)?;
        let person = accounts::ensure_external_person(&mut tx, &subject, &identity.name, now).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        tracing::info!(%person, issuer = identity.issuer, "a person was seen for the first time");
        Ok(Account { person, deleted_at })
    }

    /// Whoever sits at this machine, made at first sight.
    pub(crate) async fn local_person(&self, now: DateTime<Utc>) -> Result<PersonId, RpcError> {
        let platform = self.stores.platform();
        let mut tx = platform.read().await.map_err(failed)?;
        if let Some(person) = accounts::local_person(&mut tx).await.map_err(failed)? {
            return Ok(person);
        }
        drop(tx);
        let mut tx = platform.begin().await.map_err(failed)?;
        let person = accounts::ensure_local_person(&mut tx, now).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(person)
    }

    /// Whether this process knows that an account was deleted.
    pub(crate) fn is_deleted(&self, person: PersonId) -> bool {
        self.stores.is_deleted(person)
    }

    /// What is stored of a person: rows by table.
    ///
    /// # Errors
    /// The store fails.
    pub async fn count_rows(&self, person: PersonId) -> Result<Rows, RpcError> {
        self.stores.count_rows(person).await.map_err(failed)
    }

    /// Deletes the account of a person and everything that is stored of them. Broken off after it began, it is finished by
    /// the pipeline.
    ///
    /// # Errors
    /// The store fails.
    pub async fn delete(&self, person: PersonId, now: DateTime<Utc>) -> Result<Rows, RpcError> {
        let rows = self.stores.count_rows(person).await.map_err(failed)?;
        self.stores.delete_account(person, now).await.map_err(failed)?;
        tracing::info!(%person, "the account {person} was deleted by an operator");
        self.stores.sweep(person, now, |_, _| {}).await.map_err(failed)?;
        Ok(rows)
    }

    /// A person.
    ///
    /// # Errors
    /// The store fails.
    pub async fn person(&self, id: PersonId) -> Result<Option<Person>, RpcError> {
        let mut tx = self.stores.platform().read().await.map_err(failed)?;
        accounts::person(&mut tx, id).await.map_err(failed)
    }

    /// Everybody.
    ///
    /// # Errors
    /// The store fails.
    pub async fn people(&self) -> Result<Vec<Person>, RpcError> {
        let mut tx = self.stores.platform().read().await.map_err(failed)?;
        accounts::people(&mut tx).await.map_err(failed)
    }

    /// Makes a key for a person. Only here does its text leave: a digest is kept.
    ///
    /// # Errors
    /// A name that is none, as many keys as one may have, or the store fails.
    pub async fn issue_key(
        &self,
        person: PersonId,
        name: &str,
        scopes: &[Scope],
        expires_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(ApiKey, String), RpcError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > MOST_NAME_CHARACTERS || name.chars().any(char::is_control) {
            let problem = format!("has not 1 to {MOST_NAME_CHARACTERS} printable characters");
            return Err(RpcError::invalid_field("name", problem));
        }
        let credential = Credential::make()?;
        let key = ApiKey {
            id: credential.id.clone(),
            person,
            name: name.to_owned(),
            secret_hash: credential.digest(),
            scopes: scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            created_at: now,
            expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let mut tx = self.stores.access(person).begin().await.map_err(failed)?;
        if !access::add_key(&mut tx, &key, MOST_KEYS).await.map_err(failed)? {
            let message = format!("there are {MOST_KEYS} keys already; revoke one that is not used");
            return Err(RpcError::new(ErrorCode::FailedPrecondition, "TOO_MANY_KEYS", message));
        }
        tx.commit().await.map_err(failed)?;
        tracing::info!(%person, key = key.id, "an API key was made");
        Ok((key, credential.key()))
    }

    /// The keys of a person, newest first, revoked ones too.
    ///
    /// # Errors
    /// The store fails.
    pub async fn keys(&self, person: PersonId) -> Result<Vec<ApiKey>, RpcError> {
        let mut tx = self.stores.access(person).read().await.map_err(failed)?;
        access::keys(&mut tx, person).await.map_err(failed)
    }

    /// The key of a public name.
    pub(crate) async fn presented_key(&self, id: &str) -> Result<Option<ApiKey>, RpcError> {
        let mut tx = self.stores.platform().read().await.map_err(failed)?;
        access::presented_key(&mut tx, id).await.map_err(failed)
    }

    /// Notes that a key was used.
    pub(crate) async fn key_used(&self, person: PersonId, id: &str, now: DateTime<Utc>) -> Result<(), RpcError> {
        let mut tx = self.stores.access(person).begin().await.map_err(failed)?;
        access::key_used(&mut tx, person, id, now).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    /// Revokes a key: no gateway accepts it any more.
    ///
    /// # Errors
    /// The person has no such key, or the store fails.
    pub async fn revoke_key(&self, person: PersonId, id: &str, now: DateTime<Utc>) -> Result<(), RpcError> {
        let mut tx = self.stores.access(person).begin().await.map_err(failed)?;
        let was_there = access::revoke_key(&mut tx, person, id, now).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        if !was_there {
            return Err(RpcError::not_found("API_KEY_NOT_FOUND", format!("there is no API key {id:?}")));
        }
        tracing::info!(%person, key = id, "an API key was revoked");
        Ok(())
    }

    /// Keeps a session; those of the person that are over go.
    pub(crate) async fn add_session(&self, session: &WebSession, idle_since: DateTime<Utc>) -> Result<(), RpcError> {
        let mut tx = self.stores.access(session.person).begin().await.map_err(failed)?;
        access::add_session(&mut tx, session, idle_since, MOST_SESSIONS).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    /// The sessions of a person.
    pub(crate) async fn sessions(&self, person: PersonId) -> Result<Vec<WebSession>, RpcError> {
        let mut tx = self.stores.access(person).read().await.map_err(failed)?;
        access::sessions(&mut tx, person).await.map_err(failed)
    }

    /// The session of a public name.
    pub(crate) async fn presented_session(&self, id: &str) -> Result<Option<WebSession>, RpcError> {
        let mut tx = self.stores.platform().read().await.map_err(failed)?;
        access::presented_session(&mut tx, id).await.map_err(failed)
    }

    /// Notes that a session was used.
    pub(crate) async fn session_used(&self, person: PersonId, id: &str, now: DateTime<Utc>) -> Result<(), RpcError> {
        let mut tx = self.stores.access(person).begin().await.map_err(failed)?;
        access::session_used(&mut tx, person, id, now).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    /// Ends a session; says whether there was one.
    pub(crate) async fn end_session(&self, person: PersonId, id: &str) -> Result<bool, RpcError> {
        let mut tx = self.stores.access(person).begin().await.map_err(failed)?;
        let was_there = access::end_session(&mut tx, person, id).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(was_there)
    }
}

/// An account, and when the one before it, of the same identity, was deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) person: PersonId,
    deleted_at: Option<DateTime<Utc>>,
}

impl Account {
    /// Whether a token of this time counts here.
    ///
    /// # Errors
    /// It is older than the deletion, or does not say: some program still has it, and it must bring nobody back.
    pub(crate) fn check(&self, issued_at: Option<DateTime<Utc>>) -> Result<(), RpcError> {
        check_age(issued_at, self.deleted_at)
    }
}

fn check_age(issued_at: Option<DateTime<Utc>>, deleted_at: Option<DateTime<Utc>>) -> Result<(), RpcError> {
    if deleted_at.is_none_or(|deleted| issued_at.is_some_and(|issued| issued > deleted)) {
        return Ok(());
    }
    let message = "the account was deleted after this token was issued; sign in again to begin anew";
    Err(RpcError::new(ErrorCode::Unauthenticated, "TOKEN_BEFORE_DELETION", message))
}

fn failed(error: StoreError) -> RpcError {
    if error.is_transient() {
        tracing::warn!(%error, "accounts cannot be read: {error}");
        let message = "accounts cannot be read now; try again";
        return RpcError::new(ErrorCode::Unavailable, "ACCOUNTS_UNAVAILABLE", message).retry_after(AGAIN_AFTER);
    }
    RpcError::internal(error)
}
