use aerie_proto::{
    llm::v1::{CompleteRequest, CompleteResponse, llm_service_client::LlmServiceClient},
    pipeline::v1::{SubscribeRequest, events_service_client::EventsServiceClient},
};
use aerie_rpc::{ErrorCode, RpcError};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::{StreamExt, stream};
use prost::Message;
use tonic::{Code, Request};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::world::{COMPLETE, PIPELINE_SERVICES, SUBSCRIBE, World};

fn prompt(text: &str) -> CompleteRequest {
    CompleteRequest { prompt: text.into(), ..Default::default() }
}

/// A gRPC frame: flag, length, message.
fn frame(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(&bytes);
    frame
}

/// The frames of a gRPC-Web answer: flag and content.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while bytes.len() >= 5 {
        let length = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
        found.push((bytes[0], bytes[5..5 + length].to_vec()));
        bytes = &bytes[5 + length..];
    }
    assert!(bytes.is_empty());
    found
}

#[tokio::test]
async fn grpc_passes_through_with_streams_errors_and_identity() {
    let world = World::start().await;
    let mut llm = LlmServiceClient::new(world.backend());
    assert_eq!(llm.complete(prompt("hello")).await.unwrap().into_inner().text, "hello");
    let mut forged = Request::new(prompt("who"));
    forged.metadata_mut().insert("x-aerie-person", "mallory".parse().unwrap());
    assert_eq!(llm.complete(forged).await.unwrap().into_inner().text, "ada");
    let mut hidden = Request::new(prompt("header:cookie"));
    hidden.metadata_mut().insert("cookie", "secret=1".parse().unwrap());
    assert_eq!(llm.complete(hidden).await.unwrap().into_inner().text, "");
    let error = RpcError::from(llm.complete(prompt("code:aborted")).await.unwrap_err());
    assert_eq!((error.code, error.metadata["answer"].as_str()), (ErrorCode::Aborted, "42"));
    assert_eq!(error.fields[0].field, "prompt");

    let mut events = EventsServiceClient::new(world.backend());
    let request = SubscribeRequest { after_sequence: Some(7), kinds: vec!["end".into()] };
    let received = events.subscribe(request).await.unwrap().into_inner();
    let sequences: Vec<i64> = received.map(|event| event.unwrap().sequence).collect().await;
    assert_eq!(sequences, [8, 9, 10]);
    let mut late = Request::new(prompt("wait"));
    late.set_timeout(std::time::Duration::from_millis(50));
    assert_eq!(llm.complete(late).await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn oversize_messages_are_refused_before_the_service_sees_them() {
    let world = World::with(|config| config.limits.message_bytes = 4096).await;
    let mut llm = LlmServiceClient::new(world.backend());
    let error = RpcError::from(llm.complete(prompt(&"x".repeat(5000))).await.unwrap_err());
    assert_eq!((error.code, error.reason.as_ref()), (ErrorCode::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    assert!(llm.complete(prompt("size:10")).await.is_ok(), "the connection goes on");
}

#[tokio::test]
async fn grpc_web_works_over_http_1_in_both_encodings() {
    let world = World::start().await;
    let headers = [("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1"), ("x-aerie-person", "mallory")];
    let answer = world.http("POST", COMPLETE, &headers, &frame(&prompt("who"))).await;
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "application/grpc-web+proto"));
    let parts = frames(&answer.body);
    assert_eq!(CompleteResponse::decode(parts[0].1.as_slice()).unwrap().text, "ada");
    assert_eq!(parts[1].0, 0x80);
    assert!(String::from_utf8_lossy(&parts[1].1).contains("grpc-status:0"));

    let text = [("content-type", "application/grpc-web-text"), ("accept", "application/grpc-web-text")];
    let answer = world.http("POST", COMPLETE, &text, STANDARD.encode(frame(&prompt("text"))).as_bytes()).await;
    let decoded: Vec<u8> = answer.text().as_bytes().chunks(4).flat_map(|four| STANDARD.decode(four).unwrap()).collect();
    assert_eq!(CompleteResponse::decode(frames(&decoded)[0].1.as_slice()).unwrap().text, "text");

    let request = SubscribeRequest { after_sequence: Some(1), kinds: vec!["end".into()] };
    let streamed = world.http("POST", SUBSCRIBE, &headers[..2], &frame(&request)).await;
    assert_eq!(frames(&streamed.body).len(), 4, "three events and the trailers");

    let failed = world.http("POST", COMPLETE, &headers[..2], &frame(&prompt("code:not_found"))).await;
    let status = match failed.headers.get("grpc-status") {
        Some(status) => status.clone(),
        None => String::from_utf8_lossy(&frames(&failed.body)[0].1).into_owned(),
    };
    assert!(status.contains('5'), "{status}");
}

#[tokio::test]
async fn grpc_over_http_1_is_refused_with_a_remedy() {
    let world = World::start().await;
    let answer = world.http("POST", COMPLETE, &[("content-type", "application/grpc")], &frame(&prompt("x"))).await;
    assert_eq!(answer.headers["grpc-status"], "9");
    assert!(answer.headers["grpc-message"].contains("HTTP/2"), "{answer:?}");
}

#[tokio::test]
async fn reflection_and_health_cover_everything_behind_the_port() {
    let world = World::start().await;
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(world.backend())
        .server_reflection_info(stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    for name in PIPELINE_SERVICES.map(|name| format!("aerie.pipeline.v1.{name}")) {
        assert!(names.contains(&name.as_str()), "{names:?}");
    }
    for name in ["aerie.llm.v1.LlmService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"] {
        assert!(names.contains(&name), "{names:?}");
    }

    world.pipeline.health().set("aerie.pipeline.v1.EventsService", true).await;
    let mut health = HealthClient::new(world.backend());
    let watched = HealthCheckRequest { service: "aerie.pipeline.v1.EventsService".into() };
    // The gateway looks every two seconds; the watch ends when it has seen the change.
    let mut tries = 0;
    let mut changes = loop {
        match health.watch(watched.clone()).await {
            Ok(changes) => break changes.into_inner(),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
        tries += 1;
        assert!(tries < 500);
    };
    while changes.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
    let llm = HealthCheckRequest { service: "aerie.llm.v1.LlmService".into() };
    assert_eq!(health.check(llm).await.unwrap().into_inner().status(), ServingStatus::NotServing);
}

#[tokio::test]
async fn without_an_exporter_the_callers_trace_context_passes_through_unchanged() {
    let world = World::start().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("content-type", "application/json"), ("traceparent", parent)];
    let seen = world.http("POST", COMPLETE, &headers, br#"{"prompt": "header:traceparent"}"#).await.json();
    assert_eq!(seen["text"], parent);
}
