//! Announcing what the outbox holds.

use std::collections::HashMap;

use aerie_store::{Database, PersonId, Row, StoreError, Value};
use async_nats::{HeaderMap, header::NATS_MESSAGE_ID, jetstream::Context};
use futures::future::join_all;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::{NatsBus, ORIGIN};
use crate::EventError;

/// Most announcements under way at once.
const PAGE: usize = 256;

/// Somebody's log, and how far it had grown.
struct Unannounced {
    person: PersonId,
    sequence: i64,
}

impl Unannounced {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { person: row.id("tenant_id")?, sequence: row.int("sequence")? })
    }
}

impl NatsBus {
    /// Announces this process's changes as they come, and now and then what others left.
    pub(super) async fn keep_announcing(&self, context: &Context, worker: &Database) {
        let mut connections = self.connections.subscribe();
        let mut next_sweep = Instant::now();
        loop {
            tokio::select! {
                () = self.announce.notified() => self.announce_own(context, worker).await,
                () = sleep_until(next_sweep) => {
                    self.announce_others(context, worker).await;
                    next_sweep = Instant::now() + self.options.sweep;
                }
                // What could not be announced while the server was away is announced now.
                changed = connections.changed() => match changed {
                    Ok(()) => next_sweep = Instant::now(),
                    Err(_) => return,
                },
            }
        }
    }

    /// What this process committed. What cannot be announced stays in the outbox.
    pub(super) async fn announce_own(&self, context: &Context, worker: &Database) {
        let pending = self.take_pending();
        let people: Vec<PersonId> = pending.keys().copied().collect();
        for page in people.chunks(PAGE) {
            let announced = async {
                let rows = outbox(
                    worker,
                    "tenant_id = any (array (select json_array_elements_text($1::json)::uuid))",
                    json!(page).to_string().into(),
                );
                self.announce_rows(context, worker, rows.await?, Some(&pending)).await
            };
            if let Err(error) = announced.await {
                tracing::warn!(%error, "changes were not announced, trying again soon: {error}");
            }
        }
    }

    /// What nobody announced for a while, whoever wrote it. In nobody's name: this process hears of it like the others.
    async fn announce_others(&self, context: &Context, worker: &Database) {
        loop {
            let announced = async {
                let age = self.options.orphan_age.as_secs_f64();
                let rows = outbox(worker, "written_at <= now() - make_interval(secs => $1)", age.into()).await?;
                let full = rows.len() == PAGE;
                self.announce_rows(context, worker, rows, None).await?;
                Ok::<_, EventError>(full)
            };
            match announced.await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    return tracing::warn!(%error, "changes of other processes were not announced: {error}");
                }
            }
        }
    }

    /// Announces and, once confirmed, removes from the outbox. `own` are this process's changes with their traces.
    async fn announce_rows(
        &self,
        context: &Context,
        worker: &Database,
        rows: Vec<Unannounced>,
        own: Option<&HashMap<PersonId, Option<String>>>,
    ) -> Result<(), EventError> {
        if rows.is_empty() {
            return Ok(());
        }
        let sent = rows.iter().map(|row| self.announce_row(context, row, own));
        let (mut confirmed, mut failure) = (Vec::with_capacity(rows.len()), None);
        for (row, sent) in rows.iter().zip(join_all(sent).await) {
            match sent {
                Ok(()) => confirmed.push(json!({ "tenant_id": row.person, "sequence": row.sequence })),
                Err(error) => failure = Some(error),
            }
        }
        if !confirmed.is_empty() {
            let mut tx = worker.begin().await?;
            tx.execute(
                "delete from event_outbox using json_to_recordset($1::json) as done (tenant_id uuid, sequence bigint) \
                 where event_outbox.tenant_id = done.tenant_id and event_outbox.sequence <= done.sequence",
                vec![json!(confirmed).to_string().into()],
            )
            .await?;
            tx.commit().await?;
        }
        failure.map_or(Ok(()), Err)
    }

    async fn announce_row(
        &self,
        context: &Context,
        row: &Unannounced,
        own: Option<&HashMap<PersonId, Option<String>>>,
    ) -> Result<(), EventError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, format!("{}:{}", row.person, row.sequence).as_str());
        if own.is_some() {
            headers.insert(ORIGIN, self.origin.to_string().as_str());
        }
        if let Some(trace) = own.and_then(|own| own.get(&row.person)).and_then(Option::as_deref) {
            headers.insert("traceparent", trace);
        }
        let subject = format!("{}.{}", self.options.subject, row.person);
        let sent = context.publish_with_headers(subject, headers, row.sequence.to_string().into()).await;
        sent.map_err(EventError::nats)?.await.map_err(EventError::nats)?;
        Ok(())
    }
}

async fn outbox(worker: &Database, condition: &str, value: Value) -> Result<Vec<Unannounced>, StoreError> {
    let mut tx = worker.read().await?;
    let sql =
        format!("select tenant_id, sequence from event_outbox where {condition} order by written_at limit {PAGE}");
    let rows = tx.fetch_all(sql, vec![value]).await?;
    tx.rollback().await?;
    rows.iter().map(Unannounced::from_row).collect()
}
