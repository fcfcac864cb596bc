//! One short question over HTTP to a server on this machine.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

/// Most of an answer that is read.
const MOST_BYTES: usize = 1 << 20;

/// Whether anything accepts connections there.
pub(super) async fn is_open(place: &str, patience: Duration) -> bool {
    matches!(timeout(patience, TcpStream::connect(place)).await, Ok(Ok(_)))
}

/// The JSON at a path; none when there is no such answer in time.
pub(super) async fn get_json(place: &str, path: &str, patience: Duration) -> Option<Value> {
    timeout(patience, ask(place, path)).await.ok().flatten()
}

async fn ask(place: &str, path: &str) -> Option<Value> {
    let stream = TcpStream::connect(place).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path)
        .header(header::HOST, place)
        .header(header::ACCEPT, "application/json")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    let answer = async {
        let response = sender.send_request(request).await.ok()?;
        if !response.status().is_success() {
            return None;
        }
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await.ok()?.to_bytes();
        serde_json::from_slice(&body).ok()
    };
    tokio::pin!(answer);
    // The connection is driven here and dropped with the answer; nothing is left running.
    tokio::select! {
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}
