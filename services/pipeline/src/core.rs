//! What every part of the pipeline works with.

use std::sync::Arc;

use aerie_boards::{SharedSource, fetch::Fetcher};
use aerie_config::{Discovery, Integrations, Mail, Matching, Tracking};
use aerie_embedding::Embedder;
use aerie_integrations::Wire;
use aerie_rpc::{Backend, RequestLimits};
use aerie_store::{Database, PersonId, StoreError, Stores};
use aerie_tasks::Queue;
use aerie_typesetting::Typesetter;
use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};

use crate::research::Web;

/// Shared parts. Cheap to clone.
#[derive(Clone)]
pub struct Core {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) stores: Arc<Stores>,
    pub(crate) queue: Queue,
    pub(crate) fetcher: Fetcher,
    pub(crate) sources: Vec<SharedSource>,
    pub(crate) discovery: Discovery,
    pub(crate) matching: Matching,
    pub(crate) tracking: Tracking,
    pub(crate) mail: Mail,
    /// Tells those who watch mailboxes that accounts changed.
    pub(crate) mail_accounts: Arc<Notify>,
    /// Tells that somebody came or was deleted; the number only rises.
    pub(crate) people: watch::Sender<u64>,
    pub(crate) integrations: Integrations,
    /// Reaches the services that are pushed to.
    pub(crate) wire: Wire,
    pub(crate) limits: RequestLimits,
    pub(crate) embedder: Option<Arc<Embedder>>,
    pub(crate) typesetter: Typesetter,
    /// What the web says of employers.
    pub(crate) web: Web,
    /// The language-model router, when there is one to ask.
    pub(crate) router: Option<Backend>,
}

impl Core {
    /// The time that everything here lives by.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.inner.queue.clock().now()
    }

    /// Tells whoever looks after people that somebody came or was deleted.
    pub(crate) fn tell_of_people(&self) {
        self.inner.people.send_modify(|changes| *changes += 1);
    }

    /// One person's store.
    pub(crate) async fn person(&self, person: PersonId) -> Result<Database, StoreError> {
        self.inner.stores.person(person).await
    }

    /// Accounts and the posting catalogue.
    pub(crate) fn platform(&self) -> &Database {
        self.inner.stores.platform()
    }

    /// The source of this name, built in or a recipe.
    pub(crate) fn source(&self, name: &str) -> Option<&SharedSource> {
        self.inner.sources.iter().find(|source| source.info().name == name)
    }
}
