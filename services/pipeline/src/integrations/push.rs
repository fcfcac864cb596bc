//! The task that pushes one thing to one integration.
//!
//! What was delivered last of a subject is remembered: the same again is not sent. A record is read anew after it was
//! pushed, and pushed again if it changed meanwhile, so that the service ends with the newest state in whatever order
//! pushes run. A message to a service that cannot be asked for it is marked before it is sent; a run that finds the
//! mark does not know whether the message arrived, says so, and does not send it a second time.

use std::time::Duration;

use aerie_integrations::{
    AppointmentChange, Delivered, Effect, Item, JobName, Kind, Move, PushError, Ready, Style, Topic,
};
use aerie_store::{
    StoreError,
    integrations::{self as rows, Delivery, File, Link},
    tracking::Appointment,
};
use aerie_tasks::{Backoff, KindPolicy, LogLevel, Outcome, TaskContext, TaskError, TaskHandler};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{IntegrationError, credentials, event, items};
use crate::core::Core;

/// States of a delivery.
pub(super) const WAITING: &str = "waiting";
const SENDING: &str = "sending";
const RETRYING: &str = "retrying";
const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";

/// Rounds until a record that goes on changing is left to the next push.
const MOST_ROUNDS: usize = 3;

/// What is to be delivered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Subject {
    /// A job.
    Job {
        /// Its id.
        id: Uuid,
        /// The state that an event is about; none for a record.
        version: Option<i64>,
        /// The move that an event is about.
        moved: Option<Move>,
    },
    /// An appointment.
    Appointment {
        /// Its id.
        id: Uuid,
        /// What became of it.
        change: AppointmentChange,
        /// The state that an event is about; none for a record.
        version: Option<i64>,
        /// What it was, once it is deleted.
        gone: Option<Gone>,
    },
    /// A digest.
    Digest {
        /// The day.
        day: NaiveDate,
    },
    /// A file, kept with the delivery.
    Document {
        /// Its name.
        name: String,
    },
}

/// An appointment that was deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Gone {
    job_id: Uuid,
    kind: String,
    title: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    zone: String,
    location: String,
    pub(super) job: JobName,
}

impl Gone {
    pub(super) fn new(one: &Appointment, job: JobName) -> Self {
        Self {
            job_id: one.job_id,
            kind: one.kind.clone(),
            title: one.title.clone(),
            starts_at: one.starts_at,
            ends_at: one.ends_at,
            zone: one.zone.clone(),
            location: one.location.clone(),
            job,
        }
    }

    pub(super) fn row(&self, id: Uuid) -> Appointment {
        Appointment {
            id,
            job_id: self.job_id,
            kind: self.kind.clone(),
            title: self.title.clone(),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            zone: self.zone.clone(),
            location: self.location.clone(),
            notes: String::new(),
            updated_at: self.starts_at,
        }
    }
}

impl Subject {
    /// The name under which deliveries of it are kept.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Job { id, .. } => format!("job:{id}"),
            Self::Appointment { id, .. } => format!("appointment:{id}"),
            Self::Digest { day } => format!("digest:{day}"),
            Self::Document { name } => format!("document:{name}"),
        }
    }

    pub(crate) fn topic(&self) -> Topic {
        match self {
            Self::Job { .. } => Topic::Jobs,
            Self::Appointment { .. } => Topic::Appointments,
            Self::Digest { .. } => Topic::Digests,
            Self::Document { .. } => Topic::Documents,
        }
    }
}

/// Which delivery is to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushPayload {
    pub(crate) delivery_id: Uuid,
    pub(crate) subject: Subject,
    /// A person asked for it, whether the integration is switched on or not.
    pub(crate) by_hand: bool,
}

/// What a push did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushReport {
    /// `created`, `updated`, `unchanged` or `removed`.
    pub effect: String,
}

/// Runs `integration.push` tasks.
pub struct PushTask {
    /// Shared parts.
    pub core: Core,
}

impl TaskHandler for PushTask {
    const KIND: &'static str = "integration.push";
    type Payload = PushPayload;
    type Output = PushReport;

    fn policy() -> KindPolicy {
        KindPolicy {
            // A service that is down for some hours gets everything when it is back.
            max_attempts: Some(12),
            backoff: Backoff { first: Duration::from_secs(10), most: Duration::from_secs(3_600) },
            timeout: Duration::from_secs(6 * 60),
            ..KindPolicy::default()
        }
    }

    async fn run(&self, context: TaskContext, payload: PushPayload) -> Result<Outcome<PushReport>, TaskError> {
        let gone = || Outcome::Fail { reason: "the integration was deleted".to_owned() };
        let mut tx = context.database().read().await?;
        let Some(delivery) = rows::delivery(&mut tx, payload.delivery_id).await? else { return Ok(gone()) };
        let Some(integration) = rows::get(&mut tx, delivery.integration).await? else { return Ok(gone()) };
        let file = rows::file(&mut tx, delivery.id).await?;
        drop(tx);
        let mut push = Push { core: &self.core, context: &context, subject: payload.subject, delivery, file };
        if !integration.enabled && !payload.by_hand {
            return push.fail("the integration was switched off meanwhile").await;
        }
        let (kind, ready) = match credentials::ready(&self.core, context.person(), &integration) {
            Ok(ready) => ready,
            Err(IntegrationError::Store(error)) if !matches!(error, StoreError::Sealed { .. }) => {
                return Err(error.into());
            }
            Err(error) => return push.fail(&error.to_string()).await,
        };
        context.stage(&format!("pushing to {}", kind.info.label), None).await?;
        push.run(kind, &ready, payload.by_hand).await
    }
}

