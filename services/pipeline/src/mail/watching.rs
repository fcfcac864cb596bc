//! Being told of new mail while the program runs (IMAP IDLE, RFC 2177): one connection an account, on its inbox. What it
//! is told is only that something is there; a sync reads it.

use std::{collections::HashMap, time::Duration};

use aerie_mail::imap::SyncOptions;
use aerie_store::{
    PersonId, StoreError,
    accounts::people,
    mail::{self as rows, MailAccount},
};
use aerie_telemetry::Lifecycle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{MailError, accounts, syncing};
use crate::core::Core;

/// How long one wait lasts; servers end it after half an hour.
const WAIT: Duration = Duration::from_secs(25 * 60);

/// The same while a sync is at work.
const SHORT_WAIT: Duration = Duration::from_secs(10);

/// Pause after being told of something.
const SETTLING: Duration = Duration::from_millis(500);

/// Shortest and longest pause after a connection broke.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(15 * 60));

/// Connections at most; the schedule serves the accounts beyond.
const MOST_WATCHED: usize = 50;

/// Watches the accounts of everybody here until the lifecycle ends, also those that are added later.
pub(crate) fn start(core: &Core, lifecycle: &Lifecycle) {
    // On a shared database other servers watch too, and nobody can say who; there the schedule serves.
    if core.inner.stores.worker().is_some() {
        return;
    }
    let (core, stop) = (core.clone(), lifecycle.soft());
    let spawning = lifecycle.clone();
    lifecycle.spawn(async move {
        let _ = stop.run_until_cancelled(Box::pin(keep_up(&core, &spawning))).await;
    });
}

/// Keeps one watcher for each account, made anew when the account changes.
async fn keep_up(core: &Core, lifecycle: &Lifecycle) {
    let mut watched: HashMap<Uuid, (MailAccount, DropGuard)> = HashMap::new();
    loop {
        match automatic(core).await {
            Ok(accounts) => {
                watched.retain(|_, (known, _)| accounts.iter().any(|(_, account)| is_same(account, known)));
                for (person, account) in accounts.into_iter().take(MOST_WATCHED) {
                    watched.entry(account.id).or_insert_with(|| {
                        let stop = lifecycle.soft().child_token();
                        let (core, token, watching) = (core.clone(), stop.clone(), account.clone());
                        lifecycle.spawn(async move {
                            let _ = token.run_until_cancelled(watch(&core, person, &watching)).await;
                        });
                        (account, CancellationToken::drop_guard(stop))
                    });
                }
            }
            Err(error) => tracing::warn!(%error, "mail accounts cannot be read for watching: {error}"),
        }
        core.inner.mail_accounts.notified().await;
    }
}

/// The accounts that are read regularly, each with whose it is.
async fn automatic(core: &Core) -> Result<Vec<(PersonId, MailAccount)>, MailError> {
    let mut tx = core.platform().read().await?;
    let everybody = people(&mut tx).await?;
    drop(tx);
    let mut found = Vec::new();
    for person in everybody {
        let database = match core.person(person.id).await {
            Ok(database) => database,
            Err(StoreError::Deleted { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let accounts = rows::accounts(&mut database.read().await?).await?;
        found.extend(accounts.into_iter().filter(|account| account.automatic).map(|account| (person.id, account)));
    }
    Ok(found)
}

fn is_same(account: &MailAccount, known: &MailAccount) -> bool {
    account.id == known.id && account.updated_at == known.updated_at && account.password == known.password
}

/// Watches one account for ever; a connection that breaks is made again, later each time.
async fn watch(core: &Core, person: PersonId, account: &MailAccount) {
    let mut pause = PAUSES.0;
    loop {
        let mut told = false;
        if let Err(error) = Box::pin(watch_once(core, person, account, &mut told)).await {
            tracing::debug!(%error, host = %account.host, "watching mail at {} broke: {error}", account.host);
        }
        pause = if told { PAUSES.0 } else { (pause * 2).min(PAUSES.1) };
        tokio::time::sleep(pause).await;
    }
}

/// Watches until the connection breaks, asking for a sync whenever there is new mail.
async fn watch_once(core: &Core, person: PersonId, account: &MailAccount, told: &mut bool) -> Result<(), MailError> {
    let database = core.person(person).await?;
    let mut connection = accounts::connect(core, person, account).await?;
    loop {
        let state = syncing::inbox_state(&mut database.read().await?, account.id).await?;
        // Opening the inbox makes the wait tell of everything that comes after this look.
        let new = connection.sync("INBOX", state, SyncOptions::default()).await?.new_messages;
        let mut wait = WAIT;
        if new > 0 {
            let mut tx = database.begin().await?;
            let submitted = accounts::submit(core, &mut tx, account.id).await?;
            core.inner.queue.commit(tx, person).await?;
            if !submitted.created {
                // A sync is at work that may have looked before the mail came.
                wait = SHORT_WAIT;
            }
        }
        *told = true;
        (connection, _) = connection.wait_for_mail(wait).await?;
        // Several mails at once cost one sync.
        tokio::time::sleep(SETTLING).await;
    }
}
