#![allow(clippy::unwrap_used)]

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aerie_telemetry::Lifecycle;
use bytes::Bytes;
use futures::{future::join_all, stream};
use http::header::CONTENT_TYPE;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::net::TcpListener;
use tower::service_fn;

use super::*;
use crate::{
    Backend, Network, ServeOptions, serve,
    testing::{certificates, settings},
};

/// A call without side effects, and one with some.
const SAFE: &str = "/aerie.pipeline.v1.TasksService/GetTask";
const UNSAFE: &str = "/aerie.pipeline.v1.TasksService/SubmitTask";

/// With this header an answer begins and never ends.
const ENDLESS: &str = "x-endless";

/// A server that answers every call with the code it is told, and counts.
#[derive(Clone)]
struct Server {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
    code: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
    lifecycle: Lifecycle,
}

impl Server {
    async fn start() -> Self {
        Self::start_with(ServeOptions::default()).await
    }

    async fn start_with(options: ServeOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            address: listener.local_addr().unwrap(),
            calls: Arc::default(),
            code: Arc::default(),
            seen: Arc::default(),
            lifecycle: Lifecycle::new(),
        };
        let answering = this.clone();
        let service = service_fn(move |request: Request<Body>| {
            let this = answering.clone();
            async move {
                this.calls.fetch_add(1, Ordering::SeqCst);
                this.seen.lock().unwrap().push(request.headers().clone());
                if request.headers().contains_key(ENDLESS) {
                    let nothing = stream::pending::<Result<Frame<Bytes>, Status>>();
                    return Ok(Response::new(Body::new(StreamBody::new(nothing))));
                }
                let code = Code::from_i32(i32::try_from(this.code.load(Ordering::SeqCst)).unwrap());
                Ok(Status::new(code, "as told").into_http())
            }
        });
        let lifecycle = this.lifecycle.clone();
        lifecycle.spawn(serve(listener, service, options, lifecycle.clone()));
        this
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn answer_with(&self, code: Code) {
        self.code.store(usize::try_from(code as i32).unwrap(), Ordering::SeqCst);
    }

    fn last(&self) -> HeaderMap {
        self.seen.lock().unwrap().last().cloned().unwrap()
    }

    async fn stop(&self) {
        self.lifecycle.stop();
        self.lifecycle.drain(Duration::from_secs(5)).await;
    }
}

/// What a name service says, to be changed.
type Told = Arc<Mutex<Vec<SocketAddr>>>;

fn remote(servers: &[&Server]) -> (Remote, Told) {
    let told: Told = Arc::new(Mutex::new(servers.iter().map(|server| server.address).collect()));
    let mut target = Target::new("http://services.test:1", None).unwrap();
    target.told = Some(told.clone());
    (Remote::new(target, None), told)
}

fn request(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let builder = Request::post(path).header(CONTENT_TYPE, "application/grpc");
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    builder.body(Body::new(Full::new(Bytes::from_static(b"\0\0\0\0\0")))).unwrap()
}

async fn call(remote: &Remote, path: &str) -> Code {
    code(remote.call(request(path, &[])).await)
}

fn code(response: Response<Body>) -> Code {
    Status::from_header_map(response.headers()).map_or(Code::Unknown, |status| status.code())
}

#[tokio::test]
async fn calls_go_to_every_address_and_to_the_least_busy_one() {
    let (first, second) = (Server::start().await, Server::start().await);
    let (remote, _) = remote(&[&first, &second]);
    for _ in 0..20 {
        assert_eq!(call(&remote, UNSAFE).await, Code::Ok);
    }
    assert_eq!((first.calls(), second.calls()), (10, 10));
    // An answer that is still read counts as work.
    let held = remote.call(request(SAFE, &[(ENDLESS, "")])).await;
    let (before_first, before_second) = (first.calls(), second.calls());
    let busy_is_first = before_first > 10;
    for _ in 0..6 {
        call(&remote, UNSAFE).await;
    }
    let (more_first, more_second) = (first.calls() - before_first, second.calls() - before_second);
    assert_eq!((more_first, more_second), if busy_is_first { (0, 6) } else { (6, 0) });
    drop(held);
}

