//! Wake-ups between processes through NATS JetStream.

mod hearing;
mod outbox;

use std::{
    collections::HashMap,
    fmt, mem,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aerie_store::{Database, PersonId, Tx};
use async_nats::{
    Client, ConnectOptions, ServerAddr,
    jetstream::{
        self, Context,
        stream::{Config, StorageType, Stream},
    },
};
use async_trait::async_trait;
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{EventBus, EventError, LocalBus, Wake, feed::Feed};

/// Header that tells whose message it is; within the process it was passed on already.
pub(crate) const ORIGIN: &str = "Aerie-Origin";

/// Every writer announces here, and what was missed is replayed.
const POLL: Duration = Duration::from_secs(10);
/// Waiting time after a failure, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Longest wait for an answer of the server.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a stopping process tries to announce what it wrote last.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Most people whose changes wait to be announced by this process; the others are found in the outbox.
const MOST_PENDING: usize = 10_000;

/// How the bus reaches and uses its server.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// `nats://user:password@host:port`, several parted by commas; `tls://` for TLS.
    pub url: String,
    /// PEM file with the authority of the server's certificate, when it is not one that the system trusts.
    pub authority: Option<PathBuf>,
    /// Name of the stream, made when it is not there.
    pub stream: String,
    /// First part of the subjects; the person's id follows.
    pub subject: String,
    /// How long the server keeps wake-ups for processes that were away.
    pub retention: Duration,
    /// Age at which changes that nobody announced are announced by whoever finds them.
    pub orphan_age: Duration,
    /// How often the outbox is looked through for them.
    pub sweep: Duration,
}

impl NatsOptions {
    /// The usual ones for servers at an address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            authority: None,
            stream: "AERIE_EVENTS".to_owned(),
            subject: "aerie.events".to_owned(),
            retention: Duration::from_secs(3600),
            orphan_age: Duration::from_secs(5),
            sweep: Duration::from_secs(5),
        }
    }
}

/// Announces changes on a JetStream stream, one subject a person. Messages carry an id and a number only.
///
/// Who is to be announced is written into an outbox in the transaction of the change, and removed once the server has
/// confirmed. What a process that died had not announced yet is announced by any other; the number of the person's last
/// event is the message's id, so the server leaves out what comes twice. Whoever was away for no longer than the stream
/// keeps messages replays what it missed.
pub struct NatsBus {
    local: LocalBus,
    origin: Uuid,
    options: NatsOptions,
    servers: Vec<ServerAddr>,
    /// Whose changes are to be announced, each with the trace of the last one.
    pending: Mutex<HashMap<PersonId, Option<String>>>,
    announce: Notify,
    /// Counts connections to the server.
    connections: watch::Sender<u64>,
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        formatter.debug_struct("NatsBus").field("stream", &self.options.stream).finish_non_exhaustive()
    }
}

impl NatsBus {
    /// A bus that is not connected yet.
    ///
    /// # Errors
    /// An address that cannot be read.
    pub fn new(options: NatsOptions) -> Result<Self, EventError> {
        let address = |address: &str| {
            let bad = |reason: &str| EventError::BadAddress { reason: reason.to_owned() };
            let address = ServerAddr::from_str(address.trim()).map_err(|error| bad(&error.to_string()))?;
            if address.host().is_empty() { Err(bad("names no host")) } else { Ok(address) }
        };
        let servers = options.url.split(',').map(address).collect::<Result<_, _>>()?;
        Ok(Self {
            local: LocalBus::default(),
            origin: Uuid::new_v4(),
            servers,
            options,
            pending: Mutex::default(),
            announce: Notify::new(),
            connections: watch::Sender::new(0),
        })
    }

    /// Announces and hears until `stop`; `heard` is told of each person whose log another process added to. `worker` is
    /// the scope that sees everybody's outbox. While the server is away, changes gather in the outbox and subscribers
    /// look by themselves.
    pub async fn run(&self, worker: Database, heard: impl Fn(PersonId) + Send + Sync, stop: CancellationToken) {
        let client = tokio::select! {
            () = stop.cancelled() => return,
            client = self.connect() => client,
        };
        let mut context = jetstream::new(client.clone());
        context.set_timeout(ANSWER);
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.keep_announcing(&context, &worker) => {}
            () = self.keep_hearing(&context, &heard) => {}
        }
        if timeout(LAST_WORDS, self.announce_own(&context, &worker)).await.is_err() {
            tracing::warn!("the last changes were not announced in time; another process does it");
        }
    }

    async fn connect(&self) -> Client {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.connect_options().connect(&self.servers[..]).await {
                Ok(client) => return client,
                Err(error) => tracing::warn!(%error, "cannot connect to NATS, trying again: {error}"),
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn connect_options(&self) -> ConnectOptions {
        let connections = self.connections.clone();
        let mut options = ConnectOptions::new()
            .name("aerie")
            .retry_on_initial_connect()
            .max_reconnects(None)
            .connection_timeout(ANSWER)
            .reconnect_delay_callback(|tries| {
                let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX).min(8);
                (FIRST_PAUSE * 2u32.pow(doublings)).min(LONGEST_PAUSE)
            })
            .event_callback(move |event| {
                match event {
                    async_nats::Event::Connected => {
                        tracing::info!("connected to NATS");
                        connections.send_modify(|count| *count += 1);
                    }
                    other => tracing::warn!("NATS: {other}"),
                }
                std::future::ready(())
            });
        if let Some(authority) = &self.options.authority {
            options = options.add_root_certificates(authority.clone());
        }
        options
    }

    /// The stream, made when it is not there.
    async fn stream(&self, context: &Context) -> Result<Stream, EventError> {
        let config = Config {
            name: self.options.stream.clone(),
            description: Some("Whose rows changed; the rows themselves are in the database.".to_owned()),
            subjects: vec![format!("{}.*", self.options.subject)],
            max_age: self.options.retention,
            storage: StorageType::File,
            ..Config::default()
        };
        context.get_or_create_stream(config).await.map_err(EventError::nats)
    }

    fn take_pending(&self) -> HashMap<PersonId, Option<String>> {
        mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl EventBus for NatsBus {
    async fn announce(&self, tx: &mut Tx, _: PersonId) -> Result<(), EventError> {
        tx.execute(
            "insert into event_outbox (sequence) select last from event_counter \
             on conflict (tenant_id) do update set sequence = greatest(event_outbox.sequence, excluded.sequence)",
            vec![],
        )
        .await?;
        Ok(())
    }

    fn publish(&self, wake: Wake) {
        self.local.publish(wake);
        let Wake::Person(person) = wake else { return };
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() < MOST_PENDING || pending.contains_key(&person) {
            pending.insert(person, aerie_telemetry::current_traceparent());
        }
        drop(pending);
        self.announce.notify_one();
    }

    fn feed(&self, person: PersonId) -> Arc<Feed> {
        self.local.feed(person)
    }

    fn poll(&self) -> Duration {
        POLL
    }
}
