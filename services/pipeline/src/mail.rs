//! Mail about applications: read from the person's own mailboxes, labelled, linked to jobs, turned into suggestions.
//!
//! Reading ([`syncing`]) and drafting ([`replying`]) are tasks. Whatever a mail says, all that follows by itself is a row
//! that a person looks at: a label, a suggestion, a pending posting. A model, where there is one, picks a label or writes
//! a draft; neither is an action.

mod accounts;
mod asking;
mod deciding;
mod reading;
mod replying;
mod suggesting;
mod syncing;
mod templates;
pub(crate) mod times;
pub(crate) mod watching;

use aerie_mail::{Label, imap::ImapError};
use aerie_store::{Database, PersonId, StoreError, Tx, mail::MailRow};
use aerie_tasks::{QueueError, TaskError};
use serde_json::json;
use uuid::Uuid;

use crate::{
    core::Core,
    jobs::{JobError, job_event},
};

pub(crate) use accounts::{Changes, EVERYTHING, USUAL_DAYS, wanted_mailboxes};
pub(crate) use reading::postings_of;
pub use replying::DraftTask;
pub(crate) use suggesting::legal_moves;
pub use syncing::SyncTask;

/// What stands for the labeller where no model was asked.
pub(crate) const RULES: &str = "rules";

/// What stands for the labeller, and the reason of a link, after the person said so.
pub(crate) const PERSON: &str = "you";

/// States of a suggestion.
pub(crate) const OPEN: &str = "open";
pub(crate) const ACCEPTED: &str = "accepted";
pub(crate) const DISMISSED: &str = "dismissed";

/// Why something about mail was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    #[error("{what} {id} does not exist; it may have been deleted meanwhile")]
    NotFound { what: &'static str, id: Uuid },
    #[error("the suggestion is {0} already")]
    Decided(String),
    #[error("{0}")]
    NoZone(#[from] times::TimeError),
    #[error("accounts here may name only these hosts: {}; {host:?} is none of them (mail.hosts)", allowed.join(", "))]
    HostRefused { host: String, allowed: Vec<String> },
    #[error("the mail server did not answer within {0} seconds; check host, port and network")]
    Slow(u64),
    #[error("there are {0} accounts already; delete one first")]
    TooManyAccounts(usize),
    #[error(transparent)]
    Imap(#[from] ImapError),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Task(#[from] TaskError),
    #[error(transparent)]
    Event(#[from] aerie_events::EventError),
}

/// One person's mail.
pub(crate) struct Mails<'a> {
    pub(crate) core: &'a Core,
    pub(crate) database: &'a Database,
    pub(crate) person: PersonId,
}

impl Mails<'_> {
    async fn commit(&self, tx: Tx) -> Result<(), MailError> {
        Ok(self.core.inner.queue.commit(tx, self.person).await?)
    }
}

/// The label of a stored name; one that a later version wrote counts as neutral.
pub(crate) fn label_of(name: &str) -> Label {
    Label::of_name(name).unwrap_or(Label::Neutral)
}

/// The event that what is thought of a mail changed.
fn changed(core: &Core, mail: &MailRow) -> aerie_events::NewEvent {
    let data = json!({ "mail_id": mail.id, "label": mail.label, "job_id": mail.job_id });
    job_event("mail.changed", mail.id, data, core.now())
}
