//! One mail as the rest of the crate sees it: bounded, decoded, with quoted history and signature set apart.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

mod address;
mod body;
mod calendar;
mod links;
mod parse;
mod transfer;

pub use address::{Mailbox, registrable_domain};
pub use body::Body;
pub use calendar::{CalendarEvent, EventTime, Zone, calendar_event};
pub use links::Link;
pub use parse::parse;

/// Most bytes of one message that are read; what lies behind is not looked at.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// Most parts of one message that are looked at.
pub const MAX_PARTS: usize = 300;

/// Most bytes of text that are kept of one message.
pub const MAX_TEXT_BYTES: usize = 64 << 10;

/// Most characters of a subject, a name or another short field.
pub const MAX_FIELD_CHARACTERS: usize = 500;

/// Most addresses, message ids, links or attachments that are kept of one message.
pub const MAX_ITEMS: usize = 200;

/// What is known of one message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mail {
    /// `Message-ID` without angle brackets.
    pub message_id: Option<String>,
    /// Ids of `In-Reply-To`.
    pub in_reply_to: Vec<String>,
    /// Ids of `References`, oldest first.
    pub references: Vec<String>,
    /// First address of `From`.
    pub from: Option<Mailbox>,
    /// `To` and `Cc`.
    pub to: Vec<Mailbox>,
    /// `Reply-To`.
    pub reply_to: Vec<Mailbox>,
    /// Subject on one line, decoded.
    pub subject: String,
    /// `Date`, when it is one.
    pub date: Option<DateTime<Utc>>,
    /// `List-Id`.
    pub list_id: Option<String>,
    /// Whether there is a `List-Unsubscribe`. Recruiters' tools set it too: it says "bulk", not "unwanted".
    pub list_unsubscribe: bool,
    /// Whether `Auto-Submitted` or `Precedence` says that no person wrote it.
    pub automatic: bool,
    /// The text: what was written now, what it quotes, and the signature.
    pub body: Body,
    /// Links of the body with the words they stand on.
    pub links: Vec<Link>,
    /// Names and kinds of attached files.
    pub attachments: Vec<Attachment>,
    /// The first event of a calendar part.
    pub event: Option<CalendarEvent>,
}

/// One attached file; its content is not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// File name, one line, without a folder.
    pub name: String,
    /// Media type, such as `application/pdf`.
    pub media_type: String,
    /// Bytes after decoding.
    pub bytes: usize,
}

impl Mail {
    /// A mail out of fields that were decoded elsewhere: a spreadsheet, a pasted text, a test. The body goes through the
    /// same reading as one from a server, so it may be HTML, quoted-printable or base64.
    pub fn from_fields(from: &str, subject: &str, body: &str) -> Self {
        let read = body::read(body);
        Self {
            from: Mailbox::read(from),
            subject: parse::subject_of_field(subject),
            body: read.body,
            links: read.links,
            ..Self::default()
        }
    }

    /// Ids that this mail answers, nearest first.
    pub fn thread_ids(&self) -> impl Iterator<Item = &str> {
        self.in_reply_to.iter().chain(self.references.iter().rev()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
