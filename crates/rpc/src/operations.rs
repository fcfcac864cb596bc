//! What probes and Prometheus ask: `/livez`, `/readyz`, `/metrics` and `grpc.health.v1`, on a port of its own without
//! TLS, because neither kubelets nor most scrapers show certificates. Nothing of a person is to be had there.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use aerie_telemetry::{Lifecycle, Metrics};
use futures::future::BoxFuture;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tower::{Service, ServiceExt};

use crate::{ServeOptions, backend::Backend, serve, server::GrpcServer};

const HEALTH: &str = "/grpc.health.v1.Health/";
const TEXT: &str = "text/plain; charset=utf-8";
/// Callers at once: probes and a scraper or two.
const CONNECTIONS: usize = 64;

/// The port of one process.
#[derive(Debug, Clone)]
pub struct Operations {
    server: GrpcServer,
    metrics: Option<Metrics>,
    lifecycle: Lifecycle,
}

impl Operations {
    /// Tells of this server's health; ready is what has started, is not stopping, and is healthy.
    #[must_use]
    pub fn new(server: GrpcServer, metrics: Option<Metrics>, lifecycle: &Lifecycle) -> Self {
        Self { server, metrics, lifecycle: lifecycle.clone() }
    }

    /// Serves the address until the process has stopped; while it stops it says so. Returns where it listens.
    ///
    /// # Errors
    /// An address that is taken or not this machine's.
    pub async fn serve(self, listen: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            let message = format!("cannot listen on {listen}: {error}; choose another telemetry.operations_listen");
            io::Error::new(error.kind(), message)
        })?;
        let address = listener.local_addr()?;
        let lifecycle = self.lifecycle.clone();
        let options = ServeOptions { connections: CONNECTIONS, ..ServeOptions::default() };
        lifecycle.spawn(serve::serve(listener, self, options, lifecycle.clone()));
        Ok(address)
    }

    async fn answer(self, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path();
        if path.starts_with(HEALTH) {
            let Ok(response) = self.server.oneshot(request).await;
            return response;
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "this port is only for reading\n");
        }
        match path {
            "/livez" => text(StatusCode::OK, "alive\n"),
            "/readyz" if self.is_ready().await => text(StatusCode::OK, "ready\n"),
            "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
            "/metrics" => match &self.metrics {
                Some(metrics) => content(StatusCode::OK, "text/plain; version=0.0.4", metrics.render()),
                None => text(StatusCode::NOT_FOUND, "metrics are switched off; set telemetry.metrics to true\n"),
            },
            _ => text(StatusCode::NOT_FOUND, "there are /livez, /readyz, /metrics and grpc.health.v1 here\n"),
        }
    }

    async fn is_ready(&self) -> bool {
        if !self.lifecycle.is_ready() {
            return false;
        }
        let mut client = HealthClient::new(Backend::local(self.server.clone()));
        let answer = client.check(HealthCheckRequest::default()).await;
        answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving)
    }
}

impl Service<Request<Body>> for Operations {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(this.answer(request).await) })
    }
}

fn text(status: StatusCode, text: &str) -> Response<Body> {
    content(status, TEXT, text.to_owned())
}

fn content(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::new(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
