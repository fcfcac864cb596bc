#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::pin::Pin;

use aerie_proto::{
    llm::v1::{
        CheckBackendRequest, CheckBackendResponse, CompleteRequest, CompleteResponse, EmbedRequest, EmbedResponse,
        ExtractRequest, ExtractResponse, ListBackendsRequest, ListBackendsResponse, SetChainOrderRequest,
        SetChainOrderResponse, StreamCompleteRequest, StreamCompleteResponse,
        llm_service_client::LlmServiceClient,
        llm_service_server::{LlmService, LlmServiceServer},
    },
    pipeline::v1::{
        SubscribeRequest, SubscribeResponse,
        events_service_client::EventsServiceClient,
        events_service_server::{EventsService, EventsServiceServer},
    },
};
use futures::{Stream, StreamExt, stream};
use tonic::{Code, Request, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus as PbStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use super::*;
use crate::{ErrorCode, RpcError};

/// Does what the prompt says.
#[derive(Clone, Default)]
struct Obedient;

#[tonic::async_trait]
impl LlmService for Obedient {
    async fn complete(&self, request: Request<CompleteRequest>) -> Result<tonic::Response<CompleteResponse>, Status> {
        let text = match request.get_ref().prompt.as_str() {
            "panic" => panic!("as asked"),
            "wait" => std::future::pending().await,
            "fail" => return Err(RpcError::not_found("EXAMPLE", "no such thing").with("id", 7).into()),
            other => other.to_owned(),
        };
        Ok(tonic::Response::new(CompleteResponse { text, ..CompleteResponse::default() }))
    }

    type StreamCompleteStream = futures::stream::Empty<Result<StreamCompleteResponse, Status>>;

    async fn stream_complete(
        &self,
        _: Request<StreamCompleteRequest>,
    ) -> Result<tonic::Response<Self::StreamCompleteStream>, Status> {
        Ok(tonic::Response::new(futures::stream::empty()))
    }

    async fn extract(&self, _: Request<ExtractRequest>) -> Result<tonic::Response<ExtractResponse>, Status> {
        Ok(tonic::Response::new(ExtractResponse::default()))
    }

    async fn embed(&self, _: Request<EmbedRequest>) -> Result<tonic::Response<EmbedResponse>, Status> {
        Ok(tonic::Response::new(EmbedResponse::default()))
    }

    async fn set_chain_order(
        &self,
        _: Request<SetChainOrderRequest>,
    ) -> Result<tonic::Response<SetChainOrderResponse>, Status> {
        Ok(tonic::Response::new(SetChainOrderResponse::default()))
    }

    async fn check_backend(
        &self,
        _: Request<CheckBackendRequest>,
    ) -> Result<tonic::Response<CheckBackendResponse>, Status> {
        Ok(tonic::Response::new(CheckBackendResponse::default()))
    }

    async fn list_backends(
        &self,
        _: Request<ListBackendsRequest>,
    ) -> Result<tonic::Response<ListBackendsResponse>, Status> {
        Ok(tonic::Response::new(ListBackendsResponse::default()))
    }
}

#[tonic::async_trait]
impl EventsService for Obedient {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    /// One event, then silence.
    async fn subscribe(&self, _: Request<SubscribeRequest>) -> Result<tonic::Response<Self::SubscribeStream>, Status> {
        let first = SubscribeResponse { sequence: 1, ..Default::default() };
        Ok(tonic::Response::new(Box::pin(stream::iter([Ok(first)]).chain(stream::pending()))))
    }
}

async fn server(limits: ServerLimits, lifecycle: &Lifecycle) -> GrpcServer {
    let builder = GrpcServerBuilder::new(limits)
        .service(LlmServiceServer::new(Obedient))
        .service(EventsServiceServer::new(Obedient));
    builder.build(lifecycle).await.unwrap().with_reflection().unwrap()
}

/// The same server twice: in process, and behind a real socket.
async fn both(limits: ServerLimits) -> (Lifecycle, GrpcServer, [Backend; 2]) {
    let lifecycle = Lifecycle::new();
    let server = server(limits, &lifecycle).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server.clone().serve(listener, ServeOptions::default(), lifecycle.clone()));
    let backends = [server.backend(), Backend::remote(&address).unwrap()];
    (lifecycle, server, backends)
}

fn prompt(text: &str) -> CompleteRequest {
    CompleteRequest { prompt: text.into(), ..Default::default() }
}

#[tokio::test]
async fn local_and_remote_backends_answer_alike() {
    let (_lifecycle, _, backends) = both(ServerLimits::default()).await;
    for backend in backends {
        let mut client = LlmServiceClient::new(backend);
        assert_eq!(client.complete(prompt("hello")).await.unwrap().into_inner().text, "hello");
        let error = RpcError::from(client.complete(prompt("fail")).await.unwrap_err());
        assert_eq!(error, RpcError::not_found("EXAMPLE", "no such thing").with("id", 7));
        let error = RpcError::from(client.complete(prompt("panic")).await.unwrap_err());
        assert_eq!((error.code, error.reason.as_ref()), (ErrorCode::Internal, "INTERNAL"));
        assert_eq!(client.complete(prompt("again")).await.unwrap().into_inner().text, "again");
    }
}

