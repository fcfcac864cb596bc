//! Accounts: added and changed only after a real login, their passwords sealed.

use std::time::Duration;

use aerie_mail::imap::{Account, Connection, MailboxInfo, Security, sent_mailbox};
use aerie_store::{
    PersonId, Sealed, Tx,
    mail::{self as rows, MailAccount},
};
use aerie_tasks::{NewSchedule, NewTask, QueueError, Submitted};
use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::{MailError, Mails, syncing::SyncPayload, syncing::SyncTask};
use crate::{core::Core, jobs::job_event};

/// Most accounts of a person.
const MOST_ACCOUNTS: usize = 20;

/// Longest wait for a server while a person waits for the answer.
const PATIENCE: Duration = Duration::from_secs(25);

/// Days that the first sync looks back unless the person says otherwise.
pub(crate) const USUAL_DAYS: u32 = 90;

/// Stands for every day.
pub(crate) const EVERYTHING: u32 = 0;

/// What an account's change touches.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Changes {
    /// Host, user, password or encryption: it must be logged in to first.
    pub(crate) login: bool,
    /// Another mailbox may stand behind it: everything is read again.
    pub(crate) identity: bool,
}

fn purpose(account: Uuid) -> String {
    format!("mail_account:{account}")
}

/// The account as the IMAP client wants it.
fn login_of(account: &MailAccount, password: String) -> Account {
    Account {
        host: account.host.clone(),
        port: account.port,
        security: if account.security == "start_tls" { Security::StartTls } else { Security::Tls },
        user: account.login.clone(),
        password,
        extra_roots: account.certificates.clone().into_bytes(),
    }
}

/// Logs in to an account.
pub(crate) async fn connect(core: &Core, person: PersonId, account: &MailAccount) -> Result<Connection, MailError> {
    check_host(core, &account.host)?;
    let what = format!("the password of the mail account {:?}", account.login);
    let opened = core.inner.stores.unseal(person, &purpose(account.id), &what, &account.password.0)?;
    // Only texts are sealed for this purpose.
    let password = String::from_utf8_lossy(&opened).into_owned();
    Ok(Connection::open(&login_of(account, password)).await?)
}

fn check_host(core: &Core, host: &str) -> Result<(), MailError> {
    match core.inner.mail.allows(host) {
        true => Ok(()),
        false => Err(MailError::HostRefused { host: host.to_owned(), allowed: core.inner.mail.hosts.clone() }),
    }
}

/// The mailboxes that a sync of the account reads, each with whether it holds sent mail.
pub(crate) fn wanted_mailboxes(account: &MailAccount, there: &[MailboxInfo]) -> Vec<(String, bool)> {
    let sent = sent_mailbox(there).map(|mailbox| mailbox.name.clone());
    let mut wanted = account.mailboxes.clone();
    if wanted.is_empty() {
        // RFC 3501 names the inbox; it is there whatever the list says.
        wanted.push("INBOX".to_owned());
        wanted.extend(sent.clone());
    }
    wanted
        .into_iter()
        .map(|name| (sent.as_deref() == Some(name.as_str()), name))
        .map(|(sent, name)| (name, sent))
        .collect()
}

/// The first day that a first sync reads.
pub(crate) fn first_day(core: &Core, account: &MailAccount) -> Option<NaiveDate> {
    let days = (account.since_days != EVERYTHING).then_some(account.since_days)?;
    core.now().date_naive().checked_sub_days(chrono::Days::new(u64::from(days)))
}

