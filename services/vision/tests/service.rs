//! The service with a tiny random model: every call, health, the prior system's form, and what happens without a model.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "tiny/tiny.rs"]
mod tiny;

use std::io::Cursor;
use std::path::Path;

use aerie_config::{Loader, Vision};
use aerie_proto::vision::v1::{self as pb, vision_service_client::VisionServiceClient};
use aerie_rpc::{Backend, ErrorCode, RpcError, ServeOptions};
use aerie_telemetry::{Lifecycle, Metrics};
use aerie_vision::VisionService;
use aerie_vision::engine::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use candle_core::DType;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

fn settings(model: Option<&Path>) -> Vision {
    let overrides = json!({"vision": {"model": model, "device": "cpu", "cache_bytes": 64 << 20}});
    Loader::new().overrides(&overrides).unwrap().load().unwrap().vision
}

/// A service whose model has passed its test.
async fn ready(lifecycle: &Lifecycle) -> VisionService {
    let folder = tiny::folder(&tiny::config(), DType::F32, 1);
    let service = VisionService::create(&settings(Some(folder.path())), lifecycle).await.unwrap();
    let mut state = service.engine().state();
    let state = state.wait_for(|state| !matches!(state, State::Loading)).await.unwrap();
    assert!(matches!(*state, State::Ready(_)), "{:?}", *state);
    drop(state);
    service
}

fn image(seed: u32) -> Bytes {
    let picture = tiny::picture(50, 30, seed);
    let image = image::RgbImage::from_raw(50, 30, picture.pixels().to_vec()).unwrap();
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner().into()
}

fn greedy(max_tokens: u32) -> Option<pb::Sampling> {
    Some(pb::Sampling { temperature: Some(0.0), max_tokens, ..Default::default() })
}

async fn serving(backend: Backend) -> bool {
    let request = HealthCheckRequest { service: "aerie.vision.v1.VisionService".into() };
    let answer = HealthClient::new(backend).check(request).await.unwrap();
    answer.into_inner().status() == ServingStatus::Serving
}

#[tokio::test]
async fn every_call_is_answered_and_streams_join_to_the_same() {
    let service = ready(&Lifecycle::new()).await;
    let mut client = VisionServiceClient::new(service.backend());
    let request = pb::CaptionRequest { image: image(1), sampling: greedy(8), ..Default::default() };
    let whole = client.caption(request.clone()).await.unwrap().into_inner();
    let usage = whole.usage.unwrap();
    assert_eq!((usage.image_tokens, usage.image_cached), (17, false));
    assert!(usage.output_tokens > 0 && usage.total_time.is_some());
    assert_ne!(whole.finish_reason(), pb::FinishReason::Unspecified);

    let request = pb::StreamCaptionRequest { caption: Some(request) };
    let mut pieces = client.stream_caption(request).await.unwrap().into_inner();
    let (mut text, mut end) = (String::new(), None);
    while let Some(piece) = pieces.next().await {
        match piece.unwrap().event.unwrap() {
            pb::stream_caption_response::Event::Text(piece) => text.push_str(&piece),
            pb::stream_caption_response::Event::End(it) => end = Some(it),
        }
    }
    assert_eq!(text, whole.caption);
    let end = end.unwrap();
    assert!(end.usage.unwrap().image_cached);
    assert_eq!(end.finish_reason, whole.finish_reason);

    let place = pb::spatial_reference::Place::Point(pb::ImagePoint { x: 0.5, y: 0.25 });
    let request = pb::QueryRequest {
        image: image(1),
        question: "What is here?".into(),
        references: vec![pb::SpatialReference { place: Some(place) }],
        reasoning: true,
        sampling: greedy(6),
        variant: String::new(),
    };
    let whole = client.query(request.clone()).await.unwrap().into_inner();
    let request = pb::StreamQueryRequest { query: Some(request) };
    let pieces: Vec<_> = client.stream_query(request).await.unwrap().into_inner().collect().await;
    let mut text = String::new();
    for piece in pieces {
        match piece.unwrap().event.unwrap() {
            pb::stream_query_response::Event::Reasoning(reasoning) => {
                assert_eq!((Some(reasoning), text.as_str()), (whole.reasoning.clone(), ""));
            }
            pb::stream_query_response::Event::Text(piece) => text.push_str(&piece),
            pb::stream_query_response::Event::End(_) => {}
        }
    }
    assert_eq!(text, whole.answer);
    assert!(whole.reasoning.is_some());
    let without = pb::QueryRequest { question: "Why?".into(), sampling: greedy(4), ..Default::default() };
    assert_eq!(client.query(without).await.unwrap().into_inner().usage.unwrap().image_tokens, 0);

    let request = pb::DetectRequest { image: image(1), object: "cat".into(), max_objects: 3, variant: String::new() };
    let found = client.detect(request).await.unwrap().into_inner();
    assert!(found.boxes.len() <= 3 && found.boxes.iter().all(|one| one.x_min <= one.x_max));
    let request = pb::PointRequest { image: image(1), object: "cat".into(), max_objects: 3, variant: String::new() };
    let found = client.point(request).await.unwrap().into_inner();
    assert!(found.points.len() <= 3 && found.points.iter().all(|one| (0.0..=1.0).contains(&one.x)));

    let model = client.get_model(pb::GetModelRequest {}).await.unwrap().into_inner();
    assert!(model.name.starts_with("moondream2@"), "{}", model.name);
    assert_eq!((model.device.as_str(), model.dtype.as_str(), model.context_tokens), ("cpu", "f32", 256));
    assert!(model.cache_used_bytes > 0 && model.cache_bytes == 64 << 20);
}

