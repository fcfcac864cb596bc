//! One port for HTTP/1.1 and HTTP/2, with TLS or without, and with limits against slow and greedy clients.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use aerie_telemetry::Lifecycle;
use futures::future::Either;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::{Service, ServiceExt};

use crate::{
    gate::{Gate, Gated, Secured},
    stall::StallGuard,
    turns::Turns,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Anything that answers HTTP requests with the bodies that every server here has.
pub type HttpService = tower::util::BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// Pause after a failed accept: the usual cause is too many open files, which only time cures.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Colon, space and line end around a field.
const FIELD_FRAME: usize = 4;
/// See [`keep_alarm_near`].
const ALARM: Duration = Duration::from_secs(1);
/// HTTP/1.1 headers per request; browsers send about twenty.
const MOST_HEADERS: usize = 100;
/// What one read of an HTTP/1.1 connection may bring. Large bodies (pictures) take few reads; small requests hold little,
/// because the buffer grows with what comes.
const READ_BYTES: usize = 128 * 1024;

/// Limits of one listener.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Time a client has to send its request headers.
    pub header_timeout: Duration,
    /// Time a connection may accept no answer bytes before it is closed.
    pub stall_timeout: Duration,
    /// Largest header block, in bytes.
    pub header_bytes: usize,
    /// Connections open at once; further ones wait.
    pub connections: usize,
    /// Calls in progress at once on one HTTP/2 connection.
    pub streams: u32,
    /// What a caller must show.
    pub gate: Gate,
    /// Age at which a connection is closed, once the calls on it are answered; none keeps it.
    pub connection_age: Option<Duration>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(60),
            header_bytes: 32 * 1024,
            connections: 512,
            streams: 256,
            gate: Gate::open(),
            connection_age: None,
        }
    }
}

/// Accepts and serves connections until the lifecycle stops; open ones then finish what they are doing.
pub async fn serve<S>(listener: TcpListener, service: S, options: ServeOptions, lifecycle: Lifecycle)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let (places, stop) = (Arc::new(Semaphore::new(options.connections)), lifecycle.soft());
    let builder = Arc::new(builder(&options));
    lifecycle.spawn(keep_alarm_near(lifecycle.soft()));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, permit)) = accepted else { continue };
        let connection = Connection {
            service: service.clone(),
            builder: builder.clone(),
            options: options.clone(),
            stop: stop.clone(),
        };
        lifecycle.spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.serve(stream).await {
                // Clients break off all the time; it is theirs to notice.
                tracing::debug!(error = %error, "a connection ended early: {error}");
            }
        });
    }
}

/// One connection from the first byte to the last.
struct Connection<S> {
    service: S,
    builder: Arc<Builder<TokioExecutor>>,
    options: ServeOptions,
    stop: CancellationToken,
}

impl<S> Connection<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    async fn serve(self, stream: TcpStream) -> Result<(), BoxError> {
        let stream = StallGuard::new(stream, self.options.stall_timeout);
        let secured = tokio::time::timeout(self.options.header_timeout, self.options.gate.secure(stream)).await?;
        match secured {
            Ok(Secured::Plain(stream)) => self.talk(stream).await,
            Ok(Secured::Tls(stream)) => self.talk(stream).await,
            Err(error) => {
                tracing::warn!(%error, "a caller was turned away: {error}");
                Ok(())
            }
        }
    }

    async fn talk<T>(self, stream: T) -> Result<(), BoxError>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = self.service.map_request(|request: Request<Incoming>| request.map(Body::new));
        let service = Gated { inner: service, gate: self.options.gate };
        let service = TowerToHyperService::new(HeaderLimit { inner: service, bytes: self.options.header_bytes });
        let mut connection = Turns::new(Box::pin(self.builder.serve_connection(TokioIo::new(stream), service)));
        tokio::select! {
            outcome = &mut connection => outcome,
            () = ends(self.stop, self.options.connection_age) => {
                connection.get_mut().as_mut().graceful_shutdown();
                connection.await
            }
        }
    }
}

/// When a connection takes no further calls: at the stop, or at its age, which differs a little from one to the next so
/// that not all of them are made again at once.
async fn ends(stop: CancellationToken, age: Option<Duration>) {
    let Some(age) = age else { return stop.cancelled().await };
    let age = age.mul_f64(0.9 + 0.2 * rand::random::<f64>());
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(age) => {}
    }
}

/// Keeps the runtime's next alarm at most a second away while a listener is open.
///
/// A time limit that ends before the next alarm wakes the thread that waits for it, by a system call and a switch between
/// threads. On a quiet server that would be the first limit of every single call. With an alarm that is near anyway, limits
/// of seconds and more are only noted.
async fn keep_alarm_near(stop: CancellationToken) {
    while tokio::time::timeout(ALARM, stop.cancelled()).await.is_err() {}
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    // The place comes first, so that connections beyond the limit wait in the system's queue.
    let permit = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Small answers leave at once; when the option cannot be set they only leave later.
            let _ = stream.set_nodelay(true);
            Some((stream, permit))
        }
        Err(error) => {
            tracing::warn!(error = %error, "cannot accept a connection: {error}");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Refuses requests whose address and headers are too long.
#[derive(Debug, Clone)]
struct HeaderLimit<S> {
    inner: S,
    bytes: usize,
}

impl<S> Service<Request<Incoming>> for HeaderLimit<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_FRAME);
        let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
        if address + fields.sum::<usize>() <= self.bytes {
            return Either::Left(self.inner.call(request));
        }
        let mut refusal = Response::new(Body::empty());
        *refusal.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Either::Right(ready(Ok(refusal)))
    }
}

fn builder(options: &ServeOptions) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_headers(MOST_HEADERS)
        .max_buf_size(options.header_bytes.max(READ_BYTES));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .max_concurrent_streams(options.streams)
        .max_header_list_size(u32::try_from(options.header_bytes).unwrap_or(u32::MAX));
    builder
}
