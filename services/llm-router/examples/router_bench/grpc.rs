//! The gRPC front: a minimal proxy to compare with, and closed-loop load.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    time::{Duration, Instant},
};

use aerie_proto::llm::v1::{
    CompleteRequest, Message, Role, Sampling, StreamCompleteRequest, llm_service_client::LlmServiceClient,
    stream_complete_response::Event,
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http_body_util::BodyExt;
use serde::Serialize;
use tokio::{net::TcpListener, task::LocalSet};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::Service,
    server::{Grpc, NamedService, ServerStreamingService, UnaryService},
    transport::{Channel, Server},
};
use tonic_prost::ProstCodec;

use crate::{
    floor::{self, Reply, Upstream},
    load::{Outcome, microseconds},
    process::Usage,
};

const WARM_UP: Duration = Duration::from_millis(300);
const QUESTION: &str = "Does this posting fit the profile? Answer in three sentences. ";

/// The least question that a router takes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Ask {
    #[prost(string, tag = "1")]
    model: String,
    #[prost(message, repeated, tag = "2")]
    messages: Vec<Said>,
    #[prost(uint32, tag = "3")]
    max_tokens: u32,
    #[prost(float, tag = "4")]
    temperature: f32,
}

/// One message.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
pub struct Said {
    #[prost(string, tag = "1")]
    role: String,
    #[prost(string, tag = "2")]
    content: String,
}

/// The least answer.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Told {
    #[prost(string, tag = "1")]
    content: String,
    #[prost(string, tag = "2")]
    finish_reason: String,
    #[prost(uint64, tag = "3")]
    input_tokens: u64,
    #[prost(uint64, tag = "4")]
    output_tokens: u64,
}

#[derive(Serialize)]
struct Written<'a> {
    model: &'a str,
    messages: &'a [Said],
    max_tokens: u32,
    temperature: f32,
    stream: bool,
}

impl From<Reply> for Told {
    fn from(reply: Reply) -> Self {
        let usage = reply.usage.unwrap_or_default();
        let choice = reply.choices.into_iter().next();
        let (words, finish) =
            choice.map_or((None, None), |choice| (choice.message.or(choice.delta), choice.finish_reason));
        Self {
            content: words.and_then(|words| words.content).unwrap_or_default(),
            finish_reason: finish.unwrap_or_default(),
            input_tokens: usage.prompt_tokens,
            output_tokens: usage.completion_tokens,
        }
    }
}

/// The floor's service.
#[derive(Clone)]
struct Floor {
    client: Upstream,
    uri: hyper::Uri,
}

type Answering<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;
type Telling = Pin<Box<dyn Stream<Item = Result<Told, Status>> + Send>>;

impl Floor {
    async fn send(&self, ask: Ask, stream: bool) -> Result<hyper::body::Incoming, Status> {
        let written = Written {
            model: "mock-model",
            messages: &ask.messages,
            max_tokens: ask.max_tokens,
            temperature: ask.temperature,
            stream,
        };
        let body = serde_json::to_vec(&written).map_err(|error| Status::internal(error.to_string()))?;
        let answer = floor::ask(&self.client, &self.uri, body.into()).await;
        Ok(answer.map_err(|error| Status::unavailable(error.to_string()))?.into_body())
    }
}

struct Plain(Floor);

impl UnaryService<Ask> for Plain {
    type Response = Told;
    type Future = Answering<Told>;

    fn call(&mut self, request: Request<Ask>) -> Self::Future {
        let floor = self.0.clone();
        Box::pin(async move {
            let body = floor.send(request.into_inner(), false).await?;
            let body = body.collect().await.map_err(|error| Status::unavailable(error.to_string()))?.to_bytes();
            Ok(Response::new(read(&body)?))
        })
    }
}

struct Streaming(Floor);

impl ServerStreamingService<Ask> for Streaming {
    type Response = Told;
    type ResponseStream = Telling;
    type Future = Answering<Telling>;

    fn call(&mut self, request: Request<Ask>) -> Self::Future {
        let floor = self.0.clone();
        Box::pin(async move {
            let events = floor::events(floor.send(request.into_inner(), true).await?);
            let told = events.filter_map(|event| async move {
                match event {
                    Ok(event) if &event[..] == b"[DONE]" => None,
                    Ok(event) => Some(read(&event)),
                    Err(error) => Some(Err(Status::unavailable(error.to_string()))),
                }
            });
            Ok(Response::new(Box::pin(told) as Telling))
        })
    }
}

fn read(json: &Bytes) -> Result<Told, Status> {
    let reply: Reply = serde_json::from_slice(json).map_err(|error| Status::internal(error.to_string()))?;
    Ok(reply.into())
}

impl NamedService for Floor {
    const NAME: &'static str = "floor.Floor";
}

impl Service<http::Request<Body>> for Floor {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let floor = self.clone();
        let stream = request.uri().path().ends_with("Stream");
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::default());
            Ok(if stream {
                grpc.server_streaming(Streaming(floor), request).await
            } else {
                grpc.unary(Plain(floor), request).await
            })
        })
    }
}