#[tokio::test]
async fn errors_say_which_field_and_why() {
    let service = ready(&Lifecycle::new()).await;
    let mut client = VisionServiceClient::new(service.backend());
    let broken = pb::CaptionRequest { image: Bytes::from_static(b"GIF89a"), ..Default::default() };
    let error = RpcError::from(client.caption(broken).await.unwrap_err());
    assert_eq!((error.code, error.fields[0].field.as_str()), (ErrorCode::InvalidArgument, "image"));
    let unknown = pb::CaptionRequest { image: image(1), variant: "chart".into(), ..Default::default() };
    let error = RpcError::from(client.caption(unknown).await.unwrap_err());
    assert_eq!((error.code, error.reason.as_ref()), (ErrorCode::NotFound, "VARIANT_NOT_FOUND"));
}

#[tokio::test]
async fn health_follows_the_model_and_a_missing_one_says_what_to_fetch() {
    let lifecycle = Lifecycle::new();
    let service = ready(&lifecycle).await;
    // The switch is a task of its own that the state has woken; it comes before long.
    while !serving(service.backend()).await {
        tokio::task::yield_now().await;
    }
    lifecycle.stop();
    service.engine().state().wait_for(|state| matches!(state, State::Stopped)).await.unwrap();
    assert!(!serving(service.backend()).await);

    let empty = tempfile::tempdir().unwrap();
    for folder in [None, Some(empty.path())] {
        let service = VisionService::create(&settings(folder), &Lifecycle::new()).await.unwrap();
        assert!(!serving(service.backend()).await);
        let mut client = VisionServiceClient::new(service.backend());
        let error = RpcError::from(client.get_model(pb::GetModelRequest {}).await.unwrap_err());
        assert_eq!((error.code, error.reason.as_ref()), (ErrorCode::FailedPrecondition, "MODEL_MISSING"));
        assert!(error.message.contains("aerie vision fetch"), "{error}");
    }
}

async fn http(address: std::net::SocketAddr, request: String) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: vision\r\nconnection: close\r\n\r\n")
}

fn post(body: &str, more: &str) -> String {
    let length = body.len();
    format!(
        "POST /analyze HTTP/1.1\r\nhost: vision\r\nconnection: close\r\n{more}content-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn the_prior_systems_clients_are_answered_on_the_same_port() {
    let lifecycle = Lifecycle::new();
    let metrics = Metrics::install().unwrap();
    let service = ready(&lifecycle).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(service.serve(listener, ServeOptions::default(), Some(metrics), lifecycle.clone()));

    let (status, body) = http(address, get("/health")).await;
    let health: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &health["status"], &health["loaded"], &health["gpu"]),
        (200, &json!("ok"), &json!(true), &json!(false))
    );
    assert_eq!(http(address, get("/readyz")).await, (200, "ready\n".to_owned()));

    let request = json!({"prompt": "What is it?", "image_base64": STANDARD.encode(image(1))}).to_string();
    let (status, body) = http(address, post(&request, "content-type: application/json\r\n")).await;
    assert_eq!(status, 200, "{body}");
    assert!(serde_json::from_str::<Value>(&body).unwrap()["text"].is_string());
    for (body, more, expected) in [
        (json!({"prompt": "?", "image_base64": "AAAA"}).to_string(), "", 400),
        (json!({"prompt": "?", "image_base64": "?"}).to_string(), "", 400),
        (json!({"prompt": "?"}).to_string(), "", 400),
        (request.clone(), "origin: http://elsewhere\r\n", 403),
    ] {
        let (status, answer) = http(address, post(&body, more)).await;
        assert_eq!(status, expected, "{answer}");
        assert!(serde_json::from_str::<Value>(&answer).unwrap()["detail"].is_string());
    }
    let (_, text) = http(address, get("/metrics")).await;
    for name in ["aerie_vision_queue_wait_seconds", "aerie_vision_tokens_total", "aerie_vision_cache_used_bytes"] {
        assert!(text.contains(name), "{name} is not in {text}");
    }
    let remote = Backend::remote(&format!("http://{address}")).unwrap();
    let model = VisionServiceClient::new(remote).get_model(pb::GetModelRequest {}).await.unwrap();
    assert!(model.into_inner().name.starts_with("moondream2@"));
}
