//! The router as a service: gRPC and the OpenAI-compatible front over one engine.

use std::{
    convert::Infallible,
    task::{Context, Poll},
    time::Duration,
};

use aerie_config::Limits;
use aerie_proto::llm::v1::llm_service_server::LlmServiceServer;
use aerie_rpc::{
    Backend, GrpcServer, GrpcServerBuilder, HttpService, RequestLimits, ServeOptions, ServerLimits, serve,
};
use aerie_telemetry::Lifecycle;
use futures::{FutureExt, future::BoxFuture};
use http::{Request, Response};
use tokio::net::TcpListener;
use tonic::body::Body;
use tower::{Service, ServiceExt};

use crate::{
    grpc::LlmApi,
    openai_front::{FrontLimits, OpenAiFront, PREFIX},
    router::{Router, RouterDeps, RouterError},
};

/// Calls in progress at once. What may run at a backend the engine decides; this bounds memory.
const CONCURRENCY: usize = 8_192;

/// A router with its fronts. Clones are the same router.
#[derive(Debug, Clone)]
pub struct LlmRouter {
    router: Router,
    grpc: GrpcServer,
    front: OpenAiFront,
}

impl LlmRouter {
    /// Puts the parts together. Nothing is asked and nothing looked for before [`Self::start`].
    ///
    /// # Errors
    /// Settings that cannot be used; descriptors that cannot be read.
    pub async fn create(deps: RouterDeps<'_>, limits: &Limits, lifecycle: &Lifecycle) -> Result<Self, RouterError> {
        let total = deps.settings.timeouts.total();
        let router = Router::create(deps)?;
        let request_limits = RequestLimits {
            page_size_max: limits.page_size_max,
            page_size_default: limits.page_size_default,
            list_length: limits.list_length,
            string_length: limits.string_length,
        };
        let api = LlmApi { router: router.clone(), limits: request_limits };
        let service = LlmServiceServer::new(api)
            .max_decoding_message_size(limits.message_bytes)
            .max_encoding_message_size(usize::MAX);
        // The engine's own limits come first; this one only catches what it forgot.
        let server_limits = ServerLimits { concurrency: CONCURRENCY, deadline: total + Duration::from_secs(5) };
        let grpc = GrpcServerBuilder::new(server_limits).service(service).build(lifecycle).await?;
        let front_limits = FrontLimits { body_bytes: limits.message_bytes, ..FrontLimits::default() };
        let front = OpenAiFront::new(router.clone(), front_limits);
        Ok(Self { router, grpc, front })
    }

    /// Begins to look for model servers; it ends with the lifecycle.
    pub fn start(&self, lifecycle: &Lifecycle) {
        self.router.start(lifecycle, self.grpc.health());
    }

    /// The router behind the fronts.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
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

    /// The OpenAI-compatible front, to be mounted at `/v1/`.
    #[must_use]
    pub fn openai(&self) -> HttpService {
        HttpService::new(Openai(self.front.clone()))
    }

    /// Serves both fronts on one port until the lifecycle stops.
    ///
    /// # Errors
    /// Descriptors that cannot be read.
    pub async fn serve(
        self,
        listener: TcpListener,
        options: ServeOptions,
        lifecycle: Lifecycle,
    ) -> Result<(), RouterError> {
        let port = Port { grpc: self.grpc.with_reflection()?, front: self.front };
        serve(listener, port, options, lifecycle).await;
        Ok(())
    }
}

/// The OpenAI-compatible front with bodies as every server here has them.
#[derive(Debug, Clone)]
struct Openai(OpenAiFront);

impl Service<Request<Body>> for Openai {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let front = self.0.clone();
        async move { Ok(front.answer(request).await.map(Body::new)) }.boxed()
    }
}

/// One port for both.
#[derive(Debug, Clone)]
struct Port {
    grpc: GrpcServer,
    front: OpenAiFront,
}

impl Service<Request<Body>> for Port {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.uri().path().starts_with(PREFIX) {
            let front = self.front.clone();
            return async move { Ok(front.answer(request).await.map(Body::new)) }.boxed();
        }
        self.grpc.clone().oneshot(request).boxed()
    }
}
