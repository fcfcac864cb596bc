//! Validators for conditional requests, kept in the platform store.

use std::sync::Arc;

use aerie_boards::{Validators, fetch::ResponseCache};
use aerie_store::{
    Database, StoreError,
    sources::{CachedResponse, cached_response, put_cached_response},
};
use aerie_tasks::Clock;
use async_trait::async_trait;

/// Remembers validators between runs. A store that fails costs a full answer instead of a short one, so it is logged
/// and not an error.
#[derive(Debug)]
pub struct StoredValidators {
    platform: Database,
    clock: Arc<dyn Clock>,
}

impl StoredValidators {
    /// Validators in this platform store.
    pub fn new(platform: Database, clock: Arc<dyn Clock>) -> Self {
        Self { platform, clock }
    }

    async fn read(&self, key: &str) -> Result<Option<Validators>, StoreError> {
        let mut tx = self.platform.read().await?;
        let Some(cached) = cached_response(&mut tx, key).await? else { return Ok(None) };
        Ok(Some(Validators {
            etag: cached.etag,
            last_modified: cached.last_modified,
            body_hash: u64::from_str_radix(&cached.body_hash, 16).unwrap_or_default(),
        }))
    }

    async fn write(&self, key: &str, validators: Validators) -> Result<(), StoreError> {
        let mut tx = self.platform.begin().await?;
        let response = CachedResponse {
            url: key.to_owned(),
            etag: validators.etag,
            last_modified: validators.last_modified,
            body_hash: format!("{:016x}", validators.body_hash),
            result_hash: None,
            fetched_at: self.clock.now(),
        };
        put_cached_response(&mut tx, &response).await?;
        tx.commit().await
    }
}

#[async_trait]
impl ResponseCache for StoredValidators {
    async fn get(&self, key: &str) -> Option<Validators> {
        match self.read(key).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "validators could not be read; the whole answer will be fetched");
                None
            }
        }
    }

    async fn put(&self, key: &str, validators: Validators) {
        if let Err(error) = self.write(key, validators).await {
            tracing::warn!(%error, "validators could not be kept; the next run fetches the whole answer");
        }
    }
}
