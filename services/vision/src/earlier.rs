//! The form of the prior system's vision server: `GET /health` and `POST /analyze`.

use std::time::{Duration, Instant};

use aerie_rpc::{ErrorCode, PERSON_HEADER, RpcError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::body::Body;

use crate::engine::{Ask, Engine, EngineError, Piece};
use crate::errors::rpc_error;
use crate::model::{Event, Request as Question, Sampling};

/// Where health is told.
pub(crate) const HEALTH: &str = "/health";
/// Where images are looked at.
pub(crate) const ANALYZE: &str = "/analyze";
/// Bytes of a request beside its image.
const MORE_BYTES: usize = 1 << 20;
/// Longest time to send a request.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Analysis {
    #[serde(default)]
    prompt: String,
    image_base64: String,
}

/// An answer that is an error: `{"detail": …}`.
struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: Option<Duration>,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let error: RpcError = rpc_error(error);
        let status = match error.code {
            // The prior system's clients know 400 for an image that cannot be decoded.
            ErrorCode::InvalidArgument => StatusCode::BAD_REQUEST,
            ErrorCode::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self { status, detail: error.message, retry_after: error.retry_after }
    }
}

/// Answers a request to one of the two addresses.
pub(crate) async fn answer(engine: Engine, image_bytes: usize, request: Request<Body>) -> Response<Body> {
    let outcome = match (request.method(), request.uri().path()) {
        (&Method::GET, HEALTH) => Ok(health(&engine)),
        (&Method::POST, ANALYZE) => analyze(&engine, image_bytes, request).await,
        (_, HEALTH) => Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "use GET")),
        _ => Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "use POST")),
    };
    match outcome {
        Ok(value) => json_response(StatusCode::OK, &value, None),
        Err(Problem { status, detail, retry_after }) => json_response(status, &json!({"detail": detail}), retry_after),
    }
}

fn health(engine: &Engine) -> Value {
    match engine.model() {
        Ok(model) => json!({
            "status": "ok", "model": model.name, "gpu": model.device != "cpu", "loaded": true,
            // By which the router tells this service from the prior one.
            "service": "aerie.vision.v1",
        }),
        Err(error) => json!({
            "status": "loading", "model": "moondream2", "gpu": false, "loaded": false, "detail": error.to_string(),
        }),
    }
}

async fn analyze(engine: &Engine, image_bytes: usize, request: Request<Body>) -> Result<Value, Problem> {
    let (parts, body) = request.into_parts();
    refuse_web_pages(&parts.headers)?;
    let limit = image_bytes.saturating_add(2) / 3 * 4 + MORE_BYTES;
    let body = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await;
    let body = body.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the request was not sent in time"))?;
    let body = body.map_err(|error| {
        let detail = format!("the request cannot be read, or is larger than {limit} bytes: {error}");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })?;
    let unreadable = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
    let analysis: Analysis = serde_json::from_slice(&body.to_bytes())
        .map_err(|error| unreadable(format!("the request is not {{prompt, image_base64}}: {error}")))?;
    let base64 = match analysis.image_base64.split_once(";base64,") {
        Some((start, data)) if start.starts_with("data:") => data,
        _ => analysis.image_base64.as_str(),
    };
    let image = STANDARD.decode(base64).map_err(|error| unreadable(format!("image_base64 is not base64: {error}")))?;
    let caller = parts.headers.get(PERSON_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let deadline = aerie_rpc::parse_timeout(&parts.headers).and_then(|limit| Instant::now().checked_add(limit));
    let sampling = Sampling { max_tokens: 0, ..Sampling::default() };
    let request = Question::Query { question: analysis.prompt, references: Vec::new(), reasoning: false, sampling };
    let ask = Ask { caller: caller.to_owned(), image: Some(image.into()), variant: String::new(), request, deadline };
    let mut answer = engine.ask(ask).await?;
    let mut text = String::new();
    while let Some(piece) = answer.next().await {
        if let Piece::Event(Event::Text(piece)) = piece? {
            text.push_str(&piece);
        }
    }
    Ok(json!({"text": text}))
}

/// Pages of other sites must not use a service on this machine through somebody's browser.
fn refuse_web_pages(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::ORIGIN) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "web pages may not call this service"));
    }
    Ok(())
}

fn json_response(status: StatusCode, value: &Value, retry_after: Option<Duration>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(Bytes::from(value.to_string()))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    if let Some(wait) = retry_after {
        headers.insert(header::RETRY_AFTER, wait.as_secs().saturating_add(1).into());
    }
    response
}
