//! The least a hop can do: proxies that pass bodies on, or parse them once, and nothing else.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    header::CONTENT_TYPE,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::net::TcpListener;

/// How much a floor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Bodies go through untouched.
    Pass,
    /// The request is parsed and written again with another model; the answer, or each event, is parsed.
    Json,
}

/// What a connection to the provider takes.
pub type Upstream = Client<HttpConnector, Full<Bytes>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;
type Body = BoxBody<Bytes, Failure>;

/// A pool of connections without the delay of small writes.
pub fn upstream() -> Upstream {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(4_096).build(connector)
}

/// Serves until the process ends.
pub async fn serve(listener: TcpListener, kind: Kind, provider: &str) -> anyhow::Result<()> {
    let (client, uri) = (upstream(), format!("http://{provider}/v1/chat/completions").parse::<hyper::Uri>()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (client, uri) = (client.clone(), uri.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| hop(request, kind, client.clone(), uri.clone()));
            // A client that goes away is no fault of the floor.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[derive(Deserialize, Serialize)]
struct Question<'a> {
    model: &'a str,
    #[serde(borrow)]
    messages: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(default)]
    stream: bool,
}

/// The part of an answer, or of an event, that any router has to read.
#[derive(Deserialize)]
pub struct Reply {
    /// One for each answer.
    pub choices: Vec<Choice>,
    /// Tokens.
    pub usage: Option<Tokens>,
}

/// One answer.
#[derive(Deserialize)]
pub struct Choice {
    /// Whole answers.
    pub message: Option<Words>,
    /// Events.
    pub delta: Option<Words>,
    /// Why it ended.
    pub finish_reason: Option<String>,
}

/// The text.
#[derive(Deserialize, Default)]
pub struct Words {
    /// The text.
    pub content: Option<String>,
}

/// Tokens of a call.
#[derive(Deserialize, Default)]
pub struct Tokens {
    /// Of the question.
    pub prompt_tokens: u64,
    /// Of the answer.
    pub completion_tokens: u64,
}

/// Sends a written question.
pub async fn ask(client: &Upstream, uri: &hyper::Uri, question: Bytes) -> Result<Response<Incoming>, Failure> {
    let request = Request::post(uri.clone()).header(CONTENT_TYPE, "application/json").body(Full::new(question))?;
    Ok(client.request(request).await?)
}

async fn hop(
    request: Request<Incoming>,
    kind: Kind,
    client: Upstream,
    uri: hyper::Uri,
) -> Result<Response<Body>, Failure> {
    let body = request.into_body().collect().await?.to_bytes();
    if kind == Kind::Pass {
        let answer = ask(&client, &uri, body).await?;
        return Ok(answer.map(|body| body.map_err(Failure::from).boxed()));
    }
    let mut question: Question<'_> = serde_json::from_slice(&body)?;
    question.model = "mock-model";
    let streams = question.stream;
    let answer = ask(&client, &uri, serde_json::to_vec(&question)?.into()).await?;
    let (content_type, body) = if streams {
        let events = events(answer.into_body()).map(|event| {
            let event = event?;
            check(&event)?;
            let mut out = BytesMut::with_capacity(event.len() + 8);
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(&event);
            out.extend_from_slice(b"\n\n");
            Ok(Frame::data(out.freeze()))
        });
        ("text/event-stream", BodyExt::boxed(StreamBody::new(events)))
    } else {
        let body = answer.into_body().collect().await?.to_bytes();
        check(&body)?;
        ("application/json", Full::new(body).map_err(|never| match never {}).boxed())
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    Ok(response)
}

fn check(json: &[u8]) -> Result<(), Failure> {
    if json != b"[DONE]" {
        let reply: Reply = serde_json::from_slice(json)?;
        if reply.choices.is_empty() {
            return Err("an answer without a choice".into());
        }
    }
    Ok(())
}

/// Cuts a body into the data of its events.
pub fn events(body: Incoming) -> impl futures::Stream<Item = Result<Bytes, Failure>> + Send {
    futures::stream::try_unfold((body, BytesMut::new()), |(mut body, mut buffer)| async move {
        loop {
            if let Some(end) = memchr::memmem::find(&buffer, b"\n\n") {
                let mut event = buffer.split_to(end + 2).freeze();
                event.truncate(end);
                if event.starts_with(b"data: ") {
                    return Ok(Some((event.slice(6..), (body, buffer))));
                }
                continue;
            }
            match body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    })
}
