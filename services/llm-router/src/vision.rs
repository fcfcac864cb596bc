//! Aerie's own vision service as a backend, by its gRPC contract, in this process or behind a connection.

use std::time::Duration;

use aerie_proto::vision::v1::{
    self as pb, GetModelRequest, QueryRequest, StreamQueryRequest, vision_service_client::VisionServiceClient,
};
use aerie_rpc::{ErrorCode, PERSON_HEADER, RpcError};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::StreamExt;
use tokio::time::Instant;
use tonic::Request;

use crate::{
    answer::{Completion, Embeddings, FinishReason, Piece, Usage},
    backend::{Backend, Hop, Pieces},
    chat::{ChatRequest, EmbedRequest, Image, ImageSource},
    fault::{Fault, FaultKind, Stage},
    image_fetch::ImageFetcher,
    picture_question::{PictureQuestion, joined},
};

/// Aerie's vision service.
#[derive(Debug, Clone)]
pub struct Vision {
    client: VisionServiceClient<aerie_rpc::Backend>,
    fetcher: ImageFetcher,
}

impl Vision {
    /// A backend; pictures that are given by address are fetched first.
    #[must_use]
    pub fn new(service: aerie_rpc::Backend, fetcher: ImageFetcher) -> Self {
        Self { client: VisionServiceClient::new(service), fetcher }
    }

    async fn bytes(&self, image: &Image, hop: &Hop) -> Result<Bytes, Fault> {
        match &image.source {
            ImageSource::Bytes { data, .. } => Ok(data.clone()),
            ImageSource::Base64 { data, .. } => decoded(data),
            ImageSource::Url(url) => match self.fetcher.fetch(url, hop.deadline).await? {
                ImageSource::Bytes { data, .. } => Ok(data),
                ImageSource::Base64 { data, .. } => decoded(&data),
                ImageSource::Url(_) => Ok(Bytes::new()),
            },
        }
    }

    async fn question(
        &self,
        text: &str,
        image: &Image,
        request: &ChatRequest,
        hop: &Hop,
    ) -> Result<QueryRequest, Fault> {
        let drawn = &request.sampling;
        let sampling = pb::Sampling {
            temperature: drawn.temperature,
            top_p: drawn.top_p,
            seed: drawn.seed.map(i64::cast_unsigned),
            max_tokens: drawn.max_tokens.unwrap_or_default(),
        };
        let image = self.bytes(image, hop).await?;
        let question = text.to_owned();
        Ok(QueryRequest { image, question, sampling: Some(sampling), ..QueryRequest::default() })
    }

    async fn look(&self, text: &str, image: &Image, request: &ChatRequest, hop: &Hop) -> Result<String, Fault> {
        let question = self.question(text, image, request, hop).await?;
        let answer = self.client.clone().query(timed(question, hop)?).await;
        answer.map(|answer| answer.into_inner().answer).map_err(|status| fault(&RpcError::from(status)))
    }
}

/// What a message of a stream means; the end is two pieces.
fn pieces(message: pb::StreamQueryResponse) -> Vec<Piece> {
    match message.event {
        Some(pb::stream_query_response::Event::Text(text)) => vec![Piece::Content(text)],
        Some(pb::stream_query_response::Event::Reasoning(reasoning)) => vec![Piece::Reasoning(reasoning.text)],
        Some(pb::stream_query_response::Event::End(end)) => {
            let finish = match end.finish_reason() {
                pb::FinishReason::MaxTokens | pb::FinishReason::ContextFull => FinishReason::Length,
                _ => FinishReason::Stop,
            };
            let usage = end.usage.map(|usage| {
                let image = u64::from(usage.image_tokens);
                Piece::Usage(Usage {
                    input_tokens: image + u64::from(usage.prompt_tokens),
                    output_tokens: usage.output_tokens.into(),
                    cached_input_tokens: if usage.image_cached { image } else { 0 },
                    reasoning_tokens: 0,
                })
            });
            std::iter::once(Piece::Finish(finish)).chain(usage).collect()
        }
        None => Vec::new(),
    }
}

