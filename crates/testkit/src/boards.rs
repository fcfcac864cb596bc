//! A board server: the sample postings in the real formats of many hiring systems and aggregators.
//!
//! One listener stands in for every host: a request for `https://api.lever.co/v0/…` comes as
//! `http://127.0.0.1:PORT/api.lever.co/v0/…`. [`BoardServer::endpoints`] is the host table that redirects a fetcher.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::sample::{SamplePosting, sample_postings};

mod aggregators;
mod hiring_systems;

/// A running board server; it stops when dropped.
#[derive(Debug)]
pub struct BoardServer {
    address: SocketAddr,
    boards: Arc<Boards>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Boards {
    postings: Vec<SamplePosting>,
    now: DateTime<Utc>,
    requests: AtomicUsize,
    not_modified: AtomicUsize,
    broken: Mutex<BTreeMap<String, StatusCode>>,
}

/// An answer before it gets its headers.
pub(crate) struct Answer {
    content_type: &'static str,
    body: String,
}

impl Answer {
    pub(crate) fn json(value: &Value) -> Option<Self> {
        Some(Self { content_type: "application/json", body: value.to_string() })
    }

    pub(crate) fn xml(body: String) -> Option<Self> {
        Some(Self { content_type: "application/xml; charset=utf-8", body })
    }
}

/// What was asked for.
pub(crate) struct Request<'a> {
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a BTreeMap<String, String>,
    pub(crate) now: DateTime<Utc>,
}

impl Request<'_> {
    /// A number from the query, or `otherwise`.
    pub(crate) fn number(&self, name: &str, otherwise: usize) -> usize {
        self.query.get(name).and_then(|value| value.parse().ok()).unwrap_or(otherwise)
    }
}

/// Hosts that answer, apart from those of single tenants.
const HOSTS: [&str; 16] = [
    "boards-api.greenhouse.io",
    "api.lever.co",
    "api.ashbyhq.com",
    "apply.workable.com",
    "api.smartrecruiters.com",
    "pelagia.recruitee.com",
    "sonnwend.jobs.personio.de",
    "halvard.teamtailor.com",
    "juniperlane.bamboohr.com",
    "remoteok.com",
    "remotive.com",
    "www.arbeitnow.com",
    "himalayas.app",
    "jobicy.com",
    "weworkremotely.com",
    "hn.algolia.com",
];

impl BoardServer {
    /// Starts on a free port of 127.0.0.1 with all sample postings, dated back from `now`.
    ///
    /// # Errors
    /// When no port can be had or the sample material cannot be read.
    pub async fn start(now: DateTime<Utc>) -> std::io::Result<Self> {
        Self::start_on(0, now).await
    }

    /// The same on a wanted port, or on any free one when it is taken.
    ///
    /// # Errors
    /// As [`BoardServer::start`].
    pub async fn start_on(port: u16, now: DateTime<Utc>) -> std::io::Result<Self> {
        let postings = sample_postings(now).map_err(std::io::Error::other)?;
        let boards = Arc::new(Boards {
            postings,
            now,
            requests: AtomicUsize::new(0),
            not_modified: AtomicUsize::new(0),
            broken: Mutex::new(BTreeMap::new()),
        });
        let listener = match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind(("127.0.0.1", 0)).await?,
        };
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/{host}", any(serve_root))
            .route("/{host}/{*path}", any(serve))
            .with_state(Arc::clone(&boards));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the sample board server stopped");
            }
        });
        Ok(Self { address, boards, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Real host → address of its stand-in here.
    pub fn endpoints(&self) -> BTreeMap<String, String> {
        HOSTS.iter().map(|host| ((*host).to_owned(), format!("http://{}/{host}", self.address))).collect()
    }

    /// Company boards as `source:token`.
    pub fn company_boards(&self) -> Vec<String> {
        let mut boards: Vec<String> = self
            .boards
            .postings
            .iter()
            .map(|posting| format!("{}:{}", posting.company.system, posting.company.token))
            .collect();
        boards.dedup();
        boards
    }

    /// Aggregators that answer, by source name.
    pub fn aggregators(&self) -> Vec<String> {
        ["remoteok", "remotive", "arbeitnow", "himalayas", "jobicy", "weworkremotely", "hackernews"]
            .map(str::to_owned)
            .to_vec()
    }

    /// Requests so far, and how many of them were answered "not modified".
    pub fn requests(&self) -> (usize, usize) {
        (self.boards.requests.load(Ordering::Relaxed), self.boards.not_modified.load(Ordering::Relaxed))
    }

    /// From now on every request to `host` is answered with `status`.
    pub fn break_host(&self, host: &str, status: StatusCode) {
        if let Ok(mut broken) = self.boards.broken.lock() {
            broken.insert(host.to_owned(), status);
        }
    }
}

impl Drop for BoardServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve_root(state: State<Arc<Boards>>, Path(host): Path<String>) -> Response {
    answer(&state, &host, "", &BTreeMap::new(), &HeaderMap::new())
}

async fn serve(
    state: State<Arc<Boards>>,
    Path((host, path)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    answer(&state, &host, &path, &query, &headers)
}

fn answer(boards: &Boards, host: &str, path: &str, query: &BTreeMap<String, String>, headers: &HeaderMap) -> Response {
    boards.requests.fetch_add(1, Ordering::Relaxed);
    if let Some(status) = boards.broken.lock().ok().and_then(|broken| broken.get(host).copied()) {
        return status.into_response();
    }
    if path == "robots.txt" {
        return "User-agent: *\nAllow: /\n".into_response();
    }
    let request = Request { host, path, query, now: boards.now };
    let found =
        hiring_systems::answer(&boards.postings, &request).or_else(|| aggregators::answer(&boards.postings, &request));
    let Some(answer) = found else { return StatusCode::NOT_FOUND.into_response() };
    let etag = format!("\"{:016x}\"", fnv1a(answer.body.as_bytes()));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes()) {
        boards.not_modified.fetch_add(1, Ordering::Relaxed);
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    ([(header::CONTENT_TYPE, answer.content_type.to_owned()), (header::ETAG, etag)], answer.body).into_response()
}

/// The 64-bit FNV-1a hash (offset basis and prime as published by its authors): enough to notice a change.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Text for use inside XML.
pub(crate) fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
