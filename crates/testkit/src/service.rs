//! A web service that a test writes itself: it remembers every request and answers with what the test says.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Response, StatusCode},
};
use bytes::Bytes;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// Longest request that is read.
const MOST_REQUEST_BYTES: usize = 32 << 20;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Method.
    pub method: String,
    /// Path and query as they stood in the request.
    pub target: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: Bytes,
}

impl Asked {
    /// Method and target: `POST /v1/pages`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// A header; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Status; 0 closes the connection without an answer.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Told {
    /// A status with nothing else.
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A JSON document.
    pub fn json(body: &Value) -> Self {
        Self::status(200).with("content-type", "application/json").body(body.to_string())
    }

    /// The same with another status.
    #[must_use]
    pub fn and(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same with a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }
}

type Answering = dyn Fn(&Asked) -> Told + Send + Sync;

struct Shared {
    answering: Mutex<Arc<Answering>>,
    asked: Mutex<Vec<Asked>>,
}

/// A running service; it stops when dropped.
pub struct FakeService {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl fmt::Debug for FakeService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FakeService").field("address", &self.address).finish_non_exhaustive()
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeService {
    /// Starts a service on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(answering: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { answering: Mutex::new(Arc::new(answering)), asked: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the fake service stopped");
            }
        });
        Ok(Self { address, shared, task })
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers differently from now on.
    pub fn answer(&self, answering: impl Fn(&Asked) -> Told + Send + Sync + 'static) {
        *lock(&self.shared.answering) = Arc::new(answering);
    }

    /// Every request so far, which are then forgotten.
    pub fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *lock(&self.shared.asked))
    }
}

impl Drop for FakeService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = to_bytes(body, MOST_REQUEST_BYTES).await.unwrap_or_default();
    let asked = Asked { method: head.method.to_string(), target, headers, body };
    let answering = Arc::clone(&*lock(&shared.answering));
    let told = answering(&asked);
    lock(&shared.asked).push(asked);
    let mut response = Response::builder().status(if told.status == 0 { 200 } else { told.status });
    for (name, value) in &told.headers {
        response = response.header(*name, value);
    }
    let body = if told.status == 0 {
        // A body that fails at once breaks the connection off.
        Body::from_stream(futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("broken off")) }))
    } else {
        Body::from(told.body)
    };
    response.body(body).unwrap_or_else(|_| {
        let mut wrong = Response::new(Body::from("the test's answer is no HTTP"));
        *wrong.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        wrong
    })
}