#[tokio::test]
async fn what_cannot_be_reached_is_left_out_without_a_failed_call() {
    let (first, second) = (Server::start().await, Server::start().await);
    let (remote, _) = remote(&[&first, &second]);
    assert_eq!(call(&remote, UNSAFE).await, Code::Ok);
    first.stop().await;
    for _ in 0..30 {
        assert_eq!(call(&remote, UNSAFE).await, Code::Ok, "nothing was sent to the one that is gone");
    }
    second.stop().await;
    let response = remote.call(request(UNSAFE, &[])).await;
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("cannot connect to services.test:1"), "{}", status.message());
}

#[tokio::test]
async fn only_calls_without_side_effects_are_repeated() {
    let (first, second) = (Server::start().await, Server::start().await);
    let (remote, _) = remote(&[&first, &second]);
    first.answer_with(Code::Unavailable);
    for _ in 0..10 {
        assert_eq!(call(&remote, SAFE).await, Code::Ok);
    }
    second.answer_with(Code::Unavailable);
    let before = first.calls() + second.calls();
    assert_eq!(call(&remote, UNSAFE).await, Code::Unavailable);
    assert_eq!(first.calls() + second.calls(), before + 1);
    assert_eq!(call(&remote, SAFE).await, Code::Unavailable);
    assert_eq!(first.calls() + second.calls(), before + 4, "three tries");
    second.answer_with(Code::NotFound);
    let before = second.calls();
    while call(&remote, SAFE).await != Code::NotFound {}
    assert!(second.calls() > before, "other errors are answers");
}

