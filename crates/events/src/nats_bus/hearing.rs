//! Hearing what other processes announced.

use aerie_store::PersonId;
use async_nats::jetstream::{
    Context, Message,
    consumer::{DeliverPolicy, pull::OrderedConfig},
};
use futures::StreamExt;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{ANSWER, FIRST_PAUSE, LONGEST_PAUSE, NatsBus, ORIGIN};
use crate::{EventBus, EventError, Wake};

/// How far the stream was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Heard {
    /// Tells streams of the same name apart: one that was made anew counts from the start.
    made_at: i128,
    sequence: u64,
}

impl NatsBus {
    /// Hears until the connection is lost, and begins again where it was.
    pub(super) async fn keep_hearing(&self, context: &Context, tell: &(impl Fn(PersonId) + Send + Sync)) {
        let mut connections = self.connections.subscribe();
        let mut heard = None;
        let mut pause = FIRST_PAUSE;
        loop {
            let lost = tokio::select! {
                lost = self.hear(context, &mut heard, tell, &mut pause) => lost,
                // A new connection: what was asked for on the former one may never come.
                changed = connections.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            };
            if let Err(error) = lost {
                tracing::warn!(%error, "cannot hear of other processes' changes, polling meanwhile: {error}");
            }
            tokio::select! {
                _ = connections.changed() => {}
                () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    async fn hear(
        &self,
        context: &Context,
        heard: &mut Option<Heard>,
        tell: &(impl Fn(PersonId) + Send + Sync),
        pause: &mut std::time::Duration,
    ) -> Result<(), EventError> {
        let mut stream = self.stream(context).await?;
        let info = stream.info().await.map_err(EventError::nats)?;
        let (first, last) = (info.state.first_sequence, info.state.last_sequence);
        let made_at = info.created.unix_timestamp_nanos();
        let position = heard.filter(|heard| {
            // Everything since is still there, in the stream that we know.
            heard.made_at == made_at && heard.sequence <= last && heard.sequence.saturating_add(1) >= first
        });
        let start = position.map_or(last, |position| position.sequence).saturating_add(1);
        let config = OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: start },
            ..OrderedConfig::default()
        };
        let consumer = timeout(ANSWER, stream.create_consumer(config)).await;
        let consumer = consumer.map_err(EventError::nats)?.map_err(EventError::nats)?;
        let mut messages =
            timeout(ANSWER, consumer.messages()).await.map_err(EventError::nats)?.map_err(EventError::nats)?;
        *pause = FIRST_PAUSE;
        if position.is_none() {
            // What was said before is not known to us.
            *heard = Some(Heard { made_at, sequence: last });
            EventBus::publish(&self.local, Wake::Everybody);
        }
        while let Some(message) = messages.next().await {
            let message = message.map_err(EventError::nats)?;
            let sequence =
                message.info().map_err(|error| EventError::Nats { detail: error.to_string() })?.stream_sequence;
            *heard = Some(Heard { made_at, sequence });
            if let Some(person) = self.understand(&message) {
                EventBus::publish(&self.local, Wake::Person(person));
                tell(person);
            }
        }
        Ok(())
    }

    /// Whose log has grown, if another process says so. What none of us wrote is ignored.
    fn understand(&self, message: &Message) -> Option<PersonId> {
        let header = |name: &str| message.headers.as_ref()?.get(name).map(|value| value.as_str().to_owned());
        if header(ORIGIN).and_then(|origin| Uuid::parse_str(&origin).ok()) == Some(self.origin) {
            return None;
        }
        let subject = message.subject.strip_prefix(self.options.subject.as_str())?;
        let person = Uuid::parse_str(subject.strip_prefix('.')?).ok()?;
        if let Some(trace) = header("traceparent") {
            let span = tracing::info_span!(
                "receive aerie.events",
                otel.kind = "consumer",
                messaging.system = "nats",
                messaging.operation.name = "receive",
                messaging.destination.name = %self.options.subject,
            );
            aerie_telemetry::continue_stored(&span, &trace);
        }
        Some(person)
    }
}
