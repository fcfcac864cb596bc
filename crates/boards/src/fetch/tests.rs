#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! The fetcher against a real server that fails in every way. Time is paused: waits cost nothing.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use url::Url;

use super::*;
use crate::source::{CompanyBoard, ParseError, Query};

/// What the server does with a request.
enum Answer {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends nothing.
    Hang,
    /// Sends these bytes, then one more each second.
    Drip(Vec<u8>),
    /// Sends these bytes again and again.
    Endless(Vec<u8>, Vec<u8>),
}

/// A server that keeps what it was asked.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts one; `answer` gets the number of the request (from 0) and its text.
    async fn start(answer: impl Fn(usize, &str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                tokio::spawn(async move {
                    let (request, stream) = read_request(stream).await;
                    let number = {
                        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                        log.push(request.clone());
                        log.len() - 1
                    };
                    send(answer(number, &request), stream).await;
                });
            }
        });
        Self { address, seen }
    }

    fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn options(&self) -> FetchOptions {
        FetchOptions {
            endpoints: ["boards.example", "boards-api.greenhouse.io", "careers.example"]
                .iter()
                .fold(Endpoints::none(), |all, host| all.with(host, &format!("http://{}/{{host}}", self.address))),
            ..FetchOptions::default()
        }
    }

    fn fetcher(&self) -> Fetcher {
        Fetcher::new(self.options(), Arc::new(MemoryCache::default())).unwrap()
    }
}

async fn read_request(mut stream: TcpStream) -> (String, TcpStream) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(length) => request.extend_from_slice(&buffer[..length]),
        }
    }
    (String::from_utf8_lossy(&request).into_owned(), stream)
}

