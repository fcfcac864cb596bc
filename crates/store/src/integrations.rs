//! Integrations of a person and the record of what was pushed to them. Functions take a transaction of the person's
//! store ([`crate::Stores::person`]). Credentials come and go sealed ([`crate::Stores::seal`]).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Row, StoreError, Tx, batch, json};

/// Most integrations of one person.
pub const MOST: i64 = 100;

/// A program that is pushed to.
#[derive(Clone, PartialEq, Eq)]
pub struct Integration {
    /// Id.
    pub id: Uuid,
    /// Kind; the pipeline says which there are.
    pub kind: String,
    /// The person's name for it, once in a store.
    pub name: String,
    /// Settings without credentials.
    pub settings: BTreeMap<String, String>,
    /// Credentials, sealed.
    pub secrets: Vec<u8>,
    /// Which credentials are set.
    pub secret_names: Vec<String>,
    /// What is pushed.
    pub topics: Vec<String>,
    /// Whether anything is pushed.
    pub enabled: bool,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

impl std::fmt::Debug for Integration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Integration").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A delivery with its last result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Id.
    pub id: Uuid,
    /// Integration.
    pub integration: Uuid,
    /// What it is about.
    pub topic: String,
    /// What is delivered, over all its states.
    pub subject: String,
    /// Which state or event of it.
    pub key: String,
    /// The item in one line.
    pub headline: String,
    /// `waiting`, `sending`, `retrying`, `delivered` or `failed`.
    pub state: String,
    /// What was done, or why it was not.
    pub detail: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// What was delivered last of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Which state or event of it.
    pub key: String,
    /// Where the service keeps it; empty when it did not say.
    pub remote_id: String,
}

/// A file to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Content.
    pub content: Vec<u8>,
}

const COLUMNS: &str = "id, kind, name, settings, secrets, secret_names, topics, enabled, created_at, updated_at";