#[tokio::test]
async fn the_callers_time_goes_along_and_holds_here_too() {
    let server = Server::start().await;
    let (remote, _) = remote(&[&server]);
    let timeout = |headers: HeaderMap| parse_timeout(&headers);
    assert_eq!(code(remote.call(request(SAFE, &[])).await), Code::Ok);
    assert_eq!(timeout(server.last()), None);
    remote.call(request(SAFE, &[(GRPC_TIMEOUT, "5S")])).await;
    let left = timeout(server.last()).unwrap();
    assert!(left <= Duration::from_secs(5) && left > Duration::from_secs(3), "{left:?}");
    let soon = Instant::now() + Duration::from_secs(2);
    crate::context::within(Some(soon), remote.call(request(SAFE, &[(GRPC_TIMEOUT, "5S")]))).await;
    assert!(timeout(server.last()).unwrap() <= Duration::from_secs(2), "no longer than who waits for all this");
    // Somebody who takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let remote = Remote::new(Target::new(&address, None).unwrap(), None);
    assert_eq!(code(remote.call(request(SAFE, &[(GRPC_TIMEOUT, "50m")])).await), Code::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn new_addresses_are_found_and_old_ones_kept_while_the_name_service_fails() {
    tokio::time::resume();
    let (first, second) = (Server::start().await, Server::start().await);
    let (remote, told) = remote(&[&first]);
    assert_eq!(call(&remote, SAFE).await, Code::Ok);
    let later = || async {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(6)).await;
        tokio::time::resume();
    };
    told.lock().unwrap().clear();
    later().await;
    for _ in 0..3 {
        assert_eq!(call(&remote, SAFE).await, Code::Ok);
    }
    *told.lock().unwrap() = vec![second.address];
    later().await;
    while second.calls() == 0 {
        assert_eq!(call(&remote, SAFE).await, Code::Ok);
    }
    let before = first.calls();
    for _ in 0..4 {
        call(&remote, SAFE).await;
    }
    assert_eq!(first.calls(), before);
}

#[tokio::test]
async fn connections_of_age_are_closed_and_no_call_fails() {
    let options = ServeOptions { connection_age: Some(Duration::from_millis(2)), ..ServeOptions::default() };
    let server = Server::start_with(options).await;
    let backend = Backend::remote(&format!("http://{}", server.address)).unwrap();
    let began = Instant::now();
    let mut calls = 0;
    while began.elapsed() < Duration::from_millis(200) {
        let answers = join_all((0..8).map(|_| tower::ServiceExt::oneshot(backend.clone(), request(SAFE, &[])))).await;
        for answer in answers {
            assert_eq!(code(answer.unwrap()), Code::Ok);
            calls += 1;
        }
    }
    assert!(calls > 8);
}

/// A server behind the gate of a service, for callers with these names.
async fn gated(folder: &tempfile::TempDir, callers: &[&str]) -> (Server, String) {
    let network = Network::open(&settings(folder, "pipeline")).unwrap();
    let server = Server::start_with(ServeOptions { gate: network.gate(callers), ..ServeOptions::default() }).await;
    let address = format!("https://localhost:{}", server.address.port());
    (server, address)
}

async fn ask(backend: &Backend, headers: &[(&str, &str)]) -> Code {
    code(tower::ServiceExt::oneshot(backend.clone(), request(SAFE, headers)).await.unwrap())
}

#[tokio::test]
async fn a_caller_shows_a_certificate_and_who_is_behind_the_call() {
    let folder = certificates(&["pipeline", "gateway", "vision"]);
    let (server, address) = gated(&folder, &["gateway"]).await;
    let gateway = Network::open(&settings(&folder, "gateway")).unwrap().backend(&address).unwrap();
    assert_eq!(ask(&gateway, &[(PERSON_HEADER, "ada")]).await, Code::Ok);
    let seen = server.last();
    assert_eq!(seen.get(PERSON_HEADER).unwrap(), "ada");
    assert!(!seen.contains_key(IDENTITY_HEADER));
    assert_eq!(ask(&gateway, &[]).await, Code::Unauthenticated, "on nobody's behalf");
    let health = tower::ServiceExt::oneshot(gateway, request("/grpc.health.v1.Health/Check", &[])).await.unwrap();
    assert_eq!(code(health), Code::Ok, "health is on nobody's behalf");

    let stranger = Network::open(&settings(&folder, "vision")).unwrap().backend(&address).unwrap();
    assert_eq!(ask(&stranger, &[(PERSON_HEADER, "ada")]).await, Code::Unavailable, "not a caller of this service");
    let other_world = certificates(&["gateway"]);
    let forged = Network::open(&settings(&other_world, "gateway")).unwrap().backend(&address).unwrap();
    assert_eq!(ask(&forged, &[(PERSON_HEADER, "ada")]).await, Code::Unavailable, "signed by another authority");
    let plain = Backend::remote(&address.replace("https", "http")).unwrap();
    assert_eq!(ask(&plain, &[(PERSON_HEADER, "ada")]).await, Code::Unavailable, "no certificate at all");

    // A certificate alone speaks for nobody.
    let mut unsigned = settings(&folder, "gateway");
    unsigned.identity = None;
    let unsigned = Network::open(&unsigned).unwrap().backend(&address).unwrap();
    let before = server.calls();
    assert_eq!(ask(&unsigned, &[(PERSON_HEADER, "ada")]).await, Code::Unauthenticated);
    assert_eq!(ask(&unsigned, &[(PERSON_HEADER, "ada"), (IDENTITY_HEADER, "a.b")]).await, Code::Unauthenticated);
    assert_eq!(server.calls(), before);
}

#[tokio::test]
async fn new_certificates_are_used_without_a_restart() {
    let folder = certificates(&["pipeline", "gateway"]);
    let (_server, address) = gated(&folder, &["gateway"]).await;
    let ask_anew = async |backend: &Backend| ask(backend, &[(PERSON_HEADER, "ada")]).await;
    let network = Network::open(&settings(&folder, "gateway")).unwrap();
    assert_eq!(ask_anew(&network.backend(&address).unwrap()).await, Code::Ok);

    // Another authority altogether; each side reads its own files again at the next connection.
    let renewed = certificates(&["pipeline", "gateway"]);
    for name in ["ca.pem", "pipeline.pem", "pipeline.key", "gateway.pem", "gateway.key"] {
        std::fs::copy(renewed.path().join(name), folder.path().join(name)).unwrap();
    }
    assert_eq!(ask_anew(&network.backend(&address).unwrap()).await, Code::Ok);
    let outdated = Network::open(&settings(&renewed, "gateway")).unwrap().backend(&address).unwrap();
    assert_eq!(ask_anew(&outdated).await, Code::Unauthenticated, "TLS is well; the identity is of other keys");

    // Half a file breaks nothing.
    std::fs::write(folder.path().join("pipeline.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
    assert_eq!(ask_anew(&network.backend(&address).unwrap()).await, Code::Ok);
}

#[test]
fn addresses_are_checked() {
    for wrong in ["", "localhost:1", "ftp://a:1", "http://", "/path"] {
        assert!(Backend::remote(wrong).unwrap_err().to_string().contains("write http://host:port"), "{wrong}");
    }
    let error = Backend::remote("https://localhost:1").unwrap_err().to_string();
    assert!(error.contains("services.tls"), "{error}");
}