/// Serves the floor until the process ends.
pub async fn floor(listener: TcpListener, provider: String) -> anyhow::Result<()> {
    let uri = format!("http://{provider}/v1/chat/completions").parse()?;
    let floor = Floor { client: floor::upstream(), uri };
    let incoming = TcpListenerStream::new(listener).map(|stream| {
        let stream = stream?;
        stream.set_nodelay(true)?;
        std::io::Result::Ok(stream)
    });
    Ok(Server::builder().add_service(floor).serve_with_incoming(incoming).await?)
}

/// Whom to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// The floor.
    Floor,
    /// The router.
    Router,
}

/// Puts closed-loop load on a gRPC server over as many calls at once, on four connections at most.
pub fn load(
    front: Front,
    authority: &str,
    pid: u32,
    calls: usize,
    length: Duration,
    stream: bool,
) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = Rc::new(RefCell::new(Outcome::default()));
    let begin = Instant::now() + WARM_UP;
    let end = begin + length;
    let local = LocalSet::new();
    let (before, after) = local.block_on(&runtime, async {
        let mut channels = Vec::new();
        for _ in 0..calls.min(4) {
            let endpoint = Channel::from_shared(format!("http://{authority}"))?;
            channels.push(endpoint.tcp_nodelay(true).connect().await?);
        }
        let workers: Vec<_> = (0..calls)
            .map(|place| {
                let (channel, outcome) = (channels[place % channels.len()].clone(), Rc::clone(&outcome));
                tokio::task::spawn_local(worker(front, channel, stream, begin, end, outcome))
            })
            .collect();
        tokio::time::sleep_until(begin.into()).await;
        let before = Usage::of(pid)?;
        tokio::time::sleep_until(end.into()).await;
        let after = Usage::of(pid)?;
        for worker in workers {
            worker.await?;
        }
        anyhow::Ok((before, after))
    })?;
    let mut outcome = Rc::try_unwrap(outcome).map_err(|_| anyhow::anyhow!("a call is still open"))?.into_inner();
    outcome.whole.sort_unstable();
    outcome.rate = outcome.answers as f64 / length.as_secs_f64();
    outcome.processor = (after.processor - before.processor).as_micros() as f64 / outcome.answers.max(1) as f64;
    outcome.memory = after.memory;
    if let Some(failure) = &outcome.first_failure {
        println!("  {front:?}: {} failures, first: {failure}", outcome.failures);
    }
    Ok(outcome)
}

async fn worker(
    front: Front,
    channel: Channel,
    stream: bool,
    begin: Instant,
    end: Instant,
    outcome: Rc<RefCell<Outcome>>,
) {
    loop {
        let asked = Instant::now();
        if asked >= end {
            return;
        }
        let answered = match front {
            Front::Floor => ask_floor(channel.clone(), stream).await,
            Front::Router => ask_router(channel.clone(), stream).await,
        };
        let finished = Instant::now();
        let mut outcome = outcome.borrow_mut();
        match answered {
            Ok(()) if asked >= begin && finished <= end => {
                outcome.answers += 1;
                outcome.whole.push(microseconds(finished - asked));
            }
            Ok(()) => {}
            Err(error) => {
                outcome.failures += 1;
                outcome.first_failure.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }
}

async fn ask_floor(channel: Channel, stream: bool) -> anyhow::Result<()> {
    let ask = Ask {
        model: "mock-model".into(),
        messages: vec![
            Said { role: "system".into(), content: "You are a careful assistant.".into() },
            Said { role: "user".into(), content: QUESTION.repeat(16) },
        ],
        max_tokens: 256,
        temperature: 0.2,
    };
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await?;
    let codec = ProstCodec::<Ask, Told>::default();
    if stream {
        let path = http::uri::PathAndQuery::from_static("/floor.Floor/AskStream");
        let mut told = grpc.server_streaming(Request::new(ask), path, codec).await?.into_inner();
        let mut finish = String::new();
        while let Some(piece) = told.message().await? {
            finish.push_str(&piece.finish_reason);
        }
        anyhow::ensure!(finish == "stop", "a stream ended with {finish:?}");
    } else {
        let path = http::uri::PathAndQuery::from_static("/floor.Floor/Ask");
        let told: Told = grpc.unary(Request::new(ask), path, codec).await?.into_inner();
        anyhow::ensure!(!told.content.is_empty(), "an empty answer");
    }
    Ok(())
}

async fn ask_router(channel: Channel, stream: bool) -> anyhow::Result<()> {
    let message = |role: Role, text: String| Message { role: role.into(), text, ..Message::default() };
    let question = CompleteRequest {
        messages: vec![
            message(Role::System, "You are a careful assistant.".into()),
            message(Role::User, QUESTION.repeat(16)),
        ],
        sampling: Some(Sampling { max_tokens: Some(256), temperature: Some(0.2), ..Sampling::default() }),
        ..CompleteRequest::default()
    };
    let mut client = LlmServiceClient::new(channel);
    if stream {
        let mut pieces = client.stream_complete(StreamCompleteRequest { question: Some(question) }).await?.into_inner();
        let mut ended = false;
        while let Some(piece) = pieces.message().await? {
            ended |= matches!(piece.event, Some(Event::End(_)));
        }
        anyhow::ensure!(ended, "a stream ended without saying so");
    } else {
        let answer = client.complete(question).await?.into_inner();
        anyhow::ensure!(!answer.text.is_empty(), "an empty answer");
    }
    Ok(())
}
