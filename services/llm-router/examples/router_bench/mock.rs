//! An instant provider in OpenAI's form: a fixed answer, a burst of events, or a paced stream.

use std::{convert::Infallible, sync::LazyLock, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Frame, Incoming},
    header::CONTENT_TYPE,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::counter::Counter;

/// Events of a burst, the role and the end included.
pub const BURST_EVENTS: usize = 34;
/// Events of a paced stream and the time between two.
const PACED_EVENTS: usize = 64;
const PACE: Duration = Duration::from_millis(20);

const MODELS: &str = r#"{"object":"list","data":[{"id":"mock-model","object":"model","created":1,"owned_by":"mock"}]}"#;

type Body = BoxBody<Bytes, Infallible>;

/// What the mock does with every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Behaviour {
    /// Answers at once.
    Instant,
    /// Streams slowly.
    Paced,
    /// Answers 500.
    Dead,
}

static ANSWER: LazyLock<Bytes> = LazyLock::new(|| {
    let text = "The posting asks for Rust, PostgreSQL and Kubernetes; the profile shows all three. ".repeat(4);
    Bytes::from(
        serde_json::json!({
            "id": "chatcmpl-bench", "object": "chat.completion", "created": 1_700_000_000, "model": "mock-model",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 210, "completion_tokens": 64, "total_tokens": 274}
        })
        .to_string(),
    )
});

fn event(number: usize, of: usize) -> Bytes {
    if number + 1 == of {
        return Bytes::from_static(b"data: [DONE]\n\n");
    }
    let (delta, finish) = match number {
        0 => (serde_json::json!({"role": "assistant", "content": ""}), serde_json::Value::Null),
        last if last + 2 == of => (serde_json::json!({}), "stop".into()),
        _ => (serde_json::json!({"content": " and the next words"}), serde_json::Value::Null),
    };
    let chunk = serde_json::json!({
        "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "mock-model",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]
    });
    Bytes::from(format!("data: {chunk}\n\n"))
}

/// Each event is a chunk of its own, as providers write them.
static BURST: LazyLock<Vec<Bytes>> =
    LazyLock::new(|| (0..BURST_EVENTS).map(|number| event(number, BURST_EVENTS)).collect());

static PACED: LazyLock<Vec<Bytes>> =
    LazyLock::new(|| (0..PACED_EVENTS).map(|number| event(number, PACED_EVENTS)).collect());

/// Serves until the process ends. `GET /count` says how many questions were asked.
pub async fn serve(listener: TcpListener, behaviour: Behaviour) -> anyhow::Result<()> {
    let asked = Counter::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let asked = asked.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, behaviour, asked.clone()));
            // A client that goes away is no fault of the mock.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, behaviour: Behaviour, asked: Counter) -> hyper::Result<Response<Body>> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    match path.as_str() {
        "/count" => return Ok(whole(StatusCode::OK, "text/plain", Bytes::from(asked.get().to_string()))),
        "/v1/models" => {
            let models = Bytes::from_static(MODELS.as_bytes());
            return Ok(whole(StatusCode::OK, "application/json", models));
        }
        "/v1/chat/completions" => asked.add(),
        // Health checks of every kind.
        _ => return Ok(whole(StatusCode::OK, "text/plain", Bytes::from_static(b"ok"))),
    }
    if behaviour == Behaviour::Dead {
        let error = Bytes::from_static(br#"{"error":{"message":"the server had an error","type":"server_error"}}"#);
        return Ok(whole(StatusCode::INTERNAL_SERVER_ERROR, "application/json", error));
    }
    if !asks_for_a_stream(&body) {
        return Ok(whole(StatusCode::OK, "application/json", ANSWER.clone()));
    }
    if behaviour == Behaviour::Instant {
        let events = stream::iter(BURST.iter().map(|event| Ok(Frame::data(event.clone()))));
        return Ok(response(StatusCode::OK, "text/event-stream", BodyExt::boxed(StreamBody::new(events))));
    }
    let events = stream::iter(PACED.iter()).then(|event| async move {
        tokio::time::sleep(PACE).await;
        Ok::<_, Infallible>(Frame::data(event.clone()))
    });
    Ok(response(StatusCode::OK, "text/event-stream", BodyExt::boxed(StreamBody::new(events))))
}

/// Looks near the ends only, as an image may lie between.
fn asks_for_a_stream(body: &[u8]) -> bool {
    let has = |part: &[u8]| part.windows(13).any(|window| window == br#""stream":true"#);
    let edge = body.len().min(4_096);
    has(&body[..edge]) || has(&body[body.len() - edge..])
}

fn whole(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
    response(status, content_type, Full::new(body).boxed())
}

fn response(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}
