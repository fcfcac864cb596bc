//! People. Functions take a transaction of the platform store ([`crate::Stores::platform`]).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{PersonId, Row, StoreError, Tx};

/// A person who uses this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Names the person's store and rows.
    pub id: PersonId,
    /// As shown; may be empty.
    pub name: String,
    /// The subject that an identity provider gave, unique; `None` for the local person.
    pub external_subject: Option<String>,
    /// Whether this is whoever sits at the machine, who needs no sign-in.
    pub is_local: bool,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

const COLUMNS: &str = "id, name, external_subject, is_local, created_at";

/// The local person, if there is one.
pub async fn local_person(tx: &mut Tx) -> Result<Option<PersonId>, StoreError> {
    let found = tx.fetch_optional("select id from person where is_local = $1", vec![true.into()]).await?;
    found.map(|row| row.id("id")).transpose()
}

/// The local person, made at the first call. Two callers at once get the same one.
pub async fn ensure_local_person(tx: &mut Tx, now: DateTime<Utc>) -> Result<PersonId, StoreError> {
    if let Some(person) = local_person(tx).await? {
        return Ok(person);
    }
    insert(tx, Uuid::now_v7(), "", None, true, now).await?;
    tx.fetch_one("select id from person where is_local = $1", vec![true.into()]).await?.id("id")
}

/// The person with this subject at the identity provider, made at the first call.
pub async fn ensure_external_person(
    tx: &mut Tx,
    subject: &str,
    name: &str,
    now: DateTime<Utc>,
) -> Result<PersonId, StoreError> {
    if let Some(person) = person_by_subject(tx, subject).await? {
        return Ok(person.id);
    }
    insert(tx, Uuid::now_v7(), name, Some(subject), false, now).await?;
    let row = tx.fetch_one("select id from person where external_subject = $1", vec![subject.into()]).await?;
    row.id("id")
}

/// A person by id.
pub async fn person(tx: &mut Tx, id: PersonId) -> Result<Option<Person>, StoreError> {
    let sql = format!("select {COLUMNS} from person where id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode(&row)).transpose()
}

/// A person by the identity provider's subject.
pub async fn person_by_subject(tx: &mut Tx, subject: &str) -> Result<Option<Person>, StoreError> {
    let sql = format!("select {COLUMNS} from person where external_subject = $1");
    tx.fetch_optional(sql, vec![subject.into()]).await?.map(|row| decode(&row)).transpose()
}

/// Everybody, in the order of their accounts.
pub async fn people(tx: &mut Tx) -> Result<Vec<Person>, StoreError> {
    let sql = format!("select {COLUMNS} from person order by created_at, id");
    tx.fetch_all(sql, vec![]).await?.iter().map(decode).collect()
}

async fn insert(
    tx: &mut Tx,
    id: PersonId,
    name: &str,
    subject: Option<&str>,
    is_local: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.execute(
        format!("insert into person ({COLUMNS}) values ($1, $2, $3, $4, $5) on conflict do nothing"),
        vec![id.into(), name.into(), subject.into(), is_local.into(), now.into()],
    )
    .await?;
    Ok(())
}

fn decode(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: row.id("id")?,
        name: row.text("name")?,
        external_subject: row.optional_text("external_subject")?,
        is_local: row.bool("is_local")?,
        created_at: row.time("created_at")?,
    })
}
