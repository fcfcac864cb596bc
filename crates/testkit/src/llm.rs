//! A model provider that does what a test tells it: answers whole or in chosen pieces, breaks off, or falls silent.

pub mod faults;
mod reply;

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    serve::ListenerExt,
};
use bytes::Bytes;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use self::reply::Played;
pub use self::reply::{Gate, Reply};

/// Longest request that is read.
const MOST_REQUEST_BYTES: usize = 64 << 20;

/// A running provider; it stops when dropped.
#[derive(Debug)]
pub struct LlmServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    /// Exchanges that the other side gave up.
    dropped: watch::Sender<usize>,
    /// Requests that came.
    arrived: watch::Sender<usize>,
    connections: AtomicUsize,
}

/// What a reply is made of.
type Answer = Box<dyn Fn(&Received) -> Reply + Send + Sync>;

#[derive(Default)]
struct Script {
    replies: BTreeMap<String, VecDeque<Reply>>,
    /// Comes before the replies.
    answers: BTreeMap<String, Answer>,
    received: Vec<Received>,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Received {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header's text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl LlmServer {
    /// Starts on a free port of 127.0.0.1 without any reply.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (dropped, arrived) = (watch::Sender::new(0), watch::Sender::new(0));
        let shared = Arc::new(Shared { script: Mutex::default(), dropped, arrived, connections: AtomicUsize::new(0) });
        let counted = Arc::clone(&shared);
        let listener = listener.tap_io(move |stream| {
            counted.connections.fetch_add(1, Ordering::Relaxed);
            // Small pieces are to leave at once; a connection without that works too.
            drop(stream.set_nodelay(true));
        });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the test's model provider stopped");
            }
        });
        Ok(Self { address, shared, task })
    }

    /// Where it listens, as `http://host:port`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a reply to requests whose path ends with `path`; several are given in turn, the last one again and again.
    pub fn on(&self, path: &str, reply: Reply) {
        self.script().replies.entry(path.to_owned()).or_default().push_back(reply);
    }

    /// Forgets the replies to `path` and gives this one from now on.
    pub fn only(&self, path: &str, reply: Reply) {
        self.script().replies.insert(path.to_owned(), VecDeque::from([reply]));
    }

    /// Makes the reply to each request whose path ends with `path` from the request itself.
    pub fn answer(&self, path: &str, answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        self.script().answers.insert(path.to_owned(), Box::new(answer));
    }

    /// Every request that came, in order.
    pub fn received(&self) -> Vec<Received> {
        self.script().received.clone()
    }

    /// Number of requests that came.
    pub fn requests(&self) -> usize {
        *self.shared.arrived.borrow()
    }

    /// Number of connections that were made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Number of exchanges that the other side gave up before they were over.
    pub fn dropped(&self) -> usize {
        *self.shared.dropped.borrow()
    }

    /// Waits until so many requests came.
    pub async fn wait_for_requests(&self, count: usize) {
        // The sender is ours, so that this cannot fail.
        let _ = self.shared.arrived.subscribe().wait_for(|requests| *requests >= count).await;
    }

    /// Waits until the other side gave up so many exchanges.
    pub async fn wait_for_drops(&self, count: usize) {
        // As above.
        let _ = self.shared.dropped.subscribe().wait_for(|dropped| *dropped >= count).await;
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.shared.script()
    }
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Script").field("replies", &self.replies).finish_non_exhaustive()
    }
}

impl Script {
    /// The reply to a request: by the longest ending that fits.
    fn reply(&mut self, request: &Received) -> Option<Reply> {
        let path = request.path.split('?').next().unwrap_or_default();
        let answers = self.answers.iter().filter(|(ending, _)| path.ends_with(ending.as_str()));
        if let Some((_, answer)) = answers.max_by_key(|(ending, _)| ending.len()) {
            return Some(answer(request));
        }
        let fits = self.replies.iter_mut().filter(|(ending, _)| path.ends_with(ending.as_str()));
        let (_, replies) = fits.max_by_key(|(ending, _)| ending.len())?;
        if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
    }
}

impl Drop for LlmServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Infallible> {
    // Dropped before its end by the server when the other side is gone.
    let watch = DropWatch { shared: Arc::clone(&shared), is_over: false };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_REQUEST_BYTES).await else {
        return Ok(watch.over(StatusCode::BAD_REQUEST.into_response()));
    };
    let path = parts.uri.to_string();
    let reply = {
        let mut script = shared.script();
        let request = Received { method: parts.method, path: path.clone(), headers: parts.headers, body };
        let reply = script.reply(&request);
        script.received.push(request);
        reply
    };
    shared.arrived.send_modify(|count| *count += 1);
    let Some(reply) = reply else {
        let message = format!("{{\"error\":\"the test has no reply to {path}\"}}");
        return Ok(watch.over((StatusCode::NOT_IMPLEMENTED, message).into_response()));
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = reply.code();
    *response.headers_mut() = reply.headers();
    let mut played = Played::new(reply);
    played.head().await;
    *response.body_mut() = Body::from_stream(played.body(watch));
    Ok(response)
}

/// Counts an exchange that is given up.
struct DropWatch {
    shared: Arc<Shared>,
    is_over: bool,
}

impl DropWatch {
    fn over(mut self, response: Response) -> Response {
        self.finish();
        response
    }

    fn finish(&mut self) {
        self.is_over = true;
    }
}

impl Drop for DropWatch {
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.dropped.send_modify(|count| *count += 1);
        }
    }
}
