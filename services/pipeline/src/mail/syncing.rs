//! Reading what is new in an account, as a task: batch by batch, each stored together with how far the mailbox was read.
//! A sync that is killed goes on behind its last batch.

use aerie_mail::{
    Label,
    imap::{Batch, ImapError, MailboxState, MailboxSync, SyncOptions},
};
use aerie_store::{
    StoreError, Tx,
    mail::{self as rows, MailAccount, MailboxRow},
};
use aerie_tasks::{KindPolicy, LogLevel, Outcome, Step, TaskContext, TaskError, TaskHandler};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    MailError, accounts,
    asking::ask_about_unsure,
    reading::{self, Linker, Place, Read},
    suggesting::suggest,
};
use crate::{
    core::Core,
    discovery::adding::prepare_raw,
    jobs::{job_event, jobs_added},
    rescore,
    scoring::Which,
    status::JobStatus,
};

/// Name under which postings that mails list are kept.
pub(crate) const SURFACED_BY: &str = "mail";

/// Most jobs that mails are linked to, the ones that changed last.
const MOST_JOBS: u32 = 1_000;

/// Openings of older alerts are not brought up: most of them are closed, and a first sync would bring thousands.
const OPENINGS_AGE: TimeDelta = TimeDelta::days(14);

/// Statuses of jobs that mail may be about: those that the person wanted.
const LINKED: [JobStatus; 8] = [
    JobStatus::Approved,
    JobStatus::Applied,
    JobStatus::Survey,
    JobStatus::PhoneScreen,
    JobStatus::Interviewing,
    JobStatus::Offer,
    JobStatus::Hired,
    JobStatus::Rejected,
];

/// Which account is to be read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SyncPayload {
    /// Its id.
    pub account_id: Uuid,
}

/// What a sync did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncReport {
    /// Messages downloaded.
    pub downloaded: usize,
    /// Mails that were not known.
    pub new_mails: usize,
    /// Suggestions made.
    pub suggestions: usize,
    /// Pending jobs that became of openings in mails.
    pub new_jobs: usize,
    /// Mails about which a model was asked.
    pub asked: usize,
}

impl SyncReport {
    fn add(&mut self, other: Self) {
        self.downloaded += other.downloaded;
        self.new_mails += other.new_mails;
        self.suggestions += other.suggestions;
        self.new_jobs += other.new_jobs;
        self.asked += other.asked;
    }
}

/// Runs `mail.sync` tasks.
pub struct SyncTask {
    /// Shared parts.
    pub core: Core,
}

impl TaskHandler for SyncTask {
    const KIND: &'static str = "mail.sync";
    type Payload = SyncPayload;
    type Output = SyncReport;

    fn policy() -> KindPolicy {
        KindPolicy { max_attempts: Some(6), queue_depth: 100, ..KindPolicy::default() }
    }

    async fn run(&self, context: TaskContext, payload: SyncPayload) -> Result<Outcome<SyncReport>, TaskError> {
        let mut tx = context.database().read().await?;
        let account = rows::account(&mut tx, payload.account_id).await?;
        drop(tx);
        let Some(account) = account else {
            return Ok(Outcome::Fail { reason: "the mail account was deleted".to_owned() });
        };
        let work = Work { core: &self.core, context: &context, account: &account };
        match work.sync().await {
            Ok(report) => {
                work.note(Some(self.core.now()), "").await?;
                if report.new_jobs > 0 {
                    rescore::score(&self.core, &context, Which::Unscored).await?;
                }
                Ok(Outcome::Done(report))
            }
            Err(error) => work.give_up(error).await,
        }
    }
}

/// What a running sync works with.
struct Work<'a> {
    core: &'a Core,
    context: &'a TaskContext,
    account: &'a MailAccount,
}

