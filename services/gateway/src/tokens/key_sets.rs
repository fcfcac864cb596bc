//! Keys of an issuer as they were last fetched.
//!
//! A key that is not known asks for the set again, at most once a minute: whoever invents names of keys must not make this
//! server press the issuer. While the issuer does not answer, the keys that are there stay.

use std::sync::{Arc, Mutex, PoisonError};

use aerie_tasks::Clock;
use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    fetch::{FetchError, Fetcher},
    tokens::keys::Key,
};

/// Shortest time between two fetches while there are keys.
const AGAIN_AFTER: TimeDelta = TimeDelta::seconds(60);
/// The same before the first set came.
const FIRST_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(10);
/// Age at which a set is fetched again without a reason, so that a key that was withdrawn is not believed for long.
const OLD_AFTER: TimeDelta = TimeDelta::minutes(15);

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) struct KeySet {
    url: String,
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    /// Held by whoever fetches.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    keys: Option<Arc<[Key]>>,
    fetched: Option<DateTime<Utc>>,
    tried: Option<DateTime<Utc>>,
}

impl Known {
    fn is_old(&self, now: DateTime<Utc>) -> bool {
        self.fetched.is_none_or(|fetched| is_past(fetched, OLD_AFTER, now))
    }

    fn may_fetch(&self, now: DateTime<Utc>) -> bool {
        let pause = if self.keys.is_some() { AGAIN_AFTER } else { FIRST_AGAIN_AFTER };
        self.tried.is_none_or(|tried| is_past(tried, pause, now))
    }
}

/// Whether so much time has passed; a clock that was set back counts as yes.
fn is_past(since: DateTime<Utc>, pause: TimeDelta, now: DateTime<Utc>) -> bool {
    now - since >= pause || now < since
}

impl KeySet {
    pub(crate) fn new(url: &str, fetcher: Fetcher, clock: Arc<dyn Clock>) -> Self {
        Self { url: url.to_owned(), fetcher, clock, known: Mutex::default(), turn: tokio::sync::Mutex::new(()) }
    }

    /// Every key with this name, or all of them for a token that names none; empty when there is none.
    ///
    /// # Errors
    /// No set ever came.
    pub(crate) async fn named(&self, id: Option<&str>) -> Result<Vec<Key>, FetchError> {
        let now = self.clock.now();
        let known = self.known();
        let found = known.keys.as_deref().map(|keys| with_name(keys, id)).unwrap_or_default();
        let is_wanted = found.is_empty() || known.is_old(now);
        if is_wanted && known.may_fetch(now) {
            self.fetch(&known, !found.is_empty()).await;
        } else if !found.is_empty() {
            return Ok(found);
        }
        match self.known().keys {
            Some(keys) => Ok(with_name(&keys, id)),
            None => Err(FetchError::Unreachable("its keys have not come yet".into())),
        }
    }

    /// Fetches the set, unless somebody else did since `seen`. Whoever has a key does not wait for another's fetch.
    async fn fetch(&self, seen: &Known, has_key: bool) {
        let _turn = if has_key {
            let Ok(turn) = self.turn.try_lock() else { return };
            turn
        } else {
            self.turn.lock().await
        };
        if self.known().tried != seen.tried {
            return;
        }
        let now = self.clock.now();
        let answer = self.fetcher.get(&self.url).await;
        let keys = answer.and_then(|document| Key::read_set(&document).ok_or(FetchError::Unreadable));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.tried = Some(now);
        match keys {
            Ok(keys) => {
                tracing::debug!(url = self.url, keys = keys.len(), "the issuer's keys came");
                known.fetched = Some(now);
                known.keys = Some(keys.into());
            }
            Err(error) => {
                tracing::warn!(url = self.url, %error, "the keys of an issuer did not come: {error}");
            }
        }
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn with_name(keys: &[Key], id: Option<&str>) -> Vec<Key> {
    let fits = |key: &&Key| id.is_none_or(|id| key.id.as_deref() == Some(id));
    keys.iter().filter(fits).cloned().collect()
}
