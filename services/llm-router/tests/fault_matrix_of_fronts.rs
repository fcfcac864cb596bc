//! Every way in which a provider goes wrong, as callers of both fronts see it: over HTTP in OpenAI's form, and over gRPC.
#![allow(clippy::panic, clippy::unwrap_used, missing_docs)]

use std::net::{SocketAddr, TcpListener};

use aerie_config::{Config, Loader};
use aerie_llm_router::{LlmRouter, RouterDeps, router::Variables};
use aerie_proto::llm::v1 as pb;
use aerie_rpc::{Backend, RpcError, ServeOptions};
use aerie_telemetry::Lifecycle;
use aerie_testkit::llm::{
    LlmServer,
    faults::{Asked, BEGINNING, DOCUMENT, FaultCase, Right, SCHEMA, WHOLE, WITHOUT_ONE, fault_cases, well},
};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use pb::{llm_service_client::LlmServiceClient, stream_complete_response::Event};
use serde_json::{Value, json};

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
    second: LlmServer,
    lifecycle: Lifecycle,
    _first: LlmServer,
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
        Self { address, second, lifecycle, _first: first }
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

async fn over_http(address: SocketAddr, asked: Asked) -> Got {
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
    let request = Request::post(format!("http://{address}/v1/chat/completions"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
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
