//! A language-model router that does as it is told.

use std::sync::{Arc, Mutex};

use aerie_proto::llm::v1::{self as llm, llm_service_server::LlmService, llm_service_server::LlmServiceServer};
use aerie_rpc::{Backend, ErrorCode, GrpcServerBuilder, PERSON_HEADER, RpcError, ServerLimits};
use aerie_telemetry::Lifecycle;
use futures::stream::Empty;
use tonic::{Request, Response, Status};

/// A router that answers as it is told and keeps what it was asked.
#[derive(Clone)]
pub struct FakeRouter {
    document: Answer,
    text: fn(&llm::CompleteRequest) -> Answer,
    /// Extractions, each with whether it said who asks.
    pub asked: Arc<Mutex<Vec<(llm::ExtractRequest, bool)>>>,
    /// Questions.
    pub questions: Arc<Mutex<Vec<llm::CompleteRequest>>>,
}

impl FakeRouter {
    pub fn new(document: Answer, text: fn(&llm::CompleteRequest) -> Answer) -> Self {
        Self { document, text, asked: Arc::default(), questions: Arc::default() }
    }

    /// The router as a pipeline reaches it.
    pub async fn backend(&self) -> Backend {
        let builder = GrpcServerBuilder::new(ServerLimits::default()).service(LlmServiceServer::new(self.clone()));
        Backend::local(builder.build(&Lifecycle::new()).await.unwrap())
    }
}

fn trail() -> Option<llm::Trail> {
    Some(llm::Trail { backend: "home".into(), model: "m".into(), ..llm::Trail::default() })
}

#[tonic::async_trait]
impl LlmService for FakeRouter {
    async fn extract(&self, request: Request<llm::ExtractRequest>) -> Result<Response<llm::ExtractResponse>, Status> {
        let has_person = request.metadata().contains_key(PERSON_HEADER);
        self.asked.lock().unwrap().push((request.into_inner(), has_person));
        match self.document {
            Ok(document) => {
                let document = document.to_owned();
                Ok(Response::new(llm::ExtractResponse { document, trail: trail(), ..Default::default() }))
            }
            Err((code, reason)) => Err(RpcError::new(code, reason, "as asked").into()),
        }
    }

    async fn complete(
        &self,
        request: Request<llm::CompleteRequest>,
    ) -> Result<Response<llm::CompleteResponse>, Status> {
        let question = request.into_inner();
        let answer = (self.text)(&question);
        self.questions.lock().unwrap().push(question);
        match answer {
            Ok(text) => {
                let text = text.to_owned();
                Ok(Response::new(llm::CompleteResponse { text, trail: trail(), ..Default::default() }))
            }
            Err((code, reason)) => Err(RpcError::new(code, reason, "as asked").into()),
        }
    }

    type StreamCompleteStream = Empty<Result<llm::StreamCompleteResponse, Status>>;

    async fn stream_complete(
        &self,
        _: Request<llm::StreamCompleteRequest>,
    ) -> Result<Response<Self::StreamCompleteStream>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn embed(&self, _: Request<llm::EmbedRequest>) -> Result<Response<llm::EmbedResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn list_backends(
        &self,
        _: Request<llm::ListBackendsRequest>,
    ) -> Result<Response<llm::ListBackendsResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn check_backend(
        &self,
        _: Request<llm::CheckBackendRequest>,
    ) -> Result<Response<llm::CheckBackendResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }
}

pub type Answer = Result<&'static str, (ErrorCode, &'static str)>;
