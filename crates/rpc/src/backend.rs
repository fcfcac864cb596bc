//! Something to call: a server in this process, or one behind a connection. The caller cannot tell which.

use std::{
    convert::Infallible,
    fmt,
    task::{Context, Poll},
};

use futures::{FutureExt, future::BoxFuture};
use http::{Request, Response};
use thiserror::Error;
use tonic::body::Body;
use tower::Service;

use crate::{
    remote::{Remote, Target},
    server::GrpcServer,
};

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
    Remote(Remote),
}

/// An address that cannot be used.
#[derive(Debug, Error)]
#[error("\"{address}\" is not an address to connect to ({message}); write http://host:port")]
pub struct BackendError {
    pub(crate) address: String,
    pub(crate) message: String,
}

impl Backend {
    /// A server in this process; no socket and no copy.
    #[must_use]
    pub fn local(server: GrpcServer) -> Self {
        Self { kind: Kind::Local(Box::new(server)) }
    }

    /// A server elsewhere, without TLS. The connection is made at the first call and renewed by itself.
    ///
    /// # Errors
    /// Text that is no address.
    pub fn remote(address: &str) -> Result<Self, BackendError> {
        Ok(Self::elsewhere(Remote::new(Target::new(address, None)?, None)))
    }

    pub(crate) fn elsewhere(remote: Remote) -> Self {
        Self { kind: Kind::Remote(remote) }
    }
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
        // A connection is readied within the call, so that its failure is an answer too.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        aerie_telemetry::inject(request.headers_mut());
        match &mut self.kind {
            Kind::Local(server) => server.call(request).boxed(),
            Kind::Remote(remote) => {
                let remote = remote.clone();
                async move { Ok(remote.call(request).await) }.boxed()
            }
        }
    }
}
