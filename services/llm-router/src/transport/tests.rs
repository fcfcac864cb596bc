#![allow(clippy::unwrap_used, clippy::panic)]

use aerie_testkit::llm::{LlmServer, Reply};
use http::HeaderValue;
use tokio::net::TcpListener;

use super::*;

mod tls;

fn transport(base: &str) -> Transport {
    Transport::new(base, &Tls::of_system()).unwrap()
}

fn limits() -> Limits {
    Limits { connect: Duration::from_secs(5), headers: Instant::now() + Duration::from_secs(5) }
}

fn post(segments: &[&'static str]) -> Outgoing<'static> {
    let body = segments.iter().map(|text| Bytes::from_static(text.as_bytes())).collect();
    Outgoing { method: Method::POST, path: "/chat".into(), headers: Cow::default(), body }
}

#[tokio::test]
async fn segments_arrive_joined_with_their_exact_length_below_the_base_path() {
    let server = LlmServer::start().await.unwrap();
    server.on("/chat", Reply::sse("fine"));
    let transport = transport(&format!("{}/v1/", server.base_url()));
    let mut outgoing = post(&["{\"a\":", "", "1", "}"]);
    outgoing.headers.to_mut().insert("x-test", HeaderValue::from_static("yes"));
    let mut answer = transport.send(outgoing, limits()).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.bytes(100).await.unwrap()), (200, Bytes::from_static(b"fine")));
    let received = &server.received()[0];
    assert_eq!((received.path.as_str(), received.body.as_ref()), ("/v1/chat", &b"{\"a\":1}"[..]));
    assert_eq!((received.header("content-length"), received.header("x-test")), ("7", "yes"));
    assert_eq!(received.header("host"), server.address().to_string());
}

#[tokio::test]
async fn a_connection_is_used_again_and_a_closed_one_is_replaced() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let transport = transport(&format!("http://{}", listener.local_addr().unwrap()));
    // Answers twice on the first connection, then closes it and answers on the second.
    let server = tokio::spawn(async move {
        let mut connections = 0;
        for answers in [2, 1] {
            let (stream, _) = listener.accept().await.unwrap();
            connections += 1;
            for _ in 0..answers {
                raw::read_request(&stream).await;
                raw::write(&stream, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            }
        }
        connections
    });
    for _ in 0..3 {
        let mut answer = transport.send(post(&["x"]), limits()).await.unwrap();
        assert_eq!(answer.bytes(10).await.unwrap().as_ref(), b"ok");
    }
    assert_eq!(server.await.unwrap(), 2);
}

#[tokio::test]
async fn everything_that_one_write_brought_is_ready_without_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let transport = transport(&format!("http://{}", listener.local_addr().unwrap()));
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        raw::read_request(&stream).await;
        let chunks = "5\r\nevent\r\n".repeat(30);
        raw::write(&stream, format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}").as_bytes()).await;
        stream
    });
    let mut answer = transport.send(post(&["x"]), limits()).await.unwrap();
    let first = std::future::poll_fn(|context| answer.poll_bytes(context)).await.unwrap().unwrap();
    let mut length = first.len();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    while let std::task::Poll::Ready(Some(bytes)) = answer.poll_bytes(&mut context) {
        length += bytes.unwrap().len();
    }
    assert_eq!(length, 150, "some of what was there had to be waited for");
    drop(server.await.unwrap());
}

#[tokio::test]
async fn dropping_closes_the_connection_at_once_before_and_after_the_head() {
    let server = LlmServer::start().await.unwrap();
    server.on("/chat", Reply::silent());
    server.on("/chat", Reply::sse("data: 1\n\n").hang());
    let transport = transport(&server.base_url());
    let request = tokio::spawn({
        let transport = transport.clone();
        async move { transport.send(post(&["x"]), limits()).await.map(drop) }
    });
    server.wait_for_requests(1).await;
    request.abort();
    server.wait_for_drops(1).await;
    let mut answer = transport.send(post(&["x"]), limits()).await.unwrap();
    assert!(std::future::poll_fn(|context| answer.poll_bytes(context)).await.unwrap().is_ok());
    drop(answer);
    server.wait_for_drops(2).await;
}

#[tokio::test]
async fn what_keeps_an_answer_away_is_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = transport(&format!("http://{free}")).send(post(&["x"]), limits()).await.unwrap_err();
    assert!(matches!(error, SendError::Connect { .. }), "{error}");

    let server = LlmServer::start().await.unwrap();
    server.on("/chat", Reply::silent());
    let soon = Limits { headers: Instant::now() + Duration::from_millis(20), ..limits() };
    let error = transport(&server.base_url()).send(post(&["x"]), soon).await.unwrap_err();
    assert!(matches!(error, SendError::HeadersTimeout { .. }), "{error}");
    server.wait_for_drops(1).await;

    // The system takes the connection, and nobody answers to the greeting of TLS, which is part of connecting.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let soon = Limits { connect: Duration::from_millis(20), ..limits() };
    let encrypted = transport(&format!("https://{}", silent.local_addr().unwrap()));
    let began = Instant::now();
    let error = encrypted.send(post(&["x"]), soon).await.unwrap_err();
    assert!(matches!(error, SendError::ConnectTimeout { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(2), "the limit on connecting counts, not that on headers");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let transport = transport(&format!("http://{}", listener.local_addr().unwrap()));
    let closing = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        raw::read_request(&stream).await;
    });
    let error = transport.send(post(&["x"]), limits()).await.unwrap_err();
    assert!(matches!(error, SendError::Broken { .. }), "{error}");
    closing.await.unwrap();
}

#[tokio::test]
async fn a_body_is_bounded_and_a_cut_one_is_an_error() {
    let server = LlmServer::start().await.unwrap();
    server.on("/chat", Reply::sse("0123456789").bytes("x"));
    server.on("/chat", Reply::sse("0123").bytes("4567").cut());
    let transport = transport(&server.base_url());
    let mut answer = transport.send(post(&["x"]), limits()).await.unwrap();
    assert_eq!(answer.bytes(10).await, Err(BodyError::TooLong(10)));
    let mut answer = transport.send(post(&["x"]), limits()).await.unwrap();
    assert!(matches!(answer.bytes(10).await, Err(BodyError::Broken(_))));
}

#[test]
fn addresses_that_lead_nowhere_are_refused_with_the_reason() {
    let tls = Tls::of_system();
    for (address, reason) in [
        ("localhost:80", "http"),
        ("ftp://x/", "does not begin with http"),
        ("https://user:key@host/", "user name or password"),
        ("http://host/v1?key=1", "query"),
        ("", "empty"),
    ] {
        let error = Transport::new(address, &tls).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("base address"), "{error}");
    }
}

/// The least of a server, for what a real one would not do.
mod raw {
    use tokio::net::TcpStream;

    /// Reads until the one-letter body that the tests send.
    pub(super) async fn read_request(stream: &TcpStream) {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\nx") {
            stream.readable().await.unwrap();
            let mut buffer = [0; 1024];
            match stream.try_read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => text.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(super) async fn write(stream: &TcpStream, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            stream.writable().await.unwrap();
            match stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}
