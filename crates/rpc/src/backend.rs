//! Something to call: a server in this process, or one behind a connection. The caller cannot tell which.

use std::{
    convert::Infallible,
    fmt,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use http::{Request, Response};
use thiserror::Error;
use tonic::{
    Code, Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::Service;

use crate::{body::deadline_exceeded, server::GrpcServer};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// The inner of a generated client: `JobsServiceClient::new(backend)`.
///
/// A failed connection is an answer with `Unavailable`, so that callers have one kind of error.
#[derive(Clone)]
pub struct Backend {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Local(Box<GrpcServer>),
    Remote(Channel),
}

/// An address that cannot be used.
#[derive(Debug, Error)]
#[error("\"{address}\" is not an address to connect to ({message}); write http://host:port")]
pub struct BackendError {
    address: String,
    message: String,
}

impl Backend {
    /// A server in this process; no socket and no copy.
    #[must_use]
    pub fn local(server: GrpcServer) -> Self {
        Self { kind: Kind::Local(Box::new(server)) }
    }

    /// A server elsewhere. The connection is made at the first call and renewed by itself.
    ///
    /// # Errors
    /// Text that is no address.
    pub fn remote(address: &str) -> Result<Self, BackendError> {
        let endpoint = Endpoint::from_shared(address.to_owned())
            .map_err(|error| BackendError { address: address.into(), message: error.to_string() })?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_while_idle(true);
        Ok(Self { kind: Kind::Remote(endpoint.connect_lazy()) })
    }
}

/// The library calls an expired time limit "cancelled"; callers should see what it was.
fn failed(error: tonic::transport::Error) -> Response<Body> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(link) = cause {
        if link.is::<tonic::TimeoutExpired>() {
            return Status::from(deadline_exceeded()).into_http();
        }
        cause = link.source();
    }
    let status = Status::from_error(Box::new(error));
    // The library does not know what a connection that breaks under a call means, and calls it "cancelled" when the call
    // was still waiting for its turn on it; for a caller, who cancelled nothing, the service is gone.
    let status = match status.code() {
        Code::Unknown | Code::Cancelled => Status::unavailable(format!("the connection broke: {}", status.message())),
        _ => status,
    };
    status.into_http()
}

impl From<GrpcServer> for Backend {
    fn from(server: GrpcServer) -> Self {
        Self::local(server)
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.kind {
            Kind::Local(_) => "Backend(local)",
            Kind::Remote(_) => "Backend(remote)",
        })
    }
}

impl Service<Request<Body>> for Backend {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A channel is readied within the call, so that its failure is an answer too.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        aerie_telemetry::inject(request.headers_mut());
        match &mut self.kind {
            Kind::Local(server) => server.call(request).boxed(),
            Kind::Remote(channel) => {
                let mut channel = channel.clone();
                Box::pin(async move {
                    let answer = async {
                        futures::future::poll_fn(|context| channel.poll_ready(context)).await?;
                        channel.call(request).await
                    };
                    Ok(answer.await.unwrap_or_else(failed))
                })
            }
        }
    }
}