async fn send(answer: Answer, mut stream: TcpStream) {
    match answer {
        Answer::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Answer::Hang => std::future::pending().await,
        Answer::Drip(head) => {
            let _ = stream.write_all(&head).await;
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Answer::Endless(head, chunk) => {
            let _ = stream.write_all(&head).await;
            while stream.write_all(&chunk).await.is_ok() {}
        }
    }
}

fn response(status: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut bytes =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len()).into_bytes();
    for header in headers {
        bytes.extend_from_slice(format!("{header}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    Answer::Bytes(bytes)
}

fn get(address: &str) -> Request {
    Request::get(Url::parse(address).unwrap())
}

async fn failure(server: &Server, request: Request) -> SourceError {
    server.fetcher().page(request).await.expect_err("this request must fail")
}

#[tokio::test(start_paused = true)]
async fn a_host_that_hangs_is_left_after_ten_seconds() {
    let server = Server::start(|_, _| Answer::Hang).await;
    let start = Instant::now();
    let error = failure(&server, get("https://boards.example/jobs")).await;
    assert_eq!(error, SourceError::Timeout { host: "boards.example".into(), seconds: 10 });
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_slow_drip_does_not_outlast_the_time_allowed() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_vec();
    let server = Server::start(move |_, _| Answer::Drip(head.clone())).await;
    let error = failure(&server, get("https://boards.example/jobs").within(Duration::from_secs(30))).await;
    assert_eq!(error, SourceError::Timeout { host: "boards.example".into(), seconds: 30 });
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_repeated() {
    for (status, expected) in [("403 Forbidden", 403), ("401 Unauthorized", 401), ("422 Unprocessable", 422)] {
        let server = Server::start(move |_, _| response(status, &[], b"")).await;
        let error = failure(&server, get("https://boards.example/jobs")).await;
        assert_eq!(error, SourceError::Blocked { host: "boards.example".into(), status: expected });
        assert_eq!(server.requests().len(), 1);
    }
    let server = Server::start(|_, _| response("404 Not Found", &[], b"{}")).await;
    assert!(matches!(failure(&server, get("https://boards.example/x")).await, SourceError::NotFound { .. }));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_short_retry_after_is_waited_for() {
    let server = Server::start(|number, _| match number {
        0 => response("429 Too Many Requests", &["Retry-After: 7"], b""),
        _ => response("200 OK", &[], b"{}"),
    })
    .await;
    let start = Instant::now();
    let page = server.fetcher().page(get("https://boards.example/jobs")).await.unwrap();
    assert_eq!(&page.body[..], b"{}");
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_long_retry_after_closes_the_host() {
    let server = Server::start(|_, _| response("429 Too Many Requests", &["Retry-After: 3600"], b"")).await;
    let fetcher = server.fetcher();
    for _ in 0..3 {
        let error = fetcher.page(get("https://boards.example/jobs")).await.unwrap_err();
        assert!(matches!(error, SourceError::RateLimited { retry_after: Some(_), .. }), "{error}");
    }
    assert_eq!(server.requests().len(), 1, "the host is left alone");
}

#[tokio::test(start_paused = true)]
async fn a_failing_host_is_asked_three_times() {
    let server = Server::start(|_, _| response("503 Service Unavailable", &[], b"")).await;
    let error = failure(&server, get("https://boards.example/jobs")).await;
    assert!(matches!(&error, SourceError::Network { reason, .. } if reason.contains("503")), "{error}");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn html_in_place_of_json_is_named() {
    let server =
        Server::start(|_, _| response("200 OK", &["Content-Type: text/html"], b"<html>Just a moment</html>")).await;
    let query = Query { boards: vec![CompanyBoard::new("acme")], ..Query::default() };
    let source = crate::registry::by_name("greenhouse").unwrap();
    let error = source.search(&query, &server.fetcher(), &mut Vec::new()).await.unwrap_err();
    assert!(matches!(&error, SourceError::BadFormat { problem: ParseError::NotThisFormat { .. }, .. }), "{error}");
    assert!(error.to_string().contains("HTML"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_endless_body_is_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n".to_vec();
    let server = Server::start(move |_, _| Answer::Endless(head.clone(), vec![b' '; 65_536])).await;
    let error = failure(&server, get("https://boards.example/jobs").at_most(1 << 20)).await;
    assert_eq!(error, SourceError::TooLarge { host: "boards.example".into(), limit_bytes: 1 << 20 });
}

/// A gzip stream of `matches` × 258 equal bytes: one literal, then repetitions (RFC 1951, fixed codes).
fn gzip_bomb(matches: usize) -> Vec<u8> {
    let (mut bits, mut filled, mut bytes) = (0u32, 0u32, vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let mut put = |code: u32, length: u32, bytes: &mut Vec<u8>| {
        for place in (0..length).rev() {
            bits |= ((code >> place) & 1) << filled;
            filled += 1;
            if filled == 8 {
                bytes.push(bits as u8);
                (bits, filled) = (0, 0);
            }
        }
    };
    put(0b110, 3, &mut bytes);
    put(0x30 + u32::from(b' '), 8, &mut bytes);
    for _ in 0..matches {
        put(0b1100_0101, 8, &mut bytes);
        put(0, 5, &mut bytes);
    }
    put(0, 7, &mut bytes);
    put(0, 7, &mut bytes);
    bytes
}

#[tokio::test(start_paused = true)]
async fn a_gzip_bomb_is_cut_off() {
    let server = Server::start(|_, _| response("200 OK", &["Content-Encoding: gzip"], &gzip_bomb(20_000))).await;
    let error = failure(&server, get("https://boards.example/jobs").at_most(1 << 20)).await;
    assert!(matches!(error, SourceError::TooLarge { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_truncated_gzip_is_an_error_and_not_half_a_list() {
    let whole = gzip_bomb(40);
    let half = whole[..whole.len() / 2].to_vec();
    let server = Server::start(move |_, _| response("200 OK", &["Content-Encoding: gzip"], &half)).await;
    let error = failure(&server, get("https://boards.example/jobs")).await;
    assert!(matches!(&error, SourceError::Network { reason, .. } if reason.contains("broke off")), "{error}");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_charset_is_seen_through() {
    let server = Server::start(|number, _| match number {
        0 => response("200 OK", &["Content-Type: application/json; charset=iso-8859-1"], "{\"a\":\"Köln\"}".as_bytes()),
        _ => response("200 OK", &["Content-Type: application/json; charset=utf-8"], b"{\"a\":\"K\xf6ln\"}"),
    })
    .await;
    let fetcher = server.fetcher();
    for _ in 0..2 {
        let page = fetcher.page(get("https://boards.example/jobs")).await.unwrap();
        let text = page.text().into_owned();
        assert!(text.contains("Köln") || text.contains('\u{fffd}'), "{text}");
        assert!(page.json().is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn redirects_stay_on_the_host_and_out_of_private_networks() {
    let inner = Server::start(|_, _| response("200 OK", &[], b"secret")).await;
    let target = format!("Location: http://{}/admin", inner.address);
    let server = Server::start(move |_, _| response("302 Found", &[&target], b"")).await;
    let error = failure(&server, get("https://boards.example/jobs")).await;
    assert!(matches!(error, SourceError::Redirect { .. }), "{error}");
    let error = failure(&server, get("https://boards.example/jobs").redirecting_to(&["*"])).await;
    assert!(matches!(error, SourceError::Address { .. }), "{error}");
    assert!(inner.requests().is_empty());

    let server = Server::start(|number, _| match number {
        0 => response("301 Moved", &["Location: /boards.example/new?x=1"], b""),
        _ => response("200 OK", &[], b"{}"),
    })
    .await;
    let page = server.fetcher().page(get("https://boards.example/old")).await.unwrap();
    assert_eq!(page.url.as_str(), "https://boards.example/new?x=1");
    let server = Server::start(|_, _| response("302 Found", &["Location: /boards.example/again"], b"")).await;
    assert!(matches!(failure(&server, get("https://boards.example/again")).await, SourceError::Redirect { .. }));
}

/// Gives its addresses in turn, the last one again and again.
struct Rebinding(Mutex<Vec<SocketAddr>>);

#[async_trait]
impl Lookup for Rebinding {
    async fn lookup(&self, _host: &str) -> std::io::Result<Vec<SocketAddr>> {
        let mut answers = self.0.lock().unwrap();
        Ok(vec![if answers.len() > 1 { answers.remove(0) } else { answers[0] }])
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_turns_private_is_not_connected_to() {
    use reqwest::dns::Resolve;
    let inner = Server::start(|_, _| response("200 OK", &[], b"secret")).await;
    let public: SocketAddr = "8.8.8.8:0".parse().unwrap();

    let lookup = Arc::new(Rebinding(Mutex::new(vec![public, inner.address])));
    let resolver = resolver::GuardedResolver::new(Arc::new(AddressGuard::default()), lookup);
    assert!(resolver.resolve("rebind.example".parse().unwrap()).await.is_ok());
    assert!(resolver.resolve("rebind.example".parse().unwrap()).await.is_err());

    let lookup = Arc::new(Rebinding(Mutex::new(vec![inner.address])));
    let cache = Arc::new(MemoryCache::default());
    let fetcher = Fetcher::with_lookup(FetchOptions::default(), cache, lookup).unwrap();
    let address = format!("https://rebind.example:{}/", inner.address.port());
    let error = fetcher.page(get(&address)).await.unwrap_err();
    assert!(matches!(error, SourceError::Address { .. }), "{error}");
    assert!(inner.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn private_and_plain_addresses_are_refused_without_a_request() {
    let fetcher = Fetcher::new(FetchOptions::default(), Arc::new(MemoryCache::default())).unwrap();
    for address in ["http://boards.example/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest"]
    {
        let error = fetcher.page(get(address)).await.unwrap_err();
        assert!(matches!(error, SourceError::Address { .. }), "{address}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_list_costs_one_conditional_request() {
    let server = Server::start(|_, request| match request.to_lowercase().contains("if-none-match: \"v1\"") {
        true => response("304 Not Modified", &[], b""),
        false => response("200 OK", &["ETag: \"v1\""], b"{\"jobs\":[]}"),
    })
    .await;
    let fetcher = server.fetcher();
    let ask = || get("https://boards.example/jobs").conditional(false);
    let Fetched::Page(_, Some(validators)) = fetcher.send(ask()).await.unwrap() else {
        panic!("a first answer is new")
    };
    assert!(
        matches!(fetcher.send(ask()).await.unwrap(), Fetched::Page(..)),
        "nothing is remembered before it is stored"
    );
    fetcher.remember(&[validators]).await;
    assert!(matches!(fetcher.send(ask()).await.unwrap(), Fetched::Unchanged));
    assert!(matches!(fetcher.send(get("https://boards.example/jobs")).await.unwrap(), Fetched::Page(..)));
}

#[tokio::test(start_paused = true)]
async fn an_equal_body_is_unchanged_also_without_validators() {
    let server = Server::start(|_, _| response("200 OK", &[], b"{\"jobs\":[]}")).await;
    let fetcher = server.fetcher();
    let ask = || get("https://boards.example/jobs").conditional(false);
    let Fetched::Page(_, Some(validators)) = fetcher.send(ask()).await.unwrap() else {
        panic!("a first answer is new")
    };
    fetcher.remember(&[validators]).await;
    assert!(matches!(fetcher.send(ask()).await.unwrap(), Fetched::Unchanged));
}

#[tokio::test(start_paused = true)]
async fn robots_decide_about_pages_and_are_read_once() {
    let server = Server::start(|_, request| match request.contains("robots.txt") {
        true => response("200 OK", &[], b"User-agent: *\nDisallow: /private\n"),
        false => response("200 OK", &["Content-Type: text/html"], b"<p>page</p>"),
    })
    .await;
    let fetcher = server.fetcher();
    let page = |path: &str| Request::page(Url::parse("https://careers.example").unwrap().join(path).unwrap());
    assert!(fetcher.page(page("/jobs")).await.is_ok());
    let error = fetcher.page(page("/private/jobs")).await.unwrap_err();
    assert!(matches!(error, SourceError::Robots { .. }), "{error}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_host_is_asked_one_at_a_time_with_pauses() {
    let server = Server::start(|_, _| response("200 OK", &[], b"{}")).await;
    let fetcher = server.fetcher();
    let start = Instant::now();
    let ask = |number: u32| fetcher.page(get(&format!("https://boards.example/{number}")));
    let (one, two, three) = tokio::join!(ask(1), ask(2), ask(3));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert!(start.elapsed() >= Duration::from_millis(500), "{:?}", start.elapsed());
}
