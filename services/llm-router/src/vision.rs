//! Aerie's own vision service as a backend, by its gRPC contract, in this process or behind a connection.

use std::time::Duration;

use aerie_proto::vision::v1::{GetModelRequest, QueryRequest, vision_service_client::VisionServiceClient};
use aerie_rpc::{ErrorCode, RpcError};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use tokio::time::Instant;
use tonic::Request;

use crate::{
    answer::{Completion, Embeddings},
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

    async fn look(&self, question: &str, image: &Image, hop: &Hop) -> Result<String, Fault> {
        let image = match &image.source {
            ImageSource::Bytes { data, .. } => data.clone(),
            ImageSource::Base64 { data, .. } => decoded(data)?,
            ImageSource::Url(url) => match self.fetcher.fetch(url, hop.deadline).await? {
                ImageSource::Bytes { data, .. } => data,
                ImageSource::Base64 { data, .. } => decoded(&data)?,
                ImageSource::Url(_) => Bytes::new(),
            },
        };
        let request = QueryRequest { image, question: question.to_owned(), ..QueryRequest::default() };
        let answer = self.client.clone().query(timed(request, hop)?).await;
        answer.map(|answer| answer.into_inner().answer).map_err(|status| fault(&RpcError::from(status)))
    }
}

fn decoded(base64: &[u8]) -> Result<Bytes, Fault> {
    let decoded = STANDARD.decode(base64);
    decoded.map(Bytes::from).map_err(|error| Fault::new(FaultKind::Caller, format!("a picture is not base64: {error}")))
}

/// The request with what is left of the time.
fn timed<T>(message: T, hop: &Hop) -> Result<Request<T>, Fault> {
    let left = hop.deadline.saturating_duration_since(Instant::now());
    if left == Duration::ZERO {
        return Err(Fault::new(FaultKind::Timeout(Stage::Total), "the time was up before the question was asked"));
    }
    let mut request = Request::new(message);
    request.set_timeout(left);
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
            answers.push(self.look(&question.text, image, hop).await?);
        }
        Ok(joined(hop.model.clone(), answers))
    }

    async fn stream(&self, request: &ChatRequest, hop: &Hop) -> Result<Pieces, Fault> {
        let completion = self.complete(request, hop).await?;
        Ok(Box::pin(futures::stream::iter(completion.into_pieces().map(Ok))))
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
