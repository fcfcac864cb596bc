//! Services that do what the request says.

use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use aerie_proto::{
    llm::v1::{
        CheckBackendRequest, CheckBackendResponse, CompleteRequest, CompleteResponse, EmbedRequest, EmbedResponse,
        ExtractRequest, ExtractResponse, ListBackendsRequest, ListBackendsResponse, SetChainOrderRequest,
        SetChainOrderResponse, StreamCompleteRequest, StreamCompleteResponse, Trail, llm_service_server::LlmService,
    },
    pipeline::v1::{
        CreateBackupRequest, CreateBackupResponse, DeleteEverythingRequest, DeleteEverythingResponse,
        ImportPeregrineRequest, ImportPeregrineResponse, PreviewDeletionRequest, PreviewDeletionResponse,
        RestoreBackupRequest, RestoreBackupResponse, SubscribeRequest, SubscribeResponse, TableRows,
        deletion_service_server::DeletionService, events_service_server::EventsService,
        moving_service_server::MovingService,
    },
};
use aerie_rpc::{ErrorCode, FieldProblem, PersonId, RpcError};
use aerie_store::Stores;
use aerie_tasks::{Clock, ManualClock};
use futures::{Stream, StreamExt, stream};
use http_body_util::BodyExt;
use tonic::{Request, Response, Status, Streaming, body::Body};

/// Size of each event of a flood.
pub const FLOOD_EVENT_BYTES: usize = 64 * 1024;

/// Answers prompts such as `who`, `code:not_found`, `size:1000`, `wait`; anything else is echoed.
#[derive(Clone, Default)]
pub struct Llm;

#[tonic::async_trait]
impl LlmService for Llm {
    async fn complete(&self, request: Request<CompleteRequest>) -> Result<Response<CompleteResponse>, Status> {
        let header = |name: &str| request.metadata().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let prompt = request.get_ref().prompt.clone();
        let text = match prompt.split_once(':').unwrap_or((&prompt, "")) {
            ("who", _) => PersonId::of(request.metadata())?.to_string(),
            ("header", name) => header(name).unwrap_or_default(),
            ("wait", _) => std::future::pending().await,
            ("size", bytes) => "x".repeat(bytes.parse().unwrap()),
            ("code", name) => return Err(failure(ErrorCode::from_name(name).unwrap()).into()),
            _ => prompt,
        };
        let trail = Some(Trail { backend: "fake".into(), ..Trail::default() });
        Ok(Response::new(CompleteResponse { text, trail, ..CompleteResponse::default() }))
    }

    type StreamCompleteStream = stream::Empty<Result<StreamCompleteResponse, Status>>;

    async fn stream_complete(
        &self,
        _: Request<StreamCompleteRequest>,
    ) -> Result<Response<Self::StreamCompleteStream>, Status> {
        Ok(Response::new(stream::empty()))
    }

    async fn extract(&self, _: Request<ExtractRequest>) -> Result<Response<ExtractResponse>, Status> {
        Ok(Response::new(ExtractResponse::default()))
    }

    async fn embed(&self, _: Request<EmbedRequest>) -> Result<Response<EmbedResponse>, Status> {
        Ok(Response::new(EmbedResponse::default()))
    }

    async fn set_chain_order(
        &self,
        _: Request<SetChainOrderRequest>,
    ) -> Result<Response<SetChainOrderResponse>, Status> {
        Ok(Response::new(SetChainOrderResponse::default()))
    }

    async fn check_backend(&self, _: Request<CheckBackendRequest>) -> Result<Response<CheckBackendResponse>, Status> {
        Ok(Response::new(CheckBackendResponse::default()))
    }

    async fn list_backends(&self, _: Request<ListBackendsRequest>) -> Result<Response<ListBackendsResponse>, Status> {
        Ok(Response::new(ListBackendsResponse::default()))
    }
}

fn failure(code: ErrorCode) -> RpcError {
    let fields = vec![FieldProblem { field: "prompt".into(), description: "asked for it".into() }];
    RpcError { fields, ..RpcError::new(code, "AS_ASKED", format!("failed with {}", code.name())) }.with("answer", 42)
}

/// Answers OpenAI's clients: says what arrived, streams without end, or is not reachable.
#[derive(Clone)]
pub struct OpenAi;

impl tower::Service<http::Request<Body>> for OpenAi {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            if parts.uri.path() == "/v1/unreachable" {
                return Ok(Status::unavailable("no connection").into_http());
            }
            let body = body.collect().await.unwrap().to_bytes();
            let names: Vec<&str> = parts.headers.keys().map(http::HeaderName::as_str).collect();
            let person = parts.headers.get("x-aerie-person").map(|value| value.to_str().unwrap());
            let seen = serde_json::json!({
                "path": parts.uri.path(),
                "person": person,
                "headers": names,
                "bytes": body.len(),
            });
            Ok(http::Response::new(Body::new(http_body_util::Full::new(seen.to_string().into()))))
        })
    }
}

