//! Mail about applications: accounts, how far each mailbox was read, mails, what they suggest, drafted replies. Functions
//! take a transaction of the person's store ([`crate::Stores::person`]).
//!
//! Labels, evidence and states are texts here, and lists of things are JSON: what they mean is the pipeline's to say.

mod accounts;
mod drafts;
mod reading;
mod suggestions;
mod writing;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::Sealed;

pub use accounts::{
    account, accounts, delete_account, forget_mailboxes, insert_account, mailbox_states, save_mailbox_state, synced,
    update_account,
};
pub use drafts::{draft, insert_draft, latest_draft, update_draft};
pub use reading::{JobForMail, MailFilter, MailPage, get, jobs_for_mail, linked_by_messages, list, unsure};
pub use suggestions::{
    ListedSuggestion, SuggestionFilter, appointment_of_event, decide, insert_suggestion, is_open, list_suggestions,
    suggestion, suggestions_of, withdraw,
};
pub use writing::{hand_over, insert_new, set_asked, set_label, set_link};

/// An account whose mail is read.
#[derive(Debug, Clone, PartialEq)]
pub struct MailAccount {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is encrypted: `tls` or `start_tls`.
    pub security: String,
    /// User.
    pub login: String,
    /// Password.
    pub password: Sealed,
    /// Certificates (PEM) that are trusted beside the system's.
    pub certificates: String,
    /// Mailboxes to read; none means the inbox and sent mail.
    pub mailboxes: Vec<String>,
    /// Days that the first sync looks back; 0 is everything.
    pub since_days: u32,
    /// Whether it is read regularly.
    pub automatic: bool,
    /// When it was read completely for the last time.
    pub synced_at: Option<DateTime<Utc>>,
    /// Why the last sync failed; empty when it did not.
    pub problem: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// Last change by the person.
    pub updated_at: DateTime<Utc>,
}

/// How far a mailbox was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxRow {
    /// Name.
    pub name: String,
    /// Numbering that the server used.
    pub uid_validity: u32,
    /// Everything up to this number was read.
    pub last_uid: u32,
    /// State of the mailbox then.
    pub modseq: Option<u64>,
}

/// One mail.
#[derive(Debug, Clone, PartialEq)]
pub struct MailRow {
    /// Id.
    pub id: Uuid,
    /// Account.
    pub account: Uuid,
    /// Digest of what makes a message itself.
    pub key: String,
    /// Mailbox in which it was found first.
    pub mailbox: String,
    /// `Message-ID`.
    pub message_id: Option<String>,
    /// Ids that it answers, nearest first.
    pub thread: Vec<String>,
    /// Whether the person sent it.
    pub sent: bool,
    /// Subject.
    pub subject: String,
    /// Sender's name.
    pub from_name: String,
    /// Sender's address.
    pub from_address: String,
    /// Recipients, each as `name <address>` or the address.
    pub recipients: Vec<String>,
    /// When it was sent, or arrived.
    pub received_at: DateTime<Utc>,
    /// Its text, cut; empty for what is certainly about something else.
    pub body: String,
    /// What it is about.
    pub label: String,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// Whether it may be shown as certain.
    pub certain: bool,
    /// Who says so: `rules`, `you`, or a model.
    pub labelled_by: String,
    /// Whether no model needs to be asked (any more).
    pub asked: bool,
    /// The sentence that says so.
    pub evidence: String,
    /// Job that it belongs to.
    pub job_id: Option<Uuid>,
    /// Why.
    pub linked_by: String,
    /// Jobs that it may belong to.
    pub candidates: Vec<Uuid>,
    /// Calendar event, as JSON.
    pub event: Option<String>,
    /// Postings that it lists, as JSON.
    pub postings: String,
    /// When it was read.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// What a mail suggests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Id.
    pub id: Uuid,
    /// Mail.
    pub mail_id: Uuid,
    /// Job.
    pub job_id: Uuid,
    /// Label that suggests it.
    pub label: String,
    /// Status to move to; empty for none.
    pub status: String,
    /// `open`, `accepted` or `dismissed`.
    pub state: String,
    /// Whether it may be shown as certain.
    pub certain: bool,
    /// Calendar event to enter, as JSON.
    pub event: Option<String>,
    /// The event's own name.
    pub event_uid: String,
    /// Appointment that accepting it made.
    pub appointment: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the person decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// A reply that was drafted. Nothing sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailDraft {
    /// Id.
    pub id: Uuid,
    /// Mail that it answers.
    pub mail_id: Uuid,
    /// What the person wants it to say.
    pub wish: String,
    /// `waiting`, `drafted` or `failed`.
    pub state: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub body: String,
    /// Who wrote it: `template`, or a model.
    pub written_by: String,
    /// Why there is none.
    pub problem: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}
