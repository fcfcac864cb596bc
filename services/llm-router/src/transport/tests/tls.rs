//! HTTP/2 and HTTP/1.1 over TLS, against a server with a certificate that only this test trusts.

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::*;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file("cert.pem")).unwrap()
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn trusting() -> Tls {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    Tls::of_config(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Counts what happens at the server.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    http2: AtomicUsize,
    /// Streamed answers that the other side gave up.
    given_up: watch::Sender<usize>,
}

struct Watched(Arc<Seen>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.given_up.send_modify(|count| *count += 1);
    }
}

type AnyBody = http_body_util::combinators::BoxBody<Bytes, Infallible>;

async fn answer(request: Request<Incoming>, seen: Arc<Seen>) -> Result<Response<AnyBody>, Infallible> {
    if request.version() == Version::HTTP_2 {
        seen.http2.fetch_add(1, Ordering::Relaxed);
    }
    let is_stream = request.uri().path().ends_with("/stream");
    let body = request.into_body().collect().await.unwrap().to_bytes();
    if !is_stream {
        return Ok(Response::new(Full::new(body).boxed()));
    }
    // One piece, then silence until the other side gives up.
    let pieces = futures::stream::unfold((Watched(seen), false), |(watched, is_begun)| async move {
        if is_begun {
            std::future::pending::<()>().await;
        }
        Some((Ok(Frame::data(Bytes::from_static(b"first"))), (watched, true)))
    });
    Ok(Response::new(BodyExt::boxed(StreamBody::new(pieces))))
}

async fn serve(protocols: &[&[u8]]) -> (SocketAddr, Arc<Seen>) {
    let key = PrivateKeyDer::from_pem_file(file("test-only-key.pem")).unwrap();
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_no_client_auth().with_single_cert(vec![certificate()], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let counted = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&counted));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                seen.connections.fetch_add(1, Ordering::Relaxed);
                let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, seen)
}

fn over_tls(address: SocketAddr, tls: &Tls) -> Transport {
    Transport::new(&format!("https://localhost:{}/v1", address.port()), tls).unwrap()
}

#[tokio::test]
async fn many_exchanges_share_one_connection_where_the_server_speaks_http2() {
    let (address, seen) = serve(&[b"h2", b"http/1.1"]).await;
    let transport = over_tls(address, &trusting());
    for _ in 0..3 {
        let mut answer = transport.send(post(&["x", "y"]), limits()).await.unwrap();
        assert_eq!(answer.bytes(10).await.unwrap().as_ref(), b"xy");
    }
    assert_eq!((seen.connections.load(Ordering::Relaxed), seen.http2.load(Ordering::Relaxed)), (1, 3));
}

#[tokio::test]
async fn dropping_an_exchange_of_http2_ends_it_and_leaves_the_connection() {
    let (address, seen) = serve(&[b"h2"]).await;
    let transport = over_tls(address, &trusting());
    let outgoing = Outgoing { path: "/stream".into(), ..post(&["x"]) };
    let mut answer = transport.send(outgoing, limits()).await.unwrap();
    let first = std::future::poll_fn(|context| answer.poll_bytes(context)).await.unwrap().unwrap();
    assert_eq!(first.as_ref(), b"first");
    drop(answer);
    seen.given_up.subscribe().wait_for(|count| *count == 1).await.unwrap();
    let mut answer = transport.send(post(&["x"]), limits()).await.unwrap();
    assert_eq!(answer.bytes(10).await.unwrap().as_ref(), b"x");
    assert_eq!(seen.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn http1_is_spoken_over_tls_too_and_kept() {
    let (address, seen) = serve(&[]).await;
    let transport = over_tls(address, &trusting());
    for _ in 0..2 {
        let mut answer = transport.send(post(&["x"]), limits()).await.unwrap();
        assert_eq!(answer.bytes(10).await.unwrap().as_ref(), b"x");
    }
    assert_eq!((seen.connections.load(Ordering::Relaxed), seen.http2.load(Ordering::Relaxed)), (1, 0));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_no_connection() {
    let (address, _) = serve(&[b"h2"]).await;
    let error = over_tls(address, &Tls::of_system()).send(post(&["x"]), limits()).await.unwrap_err();
    assert!(matches!(error, SendError::Connect { .. }), "{error}");
}
