//! Builds a gRPC server out of services: health, reflection, limits, deadlines, traces, metrics, rescue of panics.

mod call;
pub(crate) mod methods;

use std::{convert::Infallible, sync::Arc, time::Duration};

use aerie_telemetry::Lifecycle;
use axum::response::IntoResponse;
use futures::{FutureExt, future::BoxFuture};
use http::{Request, Response};
use thiserror::Error;
use tokio::{net::TcpListener, sync::Semaphore};
use tonic::{
    body::Body,
    server::NamedService,
    service::{Routes, RoutesBuilder},
};
use tonic_health::{
    ServingStatus,
    server::{HealthReporter, HealthService},
};
use tower::Service;

use self::methods::Methods;
use crate::{DESCRIPTOR_SETS, ServeOptions, backend::Backend, serve, turns::Turns};

/// Limits of one server.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// Calls in progress at once, streams included; further ones are refused with `ResourceExhausted`.
    pub concurrency: usize,
    /// Longest time until a call answers or its stream begins; a caller may set less.
    pub deadline: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self { concurrency: 256, deadline: Duration::from_secs(60) }
    }
}

/// Why a server could not be built.
#[derive(Debug, Error)]
pub enum ServerBuildError {
    /// The descriptors contradict each other or cannot be read.
    #[error("cannot describe the services for reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The descriptors cannot be read.
    #[error("cannot read the descriptors of the services: {0}")]
    Descriptors(#[from] prost::DecodeError),
}

/// Collects the services of one server.
#[derive(Debug)]
pub struct GrpcServerBuilder {
    routes: RoutesBuilder,
    names: Vec<&'static str>,
    described: Vec<String>,
    limits: ServerLimits,
}

impl GrpcServerBuilder {
    /// Starts without services.
    #[must_use]
    pub fn new(limits: ServerLimits) -> Self {
        Self { routes: Routes::builder(), names: Vec::new(), described: Vec::new(), limits }
    }

    /// Adds a generated server. Its message size limits are its own (`max_decoding_message_size`).
    #[must_use]
    pub fn service<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.routes.add_service(service);
        self.names.push(S::NAME);
        self
    }

    /// Lists a service in reflection that another server behind this one answers. Its health is unknown until it is set.
    #[must_use]
    pub fn describing(mut self, name: impl Into<String>) -> Self {
        self.described.push(name.into());
        self
    }

    /// Adds health and closes the list. Every service starts as not serving; see [`GrpcServer::health`].
    ///
    /// # Errors
    /// Descriptors that cannot be read.
    pub async fn build(mut self, lifecycle: &Lifecycle) -> Result<GrpcServer, ServerBuildError> {
        let reporter = HealthReporter::new();
        let health = HealthSwitch { reporter: reporter.clone(), names: self.names.clone().into() };
        health.set_all(false).await;
        let health_server =
            tonic_health::pb::health_server::HealthServer::new(HealthService::from_health_reporter(reporter));
        self.routes.add_service(health_server);

        let shared = Shared {
            routes: self.routes.routes().prepare(),
            reflects: false,
            names: self.names.into_iter().map(str::to_owned).chain(self.described).collect(),
            methods: Methods::shared()?,
            places: Arc::new(Semaphore::new(self.limits.concurrency)),
            limits: self.limits,
            lifecycle: lifecycle.clone(),
            health,
        };
        Ok(GrpcServer { shared: Arc::new(shared) })
    }
}

/// A finished server: call it in process through [`GrpcServer::backend`], or put it on a port with
/// [`GrpcServer::serve`]. Clones are the same server.
#[derive(Debug, Clone)]
pub struct GrpcServer {
    shared: Arc<Shared>,
}

#[derive(Debug, Clone)]
struct Shared {
    routes: Routes,
    reflects: bool,
    names: Vec<String>,
    methods: &'static Methods,
    places: Arc<Semaphore>,
    limits: ServerLimits,
    lifecycle: Lifecycle,
    health: HealthSwitch,
}

impl GrpcServer {
    /// The server as something to call, without a socket.
    #[must_use]
    pub fn backend(&self) -> Backend {
        Backend::local(self.clone())
    }

    /// Says which services are serving.
    #[must_use]
    pub fn health(&self) -> HealthSwitch {
        self.shared.health.clone()
    }

    /// Adds reflection of everything the server answers or describes. Servers behind a gateway do without: it costs start
    /// time and memory, and the gateway reflects for them.
    ///
    /// # Errors
    /// Descriptors that cannot be read.
    pub fn with_reflection(self) -> Result<Self, ServerBuildError> {
        let mut shared = Arc::unwrap_or_clone(self.shared);
        shared.reflect()?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Serves the listener, with reflection, until the lifecycle stops.
    ///
    /// # Errors
    /// Descriptors that cannot be read.
    pub async fn serve(
        self,
        listener: TcpListener,
        options: ServeOptions,
        lifecycle: Lifecycle,
    ) -> Result<(), ServerBuildError> {
        serve::serve(listener, self.with_reflection()?, options, lifecycle).await;
        Ok(())
    }
}

impl Shared {
    fn reflect(&mut self) -> Result<(), ServerBuildError> {
        if self.reflects {
            return Ok(());
        }
        // Older tools ask the alpha version only.
        let alpha =
            self.reflection().register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET);
        let routes = self.routes.clone().add_service(self.reflection().build_v1()?).add_service(alpha.build_v1alpha()?);
        self.routes = routes.prepare();
        self.reflects = true;
        Ok(())
    }

    fn reflection(&self) -> tonic_reflection::server::Builder<'static> {
        let described = DESCRIPTOR_SETS.iter().fold(tonic_reflection::server::Builder::configure(), |builder, set| {
            builder.register_encoded_file_descriptor_set(set)
        });
        let names = self.names.iter().map(String::as_str);
        let names = names.chain(["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]);
        names.fold(described, |builder, name| builder.with_service_name(name))
    }
}

/// Switches the health of a server's services.
#[derive(Debug, Clone)]
pub struct HealthSwitch {
    reporter: HealthReporter,
    names: Arc<[&'static str]>,
}

impl HealthSwitch {
    /// Sets the server as a whole and every service of it.
    pub async fn set_all(&self, serving: bool) {
        self.set("", serving).await;
        self.set_services(serving).await;
    }

    /// Sets every service, and not the server as a whole: it runs, but what it needs is or is not there.
    pub async fn set_services(&self, serving: bool) {
        for name in self.names.iter() {
            self.set(name, serving).await;
        }
    }

    /// Sets one service by its full name.
    pub async fn set(&self, name: &str, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(name, status).await;
    }
}

impl Service<Request<Body>> for GrpcServer {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Turns<BoxFuture<'static, Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let answer = async move { Ok(call::answer(shared, request).await) };
        Turns::new(answer.boxed())
    }
}

#[cfg(test)]
mod tests;
