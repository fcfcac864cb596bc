//! One address of a service: its connection, how busy it is, and how it has been doing.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::{
    body::Incoming,
    client::conn::http2::{Builder, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;
use tonic::body::Body;

use super::{Target, target::Found};

/// Time to connect, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// How often an idle connection is asked whether it is still there, and how long the answer may take.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Failures in a row after which an address is left out.
const FAILURES: u32 = 3;
/// For how long it is left out at first; it doubles with each further failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest time for which it is left out.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// One address.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) address: SocketAddr,
    /// What its certificate must say.
    name: ServerName<'static>,
    target: Arc<Target>,
    in_progress: AtomicUsize,
    connection: tokio::sync::Mutex<Option<SendRequest<Body>>>,
    record: Mutex<Record>,
}

/// How an address has been doing.
#[derive(Debug, Default)]
struct Record {
    failures: u32,
    given_up_until: Option<Instant>,
    /// When connecting failed last, and how.
    refused: Option<(Instant, ConnectError)>,
}

/// Whether an address is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standing {
    Well,
    GivenUp(Instant),
}

/// No connection could be made.
#[derive(Debug, Clone, Error)]
#[error("cannot connect to {name} at {address}: {reason}")]
pub(super) struct ConnectError {
    name: String,
    address: SocketAddr,
    reason: String,
}

/// A request got no answer; whether it was sent is known only when it is given back.
pub(super) struct SendError {
    pub(super) error: hyper::Error,
    pub(super) unsent: Option<Body>,
}

impl Member {
    pub(super) fn new((address, name): Found, target: Arc<Target>) -> Self {
        Self {
            address,
            name,
            target,
            in_progress: AtomicUsize::new(0),
            connection: tokio::sync::Mutex::default(),
            record: Mutex::default(),
        }
    }

    pub(super) fn in_progress(&self) -> usize {
        self.in_progress.load(Ordering::Relaxed)
    }

    pub(super) fn standing(&self, now: Instant) -> Standing {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        match record.given_up_until {
            Some(until) if until > now => Standing::GivenUp(until),
            _ => Standing::Well,
        }
    }

    /// Counts a call to this address, until what is returned is dropped.
    pub(super) fn enter(this: &Arc<Self>) -> Entered {
        this.in_progress.fetch_add(1, Ordering::Relaxed);
        Entered(Arc::clone(this))
    }

    fn note_failure(&self, at_once: bool) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.failures = record.failures.saturating_add(1);
        if at_once || record.failures >= FAILURES {
            let doublings = record.failures.saturating_sub(if at_once { 1 } else { FAILURES }).min(10);
            let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
            record.given_up_until = Some(Instant::now() + pause.mul_f64(0.75 + 0.5 * rand::random::<f64>()));
        }
    }

    async fn connect(&self) -> Result<SendRequest<Body>, ConnectError> {
        let failed =
            |reason: String| ConnectError { name: self.target.name().to_owned(), address: self.address, reason };
        let connecting = async {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            match &self.target.tls {
                None => handshake(stream).await,
                Some(tls) => {
                    let connector = TlsConnector::from(tls.configs().client);
                    handshake(connector.connect(self.name.clone(), stream).await?).await
                }
            }
        };
        match timeout(CONNECT, connecting).await {
            Ok(Ok(sender)) => Ok(sender),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed(format!("no answer within {} s", CONNECT.as_secs()))),
        }
    }
}

async fn handshake<S>(stream: S) -> io::Result<SendRequest<Body>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            // Whoever waits for an answer on it is told.
            tracing::debug!(%error, "a connection to a service ended: {error}");
        }
    });
    Ok(sender)
}

/// A call to an address, in progress until this is dropped.
#[derive(Debug)]
pub(super) struct Entered(Arc<Member>);

impl Entered {
    /// A connection that is open, as far as can be told. Whoever comes while one is being made waits for it, and shares
    /// its failure.
    pub(super) async fn connection(&self) -> Result<Sender, ConnectError> {
        let member = &self.0;
        let came = Instant::now();
        let mut connection = member.connection.lock().await;
        if let Some(sender) = connection.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(Sender(sender.clone()));
        }
        {
            let record = member.record.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, error)) = record.refused.as_ref().filter(|(at, _)| *at > came) {
                return Err(error.clone());
            }
        }
        // Rare, and large: every call would carry the room for it.
        match Box::pin(member.connect()).await {
            Ok(sender) => {
                *connection = Some(sender.clone());
                Ok(Sender(sender))
            }
            Err(error) => {
                *connection = None;
                member.note_failure(true);
                let mut record = member.record.lock().unwrap_or_else(PoisonError::into_inner);
                record.refused = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// The call went wrong in a way that speaks against this address.
    pub(super) fn failed(&self) {
        self.0.note_failure(false);
    }

    /// The address answered.
    pub(super) fn succeeded(&self) {
        let mut record = self.0.record.lock().unwrap_or_else(PoisonError::into_inner);
        if record.failures > 0 {
            *record = Record::default();
        }
    }

    /// Counts the call until its answer is complete.
    pub(super) fn holding(self, body: Incoming) -> Body {
        Body::new(Held { body, _entered: self })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection to send on.
pub(super) struct Sender(SendRequest<Body>);

impl Sender {
    pub(super) async fn send(mut self, request: Request<Body>) -> Result<Response<Incoming>, SendError> {
        if let Err(error) = self.0.ready().await {
            return Err(SendError { error, unsent: Some(request.into_body()) });
        }
        self.0.try_send_request(request).await.map_err(|mut error| {
            let unsent = error.take_message().map(Request::into_body);
            SendError { error: error.into_error(), unsent }
        })
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sender")
    }
}

/// An answer, and the place that its call takes.
struct Held {
    body: Incoming,
    _entered: Entered,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
