//! What is pushed.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Topic;

/// Longest name of a file, in bytes; every file system and service takes this much.
const MOST_NAME_BYTES: usize = 180;

/// One thing to deliver.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// What it is about, the same for every later state of it: `job:…`, `appointment:…`, `digest:…`, `document:…`.
    pub subject: String,
    /// Which state or event of the subject it is: pushed twice under one key it changes nothing the second time.
    pub key: String,
    /// When the push was asked for.
    pub at: DateTime<Utc>,
    /// Where the service keeps the subject, if an earlier push told.
    pub remote_id: Option<String>,
    /// The content.
    pub item: Item,
}

/// The content of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A job that was moved, or its present state.
    Job(Job),
    /// An interview or other date.
    Appointment(Appointment),
    /// A summary of the day.
    Digest(Digest),
    /// A file.
    Document(Document),
}

impl Item {
    /// What the item is about.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match self {
            Self::Job(_) => Topic::Jobs,
            Self::Appointment(_) => Topic::Appointments,
            Self::Digest(_) => Topic::Digests,
            Self::Document(_) => Topic::Documents,
        }
    }

    /// The item in one line, for messages and the record of deliveries.
    #[must_use]
    pub fn headline(&self) -> String {
        match self {
            Self::Job(job) => match &job.moved {
                Some(step) if step.reverted => {
                    format!("{}, {}: back to {}", job.name.title, job.name.company, words(&step.to))
                }
                Some(step) => format!("{}, {}: {}", job.name.title, job.name.company, words(&step.to)),
                None => format!("{}, {}: {}", job.name.title, job.name.company, words(&job.status)),
            },
            Self::Appointment(one) => match one.change {
                AppointmentChange::Scheduled => format!("{}: {}", one.title, one.local_time()),
                AppointmentChange::Changed => format!("Changed: {}: {}", one.title, one.local_time()),
                AppointmentChange::Cancelled => format!("Cancelled: {}: {}", one.title, one.local_time()),
            },
            Self::Digest(digest) => format!("Applications on {}", digest.day.format("%-d %B %Y")),
            Self::Document(document) => document.name.to_string(),
        }
    }

    /// The item in plain words, for services that show a message.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Job(job) => lines([&self.headline(), &job.name.url]),
            Self::Appointment(one) => {
                let job = format!("{}, {}", one.job.title, one.job.company);
                lines([&self.headline(), &job, &one.location, &one.job.url])
            }
            Self::Digest(digest) => format!("{}\n\n{}", self.headline(), digest.text()),
            Self::Document(_) => self.headline(),
        }
    }
}

/// A status as people read it.
pub(crate) fn words(status: &str) -> String {
    status.replace('_', " ")
}

fn lines<'a>(parts: impl IntoIterator<Item = &'a String>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// What names a job to a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobName {
    /// Title.
    pub title: String,
    /// Employer.
    pub company: String,
    /// Page of the posting.
    pub url: String,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Id.
    pub id: Uuid,
    /// Title, employer, page.
    pub name: JobName,
    /// Present status, for example `phone_screen`.
    pub status: String,
    /// Places in words.
    pub place: String,
    /// Pay in words.
    pub salary: String,
    /// Where it was found.
    pub source: String,
    /// Score from 0 to 100.
    pub score: Option<f64>,
    /// The move that this is about.
    pub moved: Option<Move>,
}

/// A move of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Status before.
    pub from: String,
    /// Status after.
    pub to: String,
    /// Whether it takes back an earlier move.
    pub reverted: bool,
}

/// What became of an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentChange {
    /// It is new.
    Scheduled,
    /// It was changed.
    Changed,
    /// It takes place no more.
    Cancelled,
}

/// An interview or other date.
#[derive(Debug, Clone, PartialEq)]
pub struct Appointment {
    /// Id.
    pub id: Uuid,
    /// What became of it.
    pub change: AppointmentChange,
    /// Title.
    pub title: String,
    /// Begin.
    pub starts_at: DateTime<Utc>,
    /// End.
    pub ends_at: DateTime<Utc>,
    /// The zone that it was agreed in.
    pub zone: Tz,
    /// Address, room or link.
    pub location: String,
    /// Notes.
    pub notes: String,
    /// The job that it is about.
    pub job: JobName,
}

impl Appointment {
    /// The begin as it was agreed: "Tue 3 March 2026, 14:00 (Europe/Berlin)".
    #[must_use]
    pub fn local_time(&self) -> String {
        format!("{} ({})", self.starts_at.with_timezone(&self.zone).format("%a %-d %B %Y, %H:%M"), self.zone)
    }

    /// What a calendar shows below the title.
    pub(crate) fn description(&self) -> String {
        let job = match (self.job.title.as_str(), self.job.company.as_str()) {
            ("", "") => String::new(),
            (title, "") => title.to_owned(),
            (title, company) => format!("{title}, {company}"),
        };
        lines([&job, &self.job.url, &self.notes])
    }
}

/// A summary of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The day.
    pub day: NaiveDate,
    /// What there is to say.
    pub sections: Vec<DigestSection>,
}

/// Lines under a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestSection {
    /// Heading.
    pub title: String,
    /// Lines.
    pub lines: Vec<String>,
}

/// A file to keep elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Name.
    pub name: FileName,
    /// Media type, for example `application/pdf`.
    pub media_type: String,
    /// Content.
    pub content: Bytes,
}

/// A name that means the same file everywhere: no folder, no control character, not hidden.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(String);

/// A file's name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot be a file's name: {reason}")]
pub struct BadFileName {
    /// The name, cut.
    pub name: String,
    /// What is wrong with it, and what to write.
    pub reason: &'static str,
}

impl FileName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`BadFileName`] with what to write instead.
    pub fn new(name: &str) -> Result<Self, BadFileName> {
        let name = name.trim();
        let refuse = |reason| Err(BadFileName { name: name.chars().take(80).collect(), reason });
        if name.is_empty() {
            return refuse("it is empty; write one such as \"letter.pdf\"");
        }
        if name.len() > MOST_NAME_BYTES {
            return refuse("it has more than 180 bytes; shorten it");
        }
        if name.starts_with('.') || name.ends_with('.') {
            return refuse("it begins or ends with a dot; write one such as \"letter.pdf\"");
        }
        if name.chars().any(|character| character.is_control() || "/\\:*?\"<>|".contains(character)) {
            return refuse("it has one of / \\ : * ? \" < > | or a control character; leave these out");
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a push did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Something new is there.
    Created,
    /// What was there changed.
    Updated,
    /// It was there already, just so.
    Unchanged,
    /// It was taken away.
    Removed,
}

impl Effect {
    /// Name as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Removed => "removed",
        }
    }
}

/// A push that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// What it did.
    pub effect: Effect,
    /// Where the service keeps the subject.
    pub remote_id: Option<String>,
}

impl Delivered {
    pub(crate) fn new(effect: Effect, remote_id: impl Into<String>) -> Self {
        Self { effect, remote_id: Some(remote_id.into()) }
    }

    pub(crate) fn without_id(effect: Effect) -> Self {
        Self { effect, remote_id: None }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_that_lead_out_of_a_folder_are_refused() {
        let long = "x".repeat(181);
        for name in ["", " ", "..", "../x", "a/b", "a\\b", ".hidden", "x.", "C:x", "a\nb", "a\0b", long.as_str()] {
            assert!(FileName::new(name).is_err(), "{name:?}");
        }
        assert_eq!(FileName::new(" Brief – Müller & Söhne.pdf ").unwrap().as_str(), "Brief – Müller & Söhne.pdf");
    }
}
