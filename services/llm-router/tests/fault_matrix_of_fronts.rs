//! Every way in which a provider goes wrong, as callers of both fronts see it: over HTTP in OpenAI's form, and over gRPC.
#![allow(clippy::panic, clippy::unwrap_used, missing_docs)]

use std::{
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use aerie_config::{Config, Loader};
use aerie_llm_router::{LlmRouter, RouterDeps, router::Variables};
use aerie_proto::llm::v1 as pb;
use aerie_rpc::{Backend, RpcError, ServeOptions};
use aerie_telemetry::Lifecycle;
use aerie_testkit::llm::{
    LlmServer, Reply,
    faults::{Asked, BEGINNING, DOCUMENT, FaultCase, Right, SCHEMA, WHOLE, WITHOUT_ONE, fault_cases, well},
};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use pb::{llm_service_client::LlmServiceClient, stream_complete_response::Event};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    time::timeout,
};

const CHAT: &str = "/chat/completions";

/// Limits that a test can wait for; a cut connection and a refusal need none.
fn config(first: &str, second: &str) -> Config {
    let backend = |url: &str| json!({"kind": "openai", "key": "k", "model": "test-model", "base_url": url});
    let settings = json!({"llm": {
        "detect": false,
        "backends": {"first": backend(first), "second": backend(second)},
        "chains": {"default": ["first", "second"], "extraction": ["first", "second"]},
        "timeouts": {"headers_ms": 400, "first_token_ms": 400, "between_tokens_ms": 400},
    }});
    Loader::new().environment([("AERIE_HOME", "/nowhere")]).overrides(&settings).unwrap().load().unwrap()
}

/// A router on a port with a provider that goes wrong and one that is well.
struct World {
    address: SocketAddr,
    first: LlmServer,
    second: LlmServer,
    lifecycle: Lifecycle,
}

impl World {
    async fn start(case: &FaultCase) -> Self {
        let (first, second) = (LlmServer::start().await.unwrap(), LlmServer::start().await.unwrap());
        let refused = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let first_url = match case.first.clone() {
            Some(reply) => {
                first.only(CHAT, reply);
                first.base_url()
            }
            None => format!("http://{refused}"),
        };
        second.only(CHAT, well(case.asked));
        let config = config(&first_url, &second.base_url());
        let lifecycle = Lifecycle::new();
        let deps = RouterDeps { variables: Variables::given(&[]), ..RouterDeps::of_process(&config.llm) };
        let router = LlmRouter::create(deps, &config.limits, &lifecycle).await.unwrap();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(router.serve(listener, ServeOptions::default(), lifecycle.clone()));
        Self { address, first, second, lifecycle }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.lifecycle.stop();
    }
}

/// What a caller got.
#[derive(Debug)]
struct Got {
    text: String,
    /// Who answered, or the error's word and message.
    end: Result<String, (String, String)>,
    /// Whether the first try is told of with its fault.
    tells: bool,
}

/// The question in OpenAI's form.
fn openai_question(asked: Asked) -> Value {
    let mut body = json!({
        "model": "",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": asked == Asked::Streamed,
        "stream_options": {"include_usage": true},
    });
    if asked == Asked::Document {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "job", "schema": schema}});
    }
    body
}

