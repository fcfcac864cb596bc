//! A language-model router that does as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use aerie_proto::llm::v1::{
    self as llm, llm_service_server::LlmService, llm_service_server::LlmServiceServer, stream_complete_response::Event,
};
use aerie_rpc::{Backend, ErrorCode, GrpcServerBuilder, PERSON_HEADER, RpcError, ServerLimits};
use aerie_telemetry::Lifecycle;
use futures::{StreamExt, stream, stream::BoxStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tonic::{Request, Response, Status};

/// A router that answers as it is told and keeps what it was asked.
#[derive(Clone)]
pub struct FakeRouter {
    document: Answer,
    text: fn(&llm::CompleteRequest) -> Answer,
    /// Extractions, each with whether it said who asks.
    pub asked: Arc<Mutex<Vec<(llm::ExtractRequest, bool)>>>,
    /// Questions, those for a streamed answer included.
    pub questions: Arc<Mutex<Vec<llm::CompleteRequest>>>,
    /// Streamed answers that a test gives piece by piece.
    spoken: Arc<Mutex<VecDeque<UnboundedReceiver<Piece>>>>,
}

/// A piece of a streamed answer, or how it broke off.
pub type Piece = Result<Event, RpcError>;

impl FakeRouter {
    pub fn new(document: Answer, text: fn(&llm::CompleteRequest) -> Answer) -> Self {
        Self { document, text, asked: Arc::default(), questions: Arc::default(), spoken: Arc::default() }
    }

    /// The next streamed answer is what the test sends, when it sends it; it is closed when nobody reads it any more.
    pub fn speak(&self) -> UnboundedSender<Piece> {
        let (sender, receiver) = unbounded_channel();
        self.spoken.lock().unwrap().push_back(receiver);
        sender
    }

    /// The router as a pipeline reaches it.
    pub async fn backend(&self) -> Backend {
        let builder = GrpcServerBuilder::new(ServerLimits::default()).service(LlmServiceServer::new(self.clone()));
        Backend::local(builder.build(&Lifecycle::new()).await.unwrap())
    }
}

/// How an answer came about.
pub fn trail() -> llm::Trail {
    llm::Trail { backend: "home".into(), model: "m".into(), ..llm::Trail::default() }
}

fn piece(event: Event) -> llm::StreamCompleteResponse {
    llm::StreamCompleteResponse { event: Some(event) }
}

#[tonic::async_trait]
impl LlmService for FakeRouter {
    async fn extract(&self, request: Request<llm::ExtractRequest>) -> Result<Response<llm::ExtractResponse>, Status> {
        let has_person = request.metadata().contains_key(PERSON_HEADER);
        self.asked.lock().unwrap().push((request.into_inner(), has_person));
        match self.document {
            Ok(document) => {
                let document = document.to_owned();
                Ok(Response::new(llm::ExtractResponse { document, trail: Some(trail()), ..Default::default() }))
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
                Ok(Response::new(llm::CompleteResponse { text, trail: Some(trail()), ..Default::default() }))
            }
            Err((code, reason)) => Err(RpcError::new(code, reason, "as asked").into()),
        }
    }

    type StreamCompleteStream = BoxStream<'static, Result<llm::StreamCompleteResponse, Status>>;

    async fn stream_complete(
        &self,
        request: Request<llm::StreamCompleteRequest>,
    ) -> Result<Response<Self::StreamCompleteStream>, Status> {
        let question = request.into_inner().question.unwrap();
        let answer = (self.text)(&question);
        self.questions.lock().unwrap().push(question);
        let spoken = self.spoken.lock().unwrap().pop_front();
        if let Some(spoken) = spoken {
            let pieces = stream::unfold(spoken, |mut spoken| async move { Some((spoken.recv().await?, spoken)) });
            return Ok(Response::new(pieces.map(|said| said.map(piece).map_err(Status::from)).boxed()));
        }
        // As a real router: what is refused is refused within the stream.
        let pieces: Vec<Result<llm::StreamCompleteResponse, Status>> = match answer {
            Ok(text) => {
                let texts = text.split_inclusive(' ').map(|word| Event::Text(word.to_owned()));
                let started = Event::Started(llm::Started::default());
                [started].into_iter().chain(texts).chain([Event::End(trail())]).map(piece).map(Ok).collect()
            }
            Err((code, reason)) => vec![Err(RpcError::new(code, reason, "as asked").into())],
        };
        Ok(Response::new(stream::iter(pieces).boxed()))
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

    async fn set_chain_order(
        &self,
        _: Request<llm::SetChainOrderRequest>,
    ) -> Result<Response<llm::SetChainOrderResponse>, Status> {
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