fn decode(row: &Row) -> Result<Integration, StoreError> {
    Ok(Integration {
        id: row.id("id")?,
        kind: row.text("kind")?,
        name: row.text("name")?,
        settings: json::decode(row, "settings")?,
        secrets: row.bytes("secrets")?,
        secret_names: json::decode(row, "secret_names")?,
        topics: json::decode(row, "topics")?,
        enabled: row.bool("enabled")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Writes an integration over the one of the same id, or adds it. Another one of the same name is
/// [`StoreError::Constraint`].
pub async fn save(tx: &mut Tx, one: &Integration) -> Result<(), StoreError> {
    let values = vec![
        one.id.into(),
        one.kind.as_str().into(),
        one.name.as_str().into(),
        json::encode("settings", &one.settings)?.into(),
        one.secrets.clone().into(),
        json::encode("secret_names", &one.secret_names)?.into(),
        json::encode("topics", &one.topics)?.into(),
        one.enabled.into(),
        one.created_at.into(),
        one.updated_at.into(),
    ];
    let update = "update integration set kind = $2, name = $3, settings = $4, secrets = $5, secret_names = $6, \
        topics = $7, enabled = $8, created_at = $9, updated_at = $10 where id = $1";
    if tx.execute(update, values.clone()).await? == 0 {
        let insert = format!("insert into integration ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
        tx.execute(insert, values).await?;
    }
    Ok(())
}

/// One integration.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Integration>, StoreError> {
    let sql = format!("select {COLUMNS} from integration where id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode(&row)).transpose()
}

/// All integrations by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<Integration>, StoreError> {
    let sql = format!("select {COLUMNS} from integration order by name, id limit {MOST}");
    tx.fetch_all(sql, vec![]).await?.iter().map(decode).collect()
}

/// Those that are switched on, without their credentials being read.
pub async fn enabled(tx: &mut Tx) -> Result<Vec<(Uuid, String, Vec<String>)>, StoreError> {
    let sql = format!("select id, kind, topics from integration where enabled = $1 order by id limit {MOST}");
    let rows = tx.fetch_all(sql, vec![true.into()]).await?;
    rows.iter().map(|row| Ok((row.id("id")?, row.text("kind")?, json::decode(row, "topics")?))).collect()
}

/// Deletes an integration with everything that is kept about it. Whether it existed.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    Ok(tx.execute("delete from integration where id = $1", vec![id.into()]).await? > 0)
}

/// What was delivered last of a subject.
pub async fn link(tx: &mut Tx, integration: Uuid, subject: &str) -> Result<Option<Link>, StoreError> {
    let sql = "select key, remote_id from integration_link where integration = $1 and subject = $2";
    let row = tx.fetch_optional(sql, vec![integration.into(), subject.into()]).await?;
    row.map(|row| Ok(Link { key: row.text("key")?, remote_id: row.text("remote_id")? })).transpose()
}

/// Keeps what was delivered last of a subject.
pub async fn save_link(
    tx: &mut Tx,
    integration: Uuid,
    subject: &str,
    link: &Link,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "insert into integration_link (integration, subject, key, remote_id, updated_at) \
        values ($1, $2, $3, $4, $5)";
    let conflict = "set key = excluded.key, remote_id = excluded.remote_id, updated_at = excluded.updated_at";
    let sql = match tx.engine() {
        crate::Engine::Sqlite => format!("{sql} on conflict (integration, subject) do update {conflict}"),
        crate::Engine::Postgres => format!("{sql} on conflict (tenant_id, integration, subject) do update {conflict}"),
    };
    let values =
        vec![integration.into(), subject.into(), link.key.as_str().into(), link.remote_id.as_str().into(), at.into()];
    tx.execute(sql, values).await.map(drop)
}

/// Which of these subjects were ever delivered somewhere.
pub async fn delivered_subjects(tx: &mut Tx, subjects: Vec<String>) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    let keys = subjects.into_iter().map(Into::into);
    batch::fetch_in(tx, "select distinct subject from integration_link where subject in (", ")", keys, |row| {
        found.push(row.text("subject")?);
        Ok(())
    })
    .await?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

const DELIVERY_COLUMNS: &str =
    "id, integration, topic, subject, key, headline, state, detail, attempts, created_at, updated_at";

fn decode_delivery(row: &Row) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.id("id")?,
        integration: row.id("integration")?,
        topic: row.text("topic")?,
        subject: row.text("subject")?,
        key: row.text("key")?,
        headline: row.text("headline")?,
        state: row.text("state")?,
        detail: row.text("detail")?,
        attempts: row.int("attempts")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Adds a delivery, with its file if it is one.
pub async fn insert_delivery(tx: &mut Tx, one: &Delivery, file: Option<&File>) -> Result<(), StoreError> {
    let sql = format!(
        "insert into integration_delivery ({DELIVERY_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    let values = vec![
        one.id.into(),
        one.integration.into(),
        one.topic.as_str().into(),
        one.subject.as_str().into(),
        one.key.as_str().into(),
        one.headline.as_str().into(),
        one.state.as_str().into(),
        one.detail.as_str().into(),
        one.attempts.into(),
        one.created_at.into(),
        one.updated_at.into(),
    ];
    tx.execute(sql, values).await?;
    if let Some(file) = file {
        let sql = "insert into integration_file (delivery, name, media_type, content) values ($1, $2, $3, $4)";
        let values = vec![
            one.id.into(),
            file.name.as_str().into(),
            file.media_type.as_str().into(),
            file.content.clone().into(),
        ];
        tx.execute(sql, values).await?;
    }
    Ok(())
}

/// Writes how a delivery stands; its file goes when there is nothing more to do. Whether it exists.
pub async fn update_delivery(tx: &mut Tx, one: &Delivery) -> Result<bool, StoreError> {
    let sql = "update integration_delivery set key = $2, headline = $3, state = $4, detail = $5, attempts = $6, \
        updated_at = $7 where id = $1";
    let values = vec![
        one.id.into(),
        one.key.as_str().into(),
        one.headline.as_str().into(),
        one.state.as_str().into(),
        one.detail.as_str().into(),
        one.attempts.into(),
        one.updated_at.into(),
    ];
    let exists = tx.execute(sql, values).await? > 0;
    if one.state == "delivered" {
        tx.execute("delete from integration_file where delivery = $1", vec![one.id.into()]).await?;
    }
    Ok(exists)
}

/// One delivery.
pub async fn delivery(tx: &mut Tx, id: Uuid) -> Result<Option<Delivery>, StoreError> {
    let sql = format!("select {DELIVERY_COLUMNS} from integration_delivery where id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode_delivery(&row)).transpose()
}

/// The file of a delivery that is not done.
pub async fn file(tx: &mut Tx, delivery: Uuid) -> Result<Option<File>, StoreError> {
    let sql = "select name, media_type, content from integration_file where delivery = $1";
    let row = tx.fetch_optional(sql, vec![delivery.into()]).await?;
    row.map(|row| {
        Ok(File { name: row.text("name")?, media_type: row.text("media_type")?, content: row.bytes("content")? })
    })
    .transpose()
}

/// Deliveries of an integration, or of all, newest first.
pub async fn deliveries(tx: &mut Tx, integration: Option<Uuid>, limit: u32) -> Result<Vec<Delivery>, StoreError> {
    let order = "order by created_at desc, id desc";
    let (filter, values) = match integration {
        Some(id) => ("where integration = $2", vec![limit.into(), id.into()]),
        None => ("", vec![limit.into()]),
    };
    let sql = format!("select {DELIVERY_COLUMNS} from integration_delivery {filter} {order} limit $1");
    tx.fetch_all(sql, values).await?.iter().map(decode_delivery).collect()
}

/// Forgets events that were delivered before a time; nobody pushes them again. Records are remembered on.
pub async fn forget_events_before(tx: &mut Tx, before: DateTime<Utc>) -> Result<u64, StoreError> {
    // Of an event the subject is the key itself.
    tx.execute("delete from integration_link where subject = key and updated_at < $1", vec![before.into()]).await
}

/// Forgets deliveries that were asked for before a time; no try follows so much later.
pub async fn forget_deliveries_before(tx: &mut Tx, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let sql = "delete from integration_delivery where created_at < $1";
    tx.execute(sql, vec![before.into()]).await
}
