//! The language-model router.
//!
//! One call over many backends, with chains, fallback and limits, is a later step. Until then the service is there with
//! its health, reflection and every call, and each call says that it is not offered yet; nothing pretends to answer.

pub mod answer;
pub mod backend;
pub mod backends;
pub mod call;
pub mod chat;
pub mod decode;
pub mod engine;
pub mod extract;
pub mod fault;
pub mod http_backend;
pub mod image_fetch;
pub mod json;
mod picture_question;
pub mod transport;
pub mod vision;
pub mod vision_service;
pub mod wire;

use aerie_proto::llm::v1::{
    CheckBackendRequest, CheckBackendResponse, CompleteRequest, CompleteResponse, EmbedRequest, EmbedResponse,
    ExtractRequest, ExtractResponse, ListBackendsRequest, ListBackendsResponse, StreamCompleteRequest,
    StreamCompleteResponse,
    llm_service_server::{LlmService, LlmServiceServer},
};
use aerie_rpc::{ErrorCode, GrpcServer, GrpcServerBuilder, RpcError, ServerBuildError, ServerLimits};
use aerie_telemetry::Lifecycle;
use tonic::{Request, Response, Status};

/// The router's server: every service of it reports that it is not serving.
///
/// # Errors
/// Descriptors that cannot be read.
pub async fn server(limits: ServerLimits, lifecycle: &Lifecycle) -> Result<GrpcServer, ServerBuildError> {
    GrpcServerBuilder::new(limits).service(LlmServiceServer::new(Router)).build(lifecycle).await
}

struct Router;

#[tonic::async_trait]
impl LlmService for Router {
    async fn complete(&self, _: Request<CompleteRequest>) -> Result<Response<CompleteResponse>, Status> {
        Err(not_offered("Complete"))
    }

    type StreamCompleteStream = futures::stream::BoxStream<'static, Result<StreamCompleteResponse, Status>>;

    async fn stream_complete(
        &self,
        _: Request<StreamCompleteRequest>,
    ) -> Result<Response<Self::StreamCompleteStream>, Status> {
        Err(not_offered("StreamComplete"))
    }

    async fn extract(&self, _: Request<ExtractRequest>) -> Result<Response<ExtractResponse>, Status> {
        Err(not_offered("Extract"))
    }

    async fn embed(&self, _: Request<EmbedRequest>) -> Result<Response<EmbedResponse>, Status> {
        Err(not_offered("Embed"))
    }

    async fn check_backend(&self, _: Request<CheckBackendRequest>) -> Result<Response<CheckBackendResponse>, Status> {
        Err(not_offered("CheckBackend"))
    }

    async fn list_backends(&self, _: Request<ListBackendsRequest>) -> Result<Response<ListBackendsResponse>, Status> {
        Err(not_offered("ListBackends"))
    }
}

fn not_offered(method: &str) -> Status {
    let message = format!(
        "{method} is not offered yet: it comes with the language-model router; discovery, matching and tracking work without it"
    );
    let error = RpcError::new(ErrorCode::Unimplemented, "NOT_OFFERED_YET", message);
    error.with("service", "aerie.llm.v1.LlmService").with("arrives_with", "language-model router").into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aerie_proto::llm::v1::llm_service_client::LlmServiceClient;
    use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

    use super::*;

    #[tokio::test]
    async fn calls_say_that_they_are_not_offered_and_health_says_not_serving() {
        let server = server(ServerLimits::default(), &Lifecycle::new()).await.unwrap();
        let mut client = LlmServiceClient::new(server.backend());
        for status in [
            client.complete(CompleteRequest::default()).await.map(drop).unwrap_err(),
            client.list_backends(ListBackendsRequest::default()).await.map(drop).unwrap_err(),
        ] {
            let error = RpcError::from(status);
            assert_eq!((error.code, error.reason.as_ref()), (ErrorCode::Unimplemented, "NOT_OFFERED_YET"));
            assert_eq!(error.metadata["arrives_with"], "language-model router");
        }
        let mut health = HealthClient::new(server.backend());
        for service in ["", "aerie.llm.v1.LlmService"] {
            let answer = health.check(HealthCheckRequest { service: service.into() }).await.unwrap();
            assert_eq!(answer.into_inner().status(), ServingStatus::NotServing);
        }
    }
}
