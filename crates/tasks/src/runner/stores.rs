//! Whose tasks a runner works on.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use aerie_store::{Database, PersonId, StoreError, Stores};
use chrono::{DateTime, Utc};

use super::Inner;
use crate::{Counts, metric, queue::lock};

#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) people: HashMap<PersonId, Database>,
    pub(super) everybody: Option<Arc<Stores>>,
}

impl Inner {
    /// The stores of these people, as far as they are ours.
    pub(super) async fn stores_of(&self, people: HashSet<PersonId>) -> Vec<Database> {
        let everybody = lock(&self.source).everybody.clone();
        let mut found = Vec::with_capacity(people.len());
        for person in people {
            let known = lock(&self.source).people.get(&person).cloned();
            match (known, &everybody) {
                (Some(database), _) => found.push(database),
                (None, Some(stores)) => match stores.person(person).await {
                    Ok(database) => found.push(database),
                    Err(error) => tracing::warn!(%person, %error, "could not open the store of {person}: {error}"),
                },
                (None, None) => {}
            }
        }
        found
    }

    /// Every store that may have something due.
    pub(super) async fn stores_to_poll(&self) -> Vec<Database> {
        let (mut found, everybody) = {
            let source = lock(&self.source);
            (source.people.values().cloned().collect::<Vec<_>>(), source.everybody.clone())
        };
        let Some(stores) = everybody else { return found };
        match due_people(&stores, self.queue.now()).await {
            Ok(people) => found.extend(self.stores_of(people).await),
            Err(error) => tracing::warn!(%error, "could not look for due tasks: {error}"),
        }
        found
    }
}

impl Inner {
    /// Publishes how many unfinished tasks there are of each kind and state, over all stores. Kinds that were seen
    /// before and have none now are published as 0.
    pub(super) async fn publish_depth(&self, published: &mut Counts) {
        let (mut databases, everybody) = {
            let source = lock(&self.source);
            (source.people.values().cloned().collect::<Vec<_>>(), source.everybody.clone())
        };
        // A worker counts everybody's at once.
        databases.extend(everybody.and_then(|stores| stores.worker()));
        published.values_mut().for_each(|count| *count = 0);
        for database in databases {
            match self.queue.counts(&database).await {
                Ok(counts) => counts.into_iter().for_each(|(key, count)| *published.entry(key).or_default() += count),
                Err(error) => tracing::warn!(%error, "could not count tasks in {}: {error}", database.place()),
            }
        }
        for ((kind, state), count) in published {
            metric::depth(kind, state.as_str(), *count);
        }
    }
}

/// People on a PostgreSQL server with something due. Jumps from tenant to tenant in the index instead of reading the
/// whole queue, so that somebody's ten thousand tasks cost no more than one.
async fn due_people(stores: &Stores, now: DateTime<Utc>) -> Result<HashSet<PersonId>, StoreError> {
    let Some(worker) = stores.worker() else { return Ok(HashSet::new()) };
    let mut tx = worker.read().await?;
    let rows = tx
        .fetch_all(
            "with recursive tenant (id) as ( \
             (select tenant_id from task where state = 'queued' order by tenant_id limit 1) union all \
             select (select tenant_id from task where state = 'queued' and tenant_id > tenant.id \
             order by tenant_id limit 1) from tenant where tenant.id is not null) \
             select id from tenant where id is not null and exists \
             (select 1 from task where tenant_id = tenant.id and state = 'queued' and run_at <= $1) \
             union select tenant_id from task where state = 'running' and lease_until < $1 \
             union select tenant_id from task_schedule where next_at <= $1",
            vec![now.into()],
        )
        .await?;
    tx.rollback().await?;
    rows.iter().map(|row| row.id("id")).collect()
}
