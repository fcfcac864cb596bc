//! From a message on a server to what is kept of it.

use std::collections::HashMap;

use aerie_mail::{
    Label, Mail, alerts,
    alerts::FoundPosting,
    classify,
    imap::FetchedMessage,
    linking::{self, Evidence, KnownJob, Linked},
    message::{self, Mailbox},
};
use aerie_postings::{RawPlace, RawPosting, text::truncate_characters};
use aerie_store::mail::{JobForMail, MailRow};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3;

use super::RULES;

/// Most characters of a mail's text that are kept.
const MOST_TEXT: usize = 20_000;

/// Most bytes of the list of postings that is kept with a mail.
const MOST_POSTINGS_BYTES: usize = 64 << 10;

/// Most message ids of a thread that are kept.
const MOST_THREAD: usize = 30;

/// Most recipients that are kept.
const MOST_RECIPIENTS: usize = 20;

/// Where messages come from.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) account: Uuid,
    /// The person's own address, as far as the user name is one.
    pub(crate) own: String,
    pub(crate) mailbox: String,
    /// Whether it holds sent mail.
    pub(crate) sent: bool,
}

/// A message, read and labelled but not linked yet.
pub(crate) struct Read {
    pub(crate) row: MailRow,
    pub(crate) mail: Mail,
    pub(crate) postings: Vec<FoundPosting>,
}

/// Reads messages; pure.
pub(crate) fn read_all(messages: Vec<FetchedMessage>, place: &Place, now: DateTime<Utc>) -> Vec<Read> {
    use rayon::prelude::*;
    messages.into_par_iter().map(|message| read(&message, place, now)).collect()
}

fn read(message: &FetchedMessage, place: &Place, now: DateTime<Utc>) -> Read {
    let mail = message::parse(&message.raw);
    let from = mail.from.clone().unwrap_or_default();
    let sent = place.sent || (!from.address.is_empty() && from.address.eq_ignore_ascii_case(&place.own));
    let (label, confidence, certain, evidence, postings) = match sent {
        // What the person wrote is read to follow its thread, not to be told what it means.
        true => (Label::Neutral, 0.0, false, None, vec![]),
        false => {
            let found = classify(&mail);
            (found.label, f64::from(found.confidence), found.certain, found.evidence, alerts::postings(&mail))
        }
    };
    let row = MailRow {
        id: Uuid::now_v7(),
        account: place.account,
        key: key(&mail),
        mailbox: place.mailbox.clone(),
        message_id: mail.message_id.clone(),
        thread: mail.thread_ids().take(MOST_THREAD).map(str::to_owned).collect(),
        sent,
        subject: mail.subject.clone(),
        from_name: from.name,
        from_address: from.address,
        recipients: mail.to.iter().take(MOST_RECIPIENTS).map(words).collect(),
        received_at: date(&mail, message.arrived, now),
        body: truncate_characters(&mail.body.text, MOST_TEXT).to_owned(),
        label: label.name().to_owned(),
        confidence,
        certain,
        labelled_by: RULES.to_owned(),
        asked: true,
        evidence: evidence.unwrap_or_default(),
        job_id: None,
        linked_by: String::new(),
        candidates: vec![],
        event: mail.event.as_ref().and_then(|event| serde_json::to_string(event).ok()),
        postings: postings_text(&postings),
        created_at: now,
        updated_at: now,
    };
    Read { row, mail, postings }
}

fn words(mailbox: &Mailbox) -> String {
    match (mailbox.name.as_str(), mailbox.address.as_str()) {
        ("", address) => address.to_owned(),
        (name, "") => name.to_owned(),
        (name, address) => format!("{name} <{address}>"),
    }
}

/// The mail's own date where it is believable, else when it arrived.
fn date(mail: &Mail, arrived: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    let believable = |time: &DateTime<Utc>| time.year() >= 1990 && *time <= now + TimeDelta::days(1);
    mail.date.filter(believable).or(arrived.filter(believable)).unwrap_or(now)
}

