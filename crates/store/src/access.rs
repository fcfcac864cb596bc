//! What programs and browsers prove with that they act for a person: API keys and sessions of the web app.
//!
//! Functions take a transaction of [`crate::Stores::access`], but for those that look a credential up before it is
//! known whose it is: these take one of the platform store. Only digests of secrets are kept, so that a copy of the
//! store lets nobody in.

use chrono::{DateTime, Utc};

use crate::{Engine, PersonId, Row, StoreError, Tx};

/// A key that a program acts for a person with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Public name of the key, a part of it.
    pub id: String,
    /// For whom it acts.
    pub person: PersonId,
    /// As the person calls it.
    pub name: String,
    /// Digest of the secret.
    pub secret_hash: Vec<u8>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was used last.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSession {
    /// Public name of the session, a part of its cookie.
    pub id: String,
    /// Who is signed in.
    pub person: PersonId,
    /// Digest of the secret in its cookie.
    pub secret_hash: Vec<u8>,
    /// What the browser calls itself.
    pub user_agent: String,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was used last.
    pub last_used_at: DateTime<Utc>,
    /// When it ends in any case.
    pub ends_at: DateTime<Utc>,
}

const KEY_COLUMNS: &str = "id, tenant_id, name, secret_hash, scopes, created_at, expires_at, last_used_at, revoked_at";
const SESSION_COLUMNS: &str = "id, tenant_id, secret_hash, user_agent, created_at, last_used_at, ends_at";

/// Adds a key, unless the person has `most` of them already that were not revoked; says whether it did.
pub async fn add_key(tx: &mut Tx, key: &ApiKey, most: i64) -> Result<bool, StoreError> {
    if tx.engine() == Engine::Postgres {
        // Two at once must not both take the last place.
        tx.execute("select id from person where id = $1 for update", vec![key.person.into()]).await?;
    }
    let held = tx
        .fetch_one(
            "select count(*) as held from api_key where tenant_id = $1 and revoked_at is null",
            vec![key.person.into()],
        )
        .await?;
    if held.int("held")? >= most {
        return Ok(false);
    }
    tx.execute(
        format!("insert into api_key ({KEY_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
        vec![
            key.id.as_str().into(),
            key.person.into(),
            key.name.as_str().into(),
            key.secret_hash.clone().into(),
            key.scopes.join(" ").into(),
            key.created_at.into(),
            key.expires_at.into(),
            key.last_used_at.into(),
            key.revoked_at.into(),
        ],
    )
    .await?;
    Ok(true)
}

/// The keys of a person, newest first.
pub async fn keys(tx: &mut Tx, person: PersonId) -> Result<Vec<ApiKey>, StoreError> {
    let sql = format!("select {KEY_COLUMNS} from api_key where tenant_id = $1 order by created_at desc, id");
    tx.fetch_all(sql, vec![person.into()]).await?.iter().map(decode_key).collect()
}

/// The key of this public name, whoever's it is. Takes a transaction of the platform store.
pub async fn presented_key(tx: &mut Tx, id: &str) -> Result<Option<ApiKey>, StoreError> {
    present(tx, id).await?;
    let sql = format!("select {KEY_COLUMNS} from api_key where id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode_key(&row)).transpose()
}

/// Notes that a key was used.
pub async fn key_used(tx: &mut Tx, person: PersonId, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "update api_key set last_used_at = $3 where tenant_id = $1 and id = $2";
    tx.execute(sql, vec![person.into(), id.into(), now.into()]).await.map(drop)
}

/// Revokes a key of a person for good; says whether there was one. One that was revoked before stays as it is.
pub async fn revoke_key(tx: &mut Tx, person: PersonId, id: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let sql = "update api_key set revoked_at = coalesce(revoked_at, $3) where tenant_id = $1 and id = $2";
    Ok(tx.execute(sql, vec![person.into(), id.into(), now.into()]).await? > 0)
}

/// Adds a session and forgets those of the same person that are over: beyond `most`, the ones used longest ago too.
pub async fn add_session(
    tx: &mut Tx,
    session: &WebSession,
    idle_since: DateTime<Utc>,
    most: i64,
) -> Result<(), StoreError> {
    let person = session.person;
    tx.execute(
        "delete from web_session where tenant_id = $1 and (ends_at <= $2 or last_used_at <= $3)",
        vec![person.into(), session.created_at.into(), idle_since.into()],
    )
    .await?;
    tx.execute(
        "delete from web_session where tenant_id = $1 and id not in \
         (select id from web_session where tenant_id = $1 order by last_used_at desc, id limit $2)",
        vec![person.into(), (most - 1).max(0).into()],
    )
    .await?;
    tx.execute(
        format!("insert into web_session ({SESSION_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)"),
        vec![
            session.id.as_str().into(),
            person.into(),
            session.secret_hash.clone().into(),
            session.user_agent.as_str().into(),
            session.created_at.into(),
            session.last_used_at.into(),
            session.ends_at.into(),
        ],
    )
    .await
    .map(drop)
}

/// The sessions of a person, the one used last first.
pub async fn sessions(tx: &mut Tx, person: PersonId) -> Result<Vec<WebSession>, StoreError> {
    let sql = format!("select {SESSION_COLUMNS} from web_session where tenant_id = $1 order by last_used_at desc, id");
    tx.fetch_all(sql, vec![person.into()]).await?.iter().map(decode_session).collect()
}

/// The session of this public name, whoever's it is. Takes a transaction of the platform store.
pub async fn presented_session(tx: &mut Tx, id: &str) -> Result<Option<WebSession>, StoreError> {
    present(tx, id).await?;
    let sql = format!("select {SESSION_COLUMNS} from web_session where id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode_session(&row)).transpose()
}

/// Notes that a session was used.
pub async fn session_used(tx: &mut Tx, person: PersonId, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "update web_session set last_used_at = $3 where tenant_id = $1 and id = $2";
    tx.execute(sql, vec![person.into(), id.into(), now.into()]).await.map(drop)
}

/// Ends a session of a person; says whether there was one.
pub async fn end_session(tx: &mut Tx, person: PersonId, id: &str) -> Result<bool, StoreError> {
    let sql = "delete from web_session where tenant_id = $1 and id = $2";
    Ok(tx.execute(sql, vec![person.into(), id.into()]).await? > 0)
}

/// Lets this transaction read the one row that bears the name.
async fn present(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    if tx.engine() == Engine::Postgres {
        tx.fetch_one("select set_config('aerie.credential', $1, true) as presented", vec![id.into()]).await?;
    }
    Ok(())
}

fn decode_key(row: &Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.text("id")?,
        person: row.id("tenant_id")?,
        name: row.text("name")?,
        secret_hash: row.bytes("secret_hash")?,
        scopes: row.text("scopes")?.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
        created_at: row.time("created_at")?,
        expires_at: row.optional_time("expires_at")?,
        last_used_at: row.optional_time("last_used_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}

fn decode_session(row: &Row) -> Result<WebSession, StoreError> {
    Ok(WebSession {
        id: row.text("id")?,
        person: row.id("tenant_id")?,
        secret_hash: row.bytes("secret_hash")?,
        user_agent: row.text("user_agent")?,
        created_at: row.time("created_at")?,
        last_used_at: row.time("last_used_at")?,
        ends_at: row.time("ends_at")?,
    })
}
