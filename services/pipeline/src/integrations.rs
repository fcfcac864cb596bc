//! Other programs that what happens to jobs is pushed to.
//!
//! A change asks for its pushes in its own transaction ([`asking`]), each is a durable task ([`push`]) that reads what
//! is to be delivered when it runs ([`items`]). Credentials are sealed in the person's store ([`credentials`]) and
//! leave it only on their way to the service.

pub(crate) mod asking;
mod credentials;
pub(crate) mod digest;
mod items;
pub(crate) mod push;

use std::collections::BTreeMap;

use aerie_events::NewEvent;
use aerie_integrations::{Kind, PushError, SettingsError, Topic, by_name};
use aerie_store::{
    Database, PersonId, StoreError, Tx,
    integrations::{self as rows, Delivery, File, Integration},
};
use aerie_tasks::QueueError;
use serde_json::json;
use uuid::Uuid;

use crate::core::Core;
use asking::Wanted;
use push::Subject;

/// Largest file that is pushed.
pub(crate) const MOST_FILE_BYTES: usize = 8 << 20;

/// Why an integration was not changed or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntegrationError {
    #[error("integration {0} does not exist; see the list of integrations")]
    NotFound(Uuid),
    #[error("{0:?} is no kind of integration; there are {known}", known = kind_names())]
    UnknownKind(String),
    #[error("there is another integration called {0:?}; choose another name")]
    NameTaken(String),
    #[error("there are {} integrations already; delete one first", rows::MOST)]
    TooMany,
    #[error("{kind} takes no {topic}; it takes {}", topic_names(.topics))]
    NotTaken { kind: &'static str, topic: Topic, topics: &'static [Topic] },
    #[error("{0} does not exist; it may have been deleted meanwhile")]
    NoItem(String),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Event(#[from] aerie_events::EventError),
    #[error("what is stored of the integration cannot be read: {0}")]
    Unreadable(String),
}

fn topic_names(topics: &[Topic]) -> String {
    topics.iter().map(|topic| topic.as_str()).collect::<Vec<_>>().join(", ")
}

fn kind_names() -> String {
    aerie_integrations::all().iter().map(|kind| kind.info.name).collect::<Vec<_>>().join(", ")
}

/// An integration to be made or changed; what is not given stays.
#[derive(Default)]
pub(crate) struct Change {
    pub(crate) name: Option<String>,
    /// An empty text takes a setting away.
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) topics: Vec<Topic>,
    pub(crate) enabled: Option<bool>,
}

/// One person's integrations.
pub(crate) struct Integrations<'a> {
    pub(crate) core: &'a Core,
    pub(crate) database: &'a Database,
    pub(crate) person: PersonId,
}

