//! Deleting everything of a person: the account at once, then whatever is left of it, by whoever has the time.

use std::time::Duration;

use aerie_store::{Database, PersonId, StoreError, deletions::Rows};
use aerie_tasks::{Filter, QueueError, TaskId, TaskState};
use tokio::{sync::watch, time::timeout};

use crate::core::Core;

/// How long a call waits for everything to be gone; what takes longer goes on without it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a person says to have everything of theirs deleted. It tells accounts apart.
pub(crate) fn confirmation(person: PersonId) -> String {
    let id = person.simple().to_string();
    format!("delete everything {}", id.get(id.len() - 4..).unwrap_or_default())
}

/// What was deleted.
pub(crate) struct Deleted {
    /// What there was, by table.
    pub(crate) rows: Rows,
    /// Whether all of it is gone.
    pub(crate) is_complete: bool,
}

/// Deletes a person's account with everything in it. Once this has begun it ends, also when the process dies or nobody waits
/// for it any more: see [`go_on`].
pub(crate) async fn delete(core: &Core, person: PersonId, database: &Database) -> Result<Deleted, QueueError> {
    let stores = &core.inner.stores;
    let rows = stores.count_rows(person).await?;
    let running = running(core, database).await?;
    stores.delete_account(person, core.now()).await?;
    tracing::info!(%person, "the account {person} was deleted by its person");
    core.inner.queue.stop_runs(&running);
    core.tell_of_people();
    // Its accounts are watched no longer.
    core.inner.mail_accounts.notify_one();
    let swept = timeout(PATIENCE, stores.sweep(person, core.now(), |_, _| {})).await;
    let is_complete = match swept {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            tracing::warn!(%person, %error, "what is left of {person} is removed later: {error}");
            false
        }
        Err(_) => false,
    };
    Ok(Deleted { rows, is_complete })
}

/// Tasks of a person that somebody is at.
async fn running(core: &Core, database: &Database) -> Result<Vec<TaskId>, QueueError> {
    let filter = Filter { states: vec![TaskState::Running], ..Filter::default() };
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let page = core.inner.queue.list(database, &filter, 1_000, token.as_deref()).await?;
        found.extend(page.tasks.iter().map(|task| task.id));
        token = page.next_page_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// Hears of accounts that were deleted elsewhere.
pub(crate) async fn hear(core: &Core) -> Result<(), StoreError> {
    if core.inner.stores.hear_of_deletions(core.now()).await? {
        core.tell_of_people();
        core.inner.mail_accounts.notify_one();
    }
    Ok(())
}

/// Removes what is still left of deleted accounts, whoever deleted them.
pub(crate) async fn go_on(core: &Core) -> Result<(), StoreError> {
    core.inner.stores.sweep_due(core.now()).await
}

/// Waits until the account of a person is deleted.
pub(crate) async fn deleted(core: Core, mut people: watch::Receiver<u64>, person: PersonId) {
    while !core.inner.stores.is_deleted(person) {
        if people.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_name_the_account() {
        let person = PersonId::from_u128(0x0190_0000_0000_7000_8000_0000_0000_3f2a);
        assert_eq!(confirmation(person), "delete everything 3f2a");
    }
}
