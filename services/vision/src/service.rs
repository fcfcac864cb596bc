//! The vision service: gRPC and the prior system's form over one engine.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use aerie_config::Vision as Settings;
use aerie_proto::vision::v1::vision_service_server::VisionServiceServer;
use aerie_rpc::{
    Backend, GrpcServer, GrpcServerBuilder, HealthSwitch, ServeOptions, ServerBuildError, ServerLimits, serve,
};
use aerie_telemetry::{Lifecycle, Metrics};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tokio::net::TcpListener;
use tonic::body::Body;
use tower::{Service, ServiceExt};

use crate::engine::{Engine, EngineSource, State, start};
use crate::grpc::VisionApi;
use crate::{earlier, settings};

/// Calls in progress at once. What may wait for the model the engine decides; this bounds memory.
const CONCURRENCY: usize = 1_024;
/// Bytes of a message beside its image.
const MORE_BYTES: usize = 1 << 20;
/// Time that the engine's own limit has to come first.
const SPARE: Duration = Duration::from_secs(5);

/// Why the service could not be made.
#[derive(Debug, thiserror::Error)]
pub enum VisionError {
    /// The services cannot be described.
    #[error(transparent)]
    Server(#[from] ServerBuildError),
    /// The system has no thread left.
    #[error("the vision model's thread could not start: {0}; allow this user more threads")]
    Thread(#[from] std::io::Error),
}

/// The vision service. Clones are the same service.
#[derive(Clone)]
pub struct VisionService {
    engine: Engine,
    grpc: GrpcServer,
    image_bytes: usize,
}

impl VisionService {
    /// Makes the service and begins to load the model that the settings name. Without one the service is there, does not
    /// serve, and every call says what to fetch.
    ///
    /// # Errors
    /// [`VisionError`]; a model that cannot be loaded is no error here but shows in [`Self::engine`]'s state.
    pub async fn create(settings: &Settings, lifecycle: &Lifecycle) -> Result<Self, VisionError> {
        Self::of(settings::source(settings), settings, lifecycle).await
    }

    /// A service without a model, which answers everything with `message`.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn without_model(message: &str, settings: &Settings, lifecycle: &Lifecycle) -> Result<Self, VisionError> {
        Self::of(EngineSource::Missing(message.to_owned()), settings, lifecycle).await
    }

    async fn of(source: EngineSource, settings: &Settings, lifecycle: &Lifecycle) -> Result<Self, VisionError> {
        let engine = start(source, settings::engine(settings))?;
        let image_bytes = settings.limits.image_bytes;
        let service = VisionServiceServer::new(VisionApi { engine: engine.clone() })
            .max_decoding_message_size(image_bytes.saturating_add(MORE_BYTES));
        let limits = ServerLimits { concurrency: CONCURRENCY, deadline: settings.queue.deadline() + SPARE };
        let grpc = GrpcServerBuilder::new(limits).service(service).build(lifecycle).await?;
        follow(engine.clone(), grpc.health(), lifecycle);
        Ok(Self { engine, grpc, image_bytes })
    }

    /// The engine behind it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The gRPC services, to be called in this process.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.grpc.backend()
    }

    /// The gRPC services, to be asked how they are.
    #[must_use]
    pub fn server(&self) -> GrpcServer {
        self.grpc.clone()
    }

    /// Serves everything on one port until the lifecycle stops: gRPC with reflection and health, `/health` and
    /// `/analyze` of the prior system, `/livez`, `/readyz`, and `/metrics` where metrics are recorded.
    ///
    /// # Errors
    /// Descriptors that cannot be read.
    pub async fn serve(
        self,
        listener: TcpListener,
        options: ServeOptions,
        metrics: Option<Metrics>,
        lifecycle: Lifecycle,
    ) -> Result<(), VisionError> {
        let Self { engine, grpc, image_bytes } = self;
        let port = Port { grpc: grpc.with_reflection()?, engine, image_bytes, metrics };
        serve(listener, port, options, lifecycle).await;
        Ok(())
    }
}

/// Keeps the health what the model's state is, and ends the model with the lifecycle.
fn follow(engine: Engine, health: HealthSwitch, lifecycle: &Lifecycle) {
    let (mut state, stop) = (engine.state(), lifecycle.soft());
    lifecycle.spawn(async move {
        loop {
            let current = state.borrow_and_update().clone();
            health.set_all(matches!(current, State::Ready(_))).await;
            if matches!(current, State::Stopped) {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                changed = state.changed() => if changed.is_err() { return },
            }
        }
        health.set_all(false).await;
        engine.stop();
        // What runs ends first; the lifecycle limits how long that may take.
        let _ = state.wait_for(|state| matches!(state, State::Stopped | State::Broken(_) | State::Failed(_))).await;
    });
}

/// One port for all.
#[derive(Clone)]
struct Port {
    grpc: GrpcServer,
    engine: Engine,
    image_bytes: usize,
    metrics: Option<Metrics>,
}

impl Service<Request<Body>> for Port {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let is_get = request.method() == Method::GET;
        match request.uri().path() {
            earlier::HEALTH | earlier::ANALYZE => {
                let answer = earlier::answer(self.engine.clone(), self.image_bytes, request);
                answer.map(Ok).boxed()
            }
            "/livez" if is_get => text(StatusCode::OK, "alive\n".to_owned()),
            "/readyz" if is_get => match self.engine.model() {
                Ok(_) => text(StatusCode::OK, "ready\n".to_owned()),
                Err(error) => text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {error}\n")),
            },
            "/metrics" if is_get => match &self.metrics {
                Some(metrics) => text(StatusCode::OK, metrics.render()),
                None => text(StatusCode::NOT_FOUND, "metrics are switched off (telemetry.metrics)\n".to_owned()),
            },
            _ => self.grpc.clone().oneshot(request).boxed(),
        }
    }
}

fn text(status: StatusCode, text: String) -> BoxFuture<'static, Result<Response<Body>, Infallible>> {
    let mut response = Response::new(Body::new(Full::new(Bytes::from(text))));
    *response.status_mut() = status;
    let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
    futures::future::ready(Ok(response)).boxed()
}