async fn over_http(address: SocketAddr, asked: Asked) -> Got {
    let request = Request::post(format!("http://{address}/v1/chat/completions"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(openai_question(asked).to_string())))
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let response = client.request(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let word = |error: &Value| (error["code"].as_str().unwrap().to_owned(), error["message"].to_string());
    if !status.is_success() {
        let body: Value = serde_json::from_str(&text).unwrap();
        let tells = body["error"]["aerie"]["attempts"][0]["fault"].is_string();
        return Got { text: String::new(), end: Err(word(&body["error"])), tells };
    }
    if asked != Asked::Streamed {
        let body: Value = serde_json::from_str(&text).unwrap();
        let said = body["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
        let tries = headers["x-aerie-attempts"].to_str().unwrap();
        let tells = !tries.starts_with("first;ok");
        return Got { text: said, end: Ok(headers["x-aerie-backend"].to_str().unwrap().to_owned()), tells };
    }
    streamed(&text)
}

fn streamed(text: &str) -> Got {
    let events: Vec<&str> = text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    let is_done = events.last() == Some(&"[DONE]");
    assert_eq!(events.iter().filter(|event| **event == "[DONE]").count(), usize::from(is_done), "{text}");
    let chunks: Vec<Value> = events.iter().filter_map(|event| serde_json::from_str(event).ok()).collect();
    let said = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    let last = chunks.last().unwrap();
    match (is_done, last.get("error")) {
        (true, None) => {
            let tells = last["aerie"]["attempts"][0]["fault"].is_string();
            Got { text: said, end: Ok(last["aerie"]["backend"].as_str().unwrap().to_owned()), tells }
        }
        (false, Some(error)) => {
            let word = (error["code"].as_str().unwrap().to_owned(), error["message"].to_string());
            let tells = error["aerie"]["attempts"][0]["fault"].is_string();
            Got { text: said, end: Err(word), tells }
        }
        _ => panic!("neither whole nor an error: {text}"),
    }
}

async fn over_grpc(address: SocketAddr, asked: Asked) -> Got {
    let mut client = LlmServiceClient::new(Backend::remote(&format!("http://{address}")).unwrap());
    let failed = |text: String, status: tonic::Status| {
        let error = RpcError::from(&status);
        let tells = error.metadata.get("attempts").is_some_and(|tries| !tries.starts_with("first;ok"));
        Got { text, end: Err((error.reason.to_ascii_lowercase(), error.message)), tells }
    };
    let tells = |trail: &pb::Trail| !trail.attempts[0].fault.is_empty();
    let question = pb::CompleteRequest { prompt: "hello".into(), ..Default::default() };
    match asked {
        Asked::Plain => match client.complete(question).await {
            Ok(answer) => {
                let (text, trail) = (answer.get_ref().text.clone(), answer.into_inner().trail.unwrap());
                Got { text, tells: tells(&trail), end: Ok(trail.backend) }
            }
            Err(status) => failed(String::new(), status),
        },
        Asked::Document => {
            let request = pb::ExtractRequest { prompt: "hello".into(), schema: SCHEMA.into(), ..Default::default() };
            match client.extract(request).await {
                Ok(answer) => {
                    let (text, trail) = (answer.get_ref().document.clone(), answer.into_inner().trail.unwrap());
                    Got { text, tells: tells(&trail), end: Ok(trail.backend) }
                }
                Err(status) => failed(String::new(), status),
            }
        }
        Asked::Streamed => {
            let request = pb::StreamCompleteRequest { question: Some(question) };
            let mut events = match client.stream_complete(request).await {
                Ok(events) => events.into_inner(),
                Err(status) => return failed(String::new(), status),
            };
            let mut text = String::new();
            loop {
                match events.message().await {
                    Ok(Some(event)) => match event.event.unwrap() {
                        Event::Text(more) => text.push_str(&more),
                        Event::End(trail) => {
                            assert!(events.message().await.unwrap().is_none(), "nothing follows the end");
                            return Got { text, tells: tells(&trail), end: Ok(trail.backend) };
                        }
                        _ => {}
                    },
                    Ok(None) => panic!("ended without saying how"),
                    Err(status) => return failed(text, status),
                }
            }
        }
    }
}

fn judge(case: &FaultCase, front: &str, got: &Got, asked_second: usize) {
    let name = format!("{} over {front}", case.name);
    let whole = if case.asked == Asked::Document { DOCUMENT } else { WHOLE };
    match (&case.right, &got.end) {
        (Right::Fallback, Ok(backend)) => {
            assert_eq!((got.text.as_str(), backend.as_str()), (whole, "second"), "{name}");
            assert!(got.tells, "{name}: {got:?}");
        }
        (Right::CallersFault, Err((word, message))) => {
            assert!(word.starts_with("invalid") && asked_second == 0, "{name}: {got:?}");
            assert!(message.contains("scripted invalid_request_error"), "{name}: {message}");
        }
        (Right::Incomplete, Err((word, _))) => {
            assert_eq!((got.text.as_str(), word.as_str()), (BEGINNING, "incomplete"), "{name}");
        }
        (Right::Finished, Ok(backend)) => {
            assert_eq!((got.text.as_str(), backend.as_str()), (WITHOUT_ONE, "first"), "{name}");
        }
        (right, _) => panic!("{name}: {right:?} is right, not {got:?}"),
    }
}

#[tokio::test]
async fn callers_over_http_get_the_right_thing_of_every_fault() {
    let cases = fault_cases();
    assert_eq!(cases.len(), 19);
    for case in cases {
        let world = World::start(&case).await;
        let got = over_http(world.address, case.asked).await;
        judge(&case, "http", &got, world.second.requests());
    }
}

#[tokio::test]
async fn callers_over_grpc_get_the_right_thing_of_every_fault() {
    for case in fault_cases() {
        let world = World::start(&case).await;
        let got = over_grpc(world.address, case.asked).await;
        judge(&case, "grpc", &got, world.second.requests());
    }
}

/// A caller who asks, waits until the provider was asked and, where it `hears` something, until that came, and then goes
/// away: how long the provider was still held.
async fn leaving_http(world: &World, asked: Asked, hears: bool) -> Duration {
    let body = openai_question(asked).to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: aerie\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let mut connection = TcpStream::connect(world.address).await.unwrap();
    connection.write_all((head + &body).as_bytes()).await.unwrap();
    world.first.wait_for_requests(1).await;
    if hears {
        connection.read_buf(&mut Vec::new()).await.unwrap();
    }
    held_after(world, connection).await
}

/// The same over gRPC.
async fn leaving_grpc(world: &World, asked: Asked, hears: bool) -> Duration {
    let mut client = LlmServiceClient::new(Backend::remote(&format!("http://{}", world.address)).unwrap());
    let question = pb::CompleteRequest { prompt: "hello".into(), ..Default::default() };
    let something_came = Notify::new();
    let mut call = Box::pin(async {
        match asked {
            Asked::Plain => drop(client.complete(question).await),
            Asked::Document => {
                let request =
                    pb::ExtractRequest { prompt: "hello".into(), schema: SCHEMA.into(), ..Default::default() };
                drop(client.extract(request).await);
            }
            Asked::Streamed => {
                let request = pb::StreamCompleteRequest { question: Some(question) };
                let mut events = client.stream_complete(request).await.unwrap().into_inner();
                while events.message().await.unwrap().is_some() {
                    something_came.notify_one();
                }
            }
        }
    });
    let came = async {
        world.first.wait_for_requests(1).await;
        if hears {
            something_came.notified().await;
        }
    };
    tokio::select! {
        () = &mut call => panic!("the provider hangs"),
        () = came => {}
    }
    held_after(world, call).await
}

async fn held_after(world: &World, caller: impl Sized) -> Duration {
    let left = Instant::now();
    drop(caller);
    // A provider that is never let go is told by the time.
    let _ = timeout(Duration::from_secs(2), world.first.wait_for_drops(1)).await;
    left.elapsed()
}

#[tokio::test]
async fn callers_who_go_away_let_the_provider_go_within_fifty_milliseconds() {
    const LONGEST: Duration = Duration::from_millis(50);
    let hanging = [
        (Asked::Plain, Reply::silent(), false),
        (Asked::Document, Reply::silent(), false),
        (Asked::Streamed, Reply::silent(), false),
        (Asked::Streamed, Reply::chat_beginning().hang(), false),
        (Asked::Streamed, Reply::chat_beginning().chat_text("one").hang(), true),
    ];
    for (asked, reply, hears) in hanging {
        let case = FaultCase { name: "hangs", first: Some(reply), asked, right: Right::Fallback };
        for front in ["http", "grpc"] {
            // On a busy machine one try may be late without our doing.
            let mut held = Duration::MAX;
            for _ in 0..3 {
                let world = World::start(&case).await;
                held = held.min(match front {
                    "http" => leaving_http(&world, asked, hears).await,
                    _ => leaving_grpc(&world, asked, hears).await,
                });
                if held < LONGEST {
                    break;
                }
            }
            assert!(held < LONGEST, "{:?} {asked:?} over {front}: {held:?}", case.first);
        }
    }
}
