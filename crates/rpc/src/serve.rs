//! One port for HTTP/1.1 and HTTP/2 without TLS, with limits against slow and greedy clients.

use std::{convert::Infallible, sync::Arc, time::Duration};

use aerie_telemetry::Lifecycle;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tonic::body::Body;
use tower::{Service, ServiceExt};

use crate::stall::StallGuard;

/// Anything that answers HTTP requests with the bodies that every server here has.
pub type HttpService = tower::util::BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// Pause after a failed accept: the usual cause is too many open files, which only time cures.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// HTTP/1.1 headers per request; browsers send about twenty.
const MOST_HEADERS: usize = 100;
/// hyper refuses smaller read buffers.
const LEAST_HEADER_BYTES: usize = 8192;

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
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(60),
            header_bytes: 32 * 1024,
            connections: 512,
            streams: 256,
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
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, permit)) = accepted else { continue };
        let (service, builder, stop) = (service.clone(), builder.clone(), stop.clone());
        let stall_timeout = options.stall_timeout;
        lifecycle.spawn(async move {
            let _permit = permit;
            let io = TokioIo::new(StallGuard::new(stream, stall_timeout));
            let service =
                TowerToHyperService::new(service.map_request(|request: Request<Incoming>| request.map(Body::new)));
            let connection = builder.serve_connection(io, service);
            tokio::pin!(connection);
            let outcome = tokio::select! {
                outcome = connection.as_mut() => outcome,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = outcome {
                // Clients break off all the time; it is theirs to notice.
                tracing::debug!(error = %error, "a connection ended early: {error}");
            }
        });
    }
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

fn builder(options: &ServeOptions) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_headers(MOST_HEADERS)
        .max_buf_size(options.header_bytes.max(LEAST_HEADER_BYTES));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .max_concurrent_streams(options.streams)
        .max_header_list_size(u32::try_from(options.header_bytes).unwrap_or(u32::MAX));
    builder
}