/// What makes a message itself: the same one in two mailboxes, or after a renumbering, has the same key. More than its
/// id goes in, since a stranger can send another message under a known id.
fn key(mail: &Mail) -> String {
    let mut digest = Xxh3::new();
    let from = mail.from.as_ref().map_or("", |from| from.address.as_str());
    let date = mail.date.map(|date| date.timestamp().to_string()).unwrap_or_default();
    for part in [mail.message_id.as_deref().unwrap_or(""), from, &mail.subject, &date, &mail.body.text] {
        digest.update(part.as_bytes());
        digest.update(&[0]);
    }
    format!("{:032x}", digest.digest128())
}

fn postings_text(postings: &[FoundPosting]) -> String {
    let text = serde_json::to_string(postings).unwrap_or_default();
    if postings.is_empty() || text.len() > MOST_POSTINGS_BYTES { String::new() } else { text }
}

/// The postings that were kept with a mail.
pub(crate) fn postings_of(row: &MailRow) -> Vec<FoundPosting> {
    serde_json::from_str(&row.postings).unwrap_or_default()
}

/// A posting of a mail in the form that every source gives. Nothing of it is fetched: asking for an address out of a mail
/// would tell the sender that it was read.
pub(crate) fn raw_posting(found: &FoundPosting) -> RawPosting {
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    RawPosting {
        source: super::syncing::SURFACED_BY.to_owned(),
        title: text(&found.title),
        company: text(&found.company),
        url: text(&found.url),
        places: text(&found.place).map(RawPlace::text).into_iter().collect(),
        ..RawPosting::default()
    }
}

/// Links mails to jobs.
pub(crate) struct Linker {
    jobs: Vec<KnownJob>,
}

impl Linker {
    pub(crate) fn new(jobs: Vec<JobForMail>) -> Self {
        let known = |job: JobForMail| KnownJob {
            id: job.id.to_string(),
            company: job.company,
            title: job.title,
            urls: vec![job.url],
            message_ids: vec![],
        };
        Self { jobs: jobs.into_iter().map(known).collect() }
    }

    /// Writes into the row to which job a mail belongs. `threads` has the jobs of the messages that it may answer.
    pub(crate) fn link(&self, read: &mut Read, threads: &HashMap<String, Uuid>) {
        let answered = read.row.thread.iter().find_map(|id| threads.get(id));
        if let Some(job) = answered {
            read.row.job_id = Some(*job);
            read.row.linked_by = name(Evidence::Thread).to_owned();
            return;
        }
        // A sent mail belongs to whom it goes to.
        let turned;
        let mail = if read.row.sent {
            turned = Mail { from: read.mail.to.first().cloned(), reply_to: vec![], ..read.mail.clone() };
            &turned
        } else {
            &read.mail
        };
        let label = super::label_of(&read.row.label);
        match linking::link(mail, &self.jobs) {
            // A list of openings names many companies and is about none of their applications.
            _ if label == Label::Digest => {}
            // An advertisement of the company is not about the application, unless its thread or posting says so.
            Linked::Job { by: Evidence::Domain | Evidence::HiringSystem | Evidence::Name, .. }
                if label == Label::Unrelated && read.row.certain => {}
            Linked::Job { id, by } => {
                read.row.job_id = id.parse().ok();
                read.row.linked_by = name(by).to_owned();
            }
            Linked::Candidates { ids, .. } => {
                read.row.candidates = ids.iter().filter_map(|id| id.parse().ok()).collect();
            }
            Linked::Nothing => {}
        }
    }
}

/// The stored name of a reason.
pub(crate) fn name(by: Evidence) -> &'static str {
    match by {
        Evidence::Thread => "thread",
        Evidence::Posting => "posting",
        Evidence::Domain => "domain",
        Evidence::HiringSystem => "hiring_system",
        Evidence::Name => "name",
    }
}

/// What is not kept and not asked about, once it is known where a mail belongs.
pub(crate) fn settle(row: &mut MailRow) {
    let unrelated = row.label == Label::Unrelated.name();
    let placed = row.job_id.is_some() || !row.candidates.is_empty();
    if !placed && ((unrelated && row.certain) || row.sent) {
        // Private mail: that it was there is remembered, so that it is not read again; its words are not.
        row.body.clear();
        row.evidence.clear();
        row.event = None;
        row.postings.clear();
    }
    row.asked = row.certain || row.sent || (unrelated && !placed);
}