#[tokio::test]
async fn the_callers_deadline_ends_calls_and_streams() {
    let (_lifecycle, _, backends) = both(ServerLimits::default()).await;
    for backend in backends {
        let mut request = Request::new(prompt("wait"));
        request.set_timeout(Duration::from_millis(50));
        let status = LlmServiceClient::new(backend.clone()).complete(request).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");

        let mut request = Request::new(SubscribeRequest::default());
        request.set_timeout(Duration::from_millis(80));
        let mut events = EventsServiceClient::new(backend).subscribe(request).await.unwrap().into_inner();
        assert_eq!(events.message().await.unwrap().unwrap().sequence, 1);
        assert_eq!(events.message().await.unwrap_err().code(), Code::DeadlineExceeded);
    }
}

#[tokio::test]
async fn calls_beyond_the_limit_are_refused_and_places_come_back() {
    let limits = ServerLimits { concurrency: 1, ..ServerLimits::default() };
    let (_lifecycle, _, backends) = both(limits).await;
    for backend in backends {
        let mut client = LlmServiceClient::new(backend.clone());
        let events = EventsServiceClient::new(backend).subscribe(SubscribeRequest::default()).await.unwrap();
        let error = RpcError::from(client.complete(prompt("hello")).await.unwrap_err());
        assert_eq!((error.code, error.reason.as_ref()), (ErrorCode::ResourceExhausted, "TOO_MANY_CALLS"));
        assert!(error.retry_after.is_some());
        drop(events);
        let mut tries = 0;
        // Over a socket the server learns of the closed stream a moment later.
        while client.complete(prompt("hello")).await.is_err() {
            tries += 1;
            assert!(tries < 1000, "the place never came back");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn waiting_streams_end_when_the_server_stops() {
    let (lifecycle, _, backends) = both(ServerLimits::default()).await;
    let mut streams = Vec::new();
    for backend in backends {
        let mut events =
            EventsServiceClient::new(backend).subscribe(SubscribeRequest::default()).await.unwrap().into_inner();
        assert_eq!(events.message().await.unwrap().unwrap().sequence, 1);
        streams.push(events);
    }
    lifecycle.stop();
    for mut events in streams {
        let error = RpcError::from(events.message().await.unwrap_err());
        assert_eq!((error.code, error.reason.as_ref()), (ErrorCode::Unavailable, "SERVER_STOPPING"));
    }
    assert_eq!(lifecycle.drain(Duration::from_secs(10)).await, aerie_telemetry::Drained::Finished);
}

#[tokio::test]
async fn health_follows_the_switch() {
    let (_lifecycle, server, backends) = both(ServerLimits::default()).await;
    for backend in backends {
        let mut client = HealthClient::new(backend);
        let mut check = async |service: &str| {
            client
                .check(HealthCheckRequest { service: service.into() })
                .await
                .map(|answer| answer.into_inner().status())
        };
        server.health().set_all(false).await;
        assert_eq!(check("").await.unwrap(), PbStatus::NotServing);
        assert_eq!(check("aerie.llm.v1.LlmService").await.unwrap(), PbStatus::NotServing);
        server.health().set_all(true).await;
        assert_eq!(check("aerie.pipeline.v1.EventsService").await.unwrap(), PbStatus::Serving);
        assert_eq!(check("nobody").await.unwrap_err().code(), Code::NotFound);
    }
}

#[tokio::test]
async fn reflection_lists_our_services_with_health_and_itself() {
    let (_lifecycle, _, backends) = both(ServerLimits::default()).await;
    for backend in backends {
        let request = |message| ServerReflectionRequest { host: String::new(), message_request: Some(message) };
        let requests = stream::iter([
            request(MessageRequest::ListServices(String::new())),
            request(MessageRequest::FileContainingSymbol("grpc.health.v1.Health".into())),
            request(MessageRequest::FileContainingSymbol("aerie.llm.v1.LlmService".into())),
            request(MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".into())),
        ]);
        let answers = ServerReflectionClient::new(backend).server_reflection_info(requests).await.unwrap().into_inner();
        let answers: Vec<MessageResponse> =
            answers.map(|answer| answer.unwrap().message_response.unwrap()).collect().await;
        let MessageResponse::ListServicesResponse(list) = &answers[0] else { panic!("{answers:?}") };
        let mut names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
        names.sort_unstable();
        let expected = [
            "aerie.llm.v1.LlmService",
            "aerie.pipeline.v1.EventsService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
        ];
        assert_eq!(names, expected);
        for answer in &answers[1..] {
            assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn unreachable_and_unknown_are_ordinary_errors() {
    let mut client = LlmServiceClient::new(Backend::remote("http://127.0.0.1:1").unwrap());
    assert_eq!(client.complete(prompt("hello")).await.unwrap_err().code(), Code::Unavailable);
    assert!(Backend::remote("not an address").is_err());

    let lifecycle = Lifecycle::new();
    let server = GrpcServerBuilder::new(ServerLimits::default()).build(&lifecycle).await.unwrap();
    let status = LlmServiceClient::new(server.backend()).complete(prompt("hello")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}
