//! The gRPC front: decode, ask the engine, encode.

mod decode;
mod encode;
mod errors;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use aerie_proto::llm::v1 as pb;
use aerie_rpc::{PERSON_HEADER, RequestLimits, RpcError, Validation, parse_timeout};
use futures::{StreamExt, stream::BoxStream};
use tokio::time::Instant;
use tonic::{Request, Response, Status, metadata::MetadataMap};

use crate::{
    call::Call,
    router::{Current, Router},
};

/// `aerie.llm.v1.LlmService`.
#[derive(Debug, Clone)]
pub(crate) struct LlmApi {
    pub(crate) router: Router,
    pub(crate) limits: RequestLimits,
}

/// Who asks, and until when.
fn call(metadata: &MetadataMap) -> Call {
    let person = metadata.get(PERSON_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let deadline = parse_timeout(metadata.as_ref()).and_then(|limit| Instant::now().checked_add(limit));
    Call { person: person.to_owned(), deadline, ..Call::default() }
}

impl LlmApi {
    /// The router as it is now, the question and its call, read and checked.
    fn question(
        &self,
        metadata: &MetadataMap,
        request: pb::CompleteRequest,
    ) -> Result<(Arc<Current>, crate::chat::ChatRequest, Call), RpcError> {
        let current = self.router.current();
        let mut call = call(metadata);
        call.chain.clone_from(&request.chain);
        let (question, routing) = decode::question(request, self.limits)?;
        decode::routing(routing, &current.directory, &mut call)?;
        current.directory.prefer_vision(question.has_images(), &mut call);
        Ok((current, question, call))
    }
}

#[tonic::async_trait]
impl pb::llm_service_server::LlmService for LlmApi {
    async fn complete(&self, request: Request<pb::CompleteRequest>) -> Result<Response<pb::CompleteResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let (current, question, call) = self.question(&metadata, message)?;
        let answer = current.engine.complete(question, call).await.map_err(errors::status)?;
        Ok(Response::new(encode::completion(answer)))
    }

    type StreamCompleteStream = BoxStream<'static, Result<pb::StreamCompleteResponse, Status>>;

    async fn stream_complete(
        &self,
        request: Request<pb::StreamCompleteRequest>,
    ) -> Result<Response<Self::StreamCompleteStream>, Status> {
        let (metadata, _, message) = request.into_parts();
        let (current, question, call) = self.question(&metadata, message.question.unwrap_or_default())?;
        let answers = current.engine.stream(question, call);
        let events = answers.filter_map(|event| async {
            match event {
                Ok(event) => encode::event(event).map(Ok),
                Err(error) => Some(Err(errors::status(error))),
            }
        });
        Ok(Response::new(events.boxed()))
    }

    async fn extract(&self, request: Request<pb::ExtractRequest>) -> Result<Response<pb::ExtractResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let (message, schema) = decode::extraction(message)?;
        let (current, question, call) = self.question(&metadata, message)?;
        let extraction = current.engine.extract(question, schema, call).await.map_err(errors::status)?;
        Ok(Response::new(encode::extraction(extraction)))
    }

    async fn embed(&self, request: Request<pb::EmbedRequest>) -> Result<Response<pb::EmbedResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let current = self.router.current();
        let mut call = call(&metadata);
        let (texts, chain, routing) = decode::embedding(message, self.limits)?;
        call.chain = chain;
        decode::routing(routing, &current.directory, &mut call)?;
        let answer = current.engine.embed(texts, call).await.map_err(errors::status)?;
        Ok(Response::new(encode::embeddings(answer)))
    }

    async fn list_backends(
        &self,
        _: Request<pb::ListBackendsRequest>,
    ) -> Result<Response<pb::ListBackendsResponse>, Status> {
        let current = self.router.current();
        Ok(Response::new(encode::backends(&current, self.router.is_looking())))
    }

    async fn check_backend(
        &self,
        request: Request<pb::CheckBackendRequest>,
    ) -> Result<Response<pb::CheckBackendResponse>, Status> {
        let name = request.into_inner().name;
        match self.router.current().engine.check(&name).await {
            Some(check) => Ok(Response::new(encode::check(check))),
            None => {
                let message = format!("no backend is named \"{name}\"; ListBackends says which there are");
                Err(RpcError::not_found("BACKEND_NOT_FOUND", message).with("backend", name).into())
            }
        }
    }

    async fn set_chain_order(
        &self,
        request: Request<pb::SetChainOrderRequest>,
    ) -> Result<Response<pb::SetChainOrderResponse>, Status> {
        let pb::SetChainOrderRequest { chain, backends } = request.into_inner();
        let mut check = Validation::new(self.limits);
        check.text("chain", &chain);
        check.texts("backends", &backends);
        check.finish()?;
        let state = self.router.set_order(&chain, backends).await.map_err(errors::order)?;
        Ok(Response::new(pb::SetChainOrderResponse { chain: Some(encode::chain(&state)) }))
    }
}