/// One run.
struct Push<'a> {
    core: &'a Core,
    context: &'a TaskContext,
    subject: Subject,
    delivery: Delivery,
    file: Option<File>,
}

impl Push<'_> {
    async fn run(&mut self, kind: &Kind, ready: &Ready, by_hand: bool) -> Result<Outcome<PushReport>, TaskError> {
        let is_record = kind.info.style == Style::Record;
        let mut last: Option<(Delivered, Item)> = None;
        for _ in 0..MOST_ROUNDS {
            let found = match (self.read().await?, &last) {
                (Some(found), _) => found,
                // It was deleted while it was pushed: what the push made is taken away again.
                (None, Some((_, Item::Appointment(one)))) if one.change != AppointmentChange::Cancelled => {
                    let mut one = one.clone();
                    one.change = AppointmentChange::Cancelled;
                    items::Found { item: Item::Appointment(one), key: format!("{}:cancelled", self.subject.name()) }
                }
                (None, _) => break,
            };
            let place = if is_record { self.subject.name() } else { found.key.clone() };
            let known = self.link(&place).await?;
            let is_known = known.as_ref().is_some_and(|known| known.key == found.key);
            // A person who pushes a record by hand may miss it over there.
            if is_known && (last.is_some() || !by_hand || !is_record) {
                break;
            }
            if kind.info.style == (Style::Message { repeatable: false }) && self.delivery.state == SENDING {
                return self.fail(&unknown_end(kind)).await;
            }
            self.delivery.key.clone_from(&found.key);
            self.delivery.headline = found.item.headline().chars().take(300).collect();
            self.delivery.attempts += 1;
            self.note(SENDING, "").await?;
            let delivery = aerie_integrations::Delivery {
                subject: self.subject.name(),
                key: found.key.clone(),
                at: self.delivery.created_at,
                remote_id: known.map(|known| known.remote_id).filter(|id| !id.is_empty()),
                item: found.item.clone(),
            };
            match ready.push(&self.core.inner.wire, &delivery).await {
                Ok(done) => {
                    self.keep(&place, &found.key, &done).await?;
                    last = Some((done, found.item));
                }
                Err(error) => return self.failed(kind, error).await,
            }
            if !is_record {
                break;
            }
        }
        let effect = last.map_or(Effect::Unchanged, |(done, _)| done.effect);
        self.note(DELIVERED, effect.as_str()).await?;
        Ok(Outcome::Done(PushReport { effect: effect.as_str().to_owned() }))
    }

    async fn read(&self) -> Result<Option<items::Found>, TaskError> {
        let mut tx = self.context.database().read().await?;
        items::read(self.core, &mut tx, &self.subject, self.file.as_ref()).await.map_err(TaskError::work)
    }

    async fn link(&self, place: &str) -> Result<Option<Link>, TaskError> {
        let mut tx = self.context.database().read().await?;
        Ok(rows::link(&mut tx, self.delivery.integration, place).await?)
    }

    async fn keep(&self, place: &str, key: &str, done: &Delivered) -> Result<(), TaskError> {
        let link = Link { key: key.to_owned(), remote_id: done.remote_id.clone().unwrap_or_default() };
        let mut tx = self.context.database().begin().await?;
        // The integration may have been deleted meanwhile, and its links with it.
        if rows::get(&mut tx, self.delivery.integration).await?.is_some() {
            rows::save_link(&mut tx, self.delivery.integration, place, &link, self.core.now()).await?;
        }
        Ok(tx.commit().await?)
    }

    /// What an error means for another try.
    async fn failed(&mut self, kind: &Kind, error: PushError) -> Result<Outcome<PushReport>, TaskError> {
        self.context.log(LogLevel::Warning, &error.to_string()).await?;
        match error {
            PushError::Again { reason, .. } if self.context.is_last_attempt() => {
                self.fail(&format!("{reason}; it was tried {} times", self.delivery.attempts)).await
            }
            PushError::Again { after, reason } => {
                self.note(RETRYING, &reason).await?;
                Ok(Outcome::Retry { after, reason })
            }
            PushError::Uncertain { reason } => self.fail(&format!("{reason}; {}", unknown_end(kind))).await,
            error => self.fail(&error.to_string()).await,
        }
    }

    async fn fail(&mut self, reason: &str) -> Result<Outcome<PushReport>, TaskError> {
        self.note(FAILED, reason).await?;
        Ok(Outcome::Fail { reason: reason.to_owned() })
    }

    /// Writes how the delivery stands; the ends are events.
    async fn note(&mut self, state: &str, detail: &str) -> Result<(), TaskError> {
        self.delivery.state = state.to_owned();
        self.delivery.detail = detail.chars().take(1_000).collect();
        self.delivery.updated_at = self.core.now();
        let mut tx = self.context.database().begin().await?;
        rows::update_delivery(&mut tx, &self.delivery).await?;
        if [DELIVERED, FAILED].contains(&state) {
            let data = json!({ "delivery_id": self.delivery.id, "topic": self.delivery.topic });
            let name = format!("integration.{state}");
            aerie_events::append(&mut tx, event(&name, self.delivery.integration, data, self.core)).await?;
        }
        Ok(self.core.inner.queue.commit(tx, self.context.person()).await?)
    }
}

fn unknown_end(kind: &Kind) -> String {
    format!(
        "it may have arrived or not, and {} cannot be asked: look there, and push it by hand if it is missing",
        kind.info.label
    )
}