impl Work<'_> {
    async fn sync(&self) -> Result<SyncReport, MailError> {
        self.context.stage("connecting", None).await?;
        let mut connection = accounts::connect(self.core, self.context.person(), self.account).await?;
        let there = connection.mailboxes().await?;
        let mut tx = self.context.database().read().await?;
        let statuses = LINKED.map(JobStatus::as_str);
        let linker = Linker::new(rows::jobs_for_mail(&mut tx, &statuses, MOST_JOBS).await?);
        let states = rows::mailbox_states(&mut tx, self.account.id).await?;
        drop(tx);
        let mut report = SyncReport::default();
        let options = SyncOptions { since: accounts::first_day(self.core, self.account), ..SyncOptions::default() };
        for (mailbox, sent) in accounts::wanted_mailboxes(self.account, &there) {
            let state = states.iter().find(|state| state.name == mailbox).map(state_of).unwrap_or_default();
            let sync = connection.sync(&mailbox, state, options).await;
            // A mailbox that was renamed or deleted must not keep the others from being read.
            let sync = match sync {
                Err(error @ ImapError::Mailbox { .. }) => {
                    self.context.log(LogLevel::Warning, &error.to_string()).await?;
                    continue;
                }
                sync => sync?,
            };
            let own = self.account.login.clone();
            let place = Place { account: self.account.id, own, mailbox, sent };
            report.add(self.read(sync, &place, &linker).await?);
        }
        // How the server takes the good-bye changes nothing of what was read.
        let _ = connection.close().await;
        report.add(ask_about_unsure(self.core, self.context, self.account.id).await?);
        Ok(report)
    }

    /// Reads one mailbox to its end.
    async fn read(&self, mut sync: MailboxSync<'_>, place: &Place, linker: &Linker) -> Result<SyncReport, MailError> {
        let total = sync.new_messages;
        let mut report = SyncReport::default();
        if sync.renumbered {
            let words = format!("the server numbered {} anew: all of it is read again", place.mailbox);
            self.context.log(LogLevel::Info, &words).await?;
        }
        while let Some(batch) = sync.next_batch().await? {
            report.add(self.store(batch, place, linker).await?);
            let share = if total == 0 { 1.0 } else { report.downloaded as f64 / total as f64 };
            let words = format!("reading {}", place.mailbox);
            self.context.stage(&words, Some(share)).await?;
        }
        Ok(report)
    }

    /// Stores a batch: mails, suggestions, jobs of openings, and how far the mailbox was read, all or nothing.
    async fn store(&self, batch: Batch, place: &Place, linker: &Linker) -> Result<SyncReport, MailError> {
        let now = self.core.now();
        let Batch { messages, state } = batch;
        let mut report = SyncReport { downloaded: messages.len(), ..SyncReport::default() };
        let reading = place.clone();
        let mut read = tokio::task::spawn_blocking(move || reading::read_all(messages, &reading, now))
            .await
            .map_err(TaskError::work)?;
        let openings: Vec<_> = read
            .iter()
            .filter(|one| one.row.label == Label::Digest.name() && one.row.received_at > now - OPENINGS_AGE)
            .flat_map(|one| one.postings.iter().map(reading::raw_posting))
            .collect();
        let change = match openings.is_empty() {
            true => None,
            false => Some(prepare_raw(self.core, self.context.database(), openings, SURFACED_BY, true).await?.0),
        };
        let name = format!("{} {}:{} {}", place.mailbox, state.uid_validity, state.last_uid, read.len());
        let mut step = match self.context.begin_step(&name).await? {
            Step::Finished(report) => return Ok(report),
            Step::Open(step) => step,
        };
        for one in &mut read {
            let (is_new, suggested) = self.keep(step.tx(), one, linker).await?;
            report.new_mails += usize::from(is_new);
            report.suggestions += usize::from(suggested);
        }
        if let Some(change) = change {
            let jobs = change.apply(step.tx(), now).await?;
            report.new_jobs = jobs.len();
            aerie_events::append_all(step.tx(), jobs_added(&jobs, SURFACED_BY, now).into_iter().collect()).await?;
        }
        rows::save_mailbox_state(step.tx(), place.account, &row_of(&place.mailbox, state)).await?;
        if report.new_mails > 0 {
            let data = json!({ "count": report.new_mails, "mailbox": place.mailbox });
            aerie_events::append(step.tx(), job_event("mail.received", place.account, data, now)).await?;
        }
        Ok(step.finish(report).await?)
    }

    /// Links and writes one mail; whether it is new, and whether it suggests something.
    async fn keep(&self, tx: &mut Tx, read: &mut Read, linker: &Linker) -> Result<(bool, bool), MailError> {
        let threads = rows::linked_by_messages(tx, &read.row.thread).await?;
        linker.link(read, &threads);
        reading::settle(&mut read.row);
        if !rows::insert_new(tx, &read.row).await? {
            return Ok((false, false));
        }
        Ok((true, suggest(self.core, tx, &read.row).await?.is_some()))
    }

    /// Writes how the sync ended.
    async fn note(&self, at: Option<DateTime<Utc>>, problem: &str) -> Result<(), TaskError> {
        let mut tx = self.context.database().begin().await?;
        rows::synced(&mut tx, self.account.id, at, problem).await?;
        let event = job_event("mail.synced", self.account.id, json!({ "problem": problem }), self.core.now());
        aerie_events::append(&mut tx, event).await?;
        Ok(self.core.inner.queue.commit(tx, self.context.person()).await?)
    }

    /// A server that is away is asked again; one that refuses is not, until the person has changed something.
    async fn give_up(&self, error: MailError) -> Result<Outcome<SyncReport>, TaskError> {
        let reason = error.to_string();
        match error {
            MailError::Task(error) => Err(error),
            // Only the person can do something about a password that cannot be read.
            MailError::Store(error) if !matches!(error, StoreError::Sealed { .. }) => Err(error.into()),
            MailError::Queue(error) => Err(error.into()),
            MailError::Event(error) => Err(error.into()),
            MailError::Imap(
                ImapError::Connect { .. } | ImapError::Timeout | ImapError::Closed | ImapError::Protocol(_),
            ) => {
                self.note(None, &reason).await?;
                Ok(Outcome::Retry { after: None, reason })
            }
            _ => {
                self.note(None, &reason).await?;
                Ok(Outcome::Fail { reason })
            }
        }
    }
}

fn state_of(row: &MailboxRow) -> MailboxState {
    MailboxState { uid_validity: row.uid_validity, last_uid: row.last_uid, modseq: row.modseq }
}

fn row_of(mailbox: &str, state: MailboxState) -> MailboxRow {
    MailboxRow {
        name: mailbox.to_owned(),
        uid_validity: state.uid_validity,
        last_uid: state.last_uid,
        modseq: state.modseq,
    }
}

/// How far the inbox of an account was read.
pub(super) async fn inbox_state(tx: &mut Tx, account: Uuid) -> Result<MailboxState, MailError> {
    let states = rows::mailbox_states(tx, account).await?;
    Ok(states.iter().find(|state| state.name == "INBOX").map(state_of).unwrap_or_default())
}
