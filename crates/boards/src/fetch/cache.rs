//! What makes the next request conditional.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::source::Validators;

/// Remembers validators between runs; the store implements it.
#[async_trait]
pub trait ResponseCache: Send + Sync {
    /// What is known of an address.
    async fn get(&self, key: &str) -> Option<Validators>;
    /// Remembers an address.
    async fn put(&self, key: &str, validators: Validators);
}

/// Remembers for the life of the process.
#[derive(Debug, Default)]
pub struct MemoryCache(Mutex<HashMap<String, Validators>>);

#[async_trait]
impl ResponseCache for MemoryCache {
    async fn get(&self, key: &str) -> Option<Validators> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    async fn put(&self, key: &str, validators: Validators) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), validators);
    }
}
