//! A server whose answers a test writes itself, for boards that misbehave.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::Response,
    routing::any,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// One answer for everything at a host.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Status; 0 never answers.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Body.
    pub body: String,
    /// Whether the answer waits for [`ScriptedServer::release`].
    pub held: bool,
}

impl Script {
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn json(body: impl Into<String>) -> Self {
        Self { status: 200, headers: vec![("content-type", "application/json")], body: body.into(), held: false }
    }

    pub fn html(body: impl Into<String>) -> Self {
        Self { status: 200, headers: vec![("content-type", "text/html")], body: body.into(), held: false }
    }

    /// The same answer, but not before it is released.
    pub fn held(self) -> Self {
        Self { held: true, ..self }
    }
}

#[derive(Debug, Default)]
struct Hosts {
    scripts: Mutex<HashMap<String, Script>>,
    asked: Mutex<HashMap<String, usize>>,
    released: CancellationToken,
}

/// A running scripted server; it stops when dropped.
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    hosts: Arc<Hosts>,
    task: JoinHandle<()>,
}

impl ScriptedServer {
    pub async fn start() -> Self {
        let hosts = Arc::new(Hosts::default());
        let router = Router::new()
            .route(
                "/{host}",
                any(async |state: State<Arc<Hosts>>, Path(host): Path<String>| answer(&state, host).await),
            )
            .route(
                "/{host}/{*path}",
                any(async |state: State<Arc<Hosts>>, Path((host, _)): Path<(String, String)>| {
                    answer(&state, host).await
                }),
            )
            .with_state(Arc::clone(&hosts));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, hosts, task }
    }

    /// The address that stands in for a host.
    pub fn endpoint(&self, host: &str) -> String {
        format!("http://{}/{host}", self.address)
    }

    /// From now on `host` answers so.
    pub fn answer(&self, host: &str, script: Script) {
        self.hosts.scripts.lock().unwrap().insert(host.to_owned(), script);
    }

    /// Lets the answers go that are held.
    pub fn release(&self) {
        self.hosts.released.cancel();
    }

    /// How often a host was asked.
    pub fn asked(&self, host: &str) -> usize {
        self.hosts.asked.lock().unwrap().get(host).copied().unwrap_or(0)
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(hosts: &Hosts, host: String) -> Response<Body> {
    let script = hosts.scripts.lock().unwrap().get(&host).cloned().unwrap_or_else(|| Script::status(404));
    *hosts.asked.lock().unwrap().entry(host).or_default() += 1;
    if script.status == 0 {
        return std::future::pending().await;
    }
    if script.held {
        hosts.released.cancelled().await;
    }
    let mut response = Response::builder().status(script.status);
    for (name, value) in script.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(script.body)).unwrap()
}
