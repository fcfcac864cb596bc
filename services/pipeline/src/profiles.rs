//! A person's profile and search profiles, read from and written to their store.

use aerie_store::{Database, StoreError, Tx, profiles as rows};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::profile::{Profile, SearchProfile};

/// Everything that says who the person is and what they look for.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoredProfile {
    /// The profile; empty before the first one was saved.
    pub(crate) profile: Profile,
    /// Rises with every change; 0 before the first.
    pub(crate) version: i64,
    /// Search profiles in the person's order.
    pub(crate) searches: Vec<SearchProfile>,
}

/// Reads profile and search profiles.
pub(crate) async fn read(person: &Database) -> Result<StoredProfile, StoreError> {
    read_in(&mut person.read().await?).await
}

/// The same within a transaction.
pub(crate) async fn read_in(tx: &mut Tx) -> Result<StoredProfile, StoreError> {
    let mut stored = StoredProfile::default();
    if let Some(row) = rows::profile(tx).await? {
        stored.profile = parse("profile", &row.document)?;
        stored.version = row.version;
    }
    for row in rows::search_profiles(tx).await? {
        let mut search: SearchProfile = parse("search_profile", &row.document)?;
        search.id = row.id;
        stored.searches.push(search);
    }
    Ok(stored)
}

/// Writes the profile; returns its new version.
pub(crate) async fn write(tx: &mut Tx, profile: &Profile, now: DateTime<Utc>) -> Result<i64, StoreError> {
    let document = text(profile)?;
    // Without an expected version the save is never refused; a first save races with nobody but itself.
    Ok(rows::save_profile(tx, &document, None, now).await?.unwrap_or(1))
}

/// Creates a search profile, or replaces the one with its id.
pub(crate) async fn write_search(tx: &mut Tx, search: &SearchProfile, now: DateTime<Utc>) -> Result<(), StoreError> {
    let document = text(search)?;
    if let Some(row) = rows::search_profile(tx, search.id).await? {
        rows::update_search_profile(tx, search.id, &search.name, row.position, &document, None, now).await?;
        return Ok(());
    }
    let position = rows::search_profiles(tx).await?.iter().map(|row| row.position + 1).max().unwrap_or(0);
    rows::create_search_profile(tx, search.id, &search.name, position, &document, now).await
}

/// The search profile with this id, or the first one for `None`.
pub(crate) fn choose(stored: &StoredProfile, id: Option<Uuid>) -> Option<&SearchProfile> {
    match id {
        Some(id) => stored.searches.iter().find(|search| search.id == id),
        None => stored.searches.first(),
    }
}

fn parse<T: serde::de::DeserializeOwned>(column: &str, document: &str) -> Result<T, StoreError> {
    serde_json::from_str(document)
        .map_err(|error| StoreError::Decode { column: column.to_owned(), detail: error.to_string() })
}

fn text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Decode { column: "document".to_owned(), detail: error.to_string() })
}
