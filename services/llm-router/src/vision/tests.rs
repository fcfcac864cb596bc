#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use aerie_network::AddressGuard;
use aerie_proto::vision::v1::{
    self as pb, GetModelResponse, QueryResponse,
    vision_service_server::{VisionService, VisionServiceServer},
};
use aerie_rpc::{GrpcServerBuilder, ServerLimits};
use aerie_telemetry::Lifecycle;
use futures::stream::BoxStream;
use tonic::{Response, Status};

use super::*;
use crate::{
    chat::{MediaType, Message, Part, Role},
    transport::Tls,
};

/// A service that remembers what it was asked, and answers with the length of the image or an error.
#[derive(Clone, Default)]
struct Looker {
    asked: Arc<Mutex<Vec<QueryRequest>>>,
    people: Arc<Mutex<Vec<Option<String>>>>,
    refuses: Option<ErrorCode>,
}

#[tonic::async_trait]
impl VisionService for Looker {
    type StreamCaptionStream = BoxStream<'static, Result<pb::StreamCaptionResponse, Status>>;
    type StreamQueryStream = BoxStream<'static, Result<pb::StreamQueryResponse, Status>>;

    async fn caption(&self, _: Request<pb::CaptionRequest>) -> Result<Response<pb::CaptionResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn stream_caption(
        &self,
        _: Request<pb::StreamCaptionRequest>,
    ) -> Result<Response<Self::StreamCaptionStream>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn stream_query(
        &self,
        request: Request<pb::StreamQueryRequest>,
    ) -> Result<Response<Self::StreamQueryStream>, Status> {
        use pb::stream_query_response::Event;
        let query = request.into_inner().query.unwrap_or_default();
        let usage = pb::Usage {
            image_tokens: 730,
            prompt_tokens: 5,
            output_tokens: 2,
            image_cached: true,
            ..Default::default()
        };
        let end = pb::StreamEnd { finish_reason: pb::FinishReason::MaxTokens.into(), usage: Some(usage) };
        let words = [Event::Text("a ".into()), Event::Text(query.question), Event::End(end)];
        let messages = words.map(|event| Ok(pb::StreamQueryResponse { event: Some(event) }));
        Ok(Response::new(futures::stream::iter(messages).boxed()))
    }

    async fn detect(&self, _: Request<pb::DetectRequest>) -> Result<Response<pb::DetectResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn point(&self, _: Request<pb::PointRequest>) -> Result<Response<pb::PointResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn query(&self, request: Request<QueryRequest>) -> Result<Response<QueryResponse>, Status> {
        if let Some(code) = self.refuses {
            return Err(RpcError::new(code, "REFUSED", "no").retry_after(Duration::from_secs(3)).into());
        }
        let person = request.metadata().get(PERSON_HEADER).map(|person| person.to_str().unwrap().to_owned());
        self.people.lock().unwrap().push(person);
        let request = request.into_inner();
        let answer = format!("{} bytes", request.image.len());
        self.asked.lock().unwrap().push(request);
        Ok(Response::new(QueryResponse { answer, ..QueryResponse::default() }))
    }

    async fn get_model(&self, _: Request<GetModelRequest>) -> Result<Response<GetModelResponse>, Status> {
        Ok(Response::new(GetModelResponse { name: "moondream2@2025-01-09".into(), ..GetModelResponse::default() }))
    }
}

async fn vision(looker: Looker) -> Vision {
    let builder = GrpcServerBuilder::new(ServerLimits::default()).service(VisionServiceServer::new(looker));
    let server = builder.build(&Lifecycle::new()).await.unwrap();
    Vision::new(server.backend(), ImageFetcher::new(Tls::of_system(), AddressGuard::default()))
}

fn hop() -> Hop {
    let (connect, headers) = (Duration::from_secs(5), Duration::from_secs(5));
    let deadline = Instant::now() + Duration::from_secs(10);
    Hop {
        model: "m".into(),
        key: None,
        connect,
        headers,
        deadline,
        person: String::new(),
        trace: http::HeaderMap::new(),
    }
}

fn question() -> ChatRequest {
    let sources = [
        ImageSource::Base64 { media_type: MediaType::Png, data: Bytes::from_static(b"iVBORw==") },
        ImageSource::Bytes { media_type: MediaType::Jpeg, data: Bytes::from_static(&[0xff, 0xd8, 0xff]) },
    ];
    let images = sources.map(|source| Part::Image(Image { source, detail: None }));
    let parts = images.into_iter().chain([Part::Text("What is it?".into())]).collect();
    ChatRequest { messages: vec![Message { role: Role::User, parts }], ..ChatRequest::default() }
}

#[tokio::test]
async fn pictures_arrive_as_bytes_and_all_are_answered() {
    let looker = Looker::default();
    let vision = vision(looker.clone()).await;
    let answer = vision.complete(&question(), &Hop { person: "ada".into(), ..hop() }).await.unwrap();
    assert_eq!(*looker.people.lock().unwrap(), vec![Some("ada".to_owned()); 2]);
    assert_eq!(answer.content, "Image 1: 4 bytes\n\nImage 2: 3 bytes");
    let asked = looker.asked.lock().unwrap().clone();
    assert_eq!((&asked[0].image[..], asked[0].question.as_str()), (&b"\x89PNG"[..], "What is it?"));
    assert_eq!(vision.models(&hop()).await.unwrap(), ["moondream2@2025-01-09"]);
}

#[tokio::test]
async fn a_question_about_one_picture_is_answered_piece_by_piece() {
    let vision = vision(Looker::default()).await;
    let mut request = question();
    request.messages[0].parts.remove(0);
    let pieces: Vec<_> = vision.stream(&request, &hop()).await.unwrap().map(Result::unwrap).collect().await;
    let usage = Usage { input_tokens: 735, output_tokens: 2, cached_input_tokens: 730, reasoning_tokens: 0 };
    let expected = [
        Piece::Started { id: String::new(), model: "m".into() },
        Piece::Content("a ".into()),
        Piece::Content("What is it?".into()),
        Piece::Finish(FinishReason::Length),
        Piece::Usage(usage),
    ];
    assert_eq!(pieces, expected);
}

#[tokio::test]
async fn its_errors_are_attributed() {
    for (code, expected) in [
        (ErrorCode::InvalidArgument, FaultKind::Caller),
        (ErrorCode::ResourceExhausted, FaultKind::Overloaded),
        (ErrorCode::Unimplemented, FaultKind::Unsupported),
        (ErrorCode::Unavailable, FaultKind::Unavailable),
        (ErrorCode::Internal, FaultKind::Unavailable),
        (ErrorCode::PermissionDenied, FaultKind::KeyRefused),
    ] {
        let vision = vision(Looker { refuses: Some(code), ..Looker::default() }).await;
        let fault = vision.complete(&question(), &hop()).await.unwrap_err();
        assert_eq!((fault.kind, fault.retry_after), (expected, Some(Duration::from_secs(3))), "{code:?}");
    }
    let late = Hop { deadline: Instant::now(), ..hop() };
    let fault = vision(Looker::default()).await.complete(&question(), &late).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout(Stage::Total));
}
