//! A person's profile and their search profiles. Functions take a transaction of the person's store
//! ([`crate::Stores::person`]). The documents are JSON that the pipeline defines.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Row, StoreError, Tx};

/// A document with the number that rises at every change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileDocument {
    /// JSON.
    pub document: String,
    /// 1 for the first one saved.
    pub version: i64,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// The person's profile, if one was saved.
pub async fn profile(tx: &mut Tx) -> Result<Option<ProfileDocument>, StoreError> {
    let Some(row) = tx.fetch_optional("select document, version, updated_at from profile", vec![]).await? else {
        return Ok(None);
    };
    Ok(Some(ProfileDocument {
        document: row.private("profile.document")?,
        version: row.int("version")?,
        updated_at: row.time("updated_at")?,
    }))
}

/// Saves the profile and returns its new version. With `expected_version` (0: none saved yet) the change is made only
/// if nobody else saved meanwhile; `None` then says that somebody did.
pub async fn save_profile(
    tx: &mut Tx,
    document: &str,
    expected_version: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, StoreError> {
    let document = tx.private("profile.document", document)?;
    let updated = tx
        .fetch_optional(
            "update profile set document = $1, version = version + 1, updated_at = $2 \
             where coalesce($3, version) = version returning version",
            vec![document.clone(), now.into(), expected_version.into()],
        )
        .await?;
    if let Some(row) = updated {
        return row.int("version").map(Some);
    }
    if expected_version.is_some_and(|version| version != 0) {
        return Ok(None);
    }
    let inserted = tx
        .execute(
            "insert into profile (document, version, updated_at) values ($1, 1, $2) on conflict do nothing",
            vec![document, now.into()],
        )
        .await?;
    Ok((inserted == 1).then_some(1))
}

/// What to search for, where and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchProfile {
    /// Id.
    pub id: Uuid,
    /// Unique name.
    pub name: String,
    /// Place in the list, from 0.
    pub position: i64,
    /// JSON: titles, places, boards, words to exclude and so on.
    pub document: String,
    /// 1 at first, one more at every change.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str = "id, name, position, document, version, created_at, updated_at";

/// Every search profile in the person's order.
pub async fn search_profiles(tx: &mut Tx) -> Result<Vec<SearchProfile>, StoreError> {
    let sql = format!("select {COLUMNS} from search_profile order by position, id");
    tx.fetch_all(sql, vec![]).await?.iter().map(decode).collect()
}

/// One search profile.
pub async fn search_profile(tx: &mut Tx, id: Uuid) -> Result<Option<SearchProfile>, StoreError> {
    let sql = format!("select {COLUMNS} from search_profile where id = $1");
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| decode(&row)).transpose()
}

/// One search profile by its name.
pub async fn search_profile_by_name(tx: &mut Tx, name: &str) -> Result<Option<SearchProfile>, StoreError> {
    let sql = format!("select {COLUMNS} from search_profile where name = $1");
    tx.fetch_optional(sql, vec![name.into()]).await?.map(|row| decode(&row)).transpose()
}

/// Adds a search profile. A name that is taken is [`StoreError::Constraint`].
pub async fn create_search_profile(
    tx: &mut Tx,
    id: Uuid,
    name: &str,
    position: i64,
    document: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.execute(
        format!("insert into search_profile ({COLUMNS}) values ($1, $2, $3, $4, 1, $5, $5)"),
        vec![id.into(), name.into(), position.into(), document.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Changes a search profile and returns its new version; `None` when it is gone or, with `expected_version`, was
/// changed meanwhile. A name that is taken is [`StoreError::Constraint`].
pub async fn update_search_profile(
    tx: &mut Tx,
    id: Uuid,
    name: &str,
    position: i64,
    document: &str,
    expected_version: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, StoreError> {
    let row = tx
        .fetch_optional(
            "update search_profile set name = $2, position = $3, document = $4, version = version + 1, updated_at = $5 \
             where id = $1 and coalesce($6, version) = version returning version",
            vec![id.into(), name.into(), position.into(), document.into(), now.into(), expected_version.into()],
        )
        .await?;
    row.map(|row| row.int("version")).transpose()
}

/// Removes a search profile; its runs and jobs stay. Whether it existed.
pub async fn delete_search_profile(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    Ok(tx.execute("delete from search_profile where id = $1", vec![id.into()]).await? > 0)
}

fn decode(row: &Row) -> Result<SearchProfile, StoreError> {
    Ok(SearchProfile {
        id: row.id("id")?,
        name: row.text("name")?,
        position: row.int("position")?,
        document: row.text("document")?,
        version: row.int("version")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
