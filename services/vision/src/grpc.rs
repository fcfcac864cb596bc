//! The gRPC front: decode, ask the engine, encode.

mod decode;
mod encode;

use std::time::Instant;

use aerie_proto::vision::v1 as pb;
use aerie_rpc::{PERSON_HEADER, parse_timeout};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::engine::{Answer, Ask, Engine, EngineError, Piece, Summary};
use crate::errors::rpc_error;
use crate::model::Event;

/// `aerie.vision.v1.VisionService`.
#[derive(Clone)]
pub(crate) struct VisionApi {
    pub(crate) engine: Engine,
}

/// A whole answer.
struct Whole {
    events: Vec<Event>,
    summary: Summary,
}

impl VisionApi {
    async fn start(&self, metadata: &MetadataMap, ask: Ask) -> Result<Answer, Status> {
        let person = metadata.get(PERSON_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let deadline = parse_timeout(metadata.as_ref()).and_then(|limit| Instant::now().checked_add(limit));
        let ask = Ask { caller: person.to_owned(), deadline, ..ask };
        self.engine.ask(ask).await.map_err(status)
    }

    async fn whole(&self, metadata: &MetadataMap, ask: Ask) -> Result<Whole, Status> {
        let mut answer = self.start(metadata, ask).await?;
        let mut events = Vec::new();
        loop {
            match answer.next().await {
                Some(Ok(Piece::Event(event))) => events.push(event),
                Some(Ok(Piece::End(summary))) => return Ok(Whole { events, summary }),
                Some(Err(error)) => return Err(status(error)),
                None => return Err(status(EngineError::Stopping)),
            }
        }
    }

    /// The pieces as messages; those that `encode` has no message for are left out.
    async fn stream<M: Send + 'static>(
        &self,
        metadata: &MetadataMap,
        ask: Ask,
        encode: fn(Piece) -> Option<M>,
    ) -> Result<Response<BoxStream<'static, Result<M, Status>>>, Status> {
        let answer = self.start(metadata, ask).await?;
        let pieces = stream::unfold(answer, |mut answer| async { answer.next().await.map(|piece| (piece, answer)) });
        let messages = pieces.filter_map(move |piece| async move {
            match piece {
                Ok(piece) => encode(piece).map(Ok),
                Err(error) => Some(Err(status(error))),
            }
        });
        Ok(Response::new(messages.boxed()))
    }
}

fn status(error: EngineError) -> Status {
    rpc_error(error).into()
}

#[tonic::async_trait]
impl pb::vision_service_server::VisionService for VisionApi {
    type StreamCaptionStream = BoxStream<'static, Result<pb::StreamCaptionResponse, Status>>;
    type StreamQueryStream = BoxStream<'static, Result<pb::StreamQueryResponse, Status>>;

    async fn caption(&self, request: Request<pb::CaptionRequest>) -> Result<Response<pb::CaptionResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let whole = self.whole(&metadata, decode::caption(message)?).await?;
        Ok(Response::new(encode::caption(whole.events, &whole.summary)))
    }

    async fn stream_caption(
        &self,
        request: Request<pb::StreamCaptionRequest>,
    ) -> Result<Response<Self::StreamCaptionStream>, Status> {
        let (metadata, _, message) = request.into_parts();
        let ask = decode::caption(message.caption.unwrap_or_default())?;
        self.stream(&metadata, ask, encode::caption_piece).await
    }

    async fn query(&self, request: Request<pb::QueryRequest>) -> Result<Response<pb::QueryResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let whole = self.whole(&metadata, decode::query(message)?).await?;
        Ok(Response::new(encode::query(whole.events, &whole.summary)))
    }

    async fn stream_query(
        &self,
        request: Request<pb::StreamQueryRequest>,
    ) -> Result<Response<Self::StreamQueryStream>, Status> {
        let (metadata, _, message) = request.into_parts();
        let ask = decode::query(message.query.unwrap_or_default())?;
        self.stream(&metadata, ask, encode::query_piece).await
    }

    async fn detect(&self, request: Request<pb::DetectRequest>) -> Result<Response<pb::DetectResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let whole = self.whole(&metadata, decode::detect(message)?).await?;
        Ok(Response::new(encode::detect(whole.events, &whole.summary)))
    }

    async fn point(&self, request: Request<pb::PointRequest>) -> Result<Response<pb::PointResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let whole = self.whole(&metadata, decode::point(message)?).await?;
        Ok(Response::new(encode::point(whole.events, &whole.summary)))
    }

    async fn get_model(&self, _: Request<pb::GetModelRequest>) -> Result<Response<pb::GetModelResponse>, Status> {
        let model = self.engine.model().map_err(status)?;
        Ok(Response::new(encode::model(&model, self.engine.cache_used())))
    }
}