/// Streams by kind: `end`, `fail`, `reject`, `flood`; anything else sends three events after the asked one and waits.
#[derive(Clone, Default)]
pub struct Events {
    pub produced: Arc<AtomicU64>,
}

#[tonic::async_trait]
impl EventsService for Events {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        PersonId::of(request.metadata())?;
        let request = request.into_inner();
        let after = request.after_sequence.unwrap_or(0);
        let event = move |sequence: i64| SubscribeResponse { sequence, kind: "job.moved".into(), ..Default::default() };
        let three = stream::iter((after + 1..=after + 3).map(move |sequence| Ok(event(sequence))));
        let stream: Self::SubscribeStream = match request.kinds.first().map(String::as_str) {
            Some("end") => Box::pin(three),
            Some("fail") => Box::pin(three.chain(stream::iter([Err(failure(ErrorCode::FailedPrecondition).into())]))),
            Some("reject") => return Err(failure(ErrorCode::NotFound).into()),
            Some("flood") => {
                let produced = self.produced.clone();
                Box::pin(stream::repeat_with(move || {
                    let sequence = produced.fetch_add(1, Ordering::SeqCst) as i64 + 1;
                    Ok(SubscribeResponse { sequence, kind: "k".repeat(FLOOD_EVENT_BYTES), ..Default::default() })
                }))
            }
            _ => Box::pin(three.chain(stream::pending())),
        };
        Ok(Response::new(stream))
    }
}

/// Says of a backup what came: the person, the passphrase, whether to replace, and how many bytes of which sum.
#[derive(Clone, Default)]
pub struct Moving {
    pub begun: Arc<AtomicU64>,
    pub restored: Arc<AtomicU64>,
}

#[tonic::async_trait]
impl MovingService for Moving {
    async fn import_peregrine(
        &self,
        _: Request<ImportPeregrineRequest>,
    ) -> Result<Response<ImportPeregrineResponse>, Status> {
        Ok(Response::new(ImportPeregrineResponse::default()))
    }

    type CreateBackupStream = stream::Empty<Result<CreateBackupResponse, Status>>;

    async fn create_backup(
        &self,
        _: Request<CreateBackupRequest>,
    ) -> Result<Response<Self::CreateBackupStream>, Status> {
        Ok(Response::new(stream::empty()))
    }

    async fn restore_backup(
        &self,
        request: Request<Streaming<RestoreBackupRequest>>,
    ) -> Result<Response<RestoreBackupResponse>, Status> {
        let person = PersonId::of(request.metadata())?.to_string();
        let mut pieces = request.into_inner();
        let (mut head, mut bytes, mut sum) = (None, 0_i64, 0_i64);
        while let Some(piece) = pieces.message().await? {
            bytes += piece.content.len() as i64;
            sum += piece.content.iter().map(|byte| i64::from(*byte)).sum::<i64>();
            head.get_or_insert((piece.passphrase, piece.replace));
            self.begun.fetch_add(1, Ordering::SeqCst);
        }
        let (passphrase, replace) = head.unwrap_or_default();
        if passphrase == "wrong" {
            return Err(failure(ErrorCode::InvalidArgument).into());
        }
        self.restored.fetch_add(1, Ordering::SeqCst);
        let row = |table: &str, rows| TableRows { table: table.to_owned(), rows };
        let tables = vec![row(&person, bytes), row(&passphrase, sum), row("replace", i64::from(replace))];
        Ok(Response::new(RestoreBackupResponse { tables, backup_time: None }))
    }
}

/// Deletes accounts in the stores that it is given, as of the clock's time, whatever the confirmation.
#[derive(Clone, Default)]
pub struct Deletion {
    pub place: Arc<OnceLock<(Arc<Stores>, Arc<ManualClock>)>>,
}

#[tonic::async_trait]
impl DeletionService for Deletion {
    async fn preview_deletion(
        &self,
        request: Request<PreviewDeletionRequest>,
    ) -> Result<Response<PreviewDeletionResponse>, Status> {
        let confirmation = PersonId::of(request.metadata())?.to_string();
        Ok(Response::new(PreviewDeletionResponse { confirmation, ..Default::default() }))
    }

    async fn delete_everything(
        &self,
        request: Request<DeleteEverythingRequest>,
    ) -> Result<Response<DeleteEverythingResponse>, Status> {
        let person = PersonId::of(request.metadata())?.as_str().parse().unwrap();
        let (stores, clock) = self.place.get().unwrap();
        stores.delete_account(person, clock.now()).await.unwrap();
        Ok(Response::new(DeleteEverythingResponse { is_complete: true, ..Default::default() }))
    }
}
