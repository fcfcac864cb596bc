//! Whose tasks a runner works on.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use aerie_store::{Database, PersonId, StoreError, Stores};
use chrono::{DateTime, Utc};

use super::Inner;
use crate::{Counts, Due, metric, queue::lock};

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

    /// Every store that may have something due. A server says in one answer who that is, however many people it has.
    pub(super) async fn stores_to_poll(&self) -> Vec<Database> {
        let everybody = lock(&self.source).everybody.clone();
        let Some(stores) = everybody else { return lock(&self.source).people.values().cloned().collect() };
        match due_people(&stores, self.queue.now()).await {
            Ok(people) => self.stores_of(people).await,
            Err(error) => {
                tracing::warn!(%error, "could not look for due tasks: {error}");
                vec![]
            }
        }
    }
}

impl Inner {
    /// Publishes how many unfinished tasks there are of each kind and state, and what waits for a worker and for how long,
    /// over all stores. Kinds that were seen before and have none now are published as 0.
    pub(super) async fn publish_depth(&self, published: &mut Published) {
        let (mut databases, everybody) = {
            let source = lock(&self.source);
            (source.people.values().cloned().collect::<Vec<_>>(), source.everybody.clone())
        };
        // A worker counts everybody's at once.
        databases.extend(everybody.and_then(|stores| stores.worker()));
        published.forget();
        for database in databases {
            match (self.queue.counts(&database).await, self.queue.due(&database).await) {
                (Ok(counts), Ok(due)) => published.add(counts, due),
                (Err(error), _) | (_, Err(error)) => {
                    tracing::warn!(%error, "could not count tasks in {}: {error}", database.place());
                }
            }
        }
        published.publish(self.queue.now());
    }
}

/// What was published last.
#[derive(Debug, Default)]
pub(super) struct Published {
    counts: Counts,
    due: BTreeMap<String, Option<Due>>,
}

impl Published {
    fn forget(&mut self) {
        self.counts.values_mut().for_each(|count| *count = 0);
        self.due.values_mut().for_each(|due| *due = None);
    }

    fn add(&mut self, counts: Counts, due: BTreeMap<String, Due>) {
        counts.into_iter().for_each(|(key, count)| *self.counts.entry(key).or_default() += count);
        for (kind, more) in due {
            let known = self.due.entry(kind).or_default();
            let (count, since) = known.map_or((0, more.since), |known| (known.count, known.since));
            *known = Some(Due { count: count + more.count, since: since.min(more.since) });
        }
    }

    fn publish(&self, now: DateTime<Utc>) {
        for ((kind, state), count) in &self.counts {
            metric::depth(kind, state.as_str(), *count);
        }
        for (kind, due) in &self.due {
            let waited = due.and_then(|due| (now - due.since).to_std().ok()).unwrap_or_default();
            metric::due(kind, due.map_or(0, |due| due.count), waited);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aerie_telemetry::Metrics;
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn what_waits_is_told_over_all_stores_and_taken_back_when_it_is_done() {
        let metrics = Metrics::install().unwrap();
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(1);
        let due = |count, minutes| {
            BTreeMap::from([("metric.test".to_owned(), Due { count, since: now - TimeDelta::minutes(minutes) })])
        };
        let mut published = Published::default();
        published.add(Counts::new(), due(2, 1));
        published.add(Counts::new(), due(3, 10));
        published.publish(now);
        let has = |line: &str| metrics.render().lines().any(|found| found == line);
        assert!(has("aerie_tasks_due{kind=\"metric.test\"} 5"), "{}", metrics.render());
        assert!(has("aerie_tasks_oldest_due_seconds{kind=\"metric.test\"} 600"), "{}", metrics.render());
        published.forget();
        published.publish(now);
        assert!(has("aerie_tasks_due{kind=\"metric.test\"} 0"), "{}", metrics.render());
        assert!(has("aerie_tasks_oldest_due_seconds{kind=\"metric.test\"} 0"), "{}", metrics.render());
    }
}
