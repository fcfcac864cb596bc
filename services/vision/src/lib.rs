//! The vision service.
//!
//! Captions, questions, boxes and points over images are a later step. Until then the service is there with its health,
//! reflection and every call, and each call says that it is not offered yet; nothing pretends to see.

pub mod engine;
pub mod image;
mod kernels;
pub mod model;
#[doc(hidden)]
pub mod testing;
pub mod verify;
pub mod weights;

use aerie_proto::vision::v1::{
    self as pb,
    vision_service_server::{VisionService, VisionServiceServer},
};
use aerie_rpc::{ErrorCode, GrpcServer, GrpcServerBuilder, RpcError, ServerBuildError, ServerLimits};
use aerie_telemetry::Lifecycle;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};

/// The vision server: every service of it reports that it is not serving.
///
/// # Errors
/// Descriptors that cannot be read.
pub async fn server(limits: ServerLimits, lifecycle: &Lifecycle) -> Result<GrpcServer, ServerBuildError> {
    GrpcServerBuilder::new(limits).service(VisionServiceServer::new(Vision)).build(lifecycle).await
}

struct Vision;

#[tonic::async_trait]
impl VisionService for Vision {
    type StreamCaptionStream = BoxStream<'static, Result<pb::StreamCaptionResponse, Status>>;
    type StreamQueryStream = BoxStream<'static, Result<pb::StreamQueryResponse, Status>>;

    async fn caption(&self, _: Request<pb::CaptionRequest>) -> Result<Response<pb::CaptionResponse>, Status> {
        Err(not_offered("Caption"))
    }

    async fn stream_caption(
        &self,
        _: Request<pb::StreamCaptionRequest>,
    ) -> Result<Response<Self::StreamCaptionStream>, Status> {
        Err(not_offered("StreamCaption"))
    }

    async fn query(&self, _: Request<pb::QueryRequest>) -> Result<Response<pb::QueryResponse>, Status> {
        Err(not_offered("Query"))
    }

    async fn stream_query(
        &self,
        _: Request<pb::StreamQueryRequest>,
    ) -> Result<Response<Self::StreamQueryStream>, Status> {
        Err(not_offered("StreamQuery"))
    }

    async fn detect(&self, _: Request<pb::DetectRequest>) -> Result<Response<pb::DetectResponse>, Status> {
        Err(not_offered("Detect"))
    }

    async fn point(&self, _: Request<pb::PointRequest>) -> Result<Response<pb::PointResponse>, Status> {
        Err(not_offered("Point"))
    }

    async fn get_model(&self, _: Request<pb::GetModelRequest>) -> Result<Response<pb::GetModelResponse>, Status> {
        Err(not_offered("GetModel"))
    }
}

fn not_offered(method: &str) -> Status {
    let message =
        format!("{method} is not offered yet: it comes with the vision model; everything else works without it");
    let error = RpcError::new(ErrorCode::Unimplemented, "NOT_OFFERED_YET", message);
    error.with("service", "aerie.vision.v1.VisionService").with("arrives_with", "vision model").into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aerie_proto::vision::v1::vision_service_client::VisionServiceClient;
    use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

    use super::*;

    #[tokio::test]
    async fn calls_say_that_they_are_not_offered_and_health_says_not_serving() {
        let server = server(ServerLimits::default(), &Lifecycle::new()).await.unwrap();
        let mut client = VisionServiceClient::new(server.backend());
        for status in [
            client.query(pb::QueryRequest::default()).await.map(drop).unwrap_err(),
            client.get_model(pb::GetModelRequest::default()).await.map(drop).unwrap_err(),
        ] {
            let error = RpcError::from(status);
            assert_eq!((error.code, error.reason.as_ref()), (ErrorCode::Unimplemented, "NOT_OFFERED_YET"));
            assert_eq!(error.metadata["arrives_with"], "vision model");
        }
        let mut health = HealthClient::new(server.backend());
        for service in ["", "aerie.vision.v1.VisionService"] {
            let answer = health.check(HealthCheckRequest { service: service.into() }).await.unwrap();
            assert_eq!(answer.into_inner().status(), ServingStatus::NotServing);
        }
    }
}