fn decoded(base64: &[u8]) -> Result<Bytes, Fault> {
    let decoded = STANDARD.decode(base64);
    decoded.map(Bytes::from).map_err(|error| Fault::new(FaultKind::Caller, format!("a picture is not base64: {error}")))
}

/// The request with what is left of the time, and with the name of who asks: people take turns there.
fn timed<T>(message: T, hop: &Hop) -> Result<Request<T>, Fault> {
    let left = hop.deadline.saturating_duration_since(Instant::now());
    if left == Duration::ZERO {
        return Err(Fault::new(FaultKind::Timeout(Stage::Total), "the time was up before the question was asked"));
    }
    let mut request = Request::new(message);
    request.set_timeout(left);
    if !hop.person.is_empty()
        && let Ok(person) = hop.person.parse()
    {
        request.metadata_mut().insert(PERSON_HEADER, person);
    }
    Ok(request)
}

fn fault(error: &RpcError) -> Fault {
    let kind = match error.code {
        ErrorCode::InvalidArgument | ErrorCode::OutOfRange => FaultKind::Caller,
        ErrorCode::Unauthenticated | ErrorCode::PermissionDenied => FaultKind::KeyRefused,
        ErrorCode::ResourceExhausted => FaultKind::Overloaded,
        ErrorCode::DeadlineExceeded => FaultKind::Timeout(Stage::Total),
        ErrorCode::NotFound => FaultKind::ModelUnknown,
        ErrorCode::Unimplemented => FaultKind::Unsupported,
        _ => FaultKind::Unavailable,
    };
    Fault::new(kind, format!("the vision service: {}", error.message)).retry_after(error.retry_after)
}

#[async_trait::async_trait]
impl Backend for Vision {
    async fn complete(&self, request: &ChatRequest, hop: &Hop) -> Result<Completion, Fault> {
        let question = PictureQuestion::of(request)?;
        let mut answers = Vec::with_capacity(question.images.len());
        // One model on one device: at once would be no faster.
        for image in &question.images {
            answers.push(self.look(&question.text, image, request, hop).await?);
        }
        Ok(joined(hop.model.clone(), answers))
    }

    async fn stream(&self, request: &ChatRequest, hop: &Hop) -> Result<Pieces, Fault> {
        let asked = PictureQuestion::of(request)?;
        let [image] = asked.images.as_slice() else {
            let completion = self.complete(request, hop).await?;
            return Ok(Box::pin(futures::stream::iter(completion.into_pieces().map(Ok))));
        };
        let query = self.question(&asked.text, image, request, hop).await?;
        let request = timed(StreamQueryRequest { query: Some(query) }, hop)?;
        let messages = self.client.clone().stream_query(request).await;
        let messages = messages.map_err(|status| fault(&RpcError::from(status)))?.into_inner();
        let started = Piece::Started { id: String::new(), model: hop.model.clone() };
        let rest = messages.flat_map(|message| {
            let pieces = match message {
                Ok(message) => pieces(message).into_iter().map(Ok).collect(),
                Err(status) => vec![Err(fault(&RpcError::from(status)))],
            };
            futures::stream::iter(pieces)
        });
        Ok(Box::pin(futures::stream::once(async { Ok(started) }).chain(rest)))
    }

    async fn embed(&self, _: &EmbedRequest, _: &Hop) -> Result<Embeddings, Fault> {
        Err(Fault::new(FaultKind::Unsupported, "the vision service makes no vectors"))
    }

    async fn models(&self, hop: &Hop) -> Result<Vec<String>, Fault> {
        let answer = self.client.clone().get_model(timed(GetModelRequest {}, hop)?).await;
        answer.map(|answer| vec![answer.into_inner().name]).map_err(|status| fault(&RpcError::from(status)))
    }
}

#[cfg(test)]
mod tests;
