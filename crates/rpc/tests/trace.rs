//! One trace over both kinds of backend. In a process of its own: what is traced is decided for the whole process.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::Duration;

use aerie_proto::llm::v1::{
    CheckBackendRequest, CheckBackendResponse, CompleteRequest, CompleteResponse, EmbedRequest, EmbedResponse,
    ExtractRequest, ExtractResponse, ListBackendsRequest, ListBackendsResponse, SetChainOrderRequest,
    SetChainOrderResponse, StreamCompleteRequest, StreamCompleteResponse,
    llm_service_client::LlmServiceClient,
    llm_service_server::{LlmService, LlmServiceServer},
};
use aerie_rpc::{Backend, GrpcServerBuilder, ServeOptions, ServerLimits};
use aerie_telemetry::Lifecycle;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

/// Answers with the trace context that it was called with.
struct Mirror;

#[tonic::async_trait]
impl LlmService for Mirror {
    async fn complete(&self, request: Request<CompleteRequest>) -> Result<Response<CompleteResponse>, Status> {
        let seen = request.metadata().get("traceparent").and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Response::new(CompleteResponse { text: seen.to_owned(), ..CompleteResponse::default() }))
    }

    type StreamCompleteStream = futures::stream::Empty<Result<StreamCompleteResponse, Status>>;

    async fn stream_complete(
        &self,
        _: Request<StreamCompleteRequest>,
    ) -> Result<Response<Self::StreamCompleteStream>, Status> {
        Ok(Response::new(futures::stream::empty()))
    }

    async fn extract(&self, _: Request<ExtractRequest>) -> Result<Response<ExtractResponse>, Status> {
        Ok(Response::new(ExtractResponse::default()))
    }

    async fn embed(&self, _: Request<EmbedRequest>) -> Result<Response<EmbedResponse>, Status> {
        Ok(Response::new(EmbedResponse::default()))
    }

    async fn set_chain_order(
        &self,
        _: Request<SetChainOrderRequest>,
    ) -> Result<Response<SetChainOrderResponse>, Status> {
        Ok(Response::new(SetChainOrderResponse::default()))
    }

    async fn check_backend(&self, _: Request<CheckBackendRequest>) -> Result<Response<CheckBackendResponse>, Status> {
        Ok(Response::new(CheckBackendResponse::default()))
    }

    async fn list_backends(&self, _: Request<ListBackendsRequest>) -> Result<Response<ListBackendsResponse>, Status> {
        Ok(Response::new(ListBackendsResponse::default()))
    }
}

#[tokio::test]
async fn one_trace_runs_from_the_caller_through_every_server() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let ours = tracing_subscriber::filter::filter_fn(|metadata| !metadata.target().starts_with("h2"));
    let layer = tracing_subscriber::Layer::with_filter(layer, ours);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();

    let lifecycle = Lifecycle::new();
    let builder = GrpcServerBuilder::new(ServerLimits::default()).service(LlmServiceServer::new(Mirror));
    let server = builder.build(&lifecycle).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server.clone().serve(listener, ServeOptions::default(), lifecycle.clone()));

    for backend in [server.backend(), Backend::remote(&address).unwrap()] {
        exporter.reset();
        let call = async { LlmServiceClient::new(backend).complete(CompleteRequest::default()).await };
        let seen = call.instrument(tracing::info_span!("caller")).await.unwrap().into_inner().text;
        let caller = finished(&exporter, "caller").await;
        let served = finished(&exporter, "aerie.llm.v1.LlmService/Complete").await;
        assert_eq!(served.span_context.trace_id(), caller.span_context.trace_id());
        assert_eq!(served.parent_span_id, caller.span_context.span_id());
        assert!(seen.contains(&caller.span_context.trace_id().to_string()), "{seen}");
        let code = served.attributes.iter().find(|attribute| attribute.key.as_str() == "rpc.grpc.status_code");
        assert_eq!(code.map(|code| code.value.as_str().into_owned()).as_deref(), Some("0"));
    }
}

/// The span of this name. The server's closes when its last byte has left, which the client may see first.
async fn finished(exporter: &InMemorySpanExporter, name: &str) -> SpanData {
    for _ in 0..500 {
        if let Some(span) = exporter.get_finished_spans().unwrap().into_iter().find(|span| span.name == name) {
            return span;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("no span named {name}: {:?}", exporter.get_finished_spans())
}