impl Mails<'_> {
    /// Logs in and asks for the mailboxes.
    async fn test(&self, account: &MailAccount) -> Result<Vec<MailboxInfo>, MailError> {
        let ask = async {
            let mut connection = connect(self.core, self.person, account).await?;
            let mailboxes = connection.mailboxes().await?;
            // The answer is there; how the server takes the good-bye changes nothing.
            let _ = connection.close().await;
            Ok(mailboxes)
        };
        tokio::time::timeout(PATIENCE, ask).await.map_err(|_| MailError::Slow(PATIENCE.as_secs()))?
    }

    /// Adds an account whose server accepts it; returns the server's mailboxes.
    pub(crate) async fn add_account(
        &self,
        account: &mut MailAccount,
        password: &str,
    ) -> Result<Vec<MailboxInfo>, MailError> {
        account.password =
            Sealed(self.core.inner.stores.seal(self.person, &purpose(account.id), password.as_bytes())?);
        let mut tx = self.database.read().await?;
        let there = rows::accounts(&mut tx).await?.len();
        drop(tx);
        if there >= MOST_ACCOUNTS {
            return Err(MailError::TooManyAccounts(there));
        }
        let mailboxes = self.test(account).await?;
        let mut tx = self.database.begin().await?;
        rows::insert_account(&mut tx, account).await?;
        self.schedule(&mut tx, account).await?;
        self.account_changed(tx, account.id, "added").await?;
        Ok(mailboxes)
    }

    /// Changes an account; with a new password when there is one.
    pub(crate) async fn change_account(
        &self,
        account: &mut MailAccount,
        password: &str,
        changes: Changes,
    ) -> Result<(), MailError> {
        if !password.is_empty() {
            account.password =
                Sealed(self.core.inner.stores.seal(self.person, &purpose(account.id), password.as_bytes())?);
        }
        if changes.login || !password.is_empty() {
            self.test(account).await?;
        }
        let mut tx = self.database.begin().await?;
        if !rows::update_account(&mut tx, account).await? {
            return Err(MailError::NotFound { what: "mail account", id: account.id });
        }
        if changes.identity {
            rows::forget_mailboxes(&mut tx, account.id).await?;
        }
        self.schedule(&mut tx, account).await?;
        self.account_changed(tx, account.id, "changed").await
    }

    /// Deletes an account with its mails.
    pub(crate) async fn remove_account(&self, id: Uuid) -> Result<(), MailError> {
        let mut tx = self.database.begin().await?;
        if !rows::delete_account(&mut tx, id).await? {
            return Err(MailError::NotFound { what: "mail account", id });
        }
        self.core.inner.queue.remove_schedule(&mut tx, &schedule_name(id)).await?;
        self.account_changed(tx, id, "deleted").await
    }

    /// One account.
    pub(crate) async fn account(&self, id: Uuid) -> Result<MailAccount, MailError> {
        let mut tx = self.database.read().await?;
        rows::account(&mut tx, id).await?.ok_or(MailError::NotFound { what: "mail account", id })
    }

    /// The mailboxes that the server of an account has now.
    pub(crate) async fn server_mailboxes(&self, id: Uuid) -> Result<(MailAccount, Vec<MailboxInfo>), MailError> {
        let account = self.account(id).await?;
        let mailboxes = self.test(&account).await?;
        Ok((account, mailboxes))
    }

    /// Begins to read what is new in an account, or in all of them; returns the tasks.
    pub(crate) async fn sync(&self, id: Option<Uuid>) -> Result<Vec<Uuid>, MailError> {
        let ids = match id {
            Some(id) => vec![self.account(id).await?.id],
            None => {
                let mut tx = self.database.read().await?;
                rows::accounts(&mut tx).await?.into_iter().map(|account| account.id).collect()
            }
        };
        let mut tx = self.database.begin().await?;
        let mut tasks = Vec::new();
        for id in ids {
            tasks.push(submit(self.core, &mut tx, id).await?.id);
        }
        self.commit(tx).await?;
        Ok(tasks)
    }

    async fn schedule(&self, tx: &mut Tx, account: &MailAccount) -> Result<(), MailError> {
        let name = schedule_name(account.id);
        let queue = &self.core.inner.queue;
        if !account.automatic {
            queue.remove_schedule(tx, &name).await?;
            return Ok(());
        }
        let cron = cron(account.id, self.core.inner.mail.sync_minutes);
        let task = task(account.id)?;
        Ok(queue.put_schedule(tx, &NewSchedule { name, cron, task }).await?)
    }

    async fn account_changed(&self, mut tx: Tx, id: Uuid, what: &str) -> Result<(), MailError> {
        let event = job_event("mail.account_changed", id, json!({ "what": what }), self.core.now());
        aerie_events::append(&mut tx, event).await?;
        self.commit(tx).await?;
        self.core.inner.mail_accounts.notify_one();
        Ok(())
    }
}

fn schedule_name(account: Uuid) -> String {
    format!("mail.sync:{account}")
}

fn task(account: Uuid) -> Result<NewTask, QueueError> {
    Ok(NewTask::new::<SyncTask>(&SyncPayload { account_id: account })?.with_key(account.to_string()))
}

/// Asks for a sync; one that is at work already is not begun twice.
pub(crate) async fn submit(core: &Core, tx: &mut Tx, account: Uuid) -> Result<Submitted, QueueError> {
    let task = task(account)?.with_trace_context(aerie_telemetry::current_traceparent());
    core.inner.queue.submit(tx, task).await
}

/// Every so many minutes, at minutes of the account's own: servers are not asked by everybody at once.
fn cron(account: Uuid, minutes: u32) -> String {
    let minutes = minutes.clamp(1, 60);
    let offset = u32::from(account.as_bytes().last().copied().unwrap_or(0)) % minutes;
    let times: Vec<String> = (0..60 / minutes).map(|index| (offset + index * minutes).to_string()).collect();
    format!("{} * * * *", times.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_are_spread_over_the_hour() {
        assert_eq!(cron(Uuid::from_u128(7), 15), "7,22,37,52 * * * *");
        assert_eq!(cron(Uuid::from_u128(0xff), 60), "15 * * * *");
        assert_eq!(cron(Uuid::from_u128(3), 25), "3,28 * * * *");
    }
}