impl Integrations<'_> {
    /// All of them, each with its newest delivery.
    pub(crate) async fn list(&self) -> Result<Vec<(Integration, Option<Delivery>)>, IntegrationError> {
        let mut tx = self.database.read().await?;
        let mut found = Vec::new();
        for one in rows::list(&mut tx).await? {
            let last = rows::deliveries(&mut tx, Some(one.id), 1).await?.pop();
            found.push((one, last));
        }
        Ok(found)
    }

    /// Adds one.
    pub(crate) async fn create(&self, kind: &str, change: Change) -> Result<Integration, IntegrationError> {
        let kind = by_name(kind).ok_or_else(|| IntegrationError::UnknownKind(kind.to_owned()))?;
        let now = self.core.now();
        let one = Integration {
            id: Uuid::now_v7(),
            kind: kind.info.name.to_owned(),
            name: kind.info.label.to_owned(),
            settings: BTreeMap::new(),
            secrets: Vec::new(),
            secret_names: Vec::new(),
            topics: kind.info.topics.iter().map(|topic| topic.as_str().to_owned()).collect(),
            enabled: kind.info.starts_on,
            created_at: now,
            updated_at: now,
        };
        let mut tx = self.database.begin().await?;
        let others = rows::list(&mut tx).await?;
        if i64::try_from(others.len()).unwrap_or(i64::MAX) >= rows::MOST {
            return Err(IntegrationError::TooMany);
        }
        self.save(tx, kind, one, BTreeMap::new(), change, &others).await
    }

    /// Changes one.
    pub(crate) async fn update(&self, id: Uuid, change: Change) -> Result<Integration, IntegrationError> {
        let mut tx = self.database.begin().await?;
        let one = rows::get(&mut tx, id).await?.ok_or(IntegrationError::NotFound(id))?;
        let kind = by_name(&one.kind).ok_or_else(|| IntegrationError::UnknownKind(one.kind.clone()))?;
        let secrets = match credentials::open(self.core, self.person, &one) {
            // Credentials that cannot be opened any more are replaced by those that are entered anew.
            Err(IntegrationError::Store(StoreError::Sealed { .. })) if !change.settings.is_empty() => BTreeMap::new(),
            secrets => secrets?,
        };
        let others = rows::list(&mut tx).await?;
        self.save(tx, kind, one, secrets, change, &others).await
    }

    async fn save(
        &self,
        mut tx: Tx,
        kind: &Kind,
        mut one: Integration,
        mut secrets: BTreeMap<String, String>,
        change: Change,
        others: &[Integration],
    ) -> Result<Integration, IntegrationError> {
        for (name, value) in change.settings {
            let is_secret = kind.field(&name).is_some_and(|field| field.secret);
            let values = if is_secret { &mut secrets } else { &mut one.settings };
            if value.trim().is_empty() {
                values.remove(&name);
            } else {
                values.insert(name, value);
            }
        }
        kind.ready(&credentials::join(&one.settings, &secrets))?;
        if let Some(name) = change.name {
            one.name = name;
        }
        if others.iter().any(|other| other.id != one.id && other.name == one.name) {
            return Err(IntegrationError::NameTaken(one.name));
        }
        if let Some(topic) = change.topics.iter().find(|topic| !kind.info.topics.contains(topic)) {
            return Err(IntegrationError::NotTaken { kind: kind.info.label, topic: *topic, topics: kind.info.topics });
        }
        if !change.topics.is_empty() {
            one.topics = change.topics.iter().map(|topic| topic.as_str().to_owned()).collect();
            one.topics.sort_unstable();
            one.topics.dedup();
        }
        one.enabled = change.enabled.unwrap_or(one.enabled);
        one.secret_names = secrets.keys().cloned().collect();
        one.secrets = credentials::seal(self.core, self.person, one.id, &secrets)?;
        one.updated_at = self.core.now();
        rows::save(&mut tx, &one).await?;
        self.changed(tx, one.id).await?;
        Ok(one)
    }

    /// Deletes one.
    pub(crate) async fn delete(&self, id: Uuid) -> Result<(), IntegrationError> {
        let mut tx = self.database.begin().await?;
        if !rows::delete(&mut tx, id).await? {
            return Err(IntegrationError::NotFound(id));
        }
        self.changed(tx, id).await
    }

    async fn changed(&self, mut tx: Tx, id: Uuid) -> Result<(), IntegrationError> {
        digest::schedule(self.core, &mut tx).await?;
        aerie_events::append(&mut tx, event("integration.changed", id, json!({}), self.core)).await?;
        Ok(self.core.inner.queue.commit(tx, self.person).await?)
    }

    /// Asks the service whether pushing would work.
    pub(crate) async fn test(&self, id: Uuid) -> Result<Result<String, PushError>, IntegrationError> {
        let one = self.get(id).await?;
        let (_, ready) = credentials::ready(self.core, self.person, &one)?;
        Ok(ready.test(&self.core.inner.wire).await)
    }

    /// Pushes one thing; returns its delivery and task.
    pub(crate) async fn push(
        &self,
        id: Uuid,
        subject: Subject,
        file: Option<File>,
    ) -> Result<(Delivery, Uuid), IntegrationError> {
        let mut tx = self.database.begin().await?;
        let one = rows::get(&mut tx, id).await?.ok_or(IntegrationError::NotFound(id))?;
        let kind = by_name(&one.kind).ok_or_else(|| IntegrationError::UnknownKind(one.kind.clone()))?;
        let topic = subject.topic();
        if !kind.info.topics.contains(&topic) {
            return Err(IntegrationError::NotTaken { kind: kind.info.label, topic, topics: kind.info.topics });
        }
        let missing = || IntegrationError::NoItem(subject.name());
        let item = items::read(self.core, &mut tx, &subject, file.as_ref()).await?.ok_or_else(missing)?;
        let wanted = Wanted { subject, file, headline: item.item.headline(), key: item.key, by_hand: true };
        let asked = asking::ask_one(self.core, &mut tx, id, kind, &wanted).await?;
        self.core.inner.queue.commit(tx, self.person).await?;
        Ok(asked)
    }

    /// One integration.
    pub(crate) async fn get(&self, id: Uuid) -> Result<Integration, IntegrationError> {
        let mut tx = self.database.read().await?;
        rows::get(&mut tx, id).await?.ok_or(IntegrationError::NotFound(id))
    }

    /// Deliveries, newest first.
    pub(crate) async fn deliveries(&self, id: Option<Uuid>, limit: u32) -> Result<Vec<Delivery>, IntegrationError> {
        let mut tx = self.database.read().await?;
        if let Some(id) = id
            && rows::get(&mut tx, id).await?.is_none()
        {
            return Err(IntegrationError::NotFound(id));
        }
        Ok(rows::deliveries(&mut tx, id, limit).await?)
    }
}

fn event(kind: &str, integration: Uuid, data: serde_json::Value, core: &Core) -> NewEvent {
    NewEvent { kind: kind.to_owned(), subject_id: Some(integration), data, at: core.now() }
}
