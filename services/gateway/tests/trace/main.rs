//! One trace through the gateway. In a process of its own: what is traced is decided for the whole process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, missing_docs)]

#[path = "../edge/fake.rs"]
mod fake;
#[path = "../edge/world.rs"]
mod world;

use std::time::Duration;

use aerie_proto::llm::v1::{CompleteRequest, llm_service_client::LlmServiceClient};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tonic::Request;
use tracing_subscriber::{Layer, layer::SubscriberExt};

use crate::world::{COMPLETE, World};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const PROMPT: &str = "header:traceparent";

#[tokio::test]
async fn one_trace_runs_through_gateway_and_service_in_every_form() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let ours = tracing_subscriber::filter::filter_fn(|metadata| metadata.target().starts_with("aerie"));
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test")).with_filter(ours);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    let world = World::start().await;
    let parent = format!("00-{TRACE}-{SPAN}-01");

    let headers = [("content-type", "application/json"), ("traceparent", parent.as_str())];
    let body = serde_json::json!({ "prompt": PROMPT }).to_string();
    let in_json =
        world.http("POST", COMPLETE, &headers, body.as_bytes()).await.json()["text"].as_str().unwrap().to_owned();
    check(&exporter, &in_json).await;

    exporter.reset();
    let mut request = Request::new(CompleteRequest { prompt: PROMPT.into(), ..Default::default() });
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    let in_grpc = LlmServiceClient::new(world.backend()).complete(request).await.unwrap().into_inner().text;
    check(&exporter, &in_grpc).await;
}

/// What the service saw belongs to the caller's trace, with the gateway's span between the two.
async fn check(exporter: &InMemorySpanExporter, seen: &str) {
    let gateway = finished(exporter, &format!("POST {COMPLETE}")).await;
    let service = finished(exporter, "aerie.llm.v1.LlmService/Complete").await;
    assert_eq!(gateway.span_context.trace_id().to_string(), TRACE);
    assert_eq!(gateway.parent_span_id.to_string(), SPAN);
    assert_eq!(service.parent_span_id, gateway.span_context.span_id());
    assert_eq!(seen, format!("00-{TRACE}-{}-01", gateway.span_context.span_id()));
}

async fn finished(exporter: &InMemorySpanExporter, name: &str) -> SpanData {
    for _ in 0..500 {
        if let Some(span) = exporter.get_finished_spans().unwrap().into_iter().find(|span| span.name == name) {
            return span;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no span named {name}: {:?}", exporter.get_finished_spans())
}
